"""Adding and removing domain admins on the settings page."""

import pytest
from django.test import Client

from accounts.models import User
from domains.models import Domain
from tests.plugins.people import words_of

ADD = "/domains/falcot.org/admins/add/"
REMOVE = "/domains/falcot.org/admins/remove/"


def test_it_works(alice_client: Client, falcot: Domain, charlie: User) -> None:
    response = alice_client.post(ADD, {"user": "Charlie"}, follow=True)
    assert "Charlie Weber is now domain admin of falcot.org." in words_of(response)
    assert list(falcot.admins.all()) == [charlie]


def test_removing_one_takes_the_domain_away(alice_client: Client, bob_client: Client, falcot: Domain) -> None:
    assert bob_client.get("/domains/falcot.org/").status_code == 200
    alice_client.post(REMOVE, {"user": "bob"})
    assert bob_client.get("/domains/falcot.org/").status_code == 404


@pytest.mark.parametrize(
    ("username", "sentence"),
    [
        ("nobody", "There is no person “nobody”."),
        ("alice", "Alice Martin is a superuser and manages every domain."),
        ("bob", "Bob Roy is a domain admin of falcot.org already."),
        ("", "This cannot be empty."),
        ("a\0b", "Null characters are not allowed."),
    ],
)
def test_who_does_not_fit_is_refused(alice_client: Client, bob: User, username: str, sentence: str) -> None:
    response = alice_client.post(ADD, {"user": username})
    assert sentence in words_of(response)
    assert list(Domain.objects.get(name="falcot.org").admins.all()) == [bob]


@pytest.mark.parametrize("url", [ADD, REMOVE])
def test_only_superusers_say_who_manages(bob_client: Client, charlie: User, falcot: Domain, url: str) -> None:
    assert bob_client.post(url, {"user": "charlie"}).status_code == 404
    assert bob_client.get(url).status_code == 404
