"""Every write about app passwords."""

import secrets
from collections.abc import Iterable
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.digests import sha256_of
from accounts.history import recorded
from accounts.saving import save_checked
from domains.services import locked_version
from mailboxes.models import AppPassword, AppPasswordSecret, Mailbox
from mailboxes.times import refuse_strange_times

MOST_APP_PASSWORDS = 50  # of one mailbox; a page shows them all
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # 32, nothing that looks like something else: 5 bits a letter
GROUPS, GROUP = 4, 7  # 28 letters, 140 random bits


def add_app_password(
    mailbox: Mailbox,
    name: str,
    *,
    imap: bool = True,
    pop: bool = True,
    sends: bool = True,
    expires_at: datetime | None = None,
    by: Actor,
) -> tuple[AppPassword, str]:
    """Gives the row and the app password itself, which nobody can show again. It opens no more than the mailbox is open
    for, and only where somebody has set a password for that."""
    _refuse_others_than_the_owner(mailbox, by)
    name = name.strip()
    text = "-".join("".join(secrets.choice(ALPHABET) for _letter in range(GROUP)) for _group in range(GROUPS))
    with recorded("add", "app_password", f"{mailbox}, {name}", domain=mailbox.address.domain.name, by=by):
        mailbox = locked_version(Mailbox.objects.with_address(), mailbox.pk, None)
        refuse_strange_times(expires_at=expires_at)
        if expires_at and expires_at <= timezone.now():
            raise ValidationError({"expires_at": _("This is past already. Choose a later time.")})
        if mailbox.app_passwords.count() >= MOST_APP_PASSWORDS:
            sentence = _("%(mailbox)s has %(most)d app passwords, and no more are possible. Revoke one first.")
            raise ValidationError(sentence % {"mailbox": mailbox, "most": MOST_APP_PASSWORDS})
        one = AppPassword(mailbox=mailbox, name=name, imap=imap, pop=pop, sends=sends, expires_at=expires_at)
        save_checked(one)
        AppPasswordSecret.objects.create(app_password=one, digest=sha256_of(text))
    return one, text


def revoke_app_password(one: AppPassword, *, by: Actor) -> None:
    """From then on nobody signs in with it, and sessions of its mailbox end (mailboxes.sessions). It does not come
    back, not even by an undo."""
    mailbox = one.mailbox
    with recorded("revoke", "app_password", f"{mailbox}, {one.name}", domain=mailbox.address.domain.name, by=by):
        locked_version(Mailbox.objects, mailbox.pk, None)
        AppPassword.objects.filter(pk=one.pk).delete()
        forget_revoked([one.pk])


def what_is_lost(one: AppPassword) -> list[str]:
    """Sentences for whoever is about to revoke it."""
    lost = [_("The mail program that uses it can no longer sign in. A revoked app password does not come back.")]
    if one.sends:
        lost.append(
            _("For five minutes nothing is sent from this mailbox, so that nobody who signed in with it goes on.")
        )
    return lost


def remove_app_passwords(mailbox_ids: Iterable[int]) -> None:
    """Those of mailboxes that are just being deleted. Their secrets are kept until they are purged."""
    gone = AppPassword.objects.filter(mailbox__in=mailbox_ids)
    AppPasswordSecret.objects.filter(app_password__in=gone).update(retired_at=timezone.now())
    gone.delete()


def forget_revoked(ids: Iterable[int]) -> None:
    """The secrets of app passwords that are gone, though nobody deleted their mailbox."""
    there = AppPassword.objects.filter(pk=OuterRef("pk"))
    AppPasswordSecret.objects.filter(~Exists(there), pk__in=list(ids), retired_at=None).delete()


def bring_back_secrets(ids: Iterable[int]) -> None:
    """Those of app passwords that are there again, with their mailbox."""
    AppPasswordSecret.objects.filter(pk__in=list(ids), retired_at__isnull=False).update(retired_at=None)


def _refuse_others_than_the_owner(mailbox: Mailbox, by: Actor) -> None:
    """Who knew it could read the mail of somebody else, who would not notice."""
    if by.user is not None and not Mailbox.objects.owned_by(by.user).filter(pk=mailbox.pk).exists():
        raise ValidationError(_("Only the owner of %(mailbox)s adds app passwords.") % {"mailbox": mailbox})
