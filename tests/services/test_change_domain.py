"""Changing a domain."""

import pytest

from domains.models import AddressClass, Domain
from domains.services import add_domain, change_domain
from mailboxes.models import Mailbox
from mailboxes.services import add_alias
from tests.services.checks import TESTER, one_change_set, refusal

pytestmark = pytest.mark.django_db


def test_it_works(domain: Domain) -> None:
    with one_change_set("Changed domain example.org"):
        change_domain(domain, description="Ours", active=False, version=1, by=TESTER)
    domain.refresh_from_db()
    assert (domain.description, domain.active, domain.version) == ("Ours", False, 2)


def test_nobody_overwrites_a_colleague(domain: Domain) -> None:
    change_domain(domain, description="First", version=1, by=TESTER)
    with refusal("Somebody else changed this"):
        change_domain(domain, description="Second", version=1, by=TESTER)


def test_what_is_gone_cannot_be_changed(domain: Domain) -> None:
    Domain.objects.filter(pk=domain.pk).delete()
    with refusal("deleted meanwhile"):
        change_domain(domain, description="Second", by=TESTER)


def test_a_domain_is_not_renamed(domain: Domain) -> None:
    with pytest.raises(TypeError, match="no field name"):
        change_domain(domain, name="example.net", by=TESTER)


def test_an_alias_domain_becomes_a_domain_of_its_own(domain: Domain) -> None:
    alias_domain = add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    changed = change_domain(alias_domain, address_class=AddressClass.VIRTUAL_MAILBOX, by=TESTER)
    assert changed.target is None


def test_a_domain_is_not_its_own_target(domain: Domain) -> None:
    with refusal():
        change_domain(domain, address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)


@pytest.mark.parametrize("address_class", [AddressClass.VIRTUAL_ALIAS, AddressClass.LOCAL])
def test_mailboxes_keep_a_domain_in_its_class(domain: Domain, jean: Mailbox, address_class: str) -> None:
    with refusal("has mailboxes", field="address_class"):
        change_domain(domain, address_class=address_class, by=TESTER)


@pytest.mark.parametrize("address_class", [AddressClass.ALIAS_DOMAIN, AddressClass.LOCAL])
def test_aliases_keep_a_domain_in_its_class(domain: Domain, other: Domain, address_class: str) -> None:
    add_alias(domain, "info", ["someone@elsewhere.example"], by=TESTER)
    target = other if address_class == AddressClass.ALIAS_DOMAIN else None
    with refusal("has aliases", field="address_class"):
        change_domain(domain, address_class=address_class, target=target, by=TESTER)


def test_the_target_of_an_alias_domain_keeps_its_class(domain: Domain, other: Domain) -> None:
    add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    with refusal("is the target of an alias domain", field="address_class"):
        change_domain(domain, address_class=AddressClass.ALIAS_DOMAIN, target=other, by=TESTER)


def test_a_domain_with_aliases_only_gets_mailboxes(domain: Domain) -> None:
    changed = change_domain(domain, address_class=AddressClass.VIRTUAL_ALIAS, by=TESTER)
    add_alias(changed, "info", ["someone@elsewhere.example"], by=TESTER)
    assert change_domain(changed, address_class=AddressClass.VIRTUAL_MAILBOX, by=TESTER).has_mailboxes


def test_a_local_domain_with_one_label_stays_local() -> None:
    local = add_domain("localhost", address_class=AddressClass.LOCAL, by=TESTER)
    with refusal("Type the whole domain name"):
        change_domain(local, address_class=AddressClass.VIRTUAL_MAILBOX, by=TESTER)
