"""Mail that the panel sends by itself."""

import logging
import smtplib
from collections.abc import Iterable, Iterator
from typing import TypeVar

from django.core.mail import EmailMessage, get_connection

log = logging.getLogger(__name__)
About = TypeVar("About")


def automatic_mail(subject: str, text: str, to: str) -> EmailMessage:
    """A mail that nobody wrote: no out-of-office answer comes back (RFC 3834). It is not sent yet."""
    return EmailMessage(subject, text, to=[to], headers={"Auto-Submitted": "auto-generated"})


def delivered(mails: Iterable[tuple[About, EmailMessage]]) -> Iterator[About]:
    """Sends them in one session, and gives back what each was about once it is done with: the server took it, or
    refuses it for good (5xx). What it did not take for now (4xx, or it went away) does not come back; the caller tries
    again later."""
    connection = get_connection()
    try:
        connection.open()
    except OSError:  # what smtplib raises is one too
        log.warning("The mail server cannot be reached.", exc_info=True)
        return
    try:
        for about, mail in mails:
            mail.connection = connection
            try:
                mail.send()
            except OSError as error:
                log.warning("No mail to %s", mail.to, exc_info=True)
                if isinstance(error, smtplib.SMTPServerDisconnected) or not isinstance(error, smtplib.SMTPException):
                    break  # it went away
                connection.close()  # after a refused DATA smtplib leaves this one begun; the next mail opens another
                if not _is_for_good(error):
                    continue
            yield about
    finally:
        connection.close()


def _is_for_good(error: smtplib.SMTPException) -> bool:
    """Whether the server will say the same next time (RFC 5321, section 4.2.1), or smtplib itself."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _text in error.recipients.values())
    return not isinstance(error, smtplib.SMTPResponseException) or error.smtp_code >= 500
