"""The first mail in a new mailbox: Dovecot, or virtual(8), makes the maildir when it is delivered.

Who adds the mailbox only writes a row. The clock of the worker sends what waits, so nobody waits for a mail server, and
what one refuses for now is tried again for a day. An import, a takeover and an undo write no row."""

from datetime import timedelta

from django.core.mail import EmailMessage
from django.db.models import Case, Exists, F, OuterRef, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from jobs.alone import alone
from jobs.mail import LONGEST_REFUSAL, answers, automatic_mail
from mailboxes.mail_texts import filled, language_of, tidy
from mailboxes.mailing_models import LONGEST_SUBJECT
from mailboxes.models import Mailbox, MailingSettings, WelcomeMail

LOCK = 0x57454C43  # "WELC": one run at a time
A_RUN = 500  # mails; the next run goes on
TRIED_FOR = timedelta(days=1)
NO_ANSWER = "no answer"  # as a server would have said it


def welcome_later(mailbox: Mailbox) -> None:
    """Called within the transaction that adds the mailbox."""
    WelcomeMail.objects.get_or_create(mailbox=mailbox)


def send_welcome_mails() -> int:
    """Sends what waits, each once; the number of mails that a server took. Between the answer of the server and the
    line that remembers it, the worker may die: that one mail comes twice, with the same Message-ID. A mailbox that
    receives no mail at this moment gets none."""
    with alone(LOCK) as is_alone:
        return _send() if is_alone and WelcomeMail.objects.filter(WelcomeMail.WAITING).exists() else 0


def _send() -> int:
    waiting = WelcomeMail.objects.filter(WelcomeMail.WAITING)
    receiving = Mailbox.objects.receiving().filter(address__domain__active=True, address__domain__suspended=False)
    waiting.filter(~Exists(receiving.filter(pk=OuterRef("mailbox")))).delete()
    said = Case(When(put_off="", then=Value(NO_ANSWER)), default=F("put_off"))
    waiting.filter(created_at__lt=timezone.now() - TRIED_FOR).update(refusal=said)
    rows = waiting.select_related("mailbox__address__domain", "mailbox__owner__user").order_by("tries", "mailbox")
    settings, sent = MailingSettings.current(), 0
    for row, answer in answers((row, mail_of(row.mailbox, settings)) for row in rows[:A_RUN]):
        one = WelcomeMail.objects.filter(pk=row.pk)
        if not answer.refusal:
            sent += one.update(sent_at=timezone.now())
        elif answer.for_good:
            one.update(refusal=answer.refusal[:LONGEST_REFUSAL])
        else:
            one.update(tries=row.tries + 1, put_off=answer.refusal[:LONGEST_REFUSAL])  # others come first
    return sent


def mail_of(mailbox: Mailbox, settings: MailingSettings) -> EmailMessage:
    with override(language_of(mailbox)):
        subject = filled(settings.welcome_subject or _("Welcome to {address}"), mailbox)
        text = filled(settings.welcome_text or _own_text(), mailbox)
        number = f"<welcome.{mailbox.pk}.{mailbox.created_at:%Y%m%d%H%M%S}@{mailbox.address.domain}>"
        return automatic_mail(subject[:LONGEST_SUBJECT], f"{tidy(text)}\n", str(mailbox), Message_ID=number)


def _own_text() -> str:
    paragraphs = (
        _("Hello {name},"),
        _("your mailbox {address} is ready. This is its first mail."),
        _("In a mail program, sign in with the whole address and the password of your mailbox."),
        "{servers}",
    )
    return "\n\n".join(paragraphs)
