"""The door: who comes in, who does not, and where one gets to."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from domains.models import Domain
from mailboxes.services import change_mailbox
from tests.plugins.example_mail import TESTER
from tests.plugins.people import PASSWORD, mailbox_with_password, with_password, words_of

URL = "/sign-in/"


@pytest.fixture
def alice(alice: User) -> User:
    return with_password(alice)


def test_it_works(client: Client, alice: User) -> None:
    response = client.post(URL, {"username": "alice", "password": PASSWORD}, follow=True)
    assert response.redirect_chain == [("/", 302)]
    assert "Alice Martin" in words_of(response)


def test_upper_case_and_blanks_do_not_matter(client: Client, alice: User) -> None:
    assert client.post(URL, {"username": " ALICE ", "password": PASSWORD}).status_code == 302


def test_a_mailbox_owner_gets_to_the_own_mailbox(client: Client, falcot: Domain) -> None:
    mailbox_with_password("sophie@falcot.org")
    response = client.post(URL, {"username": "sophie@falcot.org", "password": PASSWORD}, follow=True)
    assert response.redirect_chain[-1] == ("/my-mailbox/", 302)
    assert "sophie@falcot.org" in words_of(response)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("alice", "wrong"),
        ("nobody", PASSWORD),
        ("alice", PASSWORD + "\0"),
        ("alice\0", PASSWORD),
        ("a" * 5000, PASSWORD),
        ("", ""),
        ("mailbox:1", PASSWORD),
        ("jean@falcot.org", "wrong"),
    ],
)
def test_what_does_not_fit_stays_outside(
    client: Client, alice: User, falcot: Domain, username: str, password: str
) -> None:
    response = client.post(URL, {"username": username, "password": password})
    assert response.status_code == 200
    assert "<title>Error:" in response.content.decode()
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("limits", [{"active": False}, {"expires_at": datetime(2020, 1, 31, tzinfo=UTC)}])
def test_an_inactive_or_expired_mailbox_stays_outside(client: Client, falcot: Domain, limits: dict[str, Any]) -> None:
    mailbox = mailbox_with_password("sophie@falcot.org")
    change_mailbox(mailbox, **limits, by=TESTER)
    client.post(URL, {"username": "sophie@falcot.org", "password": PASSWORD})
    assert "_auth_user_id" not in client.session


def test_too_many_wrong_passwords_lock_the_name_for_a_while(client: Client, alice: User) -> None:
    for _attempt in range(10):
        response = client.post(URL, {"username": "alice", "password": "wrong"})
    assert response.status_code == 429
    assert "Wait a quarter of an hour, then try again." in words_of(response)


def test_two_hundred_wrong_passwords_and_the_owner_comes_in_from_elsewhere(client: Client, falcot: Domain) -> None:
    mailbox_with_password("sophie@falcot.org")
    asked = [
        client.post(URL, {"username": "sophie@falcot.org", "password": f"{n}"}, REMOTE_ADDR="192.0.2.1").status_code
        for n in range(200)
    ]
    assert asked == [200] * 9 + [429] * 191
    right = {"username": "sophie@falcot.org", "password": PASSWORD}
    assert client.post(URL, right, REMOTE_ADDR="192.0.2.1").status_code == 429
    assert client.post(URL, right, REMOTE_ADDR="192.0.2.2").status_code == 302


@pytest.mark.parametrize(
    "spellings",
    [
        ("alice", "Alice", "ALICE", "aLiCe"),
        ("sophie@falcot.org", "Sophie@FALCOT.org", '"sophie"@falcot.org', "sophie@falcot.org."),
    ],
)
def test_another_spelling_gives_no_more_attempts(
    client: Client, alice: User, falcot: Domain, spellings: tuple[str, ...]
) -> None:
    for attempt in range(10):
        response = client.post(URL, {"username": spellings[attempt % len(spellings)], "password": "wrong"})
    assert response.status_code == 429


def test_one_gets_to_the_page_one_wanted(client: Client, alice: User) -> None:
    response = client.get("/domains/", follow=True)
    assert response.redirect_chain == [("/sign-in/?next=/domains/", 302)]
    response = client.post(URL, {"username": "alice", "password": PASSWORD, "next": "/domains/"})
    assert response["Location"] == "/domains/"


def test_but_not_to_another_site(client: Client, alice: User) -> None:
    response = client.post(URL, {"username": "alice", "password": PASSWORD, "next": "https://elsewhere.example/"})
    assert response["Location"] == "/"


def test_the_language_is_chosen_at_the_door(client: Client, db: None) -> None:
    response = client.post("/language/", {"language": "ja", "next": URL}, follow=True)
    assert '<html lang="ja">' in response.content.decode()


def test_signing_out_is_a_button(alice_client: Client) -> None:
    assert alice_client.get("/sign-out/").status_code == 405
    assert alice_client.post("/sign-out/")["Location"] == "/sign-in/"
    assert alice_client.get("/")["Location"] == "/sign-in/?next=/"


def test_after_signing_out_nobody_leafs_back(alice_client: Client) -> None:
    for url in ("/", "/domains/", "/people/"):
        assert "no-store" in alice_client.get(url)["Cache-Control"]
