"""App passwords: what mail programs sign in with."""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.actors import Actor, Door
from accounts.models import ChangeSet
from accounts.services import add_user
from domains.services import add_domain_admin
from mailboxes.app_passwords import MOST_APP_PASSWORDS, add_app_password, revoke_app_password
from mailboxes.credentials_purge import KEPT, purge_credentials
from mailboxes.models import AppPassword, AppPasswordSecret, Mailbox
from mailboxes.removal import delete_domain
from mailboxes.services import delete_mailbox, owner_of
from mailboxes.undo import preview_of_undo, undo_change_set
from tests.services.checks import TESTER, nothing_changes, one_change_set

pytestmark = pytest.mark.django_db


def test_it_works(jean: Mailbox) -> None:
    with one_change_set("Added app password jean@example.org, Phone"):
        one, text = add_app_password(jean, " Phone ", pop=False, by=TESTER)
    assert re.fullmatch(r"([a-z2-9]{7}-){3}[a-z2-9]{7}", text)
    assert (one.name, one.imap, one.pop, one.sends, one.used_at) == ("Phone", True, False, True, None)
    assert AppPasswordSecret.objects.get().digest == hashlib.sha256(text.encode()).hexdigest()
    assert add_app_password(jean, "Laptop", by=TESTER)[1] != text


def test_what_is_refused(jean: Mailbox) -> None:
    add_app_password(jean, "Phone", by=TESTER)
    with nothing_changes():
        for name, values, sentence in (
            ("Phone", {}, "There is an app password of this name already."),
            ("", {}, "cannot be blank"),
            ("a\0b", {}, "Null characters"),
            ("Laptop", {"imap": False, "pop": False, "sends": False}, "Choose at least one thing"),
            ("Laptop", {"expires_at": timezone.now() - timedelta(minutes=1)}, "This is past already."),
        ):
            with pytest.raises(ValidationError, match=re.escape(sentence)):
                add_app_password(jean, name, **values, by=TESTER)  # type: ignore[arg-type]


def test_there_are_fifty_at_most(jean: Mailbox) -> None:
    AppPassword.objects.bulk_create(AppPassword(mailbox=jean, name=f"{n}") for n in range(MOST_APP_PASSWORDS))
    with pytest.raises(ValidationError, match="jean@example.org has 50 app passwords"):
        add_app_password(jean, "one more", by=TESTER)


def test_only_the_owner_adds_one(jean: Mailbox) -> None:
    admin, root = add_user("admin", by=TESTER), add_user("root", is_superuser=True, by=TESTER)
    add_domain_admin(jean.address.domain, admin, by=TESTER)
    for user in (admin, root):
        by = Actor(user=user, door=Door.PAGE)
        with pytest.raises(ValidationError, match="Only the owner of jean@example.org"):
            add_app_password(jean, "Phone", by=by)
    owner = Actor(user=owner_of(jean, by=TESTER), door=Door.PAGE)
    one, _text = add_app_password(jean, "Phone", by=owner)
    revoke_app_password(one, by=Actor(user=admin, door=Door.PAGE))
    assert not AppPassword.objects.exists()


def test_a_revoked_one_stays_revoked(jean: Mailbox) -> None:
    one, _text = add_app_password(jean, "Phone", by=TESTER)
    with one_change_set("Revoked app password jean@example.org, Phone"):
        revoke_app_password(one, by=TESTER)
    assert not AppPasswordSecret.objects.exists()
    for verb in ("revoke", "add"):
        line = ChangeSet.objects.get(metadata__verb=verb, metadata__noun="app_password")
        with pytest.raises(ValidationError, match="A revoked one stays revoked"):
            undo_change_set(line, by=TESTER)


@pytest.mark.parametrize("delete", [delete_mailbox, lambda jean, by: delete_domain(jean.address.domain, by=by)])
def test_they_come_back_with_their_mailbox(jean: Mailbox, delete: Callable[..., UUID]) -> None:
    one, _text = add_app_password(jean, "Phone", by=TESTER)
    digest = AppPasswordSecret.objects.get().digest
    gone = delete(jean, by=TESTER)
    assert not AppPassword.objects.exists()
    back = undo_change_set(ChangeSet.objects.get(pk=gone), by=TESTER)
    assert AppPassword.objects.get() == one
    assert AppPassword.objects.filter(secret__digest=digest, secret__retired_at=None).exists()
    again = undo_change_set(ChangeSet.objects.get(pk=back), by=TESTER)
    assert not AppPassword.objects.exists()
    undo_change_set(ChangeSet.objects.get(pk=again), by=TESTER)
    assert AppPassword.objects.filter(secret__digest=digest, secret__retired_at=None).exists()
    purge_credentials()
    assert AppPasswordSecret.objects.exists()


def test_too_late_they_do_not(jean: Mailbox) -> None:
    add_app_password(jean, "Phone", by=TESTER)
    gone = ChangeSet.objects.get(pk=delete_mailbox(jean, by=TESTER))
    AppPasswordSecret.objects.update(retired_at=timezone.now() - KEPT - timedelta(days=1))
    purge_credentials()
    assert not AppPasswordSecret.objects.exists()
    remarks = preview_of_undo(gone, by=TESTER).remarks
    assert any("App password “Phone” of jean@example.org does not come back" in remark for remark in remarks)
    undo_change_set(gone, by=TESTER)
    assert Mailbox.objects.filter(pk=jean.pk).exists()
    assert not AppPassword.objects.exists()
