"""The one write about the mailing settings."""

from typing import Any

from accounts.actors import Actor
from accounts.history import recorded
from accounts.saving import set_fields
from domains.services import locked_version
from mailboxes.mail_texts import refuse_nul, tidy
from mailboxes.models import MailingSettings

CHANGEABLE = ("welcomes", "welcome_subject", "welcome_text", "mails_per_minute")


def change_mailing_settings(*, by: Actor, version: int | None = None, **changes: Any) -> MailingSettings:
    """Texts count for mail that is sent from now on, the speed for broadcasts that are under way, too."""
    with recorded("change", "mailing_settings", "", by=by):
        settings: MailingSettings = locked_version(MailingSettings.objects, 1, version)
        set_fields(settings, CHANGEABLE, changes)
        refuse_nul(welcome_subject=settings.welcome_subject, welcome_text=settings.welcome_text)
        settings.welcome_subject, settings.welcome_text = settings.welcome_subject.strip(), tidy(settings.welcome_text)
        settings.version += 1
        settings.full_clean()
        settings.save()
    return settings
