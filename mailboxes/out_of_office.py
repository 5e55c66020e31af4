"""Every write about out-of-office answers."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from accounts.actors import Actor
from accounts.history import recorded
from accounts.saving import refuse_other_version, save_checked, set_fields
from domains.services import locked_version
from mailboxes.mail_texts import refuse_nul
from mailboxes.models import Mailbox, OutOfOffice

CHANGEABLE = ("subject", "text", "starts_at", "ends_at", "days", "active")


def set_out_of_office(mailbox: Mailbox, *, version: int | None = None, by: Actor, **changes: Any) -> OutOfOffice:
    """Changes what CHANGEABLE names, or adds the answer of this mailbox. It counts from the next message on.
    `version` is what the person saw, 0 for no answer."""
    with recorded("set", "out_of_office", str(mailbox), domain=mailbox.address.domain.name, by=by):
        mailbox = locked_version(Mailbox.objects.with_address(), mailbox.pk, None)
        answer = OutOfOffice.objects.select_for_update(of=("self",)).filter(mailbox=mailbox).first()
        refuse_other_version(version, answer.version if answer else 0)
        if answer:
            answer.version += 1
        else:
            answer = OutOfOffice()
        set_fields(answer, CHANGEABLE, changes)
        answer.mailbox = mailbox
        refuse_nul(subject=answer.subject, text=answer.text)
        answer.tidy()
        save_checked(answer)
    return answer


def add_out_of_office_answers(answers: Sequence[OutOfOffice], *, by: Actor) -> None:
    """Those of many mailboxes at once, for who comes with a whole panel. They are tidy, and the database judges them;
    an answer that somebody adds meanwhile stays."""
    if not answers:
        return
    with recorded("import", "out_of_office", str(len(answers)), by=by):
        OutOfOffice.objects.bulk_create(answers, ignore_conflicts=True)


def delete_out_of_office(answer: OutOfOffice, *, version: int | None = None, by: Actor) -> UUID:
    """Deletes the answer with its text. Gives the number of the change set, for an undo."""
    mailbox = answer.mailbox
    with recorded("delete", "out_of_office", str(mailbox), domain=mailbox.address.domain.name, by=by) as change_set:
        locked_version(OutOfOffice.objects, answer.pk, version)
        OutOfOffice.objects.filter(pk=answer.pk).delete()
    return change_set
