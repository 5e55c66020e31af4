"""What the panel sends by mail."""

from django.core.mail import EmailMessage


def automatic_mail(subject: str, text: str, to: str) -> EmailMessage:
    """A mail that nobody wrote: no out-of-office answer comes back (RFC 3834). It is not sent yet."""
    return EmailMessage(subject, text, to=[to], headers={"Auto-Submitted": "auto-generated"})
