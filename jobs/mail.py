"""Mail that the panel sends by itself."""

import logging
import smtplib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from django.core.mail import EmailMessage, get_connection

log = logging.getLogger(__name__)
About = TypeVar("About")
LONGEST_REFUSAL = 500  # characters of what a server said, where that is kept


@dataclass(frozen=True)
class Answer:
    """What the server said to one mail: nothing where it took it. What is not `for_good` may be tried again."""

    refusal: str = ""
    for_good: bool = True


def automatic_mail(subject: str, text: str, to: str, *, sender: str = "", **headers: str) -> EmailMessage:
    """A mail that nobody wrote to this person alone: no out-of-office answer comes back (RFC 3834). It is not sent yet.
    Without a sender it comes from the panel. A header Message_ID is Message-ID."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return EmailMessage(subject, text, sender or None, to=[to], headers={"Auto-Submitted": "auto-generated"} | named)


def delivered(mails: Iterable[tuple[About, EmailMessage]]) -> Iterator[About]:
    """Sends them in one session, and gives back what each was about once it is done with: the server took it, or
    refuses it for good (5xx). What it did not take for now (4xx, or it went away) does not come back; the caller tries
    again later."""
    return (about for about, answer in answers(mails) if answer.for_good)


def answers(mails: Iterable[tuple[About, EmailMessage]]) -> Iterator[tuple[About, Answer]]:
    """Sends them in one session, and gives back what the server said to each, before the next one is sent. Ends when
    the server goes away: the mail that was under way then was not taken for now."""
    connection = get_connection()
    try:
        connection.open()
    except OSError:  # what smtplib raises is one too
        log.warning("The mail server cannot be reached.", exc_info=True)
        return
    try:
        for about, mail in mails:
            mail.connection = connection
            answer = Answer()
            try:
                mail.send()
            except OSError as error:
                log.warning("No mail to %s", mail.to, exc_info=True)
                if isinstance(error, smtplib.SMTPServerDisconnected):
                    yield about, Answer(_words_of(error), for_good=False)
                    break
                if not isinstance(error, smtplib.SMTPException):
                    break  # it went away
                connection.close()  # after a refused DATA smtplib leaves this one begun; the next mail opens another
                answer = Answer(_words_of(error), _is_for_good(error))
            except ValueError as error:  # what cannot be written as a mail (BadHeaderError): the others still can
                log.warning("No mail to %s", mail.to, exc_info=True)
                answer = Answer(str(error))
            yield about, answer
    finally:
        connection.close()


def _is_for_good(error: smtplib.SMTPException) -> bool:
    """Whether the server will say the same next time (RFC 5321, section 4.2.1), or smtplib itself."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _text in error.recipients.values())
    return not isinstance(error, smtplib.SMTPResponseException) or error.smtp_code >= 500


def _words_of(error: smtplib.SMTPException) -> str:
    """As the server said it: `550 5.1.1 …`."""
    said: list[tuple[int, bytes | str]]
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        said = [*error.recipients.values()]
    elif isinstance(error, smtplib.SMTPResponseException):
        said = [(error.smtp_code, error.smtp_error)]
    else:
        return str(error) or type(error).__name__
    return "; ".join(f"{code} {_text_of(text)}" for code, text in said)


def _text_of(text: bytes | str) -> str:
    decoded = text.decode(errors="replace") if isinstance(text, bytes) else text
    return " ".join(decoded.split())
