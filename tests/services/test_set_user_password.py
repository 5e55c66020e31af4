"""Setting a person's password."""

import pytest
from django.db import connection

from accounts.models import User
from accounts.services import add_user, set_user_password
from mailboxes.models import Mailbox
from mailboxes.services import owner_of
from tests.services.checks import TESTER, one_change_set, refusal

pytestmark = pytest.mark.django_db
PASSWORD = "another long one"


@pytest.fixture
def chef(db: None) -> User:
    return add_user("chef", password="the first long one", by=TESTER)


def test_it_works(chef: User) -> None:
    with one_change_set("Changed the password of chef"):
        set_user_password(chef, PASSWORD, by=TESTER)
    chef.refresh_from_db()
    assert chef.check_password(PASSWORD)


def test_the_history_holds_no_hash(chef: User) -> None:
    set_user_password(chef, PASSWORD, by=TESTER)
    chef.refresh_from_db()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pgh_label, event::text FROM accounts_userevent AS event ORDER BY pgh_id")
        events = cursor.fetchall()
    assert [label for label, _text in events] == ["added", "changed", "password_changed"]  # its version
    assert not any(chef.password in text for _label, text in events)


@pytest.mark.parametrize("password", ["short", "", "12345678901", "with\0nul in it"])
def test_a_weak_password_is_refused(chef: User, password: str) -> None:
    with refusal(field="password"):
        set_user_password(chef, password, by=TESTER)


def test_an_owner_has_the_password_of_the_mailbox(jean: Mailbox) -> None:
    owner = owner_of(jean, by=TESTER)
    with refusal("Set the password of the mailbox"):
        set_user_password(owner, PASSWORD, by=TESTER)


def test_who_is_gone_has_no_password(chef: User) -> None:
    User.objects.all().delete()
    with refusal("deleted meanwhile"):
        set_user_password(chef, PASSWORD, by=TESTER)
