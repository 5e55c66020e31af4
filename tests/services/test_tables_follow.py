"""Rows of the lookup tables follow an address to its new name, and are named before it goes."""

from typing import Any

import pytest

from accounts.actors import Actor, Door
from accounts.history_reading import events_of
from accounts.models import ChangeSet
from accounts.services import add_user
from domains.history import events_visible_to
from domains.models import Domain
from domains.services import add_domain
from lookup_tables.following import ASKED_BEFORE_ALIASES
from lookup_tables.models import Bcc, Canonical, Entry, Relocated, SenderRelay, TlsPolicy, Transport
from lookup_tables.relay_passwords import decrypted
from lookup_tables.services import add_entry
from mailboxes.models import Alias, Mailbox
from mailboxes.removal import what_is_lost
from mailboxes.renaming import rename_address
from mailboxes.services import add_alias
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER, one_change_set, refusal

pytestmark = pytest.mark.django_db
JEAN, JEANNE, BOSS = "jean@example.org", "jeanne@example.org", "boss@example.org"


def pairs(model: type[Entry]) -> set[tuple[str, str]]:
    return set(model._default_manager.values_list("key", "result"))


def rename(mailbox: Mailbox, domain: Domain, local_part: str = "jeanne", **options: Any) -> ChangeSet:
    with one_change_set(f"Renamed mailbox {JEAN} → {local_part}@{domain}"):
        rename_address(mailbox.address, domain, local_part, by=TESTER, **options)
    return ChangeSet.objects.get(metadata__verb="rename")


@pytest.mark.parametrize(
    ("model", "result"),
    [
        (Transport, "smtp:[mx.example.net]:25"),
        (SenderRelay, "[relay.example.net]:587"),
        (Bcc, BOSS),
        (Relocated, "jean@example.net"),
        (Canonical, "jean.dupont@example.net"),
    ],
)
def test_it_works(domain: Domain, jean: Mailbox, model: type[Entry], result: str) -> None:
    add_entry(model, JEAN, result, comment="why", by=TESTER)
    renamed = rename(jean, domain)
    assert pairs(model) == {(JEANNE, result)}
    undo_change_set(renamed, by=TESTER)
    assert pairs(model) == {(JEAN, result)}


@pytest.mark.parametrize(
    ("model", "key"), [(Bcc, BOSS), (Relocated, "gone@example.org"), (Canonical, "gone@example.org")]
)
def test_what_leads_to_it(domain: Domain, other: Domain, jean: Mailbox, model: type[Entry], key: str) -> None:
    add_entry(model, key, JEAN, by=TESTER)
    renamed = rename(jean, other, "jean")
    assert pairs(model) == {(key, "jean@example.com")}
    undo_change_set(renamed, by=TESTER)
    assert pairs(model) == {(key, JEAN)}


def test_what_is_asked_before_aliases_is_there_for_both_names(domain: Domain, jean: Mailbox) -> None:
    add_entry(Bcc, JEAN, BOSS, by=TESTER)
    add_entry(Bcc, JEAN, BOSS, applies_to="sender", active=False, by=TESTER)
    add_entry(Canonical, JEAN, "jean.dupont@example.net", by=TESTER)
    add_entry(Transport, JEAN, "smtp:[mx.example.net]:25", by=TESTER)
    sign_in = {"username": "jean", "password": "secret"}
    add_entry(SenderRelay, JEAN, "[relay.example.net]:587", **sign_in, by=TESTER)  # type: ignore[arg-type]
    remarks: list[str] = []
    renamed = rename(jean, domain, keep_old=True, tell=remarks.append)
    for model in ASKED_BEFORE_ALIASES:
        assert {key for key, _result in pairs(model)} == {JEAN, JEANNE}
    assert {key for key, _result in pairs(Transport)} == {JEANNE}
    assert set(Bcc.objects.values_list("key", "applies_to", "active")) == {
        (key, applies_to, applies_to == "recipient") for key in (JEAN, JEANNE) for applies_to in ("sender", "recipient")
    }
    relays = SenderRelay.objects.select_related("credential")
    assert [decrypted(relay.credential.token) for relay in relays] == ["secret", "secret"]
    assert [remark.startswith("Write the configuration again on the mail host") for remark in remarks] == [True]
    undo_change_set(renamed, by=TESTER)
    for model in ASKED_BEFORE_ALIASES:
        assert {key for key, _result in pairs(model)} == {JEAN}
    assert {key for key, _result in pairs(Transport)} == {JEAN}


