"""The list of domains: filter, sort, pages."""

from typing import Any

import pytest
from django.test import Client

from accounts import pages
from domains.models import Domain
from tests.plugins.example_mail import add_domain
from tests.plugins.people import words_of


def names_in(response: Any) -> list[str]:
    return [domain.name for domain in response.context["page"].rows]


def test_it_works(alice_client: Client, falcot: Domain) -> None:
    response = alice_client.get("/domains/")
    assert names_in(response) == ["falcot.com", "falcot.org", "falcotsbrand.com"]
    assert "alias domain → falcot.org" in words_of(response)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=falcot.", ["falcot.com", "falcot.org"]),
        ("q=FALCOTS", ["falcotsbrand.com"]),
        ("class=alias_domain", ["falcot.com"]),
        ("state=inactive", []),
        ("q=falcot&sort=-name", ["falcotsbrand.com", "falcot.org", "falcot.com"]),
        ("class=nonsense&state=nonsense&sort=nonsense", ["falcot.com", "falcot.org", "falcotsbrand.com"]),
        ("q=%00%25", []),
        ("after=falcot.com", ["falcot.org", "falcotsbrand.com"]),
        ("before=falcotsbrand.com", ["falcot.com", "falcot.org"]),
    ],
)
def test_a_filter_stands_in_the_url(alice_client: Client, falcot: Domain, query: str, names: list[str]) -> None:
    assert names_in(alice_client.get(f"/domains/?{query}")) == names


def test_a_whole_name_beyond_ascii_is_found(alice_client: Client) -> None:
    add_domain("bücherkiste.example")
    assert names_in(alice_client.get("/domains/", {"q": "bücherkiste.example"})) == ["xn--bcherkiste-9db.example"]


def test_pages_follow_each_other_in_both_directions(alice_client: Client) -> None:
    everything = sorted(f"d{number:03}.example" for number in range(2 * pages.PAGE_SIZE + 3))
    Domain.objects.bulk_create(Domain(name=name) for name in everything)
    found: list[str] = []
    url = "/domains/"
    for _page in range(3):
        page = alice_client.get(url).context["page"]
        found += [domain.name for domain in page.rows]
        url = f"/domains/?after={page.next}"
    assert found == everything
    assert page.next == ""
    back = alice_client.get(f"/domains/?before={page.previous}").context["page"]
    assert [domain.name for domain in back.rows] == everything[pages.PAGE_SIZE : 2 * pages.PAGE_SIZE]


def test_a_domain_admin_sees_the_own_domains(bob_client: Client) -> None:
    assert names_in(bob_client.get("/domains/")) == ["falcot.org"]


def test_somebody_without_a_domain_is_told_what_to_do(charlie_client: Client, falcot: Domain) -> None:
    assert "Ask a superuser to make you domain admin" in words_of(charlie_client.get("/domains/"))


def test_a_superuser_without_a_domain_is_told_what_to_do(alice_client: Client) -> None:
    assert "Add the first domain" in words_of(alice_client.get("/domains/"))
