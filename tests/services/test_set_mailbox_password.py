"""Setting the password of a mailbox."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from mailboxes.credentials import is_password
from mailboxes.models import Mailbox, MailboxCredential, PasswordLink, RecoveryAddress
from mailboxes.recovery import new_token, reset_password
from mailboxes.services import delete_mailbox, owner_of, set_mailbox_password
from tests.services.checks import TESTER, one_change_set, refusal

pytestmark = pytest.mark.django_db


def test_it_works(jean: Mailbox) -> None:
    with one_change_set("Changed the password of mailbox jean@example.org"):
        set_mailbox_password(jean, "the first one", by=TESTER)
    set_mailbox_password(jean, "the second one", by=TESTER)
    stored = MailboxCredential.objects.get().hash
    assert is_password("the second one", stored)
    assert not is_password("the first one", stored)


def test_the_history_says_that_and_not_what(jean: Mailbox) -> None:
    set_mailbox_password(jean, "the first one", by=TESTER)
    stored = MailboxCredential.objects.get().hash
    with connection.cursor() as cursor:
        cursor.execute("SELECT pgh_label, event::text FROM mailboxes_mailboxevent AS event ORDER BY pgh_id")
        events = cursor.fetchall()
    assert [label for label, _text in events] == ["added", "changed", "password_changed"]  # its version
    assert not any(stored in text for _label, text in events)


def test_it_is_stored_by_a_scheme_that_dovecot_knows(jean: Mailbox) -> None:
    set_mailbox_password(jean, "the first one", by=TESTER)
    assert MailboxCredential.objects.get().hash.startswith("{BLF-CRYPT}$2y$11$")


@pytest.mark.parametrize("password", ["", "short", "x" * 73, "é" * 37, "long enough\0"])
def test_a_password_that_cannot_be_kept_is_refused(jean: Mailbox, password: str) -> None:
    set_mailbox_password(jean, "the first one", by=TESTER)
    with refusal(field="password"):
        set_mailbox_password(jean, password, by=TESTER)


def test_what_is_gone_has_no_password(jean: Mailbox) -> None:
    delete_mailbox(Mailbox.objects.get(), by=TESTER)
    with refusal("deleted meanwhile"):
        set_mailbox_password(jean, "the first one", by=TESTER)


def test_it_ends_the_sessions_of_the_owner(jean: Mailbox) -> None:
    owner = owner_of(jean, by=TESTER)
    before = owner.get_session_auth_hash()
    set_mailbox_password(jean, "the first one", by=TESTER)
    owner.refresh_from_db()
    assert owner.get_session_auth_hash() != before


@pytest.mark.parametrize("by_owner", [True, False])
def test_no_door_of_an_intruder_stays_open(jean: Mailbox, by_owner: bool) -> None:
    """Who was in for a while may have put a recovery address there, and may have a link already."""
    RecoveryAddress.objects.create(mailbox=jean, address="intruder@elsewhere.example", confirmed_at=timezone.now())
    about = {"mailbox": jean, "address": "intruder@elsewhere.example", "purpose": "reset"}
    token = new_token(PasswordLink.objects.create(**about, expires_at=timezone.now() + timedelta(hours=1)))
    with one_change_set("Changed the password of mailbox jean@example.org"):
        set_mailbox_password(jean, "the first one", by_owner=by_owner, by=TESTER)
    with refusal("no longer good"):
        reset_password(token, "what the intruder wants", by=TESTER)
    assert RecoveryAddress.objects.exists() is by_owner
