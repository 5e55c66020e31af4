"""Deleting mailboxes, one or many."""

import pytest

from accounts.models import User
from domains.models import Domain
from mailboxes.models import Alias, Mailbox, MailboxCredential
from mailboxes.removal import what_is_lost
from mailboxes.services import (
    add_alias,
    add_mailbox,
    delete_mailbox,
    delete_mailboxes,
    owner_of,
    set_mailbox_password,
    set_mailboxes_active,
)
from tests.services.checks import TESTER, addresses, destinations_of, one_change_set, refusal

pytestmark = pytest.mark.django_db
ELSEWHERE = "someone@elsewhere.example"


def test_it_works(jean: Mailbox, laure: Mailbox) -> None:
    with one_change_set("Deleted mailbox jean@example.org"):
        delete_mailbox(jean, by=TESTER)
    assert addresses() == {"laure@example.org"}


def test_the_credential_is_kept_for_an_undo(jean: Mailbox) -> None:
    set_mailbox_password(jean, "let me read my mail", by=TESTER)
    number = jean.pk
    delete_mailbox(jean, by=TESTER)
    credential = MailboxCredential.objects.get()
    assert (credential.mailbox, credential.former_mailbox_id) == (None, number)


def test_its_owner_goes_too(jean: Mailbox) -> None:
    owner_of(jean, by=TESTER)
    delete_mailbox(jean, by=TESTER)
    assert not User.objects.exists()


def test_what_pointed_only_at_it_goes_too(domain: Domain, jean: Mailbox) -> None:
    add_alias(domain, "chain", ["jean@example.org"], by=TESTER)
    add_alias(domain, "first", ["chain@example.org"], by=TESTER)
    both = add_alias(domain, "both", ["jean@example.org", ELSEWHERE, "first@example.org"], by=TESTER)
    with one_change_set("Deleted mailbox jean@example.org"):
        delete_mailbox(jean, by=TESTER)
    assert addresses() == {"both@example.org"}
    assert destinations_of(both) == [ELSEWHERE]
    both.refresh_from_db()
    assert both.version > 1, "who has the page of this alias open must not bring the destination back"


def test_beside_an_alias_only_the_copy_goes(domain: Domain, jean: Mailbox) -> None:
    add_alias(domain, "jean", [ELSEWHERE], by=TESTER)
    add_alias(domain, "info", ["jean@example.org"], by=TESTER)
    delete_mailbox(jean, by=TESTER)
    assert addresses() == {"jean@example.org", "info@example.org"}


def test_it_is_not_deleted_twice(jean: Mailbox) -> None:
    delete_mailbox(Mailbox.objects.get(), by=TESTER)
    with refusal("deleted meanwhile"):
        delete_mailbox(jean, by=TESTER)


def test_many_go_as_one_change_set(domain: Domain, jean: Mailbox, laure: Mailbox) -> None:
    add_alias(domain, "both", ["jean@example.org", "laure@example.org"], by=TESTER)
    sophie = add_mailbox(domain, "sophie", by=TESTER)
    with one_change_set("Deleted mailboxes: jean@example.org, laure@example.org"):
        delete_mailboxes([jean, laure], by=TESTER)
    assert list(Mailbox.objects.all()) == [sophie]
    assert not Alias.objects.exists()


def test_many_are_switched_off_as_one_change_set(jean: Mailbox, laure: Mailbox) -> None:
    with one_change_set("Deactivated mailboxes: jean@example.org, laure@example.org"):
        set_mailboxes_active([jean, laure], False, by=TESTER)
    assert not Mailbox.objects.filter(active=True).exists()
    with one_change_set("Activated mailboxes: laure@example.org"):
        set_mailboxes_active([laure], True, by=TESTER)


def test_what_is_lost_is_named(domain: Domain, jean: Mailbox) -> None:
    add_alias(domain, "only", ["jean@example.org"], by=TESTER)
    add_alias(domain, "both", ["jean@example.org", ELSEWHERE], by=TESTER)
    losses = what_is_lost(jean)
    assert "Mail to jean@example.org is refused from then on." in losses[0]
    assert "Alias only@example.org delivers nowhere else and is deleted too." in losses
    assert "Alias both@example.org keeps its other destinations." in losses
