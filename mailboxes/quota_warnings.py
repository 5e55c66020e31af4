"""A mail to the owner of a mailbox that is nearly full: at 80 and at 95 percent, once each until there is room."""

import logging
import smtplib
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import Q, QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.mails import automatic_mail
from mailboxes.usage import FIRST_LEVEL, LAST_LEVEL, Usage

log = logging.getLogger(__name__)

A_RUN = 500  # mails; the next run goes on
DUE = Q(percent__gte=FIRST_LEVEL, warned=0) | Q(percent__gte=LAST_LEVEL, warned__lt=LAST_LEVEL)


def warn_owners() -> int:
    """Sends what is due and remembers it; the number of mails. What a server did not take for now (4xx, or it went
    away) is tried again, what it refuses for good (5xx) is not. Mailboxes of suspended domains are told later."""
    due = list(_due()[:A_RUN])
    if not due:
        return 0
    connection = get_connection()
    try:
        connection.open()
    except (OSError, smtplib.SMTPException):
        log.warning("The mail server did not take the warnings about full mailboxes.", exc_info=True)
        return 0
    told = []
    try:
        for usage in due:
            mail = _mail(usage)
            mail.connection = connection
            try:
                mail.send()
            except OSError as error:  # what smtplib raises is one too
                log.warning("No warning to %s", mail.to, exc_info=True)
                if isinstance(error, smtplib.SMTPServerDisconnected) or not isinstance(error, smtplib.SMTPException):
                    break  # it went away
                connection.close()  # after a refused DATA smtplib leaves this one begun; the next mail opens another
                if not _is_for_good(error):
                    continue
            told.append(usage)
    finally:
        connection.close()
        _remember(told)
    return len(told)


def _is_for_good(error: smtplib.SMTPException) -> bool:
    """Whether the server will say the same next time (RFC 5321, section 4.2.1), or smtplib itself."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _text in error.recipients.values())
    return not isinstance(error, smtplib.SMTPResponseException) or error.smtp_code >= 500


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
    owner = getattr(mailbox, "owner", None)
    language = owner.user.language if owner else ""
    with override(language or settings.LANGUAGE_CODE):
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
