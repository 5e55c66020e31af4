"""A mail to the owner of a mailbox that is nearly full: at 80 and at 95 percent, once each until there is room."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.db.models import Q, QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import override

from jobs.mail import automatic_mail, delivered
from mailboxes.mail_texts import language_of
from mailboxes.usage import FIRST_LEVEL, LAST_LEVEL, Usage

A_RUN = 500  # mails; the next run goes on
DUE = Q(percent__gte=FIRST_LEVEL, warned=0) | Q(percent__gte=LAST_LEVEL, warned__lt=LAST_LEVEL)


def warn_owners() -> int:
    """Sends what is due and remembers it; the number of mails. What the server did not take for now is tried again.
    Mailboxes of suspended domains are told later."""
    due = list(_due()[:A_RUN])
    if not due:
        return 0
    told: list[Usage] = []
    try:
        for usage in delivered((usage, _mail(usage)) for usage in due):
            told.append(usage)
    finally:
        _remember(told)
    return len(told)


def _due() -> QuerySet[Usage]:
    rows = Usage.objects.filter(DUE).exclude(mailbox__address__domain__suspended=True)
    return rows.select_related("mailbox__address__domain", "mailbox__owner__user").order_by("mailbox")


def _remember(told: Sequence[Usage]) -> None:
    """The level of which each was told; a mailbox may have got room meanwhile, which the trigger then says."""
    for level, below in ((LAST_LEVEL, None), (FIRST_LEVEL, LAST_LEVEL)):
        ids = [
            usage.mailbox_id
            for usage in told
            if usage.percent is not None and usage.percent >= level and (below is None or usage.percent < below)
        ]
        Usage.objects.filter(mailbox__in=ids, percent__gte=FIRST_LEVEL).update(warned=level)


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
