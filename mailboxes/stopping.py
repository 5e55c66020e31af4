"""The emergency stop: nobody signs in to a mailbox or sends from it until it is released. Mail still arrives."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import recorded
from domains.services import locked_version
from mailboxes.labels import domain_of, few
from mailboxes.models import Mailbox, PasswordLink
from mailboxes.sessions import end_panel_sessions, now_by_the_database


def stop_mailboxes(mailboxes: Sequence[Mailbox], *, by: Actor) -> UUID:
    """From now on nobody signs in to these: not to the panel, IMAP, POP3 or submission, by no password, and no session
    sends another message. Sessions of the panel end here, those of Dovecot by `end_sessions` on its hosts; links that
    were sent are no longer good, also after a release. Gives the number of the change set, for an undo; those that are
    stopped already stay as they are."""
    with recorded("stop", "mailboxes", few(mailboxes), domain=domain_of(mailboxes), by=by) as change_set:
        locked = _locked(mailboxes)
        now = now_by_the_database()  # as the time at which a host has looked
        for mailbox in locked:
            if mailbox.stopped_at is None:
                _set(mailbox, now)
                PasswordLink.use_up(mailbox)
                end_panel_sessions(mailbox)
    return change_set


def release_mailboxes(mailboxes: Sequence[Mailbox], *, by: Actor) -> None:
    """Its owner may sign in and send again, with the passwords that were good before."""
    with recorded("release", "mailboxes", few(mailboxes), domain=domain_of(mailboxes), by=by):
        for mailbox in _locked(mailboxes):
            if mailbox.stopped_at is not None:
                _set(mailbox, None)


def _locked(mailboxes: Sequence[Mailbox]) -> list[Mailbox]:
    if not mailboxes:
        raise ValidationError(_("No mailbox was chosen."))
    rows = Mailbox.objects.with_address()
    return [locked_version(rows, pk, None) for pk in sorted(mailbox.pk for mailbox in mailboxes)]


def _set(mailbox: Mailbox, stopped_at: datetime | None) -> None:
    mailbox.stopped_at = stopped_at
    mailbox.version += 1
    mailbox.save(update_fields=["stopped_at", "version", "changed_at"])
