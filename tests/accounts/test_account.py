"""One's own account: name, language, password."""

import pytest
from django.test import Client

from accounts.models import User
from tests.plugins.people import PASSWORD, with_password, words_of

URL = "/account/"
NEW = "several other words together"


@pytest.fixture
def bob(bob: User) -> User:
    return with_password(bob)


def test_it_works(bob_client: Client, bob: User) -> None:
    response = bob_client.post(URL, {"do": "account", "name": "Robert", "language": "zh-hant"}, follow=True)
    bob.refresh_from_db()
    assert (bob.name, bob.language) == ("Robert", "zh-hant")
    assert '<html lang="zh-hant">' in response.content.decode()


def test_a_new_password_counts_and_this_session_goes_on(bob_client: Client, bob: User) -> None:
    typed = {"do": "password", "current": PASSWORD, "password": NEW, "again": NEW}
    response = bob_client.post(URL, typed, follow=True)
    assert "Your password was changed." in words_of(response)
    bob.refresh_from_db()
    assert bob.check_password(NEW)


def test_a_part_of_the_page_before_takes_the_new_session_from_nobody(bob_client: Client, bob: User) -> None:
    old = bob_client.cookies["sessionid"].value
    bob_client.post(URL, {"do": "password", "current": PASSWORD, "password": NEW, "again": NEW})
    new = bob_client.cookies["sessionid"].value
    assert new != old

    bob_client.cookies["sessionid"] = old  # how good the password is was asked before the answer came
    part = bob_client.post("/password-strength/", {"password": NEW}, headers={"HX-Request": "true"})
    assert (part.status_code, "sessionid" in part.cookies) == (200, False)
    page = bob_client.get(URL)
    assert (page.status_code, page.cookies["sessionid"].value) == (302, "")
    bob_client.cookies["sessionid"] = new
    assert bob_client.get(URL).status_code == 200


@pytest.mark.parametrize(
    ("current", "password", "again", "sentence"),
    [
        ("wrong", NEW, NEW, "This is not your current password."),
        (PASSWORD, NEW, "something else", "The two passwords differ."),
        (PASSWORD, "short", "short", "This password is too short."),
        (PASSWORD, "", "", "This cannot be empty."),
        (PASSWORD, "with a \0 in it", "with a \0 in it", "Null characters are not allowed."),
        (PASSWORD, "x" * 2000, "x" * 2000, "at most 254 characters"),
    ],
)
def test_what_does_not_do_changes_nothing(
    bob_client: Client, bob: User, current: str, password: str, again: str, sentence: str
) -> None:
    response = bob_client.post(URL, {"do": "password", "current": current, "password": password, "again": again})
    assert sentence in words_of(response)
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)


def test_nobody_makes_oneself_superuser(bob_client: Client, bob: User) -> None:
    bob_client.post(URL, {"do": "account", "name": "Bob", "language": "", "is_superuser": "on", "username": "root"})
    bob.refresh_from_db()
    assert (bob.username, bob.is_superuser) == ("bob", False)


def test_a_mailbox_owner_has_another_house(sophie_client: Client) -> None:
    assert sophie_client.get(URL).status_code == 404
