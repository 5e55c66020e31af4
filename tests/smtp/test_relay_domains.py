"""Backup MX: taken and handed on for listed recipients, refused at the door for all others."""

from collections.abc import Iterator

import pytest

from mailservers.lookup import look_up
from tests.plugins.mail_stack import Postfix

HANDED_ON = "discard:handed on"

ACCEPTED = {
    "a recipient": ("ann@relay.example", [("ann@relay.example", True)]),
    "with an extension": ("ann+x@relay.example", [("ann+x@relay.example", True)]),
    "with the delimiter in its name": ("a+b@relay.example", [("a+b@relay.example", True)]),
    "whose base is an alias": ("x+y@relay.example", [("x+y@relay.example", True)]),
    "in quotes": ('"j d"@relay.example', [('"j d"@relay.example', True)]),
    "an alias of the domain": ("info@relay.example", [("ann@relay.example", True)]),
    "an alias that leads away": ("x@relay.example", [("alice@home.example", False)]),
    "an alias elsewhere": (
        "to-relay@home.example",
        [("ann+x@relay.example", True), ("ann@relay.example", True)],
    ),
    "any recipient": ("whoever@relay-any.example", [("whoever@relay-any.example", True)]),
    "beside a catch-all": ("c+d@relay-all.example", [("c+d@relay-all.example", True)]),
    "a catch-all": ("whoever@relay-all.example", [("alice@home.example", False)]),
    "@a to @relay": ("ann@to-relay.example", [("ann@relay.example", True)]),
}


@pytest.fixture(autouse=True, scope="module")
def relay(mail: Postfix) -> Iterator[None]:
    mail.override(relay_transport=HANDED_ON)
    yield
    mail.configure()


@pytest.mark.parametrize(("recipient", "ends"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_it_is_handed_on(mail: Postfix, recipient: str, ends: list[tuple[str, bool]]) -> None:
    deliveries = mail.send(recipient)
    assert [(one.to, "handed on" in one.text) for one in deliveries] == ends
    assert all(one.status == "sent" for one in deliveries)
    found = look_up(recipient)
    assert found.code == 250
    assert sorted((node.address, node.end == "relayed") for node in found.destinations) == ends


REFUSED = {
    "not in the list": "nobody@relay.example",
    "not in the list, with an extension": "nobody+x@relay.example",
    "an inactive alias": "off@relay.example",
}


@pytest.mark.parametrize("recipient", REFUSED.values(), ids=REFUSED.keys())
def test_unknown_recipients_are_refused(mail: Postfix, recipient: str) -> None:
    reply = mail.rcpt(recipient)
    assert reply.code == 550
    assert reply.text.endswith("User unknown in relay recipient table")
    assert look_up(recipient).reply == f"{reply.code} {reply.text}"


@pytest.mark.parametrize(
    "recipient", ["ann@sub.relay.example", "ann@relay-closed.example", "ann@sub.relay-any.example"]
)
def test_what_is_no_relay_domain(mail: Postfix, recipient: str) -> None:
    reply = mail.rcpt(recipient)
    assert (reply.code, reply.text.endswith("Relay access denied")) == (554, True)
    assert look_up(recipient).reply == f"{reply.code} {reply.text}"
