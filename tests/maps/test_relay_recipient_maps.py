"""relay_recipient_maps: whose mail is taken for another server, and what the aliases of such a domain change."""

import pytest

from tests.plugins.mail_stack import Postfix

RECIPIENTS = {
    "a recipient": ("ann@relay.example", "OK"),
    "in upper case": ("Ann@RELAY.example", "OK"),
    "with the delimiter in its name": ("a+b@relay.example", "OK"),
    "in quotes": ('"j d"@relay.example', "OK"),
    "an extension, which Postfix takes off itself": ("ann+x@relay.example", None),
    "not in the list": ("nobody@relay.example", None),
    "an alias": ("info@relay.example", None),
    "the whole domain": ("@relay.example", None),
    "anybody, where any recipient is taken": ("whoever@relay-any.example", "OK"),
    "the whole domain, where any recipient is taken": ("@relay-any.example", None),
    "an inactive domain": ("ann@relay-closed.example", None),
    "a subdomain": ("ann@sub.relay.example", None),
    "a mailbox": ("alice@home.example", None),
}


@pytest.mark.parametrize(("key", "answer"), RECIPIENTS.values(), ids=RECIPIENTS.keys())
def test_it_works(maps: Postfix, key: str, answer: str | None) -> None:
    assert maps.ask("relay_recipient_maps", key) == answer


ALIASES = {
    "an alias": ("info@relay.example", "ann@relay.example"),
    "an inactive alias": ("off@relay.example", None),
    "a recipient": ("ann@relay.example", None),
    "a recipient whose base is an alias": ("x+y@relay.example", "x+y@relay.example"),
    "a recipient beside a catch-all": ("ann@relay-all.example", None),
    "its extension": ("ann+x@relay-all.example", None),
    "a recipient with the delimiter beside a catch-all": ("c+d@relay-all.example", "c+d@relay-all.example"),
    "what only the catch-all takes": ("whoever@relay-all.example", "alice@home.example"),
    "@a to @relay, a recipient": ("ann@to-relay.example", "ann@relay.example"),
    "@a to @relay, nobody": ("nobody@to-relay.example", None),
    "@a to @relay, which takes anybody": ("whoever@to-relay-any.example", "whoever@relay-any.example"),
    "an alias where anybody is taken": ("moved@relay-any.example", "alice@home.example"),
}


@pytest.mark.parametrize(("key", "answer"), ALIASES.values(), ids=ALIASES.keys())
def test_aliases_in_relay_domains(maps: Postfix, key: str, answer: str | None) -> None:
    assert maps.ask("virtual_alias_maps", key) == answer
