"""The page of an undo, and the ways that lead to it."""

import re

import pytest
from django.test import Client

from accounts.models import ChangeSet
from domains.models import Domain
from mailboxes.services import add_alias, add_mailbox, change_mailbox, delete_mailbox
from tests.plugins.example_mail import TESTER
from tests.plugins.people import mailbox_of, words_of


def test_it_works(bob_client: Client, falcot: Domain) -> None:
    add_alias(falcot, "desk", ["laure@falcot.org"], by=TESTER)
    add_mailbox(falcot, "anna", by=TESTER)
    add_alias(falcot, "help", ["anna@falcot.org"], by=TESTER)
    told = bob_client.post("/mailboxes/anna@falcot.org/delete/", follow=True)
    (link,) = re.findall(r'<a href="(/history/[^"]+/undo/)">Undo</a>', told.content.decode())
    words = words_of(bob_client.get(link))
    assert "Deleted mailbox anna@falcot.org" in words
    assert "anna@falcot.org mailbox" in words
    assert "help@falcot.org" in words
    assert "comes back without a password" in words
    assert "Undid: Deleted mailbox anna@falcot.org." in words_of(bob_client.post(link, follow=True))
    assert mailbox_of("anna@falcot.org")


def test_the_history_offers_it(alice_client: Client, bob_client: Client, falcot: Domain) -> None:
    change_mailbox(mailbox_of("jean@falcot.org"), name="J.", by=TESTER)
    change_set = ChangeSet.objects.get(metadata__verb="change")
    for client in (alice_client, bob_client):
        assert f"/history/{change_set.pk}/undo/" in client.get("/domains/falcot.org/history/").content.decode()


def test_what_prevents_it_is_said(bob_client: Client, falcot: Domain) -> None:
    number = delete_mailbox(add_mailbox(falcot, "anna", by=TESTER), by=TESTER)
    bob_client.post(f"/history/{number}/undo/")
    words = words_of(bob_client.get(f"/history/{number}/undo/"))
    assert "anna@falcot.org (mailbox) is there again already." in words
    assert "Undo this change" not in words
    assert "is there again already" in words_of(bob_client.post(f"/history/{number}/undo/"))


def test_a_domain_admin_does_not_reach_into_other_domains(bob_client: Client, falcot: Domain) -> None:
    """Sophie's mailbox took a destination of contact@falcotsbrand.com with it, and that domain is not Bob's."""
    number = delete_mailbox(mailbox_of("sophie@falcot.org"), by=TESTER)
    page = bob_client.post(f"/history/{number}/undo/")
    assert "A superuser can undo it." in words_of(page)
    assert "falcotsbrand" not in page.content.decode()
    assert not Domain.objects.filter(addresses__local_part="sophie").exists()


def test_a_domain_admin_does_not_undo_what_a_superuser_chose(bob_client: Client, falcot: Domain) -> None:
    change_mailbox(mailbox_of("jean@falcot.org"), mail_path="elsewhere/jean/", by=TESTER)
    change_set = ChangeSet.objects.get(metadata__verb="change")
    assert "A superuser can undo it." in words_of(bob_client.post(f"/history/{change_set.pk}/undo/"))


@pytest.mark.parametrize("number", ["0" * 8, "00000000-0000-0000-0000-000000000000"])
def test_what_is_not_there_is_not_found(alice_client: Client, number: str) -> None:
    assert alice_client.get(f"/history/{number}/undo/").status_code == 404
