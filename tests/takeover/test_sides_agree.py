"""What a comparison believes of a configuration is what a real Postfix does with it."""

from collections.abc import Iterator

import pytest

from mailboxes.models import Address
from mailboxes.parsing import external_form
from takeover.comparison_sides import Fate, Side
from takeover.postfix_tools import Configuration
from tests.plugins import example_mail
from tests.plugins.mail_stack import Postfix

SOME = [
    "jean+lists@falcot.org",
    "contact+x@falcotsbrand.com",
    "anybody@all.example",
    "anybody+x@to-one.example",
    "sales-x+y@pattern.example",
    "alice+x@brand.example",
    "alice+x@chain.example",
    "nobody@brand.example",
    "hostmaster@mx.example.net",
    "root@mx.example.net",
    "nobody@mx.example.net",
    "postmaster@mx.example.net",
    "someone@elsewhere.example",
    "ann@sub.relay.example",
    "JEAN@FALCOT.COM",
]


@pytest.fixture(scope="module")
def mail(postfix: Postfix, committed: None) -> Postfix:
    postfix.empty_mail()
    postfix.make_folder("falcot.org")
    example_mail.falcot()
    example_mail.village()
    return postfix


def fates(mail: Postfix, addresses: list[str]) -> dict[str, Fate]:
    return Side(Configuration(mail.conf)).fates(addresses)


def everybody() -> Iterator[str]:
    for local_part, name in Address.objects.values_list("local_part", "domain__name"):
        yield external_form(local_part.replace("*", "x") or "anybody", name)


def test_smtpd_takes_the_same(mail: Postfix) -> None:
    addresses = [*everybody(), *SOME]
    assert len(addresses) > 100
    believed = {address: fate.is_accepted for address, fate in fates(mail, addresses).items()}
    replies = {address: mail.rcpt(address) for address in addresses}
    assert believed == {address: reply.code == 250 for address, reply in replies.items()}


@pytest.mark.parametrize("address", [*SOME[:7], "contact@falcotsbrand.com", "copy@home.example", "root@mx.example.net"])
def test_mail_ends_in_the_same_places(mail: Postfix, address: str) -> None:
    """By the addresses that are left of rewriting, as the mail log has them."""
    fate = fates(mail, [address])[address]
    deliveries = mail.send(address)
    if "mx.example.net" in address:  # local(8) hands it on as new mail
        assert {delivery.relay for delivery in deliveries} == {"local"}
        assert len(fate.ends) == 1
        return
    assert {delivery.to.lower() for delivery in deliveries} == fate.reached
    is_stored = all(delivery.status == "sent" for delivery in deliveries)
    assert is_stored == (not fate.lost)
