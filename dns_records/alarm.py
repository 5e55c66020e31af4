"""A mail to those who look after a domain when a record that was right is not right any more, once for each change."""

from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from accounts.models import User
from dns_records.record_models import TO_TELL, RecordChange
from dns_records.words import LABELS, sentence
from jobs.mail import automatic_mail, delivered

MOST_LINES = 50  # of one mail; the page shows them all


def tell_what_broke() -> int:
    """Sends what nobody has been told yet; the number of mails. What no server took is tried again at the next run."""
    changes = list(RecordChange.objects.filter(TO_TELL).select_related("domain").order_by("pk"))
    if not changes:
        return 0
    mails = [(person, mail) for person in _people() if (mail := _mail(person, _of(person, changes)))]
    told = list(delivered(mails)) if mails else []
    if mails and not told:
        return 0
    RecordChange.objects.filter(pk__in=[change.pk for change in changes]).update(told_at=timezone.now())
    return len(told)


def _people() -> list[User]:
    """Whoever has an address for a user name: superusers and domain admins."""
    people = User.objects.people().filter(is_active=True, username__contains="@")
    return list(people.prefetch_related("domains").order_by("username"))


def _of(person: User, changes: Sequence[RecordChange]) -> list[RecordChange]:
    if person.is_superuser:
        return list(changes)
    own = {domain.pk for domain in person.domains.all()}
    return [change for change in changes if change.domain_id in own]


def _mail(person: User, changes: Sequence[RecordChange]) -> EmailMessage | None:
    if not changes:
        return None
    with override(person.language or settings.LANGUAGE_CODE):
        number = len(changes)
        subject = ngettext(
            "DNS: %(number)d record is no longer right", "DNS: %(number)d records are no longer right", number
        )
        lines = [
            f"{LABELS[change.purpose]}: {change.name} {change.rdtype}\n    {sentence(change.why, change.words)}"
            for change in changes[:MOST_LINES]
        ]
        if number > MOST_LINES:
            lines.append(_("… and %(number)d more.") % {"number": number - MOST_LINES})
        body = _("The nightly check found these records right before, and not any more:")
        end = _("The page “DNS and DKIM” of the panel shows what is expected.")
        return automatic_mail(subject % {"number": number}, "\n\n".join([body, *lines, end]) + "\n", person.username)
