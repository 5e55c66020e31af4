"""Changing a person."""

import pytest

from accounts.models import User
from accounts.services import add_user, change_user
from mailboxes.models import Mailbox
from mailboxes.services import owner_of
from tests.services.checks import TESTER, one_change_set, refusal

pytestmark = pytest.mark.django_db


@pytest.fixture
def chef(db: None) -> User:
    return add_user("chef", is_superuser=True, by=TESTER)


def test_it_works(chef: User) -> None:
    with one_change_set("Changed person chef"):
        change_user(chef, username="Boss", name="The boss", language="ja", by=TESTER)
    chef.refresh_from_db()
    assert (chef.username, chef.name, chef.language) == ("boss", "The boss", "ja")


@pytest.mark.parametrize("changes", [{"is_superuser": False}, {"is_active": False}])
def test_the_last_superuser_stays(chef: User, changes: dict[str, bool]) -> None:
    add_user("helper", by=TESTER)
    change_user(add_user("retired", is_superuser=True, by=TESTER), is_active=False, by=TESTER)
    with refusal("last active superuser"):
        change_user(chef, **changes, by=TESTER)


def test_one_of_two_superusers_may_go(chef: User) -> None:
    add_user("second", is_superuser=True, by=TESTER)
    assert not change_user(chef, is_superuser=False, by=TESTER).is_superuser


def test_a_name_is_used_once(chef: User) -> None:
    add_user("second", by=TESTER)
    with refusal("is taken", field="username"):
        change_user(chef, username="Second", by=TESTER)


@pytest.mark.parametrize("username", ["with space", "", "a\0b"])
def test_a_bad_name_is_refused(chef: User, username: str) -> None:
    with refusal():
        change_user(chef, username=username, by=TESTER)


@pytest.mark.parametrize("username", ["mailbox:1", " Mailbox:1"])
def test_nobody_becomes_a_mailbox_owner(chef: User, username: str) -> None:
    """Whoever has the name of an owner reads that mailbox."""
    for person in (chef, add_user("helper", by=TESTER)):
        with refusal("belong to mailbox owners", field="username"):
            change_user(person, username=username, by=TESTER)


def test_a_mailbox_owner_becomes_nobody_else(chef: User, jean: Mailbox) -> None:
    owner = owner_of(jean, by=TESTER)
    with refusal("mailbox owner", field="username"):
        change_user(owner, username="helper", by=TESTER)


def test_a_language_that_is_not_there_is_refused(chef: User) -> None:
    with refusal(field="language"):
        change_user(chef, language="tlh", by=TESTER)


def test_a_mailbox_owner_is_no_superuser(chef: User, jean: Mailbox) -> None:
    owner = owner_of(jean, by=TESTER)
    with refusal("user name"):
        change_user(owner, is_superuser=True, by=TESTER)


def test_who_is_gone_cannot_be_changed(chef: User) -> None:
    person = add_user("second", by=TESTER)
    User.objects.filter(pk=person.pk).delete()
    with refusal("deleted meanwhile"):
        change_user(person, name="x", by=TESTER)


def test_the_password_is_no_field(chef: User) -> None:
    with pytest.raises(TypeError, match="no field password"):
        change_user(chef, password="x", by=TESTER)
