"""Aliases: list, add, change, delete, catch-alls."""

from time import process_time

import pytest
from django.test import Client

from domains.models import Domain
from mailboxes.fields import apart
from mailboxes.models import Alias
from mailboxes.services import delete_alias
from restrictions.access_services import protect_alias
from tests.plugins.example_mail import TESTER, add_alias
from tests.plugins.people import words_of

ADD = "/domains/falcot.org/aliases/add/"
WANTED = {
    "local_part": "desk",
    "destinations": "jean@falcot.org\r\nlaure@falcot.org",
    "comment": "The desk",
    "active": "on",
}


def destinations_of(address: str) -> list[str]:
    local_part, _at, domain = address.rpartition("@")
    alias = Alias.objects.get(address__local_part=local_part, address__domain__name=domain)
    return [str(destination) for destination in alias.destinations.with_targets()]


def test_it_works(bob_client: Client, falcot: Domain) -> None:
    response = bob_client.post(ADD, WANTED, follow=True)
    assert response.redirect_chain == [("/aliases/desk@falcot.org/", 302)]
    assert "Added alias desk@falcot.org." in words_of(response)
    assert destinations_of("desk@falcot.org") == ["jean@falcot.org", "laure@falcot.org"]


def test_a_catch_all_to_a_whole_domain(alice_client: Client, falcot: Domain) -> None:
    delete_alias(Alias.objects.get(address__local_part=""), by=TESTER)
    url = "/domains/falcotsbrand.com/aliases/add/"
    response = alice_client.post(
        url, {"is_catch_all": "on", "destinations": "@falcot.com", "active": "on"}, follow=True
    )
    assert response.redirect_chain == [("/aliases/@falcotsbrand.com/", 302)]
    assert destinations_of("@falcotsbrand.com") == ["@falcot.com"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"local_part": ""}, "Type the part before the @, or choose “Catch-all”."),
        ({"is_catch_all": "on"}, "A catch-all has nothing before the @."),
        ({"destinations": ""}, "This cannot be empty."),
        ({"destinations": " , ;\n"}, "Type at least one destination."),
        ({"destinations": "jean@"}, "“jean@” has no domain. Write it as name@example.org."),
        ({"destinations": "nobody@falcot.org"}, "has no address nobody@falcot.org. Add it first"),
        ({"destinations": "desk@falcot.org"}, "This would be a loop: desk@falcot.org → desk@falcot.org."),
        ({"destinations": "@falcot.com"}, "“@falcot.com” is a whole domain."),
        ({"destinations": "a\0b@example.net"}, "Null characters are not allowed."),
        ({"destinations": "x" * 300 + "@example.net"}, "is too long"),
        ({"destinations": "x@example.net\n" * 30_000}, "Ensure this value has at most 300000 characters"),
        ({"destinations": "\n".join(f"a{n}@example.net" for n in range(1001))}, "These are 1001 destinations."),
    ],
)
def test_what_does_not_do_is_a_sentence(
    bob_client: Client, falcot: Domain, typed: dict[str, str], sentence: str
) -> None:
    before = Alias.objects.count()
    response = bob_client.post(ADD, WANTED | typed)
    assert response.status_code == 200
    assert sentence in words_of(response)
    assert Alias.objects.count() == before


def test_a_name_used_twice(bob_client: Client, falcot: Domain) -> None:
    bob_client.post(ADD, WANTED)
    response = bob_client.post(ADD, WANTED)
    assert "desk@falcot.org is an alias already. Choose another local part, or change the alias." in words_of(response)


def test_changing_one(bob_client: Client, falcot: Domain) -> None:
    bob_client.post(ADD, WANTED)
    typed = {"destinations": "sophie@falcot.org", "comment": "", "version": "1"}
    response = bob_client.post("/aliases/desk@falcot.org/", typed, follow=True)
    assert "Saved alias desk@falcot.org." in words_of(response)
    assert "inactive: it goes nowhere" in words_of(response)
    assert destinations_of("desk@falcot.org") == ["sophie@falcot.org"]


def test_what_a_colleague_changed_meanwhile_is_not_overwritten(bob_client: Client, falcot: Domain) -> None:
    bob_client.post(ADD, WANTED)
    bob_client.post("/aliases/desk@falcot.org/", WANTED | {"version": "1", "destinations": "sophie@falcot.org"})
    response = bob_client.post("/aliases/desk@falcot.org/", WANTED | {"version": "1"})
    assert "Somebody else changed this while you were typing." in words_of(response)
    assert destinations_of("desk@falcot.org") == ["sophie@falcot.org"]


