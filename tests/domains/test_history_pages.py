"""The history: by day, with who and through which door, before and after."""

import pytest
from django.test import Client

from accounts.actors import Actor, Door
from accounts.models import ChangeSet, User
from domains.models import Domain
from domains.services import change_domain
from mailboxes.services import add_alias, change_alias, delete_mailbox, set_mailbox_password
from mailboxes.undo import undo_change_set
from tests.plugins.example_mail import TESTER
from tests.plugins.people import add_person, mailbox_of, words_of


def test_it_works(alice_client: Client, alice: User, falcot: Domain) -> None:
    change_domain(falcot, description="The company", by=Actor(user=alice, door=Door.PAGE, host="198.51.100.7"))
    words = words_of(alice_client.get("/history/"))
    assert "Changed domain falcot.org Alice Martin Panel 198.51.100.7" in words
    assert "description Falcot Corp → now The company" in words


def test_destinations_stand_side_by_side(alice_client: Client, falcot: Domain) -> None:
    alias = add_alias(falcot, "desk", ["jean@falcot.org"], by=TESTER)
    change_alias(alias, destinations=["laure@falcot.org", "sophie@falcot.org"], by=TESTER)
    words = words_of(alice_client.get("/domains/falcot.org/history/"))
    assert "destination jean@falcot.org → now laure@falcot.org sophie@falcot.org" in words


def test_a_password_is_never_shown(alice_client: Client, falcot: Domain) -> None:
    set_mailbox_password(mailbox_of("jean@falcot.org"), "a new secret word", by=TESTER)
    page = alice_client.get("/history/").content.decode()
    assert "Changed the password of mailbox" in page
    assert "BLF-CRYPT" not in page
    assert "a new secret word" not in page


def test_a_domain_admin_reads_the_own_domain_only(bob_client: Client, falcot: Domain) -> None:
    change_domain(falcot, description="Ours", by=TESTER)
    change_domain(Domain.objects.get(name="falcotsbrand.com"), description="Theirs", by=TESTER)
    words = words_of(bob_client.get("/history/"))
    assert "Changed domain falcot.org" in words
    assert "falcotsbrand.com" not in words
    assert "is not a domain that you can see" in words_of(bob_client.get("/history/?domain=falcotsbrand.com"))


def test_only_one_domain(alice_client: Client, falcot: Domain) -> None:
    change_domain(falcot, description="Ours", by=TESTER)
    change_domain(Domain.objects.get(name="falcotsbrand.com"), description="Theirs", by=TESTER)
    words = words_of(alice_client.get("/history/?domain=falcotsbrand.com"))
    assert "Changed domain falcotsbrand.com" in words
    assert "Changed domain falcot.org" not in words


@pytest.mark.parametrize(
    "query",
    [
        "after=nonsense",
        "after=2026-01-01",
        "before=%00",
        "domain=%00",
        "after=[1]",
        'after=["2026-01-01",7]',
        'after=["2026-01-01T00:00:00Z",7]',
        'after=["2026-01-01T00:00:00%2B23:59","00000000-0000-0000-0000-000000000000"]',
        'after=["0001-01-01T00:00:00%2B23:59","00000000-0000-0000-0000-000000000000"]',
        "after=" + "[" * 5000,
    ],
)
def test_a_damaged_link_still_shows_a_page(alice_client: Client, falcot: Domain, query: str) -> None:
    assert alice_client.get(f"/history/?{query}").status_code == 200


def test_a_short_name_is_set_apart_where_it_stands(alice_client: Client) -> None:
    add_person("e")
    assert 'Added person <span class="addr">e</span>' in alice_client.get("/history/").content.decode()


def test_pages_follow_each_other(alice_client: Client, falcot: Domain) -> None:
    for number in range(35):
        change_domain(falcot, description=f"Number {number}", by=TESTER)
    first = alice_client.get("/domains/falcot.org/history/")
    second = alice_client.get("/domains/falcot.org/history/", {"after": first.context["page"].next})
    shown = [change_set.pk for response in (first, second) for change_set in response.context["page"].rows]
    assert len(shown) == len(set(shown)) == 35  # the demonstration data belong to no single domain
    assert second.context["page"].next == ""


def test_a_domain_admin_does_not_see_what_it_did_to_other_domains(bob_client: Client, alice_client: Client) -> None:
    """Sophie's mailbox takes a destination of contact@falcotsbrand.com with it, and that domain is not Bob's."""
    delete_mailbox(mailbox_of("sophie@falcot.org"), by=TESTER)
    for_bob = bob_client.get("/domains/falcot.org/history/").content.decode()
    assert "falcot.org/sophie" in for_bob
    assert "falcotsbrand.com" not in for_bob
    assert "falcotsbrand.com" in alice_client.get("/domains/falcot.org/history/").content.decode()


def test_what_was_undone_says_so(alice_client: Client, falcot: Domain) -> None:
    """By which change set, which itself names what it undid; an undo that was undone no longer counts."""
    deletion = ChangeSet.objects.get(pk=delete_mailbox(mailbox_of("jean@falcot.org"), by=TESTER))
    undo = ChangeSet.objects.get(pk=undo_change_set(deletion, by=TESTER))
    words = words_of(alice_client.get(f"/history/?change_set={deletion.pk}"))
    assert "Deleted mailbox jean@falcot.org" in words
    assert "Undone since" in words
    page = alice_client.get("/domains/falcot.org/history/").content.decode()
    assert f'href="/history/?change_set={undo.pk}">Undone since' in page
    assert f'href="/history/?change_set={deletion.pk}">What was undone' in page
    assert f'href="/history/{deletion.pk}/undo/"' not in page
    undo_change_set(undo, by=TESTER)
    page = alice_client.get(f"/history/?change_set={deletion.pk}").content.decode()
    assert "Undone since" not in page
    assert f"/{deletion.pk}/" in page


def test_one_change_set_is_only_for_those_who_may_see_it(
    alice_client: Client, bob_client: Client, falcot: Domain
) -> None:
    change_domain(Domain.objects.get(name="falcotsbrand.com"), description="Theirs", by=TESTER)
    number = ChangeSet.objects.get(metadata__verb="change").pk
    assert "Changed domain falcotsbrand.com" in words_of(alice_client.get(f"/history/?change_set={number}"))
    for url in (f"/history/?change_set={number}", "/history/?change_set=x"):
        assert "Nothing found" in words_of(bob_client.get(url))
