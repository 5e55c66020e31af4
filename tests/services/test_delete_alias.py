"""Deleting an alias."""

import pytest

from domains.models import Domain
from mailboxes.models import Alias, Mailbox
from mailboxes.removal import what_is_lost
from mailboxes.services import add_alias, add_mailbox, delete_alias
from tests.services.checks import TESTER, addresses, destinations_of, one_change_set, refusal

pytestmark = pytest.mark.django_db
ELSEWHERE = "someone@elsewhere.example"


def test_it_works(domain: Domain) -> None:
    alias = add_alias(domain, "info", [ELSEWHERE], by=TESTER)
    with one_change_set("Deleted alias info@example.org"):
        delete_alias(alias, by=TESTER)
    assert addresses() == set()


def test_what_pointed_only_at_it_goes_too(domain: Domain) -> None:
    last = add_alias(domain, "last", [ELSEWHERE], by=TESTER)
    add_alias(domain, "first", ["last@example.org"], by=TESTER)
    both = add_alias(domain, "both", ["last@example.org", ELSEWHERE], by=TESTER)
    delete_alias(last, by=TESTER)
    assert addresses() == {"both@example.org"}
    assert destinations_of(both) == [ELSEWHERE]


def test_the_mailbox_beside_it_stays(domain: Domain, jean: Mailbox) -> None:
    alias = add_alias(domain, "jean", [ELSEWHERE], by=TESTER)
    add_alias(domain, "info", ["jean@example.org"], by=TESTER)
    delete_alias(alias, by=TESTER)
    assert addresses() == {"jean@example.org", "info@example.org"}


def test_it_is_not_deleted_twice(domain: Domain) -> None:
    alias = add_alias(domain, "info", [ELSEWHERE], by=TESTER)
    delete_alias(Alias.objects.get(), by=TESTER)
    with refusal("deleted meanwhile"):
        delete_alias(alias, by=TESTER)


def test_what_is_lost_is_named(domain: Domain) -> None:
    alias = add_alias(domain, "info", [ELSEWHERE, "b@elsewhere.example"], by=TESTER)
    add_alias(domain, "first", ["info@example.org"], by=TESTER)
    assert what_is_lost(alias) == [
        "Mail to info@example.org no longer goes to its 2 destinations.",
        "Alias first@example.org delivers nowhere else and is deleted too.",
    ]


def test_what_only_the_catch_all_knew_goes_with_it(domain: Domain) -> None:
    """Postfix would take mail for it and send it back later."""
    catch_all = add_alias(domain, "", [ELSEWHERE], by=TESTER)
    add_alias(domain, "team", ["anybody@example.org", ELSEWHERE], by=TESTER)
    add_alias(domain, "lonely", ["somebody@example.org"], by=TESTER)
    assert what_is_lost(catch_all)[1:] == [
        "Alias team@example.org keeps its other destinations.",
        "Alias lonely@example.org delivers nowhere else and is deleted too.",
    ]
    delete_alias(catch_all, by=TESTER)
    assert addresses() == {"team@example.org"}
    assert destinations_of(Alias.objects.get()) == [ELSEWHERE]


def test_what_has_an_address_of_its_own_by_now_stays(domain: Domain) -> None:
    catch_all = add_alias(domain, "", [ELSEWHERE], by=TESTER)
    add_alias(domain, "team", ["anybody@example.org"], by=TESTER)
    add_mailbox(domain, "anybody", by=TESTER)
    delete_alias(catch_all, by=TESTER)
    assert addresses() == {"team@example.org", "anybody@example.org"}
