"""virtual_mailbox_domains, virtual_alias_domains, relay_domains, mydestination: a name is of one class, or nobody's."""

import pytest

from tests.plugins.mail_stack import Postfix

MAILBOXES, ALIASES, LOCAL, NONE = "virtual_mailbox_domains", "virtual_alias_domains", "mydestination", None
RELAY = "relay_domains"

CLASSES = {
    "a virtual mailbox domain": ("falcot.org", MAILBOXES),
    "upper case is folded": ("Falcot.ORG", MAILBOXES),
    "a domain with a catch-all": ("all.example", MAILBOXES),
    "a virtual alias domain": ("falcotsbrand.com", ALIASES),
    "an alias domain": ("falcot.com", ALIASES),
    "a domain whose only alias is inactive": ("sleeping.example", ALIASES),
    "an inactive domain": ("closed.example", NONE),
    "an inactive alias domain": ("off-alias.example", NONE),
    "an alias domain whose target is inactive": ("closed-alias.example", NONE),
    "a local domain": ("mx.example.net", LOCAL),
    "a local domain of one label": ("localhost", LOCAL),
    "an inactive local domain": ("old.example.net", NONE),
    "a relay domain": ("relay.example", RELAY),
    "an inactive relay domain": ("relay-closed.example", NONE),
    "a subdomain of a relay domain": ("sub.relay.example", NONE),
    "how Postfix asks for its parents": (".relay.example", NONE),
    "a subdomain": ("sub.falcot.org", NONE),
    "a parent": ("org", NONE),
    "a domain that is not ours": ("elsewhere.example", NONE),
    "a quote in the key": ("x' OR 'a'='a", NONE),
    "letters beyond ASCII": ("fälcot.org", NONE),
    "a domain by its U-label": ("bücher.example", MAILBOXES),
}


@pytest.mark.parametrize(("domain", "parameter"), CLASSES.values(), ids=CLASSES.keys())
def test_a_domain_is_of_one_class(maps: Postfix, domain: str, parameter: str | None) -> None:
    found = [each for each in (MAILBOXES, ALIASES, LOCAL, RELAY) if maps.ask(each, domain) is not None]
    assert found == ([parameter] if parameter else [])
