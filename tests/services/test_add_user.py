"""Adding a person."""

import pytest
from django.db import connection

from accounts.models import User
from accounts.services import add_user
from tests.services.checks import TESTER, one_change_set, refusal

pytestmark = pytest.mark.django_db
PASSWORD = "long enough for us"


def test_it_works() -> None:
    with one_change_set("Added person chef"):
        add_user("  Chef ", name="Madame la chef", password=PASSWORD, is_superuser=True, by=TESTER)
    user = User.objects.get(username="chef")
    assert (user.name, user.is_superuser, user.is_active) == ("Madame la chef", True, True)
    assert user.check_password(PASSWORD)


def test_without_a_password_nobody_can_sign_in() -> None:
    user = add_user("chef", by=TESTER)
    assert not user.has_usable_password()


def test_the_history_holds_no_hash() -> None:
    user = add_user("chef", password=PASSWORD, by=TESTER)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(event::text, ' ') FROM accounts_userevent AS event")
        assert user.password not in cursor.fetchone()[0]


@pytest.mark.parametrize("username", ["chef", "CHEF", " chef "])
def test_a_name_is_used_once(username: str) -> None:
    add_user("chef", by=TESTER)
    with refusal("is taken", field="username"):
        add_user(username, by=TESTER)


@pytest.mark.parametrize("username", ["mailbox:7", "Mailbox:7", " mailbox:x"])
def test_names_of_mailbox_owners_are_not_for_people(username: str) -> None:
    with refusal("belong to mailbox owners", field="username"):
        add_user(username, by=TESTER)


@pytest.mark.parametrize("username", ["", "two words", "chef\n\nx", "ch\0ef", "chéf", "a:b", "a/b", "x" * 255])
def test_a_name_is_plain(username: str) -> None:
    with refusal(field="__all__" if username in ("two words", "chef\n\nx", "chéf", "a:b", "a/b") else "username"):
        add_user(username, by=TESTER)


@pytest.mark.parametrize("password", ["short", "", "1234567890123", "password123", "nul\0inside it", "chef-chef-chef"])
def test_a_weak_password_is_refused(password: str) -> None:
    with refusal(field="password"):
        add_user("chef-chef-chef", password=password, by=TESTER)


def test_a_label_cannot_hold_nul() -> None:
    with refusal(field="name"):
        add_user("chef", name="Ma\0dame", by=TESTER)
