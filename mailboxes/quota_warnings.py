"""A mail to the owner of a mailbox that is nearly full: at 80 and at 95 percent, once each until there is room."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.db.models import Q, QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import override

from jobs.alone import alone
from jobs.mail import LONGEST_REFUSAL, answers, automatic_mail
from mailboxes.mail_texts import language_of
from mailboxes.usage import FIRST_LEVEL, LAST_LEVEL, Usage

LOCK = 0x57415246  # "WARF": one run at a time
A_RUN = 500  # mails; the next run goes on
DUE = Q(percent__gte=FIRST_LEVEL, warned=0) | Q(percent__gte=LAST_LEVEL, warned__lt=LAST_LEVEL)


def warn_owners() -> int:
    """Sends what is due and remembers it, mail by mail; how many a server took. What it refused for good, as it does
    for a mailbox that is full already, is remembered with its words; what it did not take for now is tried again, after
    the others. Mailboxes of suspended domains are told later."""
    with alone(LOCK) as is_alone:
        return _warn(list(_due()[:A_RUN])) if is_alone else 0


def _warn(due: Sequence[Usage]) -> int:
    told = 0
    for usage, answer in answers((usage, _mail(usage)) for usage in due) if due else ():
        # It may have got room meanwhile, which the trigger then says.
        row = Usage.objects.filter(pk=usage.pk, percent__gte=FIRST_LEVEL)
        level = LAST_LEVEL if (usage.percent or 0) >= LAST_LEVEL else FIRST_LEVEL
        if not answer.for_good:
            row.update(warning_tries=usage.warning_tries + 1)
        else:
            row.update(warned=level, warning_refusal=answer.refusal[:LONGEST_REFUSAL], warning_tries=0)
            told += not answer.refusal
    return told


def _due() -> QuerySet[Usage]:
    rows = Usage.objects.filter(DUE).exclude(mailbox__address__domain__suspended=True)
    return rows.select_related("mailbox__address__domain", "mailbox__owner__user").order_by("warning_tries", "mailbox")


def _mail(usage: Usage) -> EmailMessage:
    mailbox = usage.mailbox
    with override(language_of(mailbox)):
        words = {
            "address": mailbox,
            "percent": usage.percent,
            "used": filesizeformat(usage.bytes),
            "quota": filesizeformat(mailbox.quota_bytes or 0),
        }
        subject = _("Your mailbox is %(percent)d %% full") % words
        body = _("%(address)s stores %(used)s of %(quota)s. When it is full, mail to it is refused.") % words
        advice = _("Delete what you no longer need and empty the trash, or ask your administrator for more room.")
        return automatic_mail(subject, f"{body}\n\n{advice}\n", str(mailbox))
