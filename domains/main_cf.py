"""What main.cf has of the mail settings."""

from django.utils.translation import gettext as _

from domains.models import MailSettings


def what_is_written() -> str:
    """Two that differ: `postfix_config` is to be run again."""
    return MailSettings.current().recipient_delimiter


def remark_since(before: str) -> str:
    """A sentence if main.cf on the mail host no longer says what it must; empty if it does."""
    if what_is_written() == before:
        return ""
    return _("Write the Postfix configuration again: main.cf must name the same delimiter.")
