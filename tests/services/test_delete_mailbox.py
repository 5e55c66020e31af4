"""Deleting mailboxes, one or many."""

import pytest
from django.db import connection

from accounts.models import User
from domains.models import Domain, MailSettings
from domains.services import change_mail_settings
from mailboxes.afterwards import what_becomes_of_the_mail_of_many, who_gets_mail_after
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
    assert "Mail to jean@example.org is refused from then on." in losses
    assert "Alias only@example.org delivers nowhere else and is deleted too." in losses
    assert "Alias both@example.org keeps its other destinations." in losses


def asked_of_postfix(address: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM postfix.virtual_alias_maps(%s, %s)", address.split("@"))
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.parametrize(
    ("local_part", "destinations", "sentence"),
    [
        (
            "",
            ["laure@example.org"],
            "Mail to jean@example.org goes to laure@example.org from then on, by the catch-all.",
        ),
        ("", ["@elsewhere.example"], "Mail to jean@example.org goes to jean@elsewhere.example from then on, by the"),
        (
            "je*",
            [ELSEWHERE],
            f"Mail to jean@example.org goes to {ELSEWHERE} from then on, by the pattern je*@example.org.",
        ),
        ("jean", [ELSEWHERE], f"Mail to jean@example.org still goes on to {ELSEWHERE}: its alias stays."),
        (
            "",
            [f"{name}@elsewhere.example" for name in "abcde"],
            "goes to a@elsewhere.example, b@elsewhere.example, c@elsewhere.example and 2 more from then on",
        ),
    ],
)
def test_who_gets_the_mail_then_is_said_as_postfix_has_it(
    domain: Domain, jean: Mailbox, laure: Mailbox, local_part: str, destinations: list[str], sentence: str
) -> None:
    add_alias(domain, local_part, destinations, by=TESTER)
    said = what_is_lost(jean)[0]
    delete_mailbox(jean, by=TESTER)
    assert sentence in said
    assert all(one in said for one in asked_of_postfix("jean@example.org")[:3])
    assert asked_of_postfix("jean@example.org")


@pytest.mark.parametrize(
    ("local_part", "destinations", "active"),
    [
        ("", ["jean@example.org"], True),
        ("", ["chain@example.org"], True),
        ("", [ELSEWHERE], False),
        ("laure*", [ELSEWHERE], True),
    ],
)
def test_what_goes_too_or_is_inactive_takes_no_mail(
    domain: Domain, jean: Mailbox, local_part: str, destinations: list[str], active: bool
) -> None:
    add_alias(domain, "chain", ["jean@example.org"], by=TESTER)
    add_alias(domain, local_part, destinations, active=active, by=TESTER)
    assert what_is_lost(jean)[0] == "Mail to jean@example.org is refused from then on."
    delete_mailbox(jean, by=TESTER)
    assert not asked_of_postfix("jean@example.org")


def test_what_looks_like_an_extension_goes_to_its_base(domain: Domain, jean: Mailbox) -> None:
    longer = add_mailbox(domain, "jean+list", by=TESTER)
    sentence = "Mail to jean+list@example.org goes where mail to jean@example.org goes from then on."
    assert what_is_lost(longer)[0] == sentence


def test_of_many_it_is_said_how_many_are_refused(domain: Domain, jean: Mailbox, laure: Mailbox) -> None:
    both = [jean.address, laure.address]
    add_alias(domain, "jean", ["laure@example.org", ELSEWHERE], by=TESTER)
    taken = who_gets_mail_after(both)
    assert taken == {jean.address_id: f"Mail to jean@example.org still goes on to {ELSEWHERE}: its alias stays."}
    assert "Mail to 1 of these addresses is refused" in what_becomes_of_the_mail_of_many(both, taken)
    add_alias(domain, "", [ELSEWHERE], by=TESTER)
    assert "is still taken" in what_becomes_of_the_mail_of_many(both, who_gets_mail_after(both))


def test_the_days_of_quarantine_are_said(jean: Mailbox) -> None:
    sentence = "For 90 days nobody else gets the address, unless a superuser gives it."
    change_mail_settings(quarantine_days=90, version=MailSettings.current().version, by=TESTER)
    assert sentence in what_is_lost(jean)
    change_mail_settings(quarantine_days=0, version=MailSettings.current().version, by=TESTER)
    assert not any("nobody else" in one for one in what_is_lost(jean))
