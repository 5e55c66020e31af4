"""Changing an alias."""

import pytest

from domains.models import Domain
from mailboxes.models import Alias, AliasDestination, Mailbox
from mailboxes.services import add_alias, change_alias, delete_alias
from tests.services.checks import TESTER, destinations_of, one_change_set, refusal

pytestmark = pytest.mark.django_db
ELSEWHERE = "someone@elsewhere.example"


@pytest.fixture
def info(domain: Domain, jean: Mailbox) -> Alias:
    return add_alias(domain, "info", ["jean@example.org"], by=TESTER)


def test_it_works(info: Alias) -> None:
    with one_change_set("Changed alias info@example.org"):
        change_alias(info, destinations=[ELSEWHERE], comment="Desk", active=False, version=1, by=TESTER)
    info.refresh_from_db()
    assert (info.comment, info.active, info.version) == ("Desk", False, 2)
    assert destinations_of(info) == [ELSEWHERE]


def test_destinations_that_are_not_named_stay(info: Alias) -> None:
    before = list(AliasDestination.objects.values_list("pk", flat=True))
    change_alias(info, comment="Desk", by=TESTER)
    change_alias(info, destinations=["JEAN@example.org"], by=TESTER)
    assert list(AliasDestination.objects.values_list("pk", flat=True)) == before


def test_nobody_overwrites_a_colleague(info: Alias) -> None:
    change_alias(info, comment="First", version=1, by=TESTER)
    with refusal("Somebody else changed this"):
        change_alias(info, comment="Second", destinations=[ELSEWHERE], version=1, by=TESTER)


def test_what_is_gone_cannot_be_changed(info: Alias) -> None:
    delete_alias(Alias.objects.get(), by=TESTER)
    with refusal("deleted meanwhile"):
        change_alias(info, comment="x", by=TESTER)


@pytest.mark.parametrize("destinations", [[], ["nobody@example.org"], ["bad"], ["info@example.org"]])
def test_the_rules_of_a_new_alias_hold(info: Alias, destinations: list[str]) -> None:
    with refusal(field="destinations"):
        change_alias(info, destinations=destinations, by=TESTER)


def test_the_address_is_no_field(info: Alias) -> None:
    with pytest.raises(TypeError, match="no field address"):
        change_alias(info, address=None, by=TESTER)
