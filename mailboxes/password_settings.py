"""The one write about the password settings."""

from typing import Any

from accounts.actors import Actor
from accounts.history import recorded
from accounts.saving import set_fields
from domains.services import locked_version
from mailboxes.models import PasswordSettings

CHANGEABLE = ("least_length", "least_strength", "valid_days", "grace_days")


def change_password_settings(*, by: Actor, version: int | None = None, **changes: Any) -> PasswordSettings:
    """How long passwords are valid acts at once, for those that are there too; what a new one must be, on new ones."""
    with recorded("change", "password_settings", "", by=by):
        settings: PasswordSettings = locked_version(PasswordSettings.objects, 1, version)
        set_fields(settings, CHANGEABLE, changes)
        settings.version += 1
        settings.full_clean()
        settings.save()
    return settings
