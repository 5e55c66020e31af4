"""A mail to those who look after a domain when a record that was right is not right any more, once for each loss."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from accounts.models import User
from dns_records.record_models import TO_TELL, RecordChange
from dns_records.words import LABELS, sentence
from jobs.mail import automatic_mail, delivered

MOST_LINES = 50  # of one mail; the page shows them all
LOCK = 0x444E5341  # "DNSA", an advisory lock: who tells does so one after the other
TRIED = timedelta(days=5)  # for so long, as Postfix does with mail (maximal_queue_lifetime)


def tell_what_broke() -> int:
    """Sends to each person what they have not been told yet; the number of mails. What the server did not take for
    now is tried again at the next run, for that person alone."""
    with _one_after_the_other():
        changes = list(RecordChange.objects.filter(TO_TELL).select_related("domain").order_by("pk"))
        if not changes:
            return 0
        untold = {person: found for person in _people() if (found := _of(person, changes))}
        mails = [(person, _mail(person, found)) for person, found in untold.items()]
        sent = 0
        for person in delivered(mails) if mails else ():
            sent += 1
            _note(person, untold.pop(person))
        too_old = timezone.now() - TRIED
        waits = {one.pk for found in untold.values() for one in found}
        done = [one.pk for one in changes if one.at < too_old or one.pk not in waits]
        RecordChange.objects.filter(pk__in=done).update(told_at=timezone.now())
        return sent


@contextmanager
def _one_after_the_other() -> Iterator[None]:
    """A check that waits here finds told what another one has told."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _note(person: User, changes: Sequence[RecordChange]) -> None:
    for change in changes:
        change.told_to = [*change.told_to, person.pk]
    RecordChange.objects.bulk_update(changes, ["told_to"])


def _people() -> list[User]:
    """Whoever has an address for a user name: superusers and domain admins."""
    people = User.objects.people().filter(is_active=True, username__contains="@")
    return list(people.prefetch_related("domains").order_by("username"))


def _of(person: User, changes: Sequence[RecordChange]) -> list[RecordChange]:
    """What concerns a person and they have not been told."""
    own = {domain.pk for domain in person.domains.all()}
    return [
        change
        for change in changes
        if person.pk not in change.told_to and (person.is_superuser or change.domain_id in own)
    ]


def _mail(person: User, changes: Sequence[RecordChange]) -> EmailMessage:
    with override(person.language or settings.LANGUAGE_CODE):
        # A record of a mail host concerns the hosts and the domain whose zone it stands in.
        said = (
            f"{LABELS[change.purpose]}: {change.name} {change.rdtype}\n    {sentence(change.why, change.words)}"
            for change in changes
        )
        lines = list(dict.fromkeys(said))
        number = len(lines)
        subject = ngettext(
            "DNS: %(number)d record is no longer right", "DNS: %(number)d records are no longer right", number
        )
        if number > MOST_LINES:
            del lines[MOST_LINES:]
            lines.append(_("… and %(number)d more.") % {"number": number - MOST_LINES})
        body = _("The nightly check found these records right before, and not any more:")
        end = _("The page “DNS and DKIM” of the panel shows what is expected.")
        return automatic_mail(subject % {"number": number}, "\n\n".join([body, *lines, end]) + "\n", person.username)
