"""Forwarding by the owner: the alias beside the mailbox, and whether a copy is kept."""

from datetime import timedelta

import pytest
from django.utils import timezone

from domains.models import Domain
from mailboxes.forwarding import MOST_FORWARDS, set_forwarding
from mailboxes.models import Alias, Mailbox
from mailboxes.services import add_alias, change_alias, change_mailbox
from restrictions.access_models import ProtectedAlias
from restrictions.access_services import protect_alias
from tests.services.checks import TESTER, destinations_of, one_change_set, refusal

ELSEWHERE = "jean@elsewhere.example"


def forwards(mailbox: Mailbox) -> tuple[list[str], bool]:
    alias = Alias.objects.filter(address=mailbox.address).first()
    mailbox.refresh_from_db()
    return destinations_of(alias) if alias else [], mailbox.receives


def test_it_works(jean: Mailbox, laure: Mailbox) -> None:
    with one_change_set("Changed the forwarding of jean@example.org"):
        set_forwarding(jean, [ELSEWHERE, str(laure), ELSEWHERE], by=TESTER)
    assert forwards(jean) == ([ELSEWHERE, "laure@example.org"], True)


def test_without_a_copy_and_back(jean: Mailbox) -> None:
    set_forwarding(jean, [ELSEWHERE], keeps_copy=False, by=TESTER)
    assert forwards(jean) == ([ELSEWHERE], False)
    set_forwarding(jean, [ELSEWHERE], by=TESTER)
    assert forwards(jean) == ([ELSEWHERE], True)
    set_forwarding(jean, [ELSEWHERE], keeps_copy=False, by=TESTER)
    set_forwarding(jean, [], keeps_copy=False, by=TESTER)
    assert forwards(jean) == ([], True), "mail that goes nowhere else stays here"


def test_a_loop_is_refused(domain: Domain, jean: Mailbox, laure: Mailbox) -> None:
    set_forwarding(laure, [str(jean)], keeps_copy=False, by=TESTER)
    with refusal("jean@example.org"):
        set_forwarding(jean, [str(laure)], keeps_copy=False, by=TESTER)


def test_who_names_the_own_address_keeps_a_copy(jean: Mailbox) -> None:
    set_forwarding(jean, ["Jean@example.org", ELSEWHERE], keeps_copy=False, by=TESTER)
    assert forwards(jean) == ([ELSEWHERE], True)
    set_forwarding(jean, ["jean@example.org"], keeps_copy=False, by=TESTER)
    assert forwards(jean) == ([], True)


@pytest.mark.parametrize("text", ["nobody@example.org", "no address", "|/bin/sh@example.net"])
def test_what_is_no_destination_is_refused(jean: Mailbox, text: str) -> None:
    with refusal():
        set_forwarding(jean, [text], by=TESTER)


def test_a_few_addresses_only(jean: Mailbox) -> None:
    set_forwarding(jean, [f"a{number}@elsewhere.example" for number in range(MOST_FORWARDS)], by=TESTER)
    with refusal("Mail is forwarded to 20 addresses at most."):
        set_forwarding(jean, [f"a{number}@elsewhere.example" for number in range(MOST_FORWARDS + 1)], by=TESTER)


def test_whose_mail_was_stopped_cannot_let_it_in(jean: Mailbox) -> None:
    change_mailbox(jean, receives=False, by=TESTER)
    for wanted in ([], [ELSEWHERE]):
        with refusal("Your administrator has stopped mail to this mailbox."):
            set_forwarding(jean, wanted, by=TESTER)


@pytest.mark.parametrize("receives", [True, False])
def test_an_alias_that_an_administrator_deactivated_stays_so(domain: Domain, jean: Mailbox, receives: bool) -> None:
    alias = add_alias(domain, "jean", [ELSEWHERE], by=TESTER)
    change_mailbox(jean, receives=receives, by=TESTER)
    alias = change_alias(alias, active=False, by=TESTER)
    for wanted in ([ELSEWHERE], ["other@elsewhere.example"], []):
        with refusal("Your administrator has stopped the forwarding of this mailbox."):
            set_forwarding(jean, wanted, by=TESTER)
    alias.refresh_from_db()
    assert (alias.state, forwards(jean)) == ("inactive", ([ELSEWHERE], receives))


def test_an_alias_that_has_ended_delivers_again(domain: Domain, jean: Mailbox) -> None:
    alias = add_alias(domain, "jean", [ELSEWHERE], by=TESTER)
    alias = change_alias(alias, ends_at=timezone.now() - timedelta(days=1), by=TESTER)
    set_forwarding(jean, [ELSEWHERE], by=TESTER)
    alias.refresh_from_db()
    assert alias.state == "active"


@pytest.mark.parametrize("text", ["board@example.org", "Board+news@example.org"])
def test_a_protected_alias_is_not_opened_by_forwarding(
    domain: Domain, jean: Mailbox, laure: Mailbox, text: str
) -> None:
    protect_alias(add_alias(domain, "board", [str(laure)], by=TESTER), "members", by=TESTER)
    with refusal("Not everybody may write to board@example.org.", field="destinations"):
        set_forwarding(jean, [ELSEWHERE, text], by=TESTER)
    change_mailbox(jean, also_deliver_to=[text], by=TESTER)
    set_forwarding(jean, [text, ELSEWHERE], keeps_copy=False, by=TESTER)
    assert forwards(jean)[1] is False, "what an administrator has forwarded there stays"


def test_a_protected_alias_of_its_own_stays(domain: Domain, jean: Mailbox) -> None:
    protect_alias(add_alias(domain, "jean", [ELSEWHERE], by=TESTER), "domain", by=TESTER)
    with refusal("Not everybody may write to jean@example.org.", field="destinations"):
        set_forwarding(jean, [], by=TESTER)
    set_forwarding(jean, ["other@elsewhere.example"], by=TESTER)
    assert ProtectedAlias.objects.get().writers == "domain"
