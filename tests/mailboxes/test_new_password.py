"""Owners who must choose another password, and how good one is while it is typed."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from mailboxes.models import Mailbox, MailboxCredential
from mailboxes.password_settings import change_password_settings
from mailboxes.services import set_mailbox_password
from tests.plugins.example_mail import TESTER
from tests.plugins.people import PASSWORD, mailbox_with_password, words_of

pytestmark = pytest.mark.django_db
NEW = "a brand new one for me"
FORM = {"current": PASSWORD, "password": NEW, "again": NEW}


@pytest.fixture
def sophie(falcot: object) -> Mailbox:
    return mailbox_with_password("sophie@falcot.org")


def signed_in(client: Client) -> Client:
    client.post("/sign-in/", {"username": "sophie@falcot.org", "password": PASSWORD})
    return client


def test_must_change(client: Client, sophie: Mailbox) -> None:
    set_mailbox_password(sophie, PASSWORD, must_change=True, by=TESTER)
    signed_in(client)
    for url in ("/my-mailbox/", "/my-mailbox/app-passwords/", "/", "/find/"):
        assert client.get(url)["Location"] == "/my-mailbox/password/", url
    assert "Somebody else knows this password." in words_of(client.get("/my-mailbox/password/"))
    same = client.post("/my-mailbox/password/", {"current": PASSWORD, "password": PASSWORD, "again": PASSWORD})
    assert "This is the password that you have." in words_of(same)
    assert client.post("/my-mailbox/password/", FORM)["Location"] == "/my-mailbox/"
    assert client.get("/my-mailbox/").status_code == 200


def test_one_may_leave_all_the_same(client: Client, sophie: Mailbox) -> None:
    set_mailbox_password(sophie, PASSWORD, must_change=True, by=TESTER)
    assert signed_in(client).post("/sign-out/")["Location"] == "/sign-in/"


def test_no_longer_valid(client: Client, sophie: Mailbox) -> None:
    change_password_settings(valid_days=90, by=TESTER)
    signed_in(client)
    assert "valid until" in words_of(client.get("/my-mailbox/"))
    MailboxCredential.objects.update(changed_at=timezone.now() - timedelta(days=91))
    assert client.get("/my-mailbox/")["Location"] == "/my-mailbox/password/"
    assert "This password is no longer valid." in words_of(client.get("/my-mailbox/password/"))
    client.post("/my-mailbox/password/", FORM)
    assert client.get("/my-mailbox/").status_code == 200


def test_an_admin_says_so_at_a_reset(alice_client: Client, sophie: Mailbox) -> None:
    form = {"password": NEW, "again": NEW, "must_change": "on"}
    alice_client.post("/mailboxes/sophie@falcot.org/password/", form)
    assert MailboxCredential.objects.get().must_change
    assert "its owner must choose another one" in words_of(alice_client.get("/mailboxes/sophie@falcot.org/"))
    alice_client.post("/mailboxes/sophie@falcot.org/password/", {"password": NEW, "again": NEW})
    assert not MailboxCredential.objects.get().must_change


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("", ""),
        ("password1", "too easy to guess"),
        ("sophie falcot", "too easy to guess"),
        ("let me in", "good enough"),
        ("let me read my mail", "very good"),
    ],
)
def test_how_good_it_is(client: Client, password: str, words: str) -> None:
    answer = client.post("/password-strength/", {"password": password, "address": "sophie@falcot.org"})
    assert (words in words_of(answer), "no-store" in answer["Cache-Control"]) == (True, True)
    assert ("<meter" in answer.content.decode()) == bool(password)
    assert not password or password not in answer.content.decode()
