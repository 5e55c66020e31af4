"""The mailboxes of a domain, and what can be done with many of them at once."""

from typing import Any

import pytest
from django.test import Client

from domains.models import Domain
from mailboxes.models import Mailbox, Usage
from tests.plugins.example_mail import add_domain, add_mailbox
from tests.plugins.people import mailbox_of, words_of

URL = "/domains/falcot.org/mailboxes/"


def names_in(response: Any) -> list[str]:
    return [mailbox.address.local_part for mailbox in response.context["page"].rows]


def test_it_works(bob_client: Client, falcot: Domain) -> None:
    response = bob_client.get(URL)
    assert names_in(response) == ["jean", "laure", "sophie"]
    assert "Jean Falcot – 10 GB maildir no password Active" in words_of(response)


def test_the_fullest_stand_first(bob_client: Client, falcot: Domain) -> None:
    said = [("jean", 5_000), ("sophie", 7_000_000_000)]
    Usage.objects.bulk_create(
        Usage(mailbox_id=number, domain_id=0, username=f"{name}@falcot.org", bytes=octets)
        for number, (name, octets) in enumerate(said)
    )
    assert names_in(bob_client.get(f"{URL}?sort=-used")) == ["sophie", "jean"]
    sophie, mark = mailbox_of("sophie@falcot.org"), "[%22{}%22, %22{}%22]"
    after = mark.format(7_000_000_000, sophie.pk)
    assert names_in(bob_client.get(f"{URL}?sort=-used&after={after}")) == ["jean"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=j", ["jean"]),
        ("q=Jean@falcot.org", ["jean"]),
        ("q=%25", []),
        ("q=%00", ["jean", "laure", "sophie"]),
        ("state=inactive", []),
        ("sort=-address", ["sophie", "laure", "jean"]),
        ("after=jean", ["laure", "sophie"]),
        ("before=sophie&sort=-address", []),
    ],
)
def test_a_filter_stands_in_the_url(bob_client: Client, falcot: Domain, query: str, names: list[str]) -> None:
    assert names_in(bob_client.get(f"{URL}?{query}")) == names


def test_an_empty_domain_says_what_comes_next(alice_client: Client) -> None:
    add_domain("new.example")
    assert "Add the first mailbox" in words_of(alice_client.get("/domains/new.example/mailboxes/"))


def picked(*names: str, **more: str) -> dict[str, Any]:
    return {"pick": [mailbox_of(f"{name}@falcot.org").pk for name in names], **more}


def test_deactivating_and_activating_many(bob_client: Client, falcot: Domain) -> None:
    response = bob_client.post(f"{URL}?q=j", picked("jean", "laure", do="deactivate"), follow=True)
    assert response.redirect_chain == [(f"{URL}?q=j", 302)]
    assert "Deactivated 2 mailboxes. They refuse mail from now on." in words_of(response)
    assert set(Mailbox.objects.filter(active=True)) == {mailbox_of("sophie@falcot.org")}
    bob_client.post(URL, picked("jean", do="activate"))
    assert mailbox_of("jean@falcot.org").active


def test_deleting_many_asks_first(bob_client: Client, falcot: Domain) -> None:
    response = bob_client.post(URL, picked("laure", "sophie", do="delete"))
    assert "Delete 2 mailboxes of falcot.org?" in words_of(response)
    assert "1 alias delivers to one of them." in words_of(response)
    assert Mailbox.objects.count() == 3
    response = bob_client.post(URL, picked("laure", "sophie", do="delete", is_sure="yes"), follow=True)
    assert "Deleted 2 mailboxes. Their files stay where they are." in words_of(response)
    assert Mailbox.objects.count() == 1


@pytest.mark.parametrize("pick", [[], ["x"], ["9" * 40], ["\0"], ["-1"], ["٣"]])
def test_a_pick_that_is_none_changes_nothing(bob_client: Client, falcot: Domain, pick: list[str]) -> None:
    response = bob_client.post(URL, {"pick": pick, "do": "delete", "is_sure": "yes"}, follow=True)
    assert "No mailbox was chosen." in words_of(response)
    assert Mailbox.objects.count() == 3


def test_a_mailbox_of_another_domain_is_not_touched(bob_client: Client, falcot: Domain) -> None:
    add_domain("elsewhere.example")
    foreign = add_mailbox("a@elsewhere.example")
    bob_client.post(URL, {"pick": [foreign.pk], "do": "delete", "is_sure": "yes"})
    assert Mailbox.objects.filter(pk=foreign.pk).exists()
