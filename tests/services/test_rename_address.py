"""Renaming an address, or moving it to another domain."""

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.models import Domain
from domains.services import add_domain, change_domain
from mailboxes.models import Address, Alias, Mailbox, QuarantinedAddress
from mailboxes.renaming import rename_address
from mailboxes.services import add_alias, add_mailbox, owner_of
from tests.services.checks import TESTER, addresses, destinations_of, one_change_set, refusal

pytestmark = pytest.mark.django_db
ELSEWHERE = "someone@elsewhere.example"


def test_it_works(domain: Domain, jean: Mailbox) -> None:
    info = add_alias(domain, "info", ["jean+lists@example.org"], by=TESTER)
    with one_change_set("Renamed mailbox jean@example.org → jean.dupont@example.org"):
        rename_address(jean.address, domain, "Jean.Dupont", by=TESTER)
    assert addresses() == {"jean.dupont@example.org", "info@example.org"}
    assert destinations_of(info) == ["jean.dupont+lists@example.org"]
    again = Mailbox.objects.get()
    assert (again.pk, again.mail_path, again.version) == (jean.pk, jean.mail_path, 2)


def test_the_old_address_may_stay_as_an_alias(domain: Domain, jean: Mailbox) -> None:
    rename_address(jean.address, domain, "john", keep_old=True, by=TESTER)
    alias = Alias.objects.select_related("address__domain").get()
    assert (str(alias), destinations_of(alias), alias.ends_at) == ("jean@example.org", ["john@example.org"], None)
    assert not QuarantinedAddress.objects.exists()


def test_it_may_stay_for_a_while(domain: Domain, jean: Mailbox) -> None:
    until = timezone.now() + timedelta(days=90)
    rename_address(jean.address, domain, "john", keep_old=True, keep_until=until, by=TESTER)
    assert Alias.objects.get().ends_at == until
    with refusal("This is past already", field="keep_until"):
        rename_address(jean.address, domain, "jack", keep_old=True, keep_until=timezone.now(), by=TESTER)


def test_it_moves_to_another_domain(domain: Domain, other: Domain, jean: Mailbox) -> None:
    add_alias(domain, "jean", [ELSEWHERE], by=TESTER)
    with one_change_set("Renamed mailbox jean@example.org → jean@example.com"):
        rename_address(jean.address, other, "jean", by=TESTER)
    moved = Address.objects.get()
    assert (str(moved), moved.mailbox, str(moved.alias)) == ("jean@example.com", jean, "jean@example.com")


def test_an_alias_is_renamed(domain: Domain) -> None:
    alias = add_alias(domain, "info", [ELSEWHERE], by=TESTER)
    with one_change_set("Renamed alias info@example.org → desk@example.org"):
        rename_address(alias.address, domain, "desk", by=TESTER)
    assert addresses() == {"desk@example.org"}


def test_its_owner_is_called_by_the_new_address(domain: Domain, jean: Mailbox) -> None:
    user = owner_of(jean, by=TESTER)
    rename_address(jean.address, domain, "john", by=TESTER)
    user.refresh_from_db()
    assert user.name == "john@example.org"


@pytest.mark.parametrize(
    ("local_part", "domain_name", "words"),
    [
        ("jean", "example.org", "is its address already"),
        ("laure", "example.org", "laure@example.org is there already"),
        ("", "example.org", "Type the part before the @."),
        ("a%b", "example.org", "reads as a route"),
        ("jean-*", "example.org", "which only a pattern can become"),
        ("jean", "brand.example", "which has no mailboxes"),
        ("jean", "example.net", "which has no mailboxes"),
    ],
)
def test_what_cannot_be_is_refused(
    domain: Domain, jean: Mailbox, laure: Mailbox, local_part: str, domain_name: str, words: str
) -> None:
    add_domain("brand.example", address_class="virtual_alias", by=TESTER)
    add_domain("example.net", address_class="alias_domain", target=domain, by=TESTER)
    with refusal(words, field="local_part"):
        rename_address(jean.address, Domain.objects.get(name=domain_name), local_part, by=TESTER)


def test_a_catch_all_has_no_name(domain: Domain, other: Domain) -> None:
    alias = add_alias(domain, "", [ELSEWHERE], by=TESTER)
    with refusal("A catch-all has no name"):
        rename_address(alias.address, other, "any", by=TESTER)


def test_local_aliases_are_the_same_in_all_local_domains(db: None) -> None:
    here, there = (add_domain(name, address_class="local", by=TESTER) for name in ("mx.example", "localhost"))
    alias = add_alias(here, "root", [ELSEWHERE], by=TESTER)
    add_alias(there, "staff", [ELSEWHERE], by=TESTER)
    with refusal("the same in all local domains", field="local_part"):
        rename_address(alias.address, here, "staff", by=TESTER)


def test_no_loop_appears(domain: Domain, other: Domain) -> None:
    """An alias whose destination only the catch-all took, which brings it back to what the alias is called from now."""
    add_alias(domain, "", ["@example.com"], by=TESTER)
    alias = add_alias(other, "old", ["new@example.org"], by=TESTER)
    with refusal("This would be a loop"):
        rename_address(alias.address, other, "new", by=TESTER)


def test_an_inactive_domain_is_no_obstacle(domain: Domain, other: Domain, jean: Mailbox) -> None:
    change_domain(other, active=False, by=TESTER)
    rename_address(jean.address, Domain.objects.get(pk=other.pk), "jean", by=TESTER)
    assert addresses() == {"jean@example.com"}


def test_a_mailbox_gets_its_own_old_address_back(domain: Domain, jean: Mailbox) -> None:
    rename_address(jean.address, domain, "john", by=TESTER)
    with refusal("belonged to a mailbox that is gone", field="local_part"):
        add_mailbox(domain, "jean", by=TESTER)
    rename_address(jean.address, domain, "jean", by=TESTER)
    assert addresses() == {"jean@example.org"}
