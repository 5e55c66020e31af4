"""The page “Senders” of a mailbox."""

import pytest
from django.test import Client

from mailboxes.models import Mailbox
from tests.plugins.example_mail import add_alias, add_domain, add_mailbox
from tests.plugins.people import words_of

URL = "/mailboxes/ann@home.example/senders/"


@pytest.fixture
def ann(db: None) -> Mailbox:
    add_domain("home.example")
    return add_mailbox("ann@home.example")


def permitted(mailbox: Mailbox) -> list[str]:
    return [str(sender) for sender in mailbox.permitted_senders.all()]


def test_it_works(alice_client: Client, ann: Mailbox) -> None:
    add_alias("info@home.example", "ann@home.example")
    page = words_of(alice_client.get(URL))
    assert "No other sender is permitted yet." in page
    assert "info@home.example" in page
    response = alice_client.post(URL, {"senders": "noreply@home.example\n@brand.example"}, follow=True)
    assert "Permitted 2 more senders." in words_of(response)
    assert permitted(ann) == ["@brand.example", "noreply@home.example"]


def test_forbid(alice_client: Client, ann: Mailbox) -> None:
    alice_client.post(URL, {"senders": "noreply@home.example, a@home.example"})
    picked = ann.permitted_senders.get(local_part="a")
    response = alice_client.post(f"{URL}forbid/", {"pick": picked.pk}, follow=True)
    assert "ann@home.example may no longer send as a@home.example." in words_of(response)
    assert permitted(ann) == ["noreply@home.example"]


def test_what_cannot_be_is_said(alice_client: Client, ann: Mailbox) -> None:
    response = alice_client.post(URL, {"senders": "ann@home.example"})
    assert "ann@home.example may send as its own address anyway." in words_of(response)


def test_senders_of_another_mailbox_stay(alice_client: Client, ann: Mailbox) -> None:
    bob = add_mailbox("bob@home.example")
    alice_client.post("/mailboxes/bob@home.example/senders/", {"senders": "b@home.example"})
    alice_client.post(f"{URL}forbid/", {"pick": bob.permitted_senders.get().pk})
    assert permitted(bob) == ["b@home.example"]
