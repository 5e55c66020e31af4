"""Deleting a person."""

import pytest

from accounts.models import User
from accounts.services import add_user, delete_user
from domains.models import Domain
from domains.services import add_domain_admin
from tests.services.checks import TESTER, one_change_set, refusal

pytestmark = pytest.mark.django_db


def test_it_works(domain: Domain) -> None:
    person = add_user("helper", by=TESTER)
    add_domain_admin(domain, person, by=TESTER)
    with one_change_set("Deleted person helper"):
        delete_user(person, by=TESTER)
    assert not User.objects.exists()
    assert not domain.admins.exists()


def test_the_last_superuser_stays() -> None:
    chef = add_user("chef", is_superuser=True, by=TESTER)
    add_user("helper", by=TESTER)
    with refusal("last active superuser"):
        delete_user(chef, by=TESTER)


def test_one_of_two_superusers_may_go() -> None:
    chef = add_user("chef", is_superuser=True, by=TESTER)
    add_user("second", is_superuser=True, by=TESTER)
    delete_user(chef, by=TESTER)
    assert User.objects.get().username == "second"


def test_nobody_is_deleted_twice() -> None:
    person = add_user("helper", by=TESTER)
    delete_user(User.objects.get(pk=person.pk), by=TESTER)
    with refusal("deleted meanwhile"):
        delete_user(person, by=TESTER)
