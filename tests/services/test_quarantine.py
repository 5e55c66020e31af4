"""Quarantine: nobody else gets the address of a deleted mailbox for a while."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor, Door
from accounts.models import ChangeSet
from accounts.services import add_user
from domains.models import Domain
from domains.services import add_domain, change_mail_settings
from mailboxes.models import Mailbox, QuarantinedAddress
from mailboxes.quarantine import delete_ended_quarantines
from mailboxes.removal import delete_domain
from mailboxes.services import add_alias, add_mailbox, delete_mailbox, delete_mailboxes
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER, addresses, nothing_changes, one_change_set, refusal

pytestmark = pytest.mark.django_db
ELSEWHERE = "someone@elsewhere.example"


def test_it_works(domain: Domain, jean: Mailbox) -> None:
    delete_mailbox(jean, by=TESTER)
    with refusal(
        "jean@example.org belonged to a mailbox that is gone", "Nobody else gets it until", field="local_part"
    ):
        add_mailbox(domain, "jean", by=TESTER)
    with refusal("jean@example.org belonged to a mailbox that is gone", field="local_part"):
        add_alias(domain, "jean", [ELSEWHERE], by=TESTER)


def test_it_ends(domain: Domain, jean: Mailbox) -> None:
    delete_mailbox(jean, by=TESTER)
    ends = QuarantinedAddress.objects.get().until
    assert timedelta(days=29) < ends - timezone.now() <= timedelta(days=30)
    QuarantinedAddress.objects.update(until=timezone.now())
    add_mailbox(domain, "jean", by=TESTER)
    assert addresses() == {"jean@example.org"}


def test_without_days_there_is_none(domain: Domain, jean: Mailbox) -> None:
    change_mail_settings(quarantine_days=0, by=TESTER)
    delete_mailbox(jean, by=TESTER)
    add_mailbox(domain, "jean", by=TESTER)
    with refusal("3650 days at most"):
        change_mail_settings(quarantine_days=3651, by=TESTER)


def test_a_superuser_takes_it_all_the_same(domain: Domain, jean: Mailbox) -> None:
    chef, helper = add_user("chef", is_superuser=True, by=TESTER), add_user("helper", by=TESTER)
    delete_mailbox(jean, by=TESTER)
    with refusal("Only a superuser gives jean@example.org to somebody else", field="local_part"):
        add_mailbox(domain, "jean", despite_quarantine=True, by=Actor(user=helper, door=Door.PAGE))
    add_mailbox(domain, "jean", despite_quarantine=True, by=Actor(user=chef, door=Door.PAGE))
    assert not QuarantinedAddress.objects.exists()


def test_an_undo_of_the_deletion_ends_it(domain: Domain, jean: Mailbox) -> None:
    number = delete_mailbox(jean, by=TESTER)
    again = undo_change_set(ChangeSet.objects.get(pk=number), by=TESTER)
    assert not QuarantinedAddress.objects.exists()
    undo_change_set(ChangeSet.objects.get(pk=again), by=TESTER)
    assert str(QuarantinedAddress.objects.get()) == "jean@example.org"


def test_an_undo_of_an_old_addition_begins_it(domain: Domain, jean: Mailbox) -> None:
    added = ChangeSet.objects.filter(metadata__noun="mailbox")
    added.update(created_at=timezone.now() - timedelta(days=400))
    undo_change_set(added.get(), by=TESTER)
    assert str(QuarantinedAddress.objects.get()) == "jean@example.org"


def test_a_slip_that_is_undone_begins_none(domain: Domain, jean: Mailbox) -> None:
    undo_change_set(ChangeSet.objects.get(metadata__noun="mailbox"), by=TESTER)
    add_mailbox(domain, "jean", by=TESTER)


def test_many_and_whole_domains_leave_their_addresses(domain: Domain, jean: Mailbox, laure: Mailbox) -> None:
    sophie = add_mailbox(domain, "sophie", by=TESTER)
    delete_mailboxes([jean, laure], by=TESTER)
    delete_domain(domain, by=TESTER)
    again = add_domain("example.org", by=TESTER)
    for mailbox in ("jean", "laure", "sophie"):
        with refusal("belonged to a mailbox that is gone", field="local_part"):
            add_mailbox(again, mailbox, by=TESTER)
    assert QuarantinedAddress.objects.filter(former_mailbox_id=sophie.pk).exists()


def test_the_next_owner_is_kept_from_the_first(domain: Domain, jean: Mailbox) -> None:
    """A domain admin does not bring back the first mailbox while mail for the second may still arrive."""
    helper = add_user("helper", by=TESTER)
    domain.admins.add(helper)
    first = delete_mailbox(jean, by=TESTER)
    delete_mailbox(add_mailbox(domain, "jean", despite_quarantine=True, mail_path="second/", by=TESTER), by=TESTER)
    assert QuarantinedAddress.objects.get().former_mailbox_id != jean.pk
    with refusal("belonged to a mailbox that is gone"):
        undo_change_set(ChangeSet.objects.get(pk=first), by=Actor(user=helper, door=Door.PAGE))


def test_what_has_ended_is_deleted(domain: Domain, jean: Mailbox, laure: Mailbox) -> None:
    deletion = delete_mailboxes([jean, laure], by=TESTER)
    QuarantinedAddress.objects.filter(local_part="jean").update(until=timezone.now())
    with one_change_set("Deleted quarantines that had ended: 1"):
        assert delete_ended_quarantines(by=TESTER) == 1
    assert QuarantinedAddress.objects.get().local_part == "laure"
    with nothing_changes():
        assert delete_ended_quarantines(by=TESTER) == 0
    undo_change_set(ChangeSet.objects.get(pk=deletion), by=TESTER)
    assert addresses() == {"jean@example.org", "laure@example.org"}
    assert not QuarantinedAddress.objects.exists()
