"""Quarantine: nobody else gets the address of a deleted mailbox for a while."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.utils import timezone

from accounts.actors import Actor, Door
from accounts.models import ChangeSet
from accounts.services import add_user
from domains.models import Domain
from domains.services import add_domain, change_mail_settings
from mailboxes.import_passwords import new_key
from mailboxes.imports import stage_import, write_import
from mailboxes.models import Alias, Mailbox, QuarantinedAddress
from mailboxes.quarantine import delete_ended_quarantines
from mailboxes.removal import delete_domain, what_is_lost
from mailboxes.renaming import rename_address
from mailboxes.services import (
    add_alias,
    add_mailbox,
    change_mailbox,
    delete_alias,
    delete_mailbox,
    delete_mailboxes,
)
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


class TestNamesThatWereKept:
    """The old address of a renamed mailbox was an alias of it: its quarantine begins when that goes."""

    @pytest.fixture
    def jeanne(self, domain: Domain, jean: Mailbox) -> Mailbox:
        rename_address(jean.address, domain, "jeanne", keep_old=True, by=TESTER)
        return Mailbox.objects.with_address().get(pk=jean.pk)

    def test_with_its_mailbox(self, domain: Domain, jeanne: Mailbox) -> None:
        number = delete_mailbox(jeanne, by=TESTER)
        for name in ("jean", "jeanne"):
            with refusal(f"{name}@example.org belonged to a mailbox that is gone", field="local_part"):
                add_mailbox(domain, name, by=TESTER)
        undo_change_set(ChangeSet.objects.get(pk=number), by=TESTER)
        assert addresses() == {"jean@example.org", "jeanne@example.org"}
        assert not QuarantinedAddress.objects.exists()

    def test_by_itself(self, domain: Domain, jeanne: Mailbox, laure: Mailbox) -> None:
        number = delete_alias(Alias.objects.get(), by=TESTER)
        with refusal("jean@example.org belonged to a mailbox that is gone", field="local_part"):
            add_alias(domain, "jean", [ELSEWHERE], by=TESTER)
        with refusal("jean@example.org belonged to a mailbox that is gone", field="local_part"):
            rename_address(laure.address, domain, "jean", by=TESTER)
        undo_change_set(ChangeSet.objects.get(pk=number), by=TESTER)
        assert not QuarantinedAddress.objects.exists()
        delete_alias(Alias.objects.get(), by=TESTER)
        rename_address(Mailbox.objects.get(pk=jeanne.pk).address, domain, "jean", by=TESTER)
        assert addresses() == {"jean@example.org", "laure@example.org"}

    def test_under_another_name(self, domain: Domain, jeanne: Mailbox) -> None:
        rename_address(Alias.objects.get().address, domain, "john", by=TESTER)
        with refusal("jean@example.org belonged to a mailbox that is gone", field="local_part"):
            add_mailbox(domain, "jean", by=TESTER)
        delete_alias(Alias.objects.get(), by=TESTER)
        add_mailbox(domain, "john", by=TESTER)  # which never was a mailbox

    def test_kept_twice(self, domain: Domain, jeanne: Mailbox) -> None:
        rename_address(Alias.objects.get().address, domain, "john", keep_old=True, by=TESTER)
        delete_alias(Alias.objects.get(address__local_part="jean"), by=TESTER)
        with refusal("jean@example.org belonged to a mailbox that is gone", field="local_part"):
            add_mailbox(domain, "jean", by=TESTER)

    def test_with_the_domain(self, domain: Domain, jeanne: Mailbox) -> None:
        delete_domain(domain, by=TESTER)
        again = add_domain("example.org", by=TESTER)
        with refusal("jean@example.org belonged to a mailbox that is gone", field="local_part"):
            add_alias(again, "jean", [ELSEWHERE], by=TESTER)

    def test_the_question_before_it_goes(self, jeanne: Mailbox) -> None:
        assert "For 30 days nobody else gets the address, unless a superuser gives it." in what_is_lost(
            Alias.objects.get()
        )


def test_an_alias_that_stays_keeps_the_address_and_then_quarantine_does(domain: Domain, jean: Mailbox) -> None:
    alias = add_alias(domain, "jean", [ELSEWHERE], by=TESTER)
    delete_mailbox(jean, by=TESTER)
    QuarantinedAddress.objects.update(until=timezone.now())
    delete_alias(alias, by=TESTER)
    with refusal("jean@example.org belonged to a mailbox that is gone", field="local_part"):
        add_mailbox(domain, "jean", by=TESTER)


def test_an_undo_of_an_old_rename_begins_it(domain: Domain, jean: Mailbox) -> None:
    rename_address(jean.address, domain, "jeanne", by=TESTER)
    renamed = ChangeSet.objects.filter(metadata__verb="rename")
    renamed.update(created_at=timezone.now() - timedelta(days=400))
    undo_change_set(renamed.get(), by=TESTER)
    with refusal("jeanne@example.org belonged to a mailbox that is gone", field="local_part"):
        add_mailbox(domain, "jeanne", by=TESTER)


class TestMailThatStays:
    """A path that a mailbox has left is no other's, with a quarantine or without."""

    @pytest.fixture(autouse=True)
    def no_quarantine(self, db: None) -> None:
        change_mail_settings(quarantine_days=0, by=TESTER)

    def test_of_a_mailbox_that_is_gone(self, domain: Domain, jean: Mailbox) -> None:
        number = delete_mailbox(jean, by=TESTER)
        second = add_mailbox(domain, "jean", by=TESTER)
        assert (jean.mail_path, second.mail_path) == ("example.org/jean/", "example.org/jean-2/")
        delete_mailbox(second, by=TESTER)
        assert add_mailbox(domain, "jean-2", by=TESTER).mail_path == "example.org/jean-2-2/"
        third = add_mailbox(domain, "jean", mail_format="mbox", by=TESTER)
        assert third.mail_path == "example.org/jean-3"
        delete_mailbox(third, by=TESTER)
        undo_change_set(ChangeSet.objects.get(pk=number), by=TESTER)
        assert Mailbox.objects.get(pk=jean.pk).mail_path == jean.mail_path

    def test_of_a_mailbox_under_another_name(self, domain: Domain, jean: Mailbox) -> None:
        helper = add_user("helper", by=TESTER)
        domain.admins.add(helper)
        rename_address(jean.address, domain, "jeanne", by=TESTER)
        again = add_mailbox(domain, "jean", by=Actor(user=helper, door=Door.PAGE))
        assert again.mail_path == "example.org/jean-2/"

    def test_of_a_mailbox_at_another_path(self, domain: Domain, jean: Mailbox) -> None:
        change_mailbox(jean, mail_path="elsewhere/jean/", by=TESTER)
        rename_address(jean.address, domain, "jeanne", by=TESTER)
        assert add_mailbox(domain, "jean", by=TESTER).mail_path == "example.org/jean-2/"

    def test_a_superuser_gives_it_by_name(self, domain: Domain, jean: Mailbox) -> None:
        delete_mailbox(jean, by=TESTER)
        assert add_mailbox(domain, "jean", mail_path=jean.mail_path, by=TESTER).mail_path == jean.mail_path

    def test_by_an_import(self, domain: Domain, jean: Mailbox) -> None:
        delete_mailbox(jean, by=TESTER)
        lines = b"address\njean-2@example.org\njean@example.org\nlaure@example.org\n"
        one = stage_import("mailboxes", BytesIO(lines), label="m.csv", key=new_key(), by=TESTER)
        write_import(one, by=TESTER)
        paths = Mailbox.objects.order_by("address__local_part").values_list("mail_path", flat=True)
        assert list(paths) == ["example.org/jean-3/", "example.org/jean-2/", "example.org/laure/"]
