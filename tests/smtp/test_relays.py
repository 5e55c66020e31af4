"""Mail that leaves by the real smtp(8): with which relay it speaks, how well that is encrypted, and as whom."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from lookup_tables.models import SenderRelay, TlsPolicy
from lookup_tables.services import add_entry, delete_entry
from tests.plugins.example_mail import TESTER
from tests.plugins.mail_stack import Delivery, Postfix
from tests.smtp.relays import HERE, Relay

PLAIN = "AUTH PLAIN AHVzAG9ubHkgdGhlIHJlbGF5IGFuZCB3ZQ=="  # base64: NUL us NUL only the relay and we


@pytest.fixture(scope="module")
def open_relay() -> Generator[Relay, None, None]:
    """It has no TLS."""
    relay = Relay()
    yield relay
    relay.server.close()


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Generator[Relay, None, None]:
    relay = Relay(tmp_path_factory.mktemp("relay"))
    yield relay
    relay.server.close()


@pytest.fixture(scope="module")
def mail(postfix: Postfix, committed: None, relay: Relay, open_relay: Relay) -> Postfix:
    postfix.empty_mail()
    sign_in = {"username": "us", "password": "only the relay and we"}
    add_entry(SenderRelay, "@signs-in.example", relay.nexthop, **sign_in, by=TESTER)
    add_entry(SenderRelay, "@without-tls.example", open_relay.nexthop, **sign_in, by=TESTER)
    add_entry(SenderRelay, "@by.example", open_relay.nexthop, by=TESTER)
    postfix.configure(default_transport="smtp", smtp_tls_security_level="may")
    return postfix


@contextmanager
def policy(mail: Postfix, relay: Relay, level: str) -> Generator[None, None, None]:
    entry = add_entry(TlsPolicy, relay.nexthop, level, by=TESTER)
    mail.configure(default_transport="smtp", smtp_tls_security_level="may")
    yield
    delete_entry(entry, by=TESTER)
    mail.configure(default_transport="smtp", smtp_tls_security_level="may")


def sent(mail: Postfix, sender: str) -> Delivery:
    """What became of a message at the first try."""
    return mail.send("far@elsewhere.example", sender=sender, client=HERE)[0]


def test_a_sender_signs_in_at_the_relay(mail: Postfix, relay: Relay) -> None:
    relay.heard.clear()
    delivery = sent(mail, "ann+x@signs-in.example")
    assert (delivery.relay, delivery.status) == (f"{HERE}[{HERE}]:{relay.port}", "sent")
    assert [line for line in relay.heard if line.startswith(("STARTTLS", "AUTH"))] == ["STARTTLS", PLAIN]
    assert "only the relay and we" not in mail.log()


def test_no_password_without_tls(mail: Postfix, open_relay: Relay) -> None:
    """Who takes STARTTLS out of the answer of a relay must not get the password either."""
    open_relay.heard.clear()
    delivery = sent(mail, "ann@without-tls.example")
    assert not [line for line in open_relay.heard if line.startswith("AUTH")]
    assert delivery.status == "deferred"
    assert "no mechanism available" in delivery.text


def test_encrypt_keeps_mail_from_a_relay_without_tls(mail: Postfix, open_relay: Relay) -> None:
    with policy(mail, open_relay, "encrypt"):
        delivery = sent(mail, "ann@by.example")
    assert (delivery.status, "TLS is required" in delivery.text) == ("deferred", True)


def test_none_speaks_no_tls(mail: Postfix, relay: Relay) -> None:
    relay.heard.clear()
    with policy(mail, relay, "none"):
        assert sent(mail, "ann@signs-in.example").status == "deferred"
    assert not [line for line in relay.heard if line.startswith(("STARTTLS", "AUTH"))]


def test_dane_asks_for_dnssec(mail: Postfix, open_relay: Relay) -> None:
    with policy(mail, open_relay, "dane-only"):
        assert "\nsmtp_dns_support_level = dnssec\n" in (mail.maps / "main.cf.mailadmin").read_text()
        delivery = sent(mail, "ann@by.example")
    assert (delivery.status, "configuration problem" in delivery.text) == ("deferred", False)
    assert "dnssec lookups disabled" not in mail.log()
    assert "smtp_dns_support_level" not in (mail.maps / "main.cf.mailadmin").read_text()
