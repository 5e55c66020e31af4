"""Deleting a domain."""

from django.test import Client

from domains.models import Domain
from mailboxes.models import Alias, Mailbox
from tests.plugins.people import words_of


def test_it_works(alice_client: Client, falcot: Domain) -> None:
    alice_client.post("/domains/falcotsbrand.com/delete/")
    alice_client.post("/domains/falcot.com/delete/")
    response = alice_client.post("/domains/falcot.org/delete/", follow=True)
    assert "Deleted domain falcot.org with its addresses." in words_of(response)
    assert not Domain.objects.exists()
    assert not Mailbox.objects.exists()


def test_the_question_names_what_is_lost_and_deletes_nothing(alice_client: Client, falcot: Domain) -> None:
    response = alice_client.get("/domains/falcot.org/delete/")
    assert "3 mailboxes go; the files stay where they are." in words_of(response)
    assert "Keep this domain" in words_of(response)
    assert Domain.objects.filter(name="falcot.org").exists()


def test_an_alias_domain_of_it_stops_this(alice_client: Client, falcot: Domain) -> None:
    response = alice_client.post("/domains/falcot.org/delete/")
    assert "falcot.com is an alias domain of falcot.org." in words_of(response)
    assert Domain.objects.filter(name="falcot.org").exists()
    assert Alias.objects.exists()


def test_a_domain_admin_deletes_none(bob_client: Client, falcot: Domain) -> None:
    assert bob_client.post("/domains/falcot.org/delete/").status_code == 404
    assert Domain.objects.filter(name="falcot.org").exists()
