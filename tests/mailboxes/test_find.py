"""Search, and the list of all addresses."""

import pytest
from django.test import Client

from domains.models import Domain
from tests.plugins.example_mail import add_domain, add_mailbox
from tests.plugins.people import words_of


def test_it_works(alice_client: Client, falcot: Domain) -> None:
    response = alice_client.get("/find/", {"q": "falcot"})
    assert [domain.name for domain in response.context["domains"]] == ["falcot.com", "falcot.org", "falcotsbrand.com"]


@pytest.mark.parametrize(
    ("q", "url"),
    [
        ("jean@falcot.org", "/mailboxes/jean@falcot.org/"),
        ("JEAN@falcot.com", "/mailboxes/jean@falcot.org/"),
        ("contact@falcotsbrand.com", "/aliases/contact@falcotsbrand.com/"),
        ("@falcotsbrand.com", "/aliases/@falcotsbrand.com/"),
    ],
)
def test_a_whole_address_leads_straight_to_it(alice_client: Client, falcot: Domain, q: str, url: str) -> None:
    assert alice_client.get("/find/", {"q": q})["Location"] == url


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("so", ["sophie@falcot.org"]),
        ("jean@fal", ["jean@falcot.org"]),
        ("%", []),
        ("_", []),
        ("a\0b", []),
        ("x" * 5000, []),
        ("“", []),
    ],
)
def test_the_beginning_is_enough(alice_client: Client, falcot: Domain, q: str, found: list[str]) -> None:
    response = alice_client.get("/find/", {"q": q})
    assert [str(address) for address in response.context["addresses"]] == found


def test_nothing_asked_is_answered_too(alice_client: Client) -> None:
    assert alice_client.get("/find/").status_code == 200


def test_a_domain_admin_finds_the_own_things_only(bob_client: Client, falcot: Domain) -> None:
    response = bob_client.get("/find/", {"q": "contact@falcotsbrand.com"})
    assert "No domain and no address that you may see begins with" in words_of(response)


def test_all_addresses_by_local_part(alice_client: Client, falcot: Domain) -> None:
    add_domain("other.example")
    add_mailbox("jean@other.example")
    rows = alice_client.get("/addresses/").context["page"].rows
    expected = ["@falcotsbrand.com", "contact@falcotsbrand.com", "jean@falcot.org", "jean@other.example"]
    assert [str(row) for row in rows][:4] == expected


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("kind=mailbox", 3),
        ("kind=alias", 3),
        ("kind=catch_all", 1),
        ("q=j", 1),
        ("q=jean@falcot.org", 1),
        ("q=@falcotsb", 1),
        ("after=%5B%22jean%22%2C+%22999999999%22%5D", 3),
        ("after=nonsense", 6),
        ("after=%5B1%2C2%5D", 6),
        ("after=%5B%22%5Cud800%22%2C%221%22%5D", 6),
    ],
)
def test_a_filter_stands_in_the_url(alice_client: Client, falcot: Domain, query: str, number: int) -> None:
    assert len(alice_client.get(f"/addresses/?{query}").context["page"].rows) == number
