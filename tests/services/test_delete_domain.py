"""Deleting a domain with its addresses."""

import pytest

from accounts.services import add_user
from domains.models import AddressClass, Domain, DomainAdmin
from domains.services import add_domain, add_domain_admin
from mailboxes.models import Mailbox, MailboxCredential
from mailboxes.removal import delete_domain, what_is_lost
from mailboxes.services import add_alias, owner_of, set_mailbox_password
from tests.services.checks import TESTER, addresses, destinations_of, domain_names, one_change_set, refusal

pytestmark = pytest.mark.django_db
ELSEWHERE = "someone@elsewhere.example"


def test_it_works(domain: Domain, jean: Mailbox) -> None:
    set_mailbox_password(jean, "let me read my mail", by=TESTER)
    owner_of(jean, by=TESTER)
    add_domain_admin(domain, add_user("helper", by=TESTER), by=TESTER)
    add_alias(domain, "", ["jean@example.org"], by=TESTER)
    with one_change_set("Deleted domain example.org with its addresses"):
        delete_domain(domain, by=TESTER)
    assert domain_names() == set()
    assert addresses() == set()
    assert not DomainAdmin.objects.exists()
    assert MailboxCredential.objects.get().mailbox is None


def test_what_pointed_only_at_it_goes_too(domain: Domain, other: Domain, jean: Mailbox) -> None:
    add_alias(domain, "", [ELSEWHERE], by=TESTER)
    add_alias(other, "only", ["jean@example.org", "any@example.org"], by=TESTER)
    add_alias(other, "chain", ["only@example.com"], by=TESTER)
    add_alias(other, "", ["@example.org"], by=TESTER)
    both = add_alias(other, "both", ["jean@example.org", ELSEWHERE], by=TESTER)
    delete_domain(domain, by=TESTER)
    assert addresses() == {"both@example.com"}
    assert destinations_of(both) == [ELSEWHERE]


def test_an_alias_domain_of_it_stops_this(domain: Domain) -> None:
    add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    with refusal("example.net is an alias domain of example.org"):
        delete_domain(domain, by=TESTER)


def test_an_alias_domain_goes_by_itself(domain: Domain, jean: Mailbox) -> None:
    alias_domain = add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    delete_domain(alias_domain, by=TESTER)
    assert domain_names() == {"example.org"}
    assert addresses() == {"jean@example.org"}


def test_it_is_not_deleted_twice(domain: Domain) -> None:
    delete_domain(Domain.objects.get(), by=TESTER)
    with refusal("deleted meanwhile"):
        delete_domain(domain, by=TESTER)


def test_what_is_lost_is_named(domain: Domain, other: Domain, jean: Mailbox, laure: Mailbox) -> None:
    add_alias(domain, "info", ["jean@example.org"], by=TESTER)
    add_alias(other, "desk", ["jean@example.org"], by=TESTER)
    assert what_is_lost(domain) == [
        "Mail to example.org is refused from then on.",
        "2 mailboxes go; the files stay where they are.",
        "1 alias goes.",
        "Alias desk@example.com delivers nowhere else and is deleted too.",
    ]
