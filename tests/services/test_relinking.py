"""What was typed as elsewhere becomes a link when it becomes ours: a deletion, a rename and an undo follow links."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.history import recorded
from accounts.history_reading import events_of
from accounts.models import ChangeSet
from domains.models import AddressClass, Domain
from domains.services import add_domain, change_domain
from mailboxes.models import Address, Alias, AliasDestination
from mailboxes.relay import add_relay_recipients
from mailboxes.removal import delete_domain
from mailboxes.renaming import rename_address
from mailboxes.services import add_alias, add_mailbox, delete_alias, delete_mailbox
from mailboxes.undo import preview_of_undo, undo_change_set
from tests.services.checks import TESTER, destinations_of, refusal

pytestmark = pytest.mark.django_db
ELSEWHERE = "someone@elsewhere.example"
BOB = "bob@new.example"


@pytest.fixture
def team(domain: Domain) -> Alias:
    """It delivers to a domain that is ours now, and was not when it was typed."""
    return add_alias(domain, "team", ["Bob@new.example", "bob+lists@new.example", ELSEWHERE], by=TESTER)


@pytest.fixture
def new(team: Alias) -> Domain:
    return add_domain("new.example", by=TESTER)


def links(alias: Alias) -> list[tuple[str, str]]:
    rows = AliasDestination.objects.filter(alias=alias, address__isnull=False).with_targets()
    return [(str(row.address), row.extension) for row in rows]


def test_it_works(team: Alias, new: Domain) -> None:
    assert links(team) == []
    add_mailbox(new, "bob", by=TESTER)
    assert links(team) == [(BOB, ""), (BOB, "+lists")]
    assert destinations_of(team) == [BOB, "bob+lists@new.example", ELSEWHERE]
    assert Alias.objects.get(pk=team.pk).version == 2


@pytest.mark.parametrize(
    "act",
    [
        lambda new: add_alias(new, "bob", [ELSEWHERE], by=TESTER),
        lambda new: rename_address(add_mailbox(new, "rob", by=TESTER).address, new, "bob", by=TESTER),
        lambda new: rename_address(add_alias(new, "rob", [ELSEWHERE], by=TESTER).address, new, "bob", by=TESTER),
    ],
    ids=["an alias", "a mailbox with another name", "an alias with another name"],
)
def test_it_is_linked_to(act: Callable[[Domain], object], team: Alias, new: Domain) -> None:
    act(new)
    assert links(team) == [(BOB, ""), (BOB, "+lists")]


def test_it_is_linked_to_a_relay_recipient(domain: Domain) -> None:
    team = add_alias(domain, "team", [BOB], by=TESTER)
    relay = add_domain("new.example", address_class=AddressClass.RELAY, by=TESTER)
    add_relay_recipients(relay, ["bob", *(f"p{number}" for number in range(30))], by=TESTER)
    assert links(team) == [(BOB, "")]


def test_a_catch_all_and_a_pattern_take_it_without_an_address(team: Alias, new: Domain) -> None:
    add_alias(new, "bob*", [ELSEWHERE], by=TESTER)
    rows = AliasDestination.objects.filter(alias=team, domain=new)
    assert [row.text for row in rows.order_by("position")] == ["bob", "bob+lists"]


def test_an_alias_domain_links_to_its_target(domain: Domain, team: Alias) -> None:
    add_mailbox(domain, "bob", by=TESTER)
    new = add_domain("new.example", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    assert links(team) == [("bob@example.org", ""), ("bob@example.org", "+lists")]
    assert new.target == domain


def test_a_domain_that_begins_to_answer_for_another(domain: Domain, team: Alias, new: Domain) -> None:
    add_mailbox(domain, "bob", by=TESTER)
    change_domain(new, address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    assert len(links(team)) == 2


def test_an_address_of_the_target_is_linked_from_its_alias_domain(domain: Domain, team: Alias) -> None:
    add_domain("new.example", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    add_mailbox(domain, "bob", by=TESTER)
    assert len(links(team)) == 2


def test_a_whole_domain(domain: Domain) -> None:
    catch_all = add_alias(domain, "", ["@new.example"], by=TESTER)
    new = add_domain("new.example", by=TESTER)
    assert AliasDestination.objects.get(alias=catch_all).domain == new


def test_what_is_there_twice_then_goes_once(domain: Domain, new: Domain) -> None:
    alias = add_alias(domain, "desk", [ELSEWHERE], by=TESTER)
    texts = ["bob@new.example", "Bob@new.example"]
    AliasDestination.objects.bulk_create(
        AliasDestination(alias=alias, position=1 + number, text=text) for number, text in enumerate(texts)
    )
    add_mailbox(new, "bob", by=TESTER)
    assert destinations_of(alias) == [ELSEWHERE, BOB]


def test_others_stay_as_they_are(team: Alias, new: Domain) -> None:
    add_mailbox(new, "bobby", by=TESTER)
    add_mailbox(new, "lists", by=TESTER)
    assert links(team) == []


def test_a_deletion_and_a_new_name_follow(team: Alias, new: Domain) -> None:
    bob = add_mailbox(new, "bob", by=TESTER)
    rename_address(bob.address, new, "rob", by=TESTER)
    assert destinations_of(team) == ["rob@new.example", "rob+lists@new.example", ELSEWHERE]
    delete_mailbox(bob, by=TESTER)
    assert destinations_of(team) == [ELSEWHERE]


def test_a_loop_is_refused_all_the_same(domain: Domain, new: Domain, team: Alias) -> None:
    with refusal("loop: bob@new.example → team@example.org → bob@new.example", field="destinations"):
        add_alias(new, "bob", ["team@example.org"], by=TESTER)
    assert links(team) == []


def test_too_many_destinations_are_refused_all_the_same(team: Alias, new: Domain) -> None:
    people = [f"p{number}@elsewhere.example" for number in range(501)]
    with refusal("Mail to team@example.org would become mail to more than 1000", field="destinations"):
        add_alias(new, "bob", people, by=TESTER)


class TestUndo:
    def test_it_works(self, team: Alias, new: Domain) -> None:
        with recorded("add", "mailbox", BOB, by=TESTER) as number:
            add_mailbox(new, "bob", by=TESTER)
        change_set = ChangeSet.objects.get(pk=number)
        assert preview_of_undo(change_set, by=TESTER).obstacles == []
        again = undo_change_set(change_set, by=TESTER)
        assert not Address.objects.filter(domain=new).exists()
        assert destinations_of(team) == ["Bob@new.example", "bob+lists@new.example", ELSEWHERE]
        undo_change_set(ChangeSet.objects.get(pk=again), by=TESTER)
        assert links(team) == [(BOB, ""), (BOB, "+lists")]

    def test_what_was_typed_since_is_in_the_way(self, domain: Domain, team: Alias, new: Domain) -> None:
        with recorded("add", "mailbox", BOB, by=TESTER) as number:
            add_mailbox(new, "bob", by=TESTER)
        add_alias(domain, "desk", [BOB], by=TESTER)
        with refusal("Alias desk@example.org delivers there by now"):
            undo_change_set(ChangeSet.objects.get(pk=number), by=TESTER)

    def test_a_domain_that_comes_back_finds_what_was_typed_meanwhile(self, domain: Domain) -> None:
        new = add_domain("new.example", by=TESTER)
        add_mailbox(new, "bob", by=TESTER)
        number = delete_domain(new, by=TESTER)
        team = add_alias(domain, "team", [BOB], by=TESTER)
        undo_change_set(ChangeSet.objects.get(pk=number), by=TESTER)
        assert links(team) == [(BOB, "")]


def test_the_history_says_so(team: Alias, new: Domain) -> None:
    with recorded("add", "mailbox", BOB, by=TESTER) as number:
        add_mailbox(new, "bob", by=TESTER)
    changes = [(event.subject, *event.changes[0]) for event in events_of([number])[number] if event.kind == "changed"]
    assert ("team@example.org", "destination", f"B{BOB[1:]} (elsewhere)", f"{BOB} (of ours)") in changes


def test_what_nobody_typed_costs_one_look_into_the_index(team: Alias, new: Domain) -> None:
    AliasDestination.objects.bulk_create(
        AliasDestination(alias=team, position=number, text=f"p{number}@e{number % 100}.example")
        for number in range(10, 4000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE mailboxes_aliasdestination")
    with CaptureQueriesContext(connection) as asked:
        add_mailbox(new, "ann", by=TESTER)
    (about_texts,) = [query["sql"] for query in asked if "split_part" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {about_texts}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "texts_elsewhere" in plan or "forwards_elsewhere" in plan, plan


def test_a_text_that_an_undo_brings_back_is_linked(domain: Domain, team: Alias) -> None:
    number = delete_alias(team, by=TESTER)
    add_mailbox(add_domain("new.example", by=TESTER), "bob", by=TESTER)
    undo_change_set(ChangeSet.objects.get(pk=number), by=TESTER)
    (back,) = Alias.objects.filter(address__local_part="team")
    assert links(back) == [(BOB, ""), (BOB, "+lists")]