def test_what_leads_from_one_to_the_other_stays(domain: Domain, jean: Mailbox) -> None:
    add_entry(Canonical, JEAN, JEANNE, by=TESTER)
    add_entry(Relocated, JEAN, JEANNE, by=TESTER)
    add_entry(Bcc, JEANNE, JEAN, by=TESTER)
    rename(jean, domain)
    assert pairs(Canonical) == pairs(Relocated) == {(JEAN, JEANNE)}
    assert pairs(Bcc) == {(JEANNE, JEAN)}


def test_a_row_of_the_new_address_wins(domain: Domain, jean: Mailbox) -> None:
    for key, result in ((JEAN, BOSS), (JEANNE, "other@example.org")):
        add_entry(Bcc, key, result, by=TESTER)
    rename(jean, domain)
    assert pairs(Bcc) == {(JEAN, BOSS), (JEANNE, "other@example.org")}


def test_a_circle_is_refused(domain: Domain, jean: Mailbox) -> None:
    add_entry(Canonical, JEAN, "x@example.net", by=TESTER)
    add_entry(Canonical, "x@example.net", JEANNE, by=TESTER)
    with refusal("This goes round in a circle"):
        rename_address(jean.address, domain, "jeanne", by=TESTER)


def test_an_alias_has_rows_too(domain: Domain) -> None:
    alias = add_alias(domain, "info", ["someone@elsewhere.example"], by=TESTER)
    add_entry(Bcc, "info@example.org", BOSS, by=TESTER)
    rename_address(alias.address, domain, "desk", by=TESTER)
    assert pairs(Bcc) == {("desk@example.org", BOSS)}


def test_a_domain_admin_sees_none_of_it(domain: Domain, jean: Mailbox) -> None:
    add_entry(Bcc, JEAN, BOSS, by=TESTER)
    helper = add_user("helper", by=TESTER)
    domain.admins.add(helper)
    by = Actor(user=helper, door=Door.PAGE)
    rename_address(jean.address, domain, "jeanne", by=by)
    renamed = ChangeSet.objects.get(metadata__verb="rename")
    (events,) = events_of([renamed.pk], limit=100).values()
    seen = [event.model for event in events if events_visible_to(helper)(event)]
    assert Bcc in {event.model for event in events}
    assert seen
    assert Bcc not in seen
    with refusal("A superuser can undo it."):
        undo_change_set(renamed, by=by)
    chef, again = add_user("chef", is_superuser=True, by=TESTER), Mailbox.objects.get()
    assert not any(BOSS in sentence for sentence in what_is_lost(again, reader=helper))
    assert any(BOSS in sentence for sentence in what_is_lost(again, reader=chef))


def test_the_question_before_a_deletion(domain: Domain, jean: Mailbox) -> None:
    add_entry(Bcc, JEAN, BOSS, by=TESTER)
    add_entry(Canonical, "gone@example.org", JEAN, by=TESTER)
    add_entry(TlsPolicy, "example.org", "encrypt", by=TESTER)
    bcc = f"BCC: {JEAN} → {BOSS} stays. Delete it if nobody needs it any more."
    canonical = f"Canonical address: gone@example.org → {JEAN} stays. Delete it if nobody needs it any more."
    assert what_is_lost(jean)[-2:] == [bcc, canonical]
    add_entry(Transport, "example.org", "smtp:[mx.example.net]:25", by=TESTER)
    add_entry(Relocated, "@example.org", "example.net", by=TESTER)
    add_entry(Relocated, "@an-example.org", "example.net", by=TESTER)
    lost = " ".join(what_is_lost(domain))
    for row in (bcc, canonical, "Transport: example.org → smtp", "Relocated address: @example.org → example.net"):
        assert row in lost
    assert "an-example.org" not in lost


def test_many_are_not_all_named(domain: Domain) -> None:
    for number in range(11):
        add_entry(Relocated, f"gone{number}@example.org", "example.net", by=TESTER)
    lost = what_is_lost(domain)
    assert sum("Relocated address: gone" in sentence for sentence in lost) == 10
    assert "More rows of the lookup tables stay." in lost


def test_an_alias_beside_a_mailbox_leaves_nothing(domain: Domain, jean: Mailbox) -> None:
    add_alias(domain, "jean", ["someone@elsewhere.example"], by=TESTER)
    add_entry(Bcc, JEAN, BOSS, by=TESTER)
    assert not any(BOSS in sentence for sentence in what_is_lost(Alias.objects.get()))


def test_a_domain_without_rows_says_nothing(db: None) -> None:
    assert not any("stays" in sentence for sentence in what_is_lost(add_domain("example.net", by=TESTER)))
