"""The password settings from the shell: what holds for the passwords of all mailboxes."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, given, version_argument
from mailboxes.models import PasswordSettings
from mailboxes.password_settings import CHANGEABLE, change_password_settings

FOR_EVER = "for-ever"


class Command(NounCommand):
    help = _("Show or change the password settings: what a password of a mailbox must be, and how long it is valid.")

    def add_verbs(self) -> None:
        self.verb("show", _("Show the password settings."))
        change = self.verb("change", _("Change the password settings."))
        change.add_argument("--least-length", type=int, metavar="N", help=_("Shortest password, in characters."))
        change.add_argument(
            "--least-strength", type=int, metavar="0-4", help=_("How hard to guess, as zxcvbn estimates it.")
        )
        change.add_argument("--valid-days", metavar="N|for-ever", help=_("Then the owner must choose another one."))
        change.add_argument(
            "--grace-days", type=int, metavar="N", help=_("So long mail programs still sign in after that.")
        )
        version_argument(change)

    def do_show(self, options: Options) -> None:
        self.card(_row(PasswordSettings.current()), options)

    def do_change(self, options: Options) -> None:
        changes = given(options, *CHANGEABLE)
        if not changes:
            self.wrong_usage(_("Say what is to change; “password_settings change --help” names the options."))
        if "valid_days" in changes:
            changes["valid_days"] = None if changes["valid_days"] == FOR_EVER else changes["valid_days"]
        settings = change_password_settings(**changes, version=options["if_version"], by=self.by)
        self.done(_("Changed the password settings."), _row(PasswordSettings.objects.get(pk=settings.pk)), options)


def _row(settings: PasswordSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in (*CHANGEABLE, "version", "changed_at")}
