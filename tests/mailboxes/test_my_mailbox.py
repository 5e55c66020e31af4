"""The owner's house."""

import pytest
from django.test import Client

from accounts.models import User
from domains.models import Domain
from mailboxes.credentials import is_password
from tests.plugins.people import PASSWORD, mailbox_of, mailbox_with_password, signed_in, words_of

NEW = "several other words"


def test_it_works(sophie_client: Client) -> None:
    words = words_of(sophie_client.get("/my-mailbox/"))
    assert "Sophie Durand" in words
    assert "contact@falcotsbrand.com" in words
    assert "sophie@falcot.com" in words
    assert "5 GB" in words


def test_one_gets_here_from_the_front_page(sophie_client: Client) -> None:
    assert sophie_client.get("/")["Location"] == "/my-mailbox/"


def test_a_new_password_counts_and_this_session_goes_on(sophie_client: Client, sophie: User) -> None:
    mailbox = mailbox_with_password("sophie@falcot.org")
    sophie.refresh_from_db()
    client = signed_in(sophie, "mailboxes.backends.MailboxOwnerBackend")
    typed = {"current": PASSWORD, "password": NEW, "again": NEW}
    response = client.post("/my-mailbox/password/", typed, follow=True)
    assert "Your password was changed." in words_of(response)
    mailbox.credential.refresh_from_db()
    assert is_password(NEW, mailbox.credential.hash)


@pytest.mark.parametrize(
    ("current", "password", "sentence"),
    [
        ("wrong", NEW, "This is not your current password."),
        (PASSWORD, "short", "This password has 5 characters."),
        ("\0", NEW, "Null characters are not allowed."),
    ],
)
def test_what_does_not_do_changes_nothing(sophie: User, current: str, password: str, sentence: str) -> None:
    mailbox = mailbox_with_password("sophie@falcot.org")
    sophie.refresh_from_db()
    client = signed_in(sophie, "mailboxes.backends.MailboxOwnerBackend")
    response = client.post("/my-mailbox/password/", {"current": current, "password": password, "again": password})
    assert sentence in words_of(response)
    assert is_password(PASSWORD, mailbox.credential.hash)


@pytest.mark.parametrize(
    "url",
    [
        "/domains/",
        "/addresses/",
        "/find/",
        "/history/",
        "/people/",
        "/jobs/",
        "/settings/",
        "/mailboxes/sophie@falcot.org/",
    ],
)
def test_the_panel_is_not_there_for_an_owner(sophie_client: Client, url: str) -> None:
    response = sophie_client.get(url)
    assert response.status_code == 404
    assert "There is nothing here" in words_of(response)


@pytest.mark.parametrize("url", ["/my-mailbox/", "/my-mailbox/password/"])
def test_it_is_not_there_for_others(alice_client: Client, bob_client: Client, falcot: Domain, url: str) -> None:
    assert alice_client.get(url).status_code == 404
    assert bob_client.get(url).status_code == 404
    assert mailbox_of("sophie@falcot.org").active