def test_deleting_one(bob_client: Client, falcot: Domain) -> None:
    bob_client.post(ADD, WANTED)
    assert "no longer goes to its 2 destinations" in words_of(bob_client.get("/aliases/desk@falcot.org/delete/"))
    response = bob_client.post("/aliases/desk@falcot.org/delete/", follow=True)
    assert "Deleted alias desk@falcot.org." in words_of(response)


def test_the_list_shows_the_first_destinations(bob_client: Client, falcot: Domain) -> None:
    add_alias(
        "all@falcot.org", "jean@falcot.org", "laure@falcot.org", "sophie@falcot.org", "x@example.net", "y@example.net"
    )
    words = words_of(bob_client.get("/domains/falcot.org/aliases/"))
    assert "all@falcot.org jean@falcot.org, laure@falcot.org, sophie@falcot.org and 2 more" in words


@pytest.mark.parametrize(
    "url", ["/aliases/@falcotsbrand.com/", "/aliases/@falcotsbrand.com/delete/", "/domains/falcotsbrand.com/aliases/"]
)
def test_another_domain_is_not_there_for_a_domain_admin(
    bob_client: Client, alice_client: Client, falcot: Domain, url: str
) -> None:
    assert bob_client.get(url).status_code == 404
    assert alice_client.get(url).status_code == 200


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a@x.org", ["a@x.org"]),
        ("a@x.org, b@x.org;c@x.org\n\nd@x.org", ["a@x.org", "b@x.org", "c@x.org", "d@x.org"]),
        ("a@x.org b@x.org\tc@x.org", ["a@x.org", "b@x.org", "c@x.org"]),
        ('"a, b"@x.org, c@x.org', ['"a, b"@x.org', "c@x.org"]),
        ('Jean Falcot <jean@x.org>, "Petit, Laure" <laure@x.org>', ["jean@x.org", "laure@x.org"]),
        ("jean falcot@x.org", ["jean falcot@x.org"]),
        ('"open@x.org', ['"open@x.org']),
        ('"open@x.org\nb@x.org', ['"open@x.org', "b@x.org"]),
        ("<<jean@x.org>", ["jean@x.org"]),
        (" ,;\n", []),
    ],
)
def test_a_pasted_list_is_taken_apart(text: str, found: list[str]) -> None:
    assert apart(text) == found


@pytest.mark.parametrize("text", ['"' + '\\"' * 150_000, "<" + "@" * 300_000, "<a@b>" + " " * 300_000 + "x"])
def test_nothing_that_is_pasted_keeps_the_panel_busy(text: str) -> None:
    started = process_time()
    apart(text)
    assert process_time() - started < 2


def test_a_pattern_is_explained_and_named(alice_client: Client, falcot: Domain) -> None:
    assert "With a * at the end it is a pattern: sales-* takes" in words_of(alice_client.get(ADD))
    alice_client.post(ADD, WANTED | {"local_part": "sales-*"})
    assert "sales-*@falcot.org pattern jean@falcot.org" in words_of(alice_client.get("/domains/falcot.org/aliases/"))
    page = words_of(alice_client.get("/aliases/sales-*@falcot.org/"))
    assert "pattern" in page.partition("Who may write")[0].partition("sales-*@falcot.org")[2]
    assert "every address that begins like this and does not exist" in page
    assert "sales-*@falcot.org pattern" in words_of(alice_client.get("/addresses/?q=sales-"))
    overview = words_of(alice_client.get("/domains/falcot.org/"))
    assert "An address that does not exist is taken by the longest pattern that fits: sales-*@falcot.org" in overview


def test_a_protected_alias_shows_it(bob_client: Client, falcot: Domain) -> None:
    bob_client.post(ADD, WANTED)
    sentence, urls = (
        "protected: not everybody may write to it",
        ("/aliases/desk@falcot.org/", "/domains/falcot.org/aliases/"),
    )
    assert all("protected" not in words_of(bob_client.get(url)) for url in urls)
    protect_alias(Alias.objects.get(address__local_part="desk"), "members", by=TESTER)
    assert sentence in words_of(bob_client.get(urls[0]))
    assert "desk@falcot.org protected" in words_of(bob_client.get(urls[1]))


def test_the_list_says_when_one_ends(bob_client: Client, falcot: Domain) -> None:
    bob_client.post(ADD, WANTED | {"ends_at": "2998-01-31T17:00"})
    assert "Active until 31 January 2998, 17:00 UTC" in words_of(bob_client.get("/domains/falcot.org/aliases/"))
