"""The pages about default aliases, and a default alias before a domain admin."""

import re
from typing import Any

import pytest
from django.test import Client

from domains.models import Domain
from jobs.models import Job
from jobs.services import run_job
from mailboxes.default_aliases import missing_default_aliases, set_default_aliases
from mailboxes.models import Alias, DefaultAlias
from mailboxes.services import add_alias
from tests.plugins.example_mail import TESTER
from tests.plugins.people import words_of

URL = "/settings/default-aliases/"
BOX = "jean@falcot.org"


def test_it_works(alice_client: Client, falcot: Domain) -> None:
    page = alice_client.get(URL)
    assert "None yet. RFC 2142 names addresses" in words_of(page)
    offered = page.context["form"]["local_parts"].value()
    assert offered.split() == ["abuse", "hostmaster", "postmaster", "webmaster"]
    response = alice_client.post(URL, {"local_parts": offered, "destination": BOX}, follow=True)
    assert "Saved the default aliases." in words_of(response)
    alice_client.post("/domains/add/", {"name": "new.example", "address_class": "virtual_mailbox", "active": "on"})
    added = Alias.objects.filter(address__domain__name="new.example")
    assert {str(alias) for alias in added} == {f"{name}@new.example" for name in offered.split()}
    assert words_of(alice_client.get("/domains/new.example/aliases/")).count("default alias") == 4


def test_one_gets_another_destination(alice_client: Client, falcot: Domain) -> None:
    set_default_aliases(["abuse", "postmaster"], BOX, by=TESTER)
    form = alice_client.get(f"{URL}?local_part=abuse").context["form"]
    assert (form["local_parts"].value(), form["destination"].value()) == ("abuse", BOX)
    alice_client.post(URL, {"local_parts": "abuse", "destination": "noc@elsewhere.example"})
    assert dict(DefaultAlias.objects.values_list("local_part", "destination")) == {
        "abuse": "noc@elsewhere.example",
        "postmaster": BOX,
    }


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"local_parts": ""}, "This cannot be empty."),
        ({"local_parts": " , "}, "Type at least one part before the @."),
        ({"local_parts": "sales-*"}, "letters, digits, dots, hyphens and underscores only"),
        ({"destination": ""}, "This cannot be empty."),
        ({"destination": "nobody@falcot.org"}, "has no address nobody@falcot.org"),
        ({"destination": "a\0b@falcot.org"}, "Null characters are not allowed."),
    ],
)
def test_what_is_wrong_is_said(alice_client: Client, falcot: Domain, typed: dict[str, str], sentence: str) -> None:
    response = alice_client.post(URL, {"local_parts": "abuse", "destination": BOX} | typed)
    assert sentence in words_of(response)
    assert not DefaultAlias.objects.exists()


def test_one_is_removed_and_comes_back(alice_client: Client, falcot: Domain) -> None:
    (row,) = set_default_aliases(["abuse"], BOX, by=TESTER)
    response = alice_client.post(f"{URL}{row.pk}/delete/", follow=True)
    assert "New domains no longer get abuse. The aliases that are there stay. Undo" in words_of(response)
    assert not DefaultAlias.objects.exists()
    (undo,) = re.findall(r'href="(/history/[0-9a-f-]+/undo/)"', response.content.decode())
    assert alice_client.post(undo).status_code == 302
    assert DefaultAlias.objects.get().destination == BOX


def test_the_missing_ones_are_counted_and_added(alice_client: Client, falcot: Domain) -> None:
    set_default_aliases(["abuse", "webmaster"], BOX, by=TESTER)
    words = words_of(alice_client.get(f"{URL}missing/"))
    assert "3 aliases are missing. 2 domains lack some." in words
    started = alice_client.post(f"{URL}add/")
    run_job(Job.objects.get().pk)
    assert "3 aliases added Every domain has its default aliases." in words_of(alice_client.get(started["Location"]))
    assert missing_default_aliases() == {}
    assert "Every domain has its default aliases." in words_of(alice_client.get(f"{URL}missing/"))


def test_what_cannot_be_added_is_said(alice_client: Client, falcot: Domain) -> None:
    set_default_aliases(["abuse"], "someone@late.example", by=TESTER)
    alice_client.post("/domains/add/", {"name": "late.example", "address_class": "virtual_mailbox", "active": "on"})
    started = alice_client.post(f"{URL}add/")
    run_job(Job.objects.get().pk)
    words = words_of(alice_client.get(started["Location"]))
    assert "The default alias abuse@late.example cannot be added: late.example is ours, but has no address" in words


def test_a_domain_admin_gives_it_another_destination_only(bob_client: Client, falcot: Domain) -> None:
    set_default_aliases(["abuse"], BOX, by=TESTER)
    add_alias(falcot, "abuse", [BOX], by=TESTER)
    page = bob_client.get("/aliases/abuse@falcot.org/")
    words = words_of(page)
    assert "Every domain has this alias. You may give it another destination" in words
    assert "Rename or move" not in words
    assert "Delete alias" not in words
    typed: dict[str, Any] = {"destinations": "laure@falcot.org", "ends_at": "2998-01-01T00:00", "version": "1"}
    assert "Saved alias" in words_of(bob_client.post("/aliases/abuse@falcot.org/", typed, follow=True))
    alias = Alias.objects.with_destinations().get(address__local_part="abuse")
    assert ([str(one) for one in alias.destinations.all()], alias.active, alias.ends_at) == (
        ["laure@falcot.org"],
        True,
        None,
    )
    for way in ("delete", "rename"):
        response = bob_client.post(f"/aliases/abuse@falcot.org/{way}/", {"address": "trash@falcot.org"})
        assert "is an alias that every domain has. Only a superuser" in words_of(response)
