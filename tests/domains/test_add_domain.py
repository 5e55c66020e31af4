"""Adding a domain on its page."""

import pytest
from django.test import Client

from domains.models import Domain
from tests.plugins.people import words_of

URL = "/domains/add/"
WANTED = {"name": "example.org", "address_class": "virtual_mailbox", "description": "Ours", "active": "on"}


def test_it_works(alice_client: Client) -> None:
    response = alice_client.post(URL, WANTED, follow=True)
    assert response.redirect_chain == [("/domains/example.org/", 302)]
    assert "Added example.org." in words_of(response)
    assert Domain.objects.get(name="example.org").description == "Ours"


def test_a_name_beyond_ascii_is_stored_as_the_dns_has_it(alice_client: Client) -> None:
    alice_client.post(URL, WANTED | {"name": "Bücherkiste.example"})
    response = alice_client.get("/domains/")
    assert Domain.objects.get().name == "xn--bcherkiste-9db.example"
    assert "bücherkiste.example" in words_of(response)


def test_a_name_that_postfix_reads_as_another_one(alice_client: Client) -> None:
    """Its page says so until that one is served as well; it is refused only where it has addresses of its own."""
    read = words_of(alice_client.post(URL, WANTED | {"name": "straße.example"}, follow=True))
    assert "Postfix reads straße.example as strasse.example, which may be somebody else's." in read
    assert "Mail to xn--strae-oqa.example, as most servers write it, arrives." in read
    refused = words_of(alice_client.post(URL, WANTED | {"name": "strasse.example"}))
    assert "Postfix does not tell strasse.example from straße.example: it reads ß as ss" in refused
    typed = {"name": "strasse.example", "address_class": "alias_domain", "target": "straße.example"}
    assert "Added strasse.example." in words_of(alice_client.post(URL, WANTED | typed, follow=True))
    assert "Postfix reads" not in words_of(alice_client.get("/domains/xn--strae-oqa.example/"))


@pytest.mark.parametrize("address_class", ["local", "relay"])
def test_the_first_of_a_class_with_own_maps_asks_for_a_new_configuration(
    alice_client: Client, address_class: str
) -> None:
    remark = "Write the configuration again on the mail host (postfix_config)"
    values = WANTED | {"address_class": address_class}
    assert remark not in words_of(alice_client.post(URL, WANTED | {"name": "first.example"}, follow=True))
    assert remark in words_of(alice_client.post(URL, values, follow=True))
    assert remark not in words_of(alice_client.post(URL, values | {"name": "next.example"}, follow=True))
    changed = alice_client.post("/domains/next.example/settings/", {"address_class": "virtual_alias"}, follow=True)
    assert remark not in words_of(changed)
    changed = alice_client.post("/domains/example.org/settings/", {"address_class": "virtual_alias"}, follow=True)
    assert remark in words_of(changed)
    alice_client.post(URL, values | {"name": "last.example"})
    assert remark in words_of(alice_client.post("/domains/last.example/delete/", {}, follow=True))


def test_an_alias_domain_needs_its_target(alice_client: Client) -> None:
    response = alice_client.post(URL, WANTED | {"address_class": "alias_domain"})
    assert "An alias domain needs a target" in words_of(response)
    assert not Domain.objects.exists()


def test_a_target_that_is_not_here_is_said_at_its_field(alice_client: Client) -> None:
    response = alice_client.post(URL, WANTED | {"address_class": "alias_domain", "target": "nowhere.example"})
    assert "nowhere.example is not here yet. Add it first, or correct the name." in words_of(response)
    assert not Domain.objects.exists()


def test_a_target_counts_only_for_an_alias_domain(alice_client: Client) -> None:
    alice_client.post(URL, WANTED | {"target": "nowhere.example"})
    assert Domain.objects.get().target is None


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "This cannot be empty."),
        ("falcot.org", "This domain is here already. A name is served once."),
        ("FALCOT.org.", "This domain is here already. A name is served once."),
        ("not a domain", "“not a domain” is not a domain name."),
        ("a\0b.example", "Null characters are not allowed."),
        ("a" * 300 + ".example", "This domain name has 308 characters."),
        ("x" * 2000, "Ensure this value has at most 1000 characters"),
    ],
)
def test_a_wrong_name_is_a_sentence(alice_client: Client, falcot: Domain, name: str, sentence: str) -> None:
    before = Domain.objects.count()
    response = alice_client.post(URL, WANTED | {"name": name})
    assert response.status_code == 200
    assert sentence in words_of(response)
    assert "<title>Error:" in response.content.decode()
    assert Domain.objects.count() == before


def test_a_domain_admin_adds_none(bob_client: Client) -> None:
    assert bob_client.get(URL).status_code == 404
    assert bob_client.post(URL, WANTED).status_code == 404
    assert not Domain.objects.filter(name="example.org").exists()
