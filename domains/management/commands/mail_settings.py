"""The mail settings from the shell: what holds for all domains."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, given, version_argument
from domains.main_cf import remark_since, what_is_written
from domains.models import MailSettings
from domains.services import MAIL_SETTINGS, change_mail_settings


class Command(NounCommand):
    help = _("Show or change the mail settings: recipient delimiter, mail path template, quarantine, DKIM.")

    def add_verbs(self) -> None:
        self.verb("show", _("Show the mail settings."))
        change = self.verb("change", _("Change the mail settings."))
        change.add_argument(
            "--recipient-delimiter", metavar="+|-|+-|none", help=_("What separates an address from its extension.")
        )
        change.add_argument(
            "--mail-path-template", metavar="TEMPLATE", help=_("Tokens: {domain}, {local_part}, {initial}.")
        )
        change.add_argument(
            "--quarantine-days",
            type=int,
            metavar="N",
            help=_("So long nobody else gets the address of a mailbox; or 0."),
        )
        change.add_argument(
            "--dkim-retiring-days", type=int, metavar="N", help=_("So long the record of an old DKIM key stays.")
        )
        change.add_argument(
            "--dkim-rotation-months", type=int, metavar="N", help=_("A new DKIM key every N months; 0 for never.")
        )
        version_argument(change)

    def do_show(self, options: Options) -> None:
        self.card(_row(MailSettings.current()), options)

    def do_change(self, options: Options) -> None:
        changes = given(options, *MAIL_SETTINGS)
        if not changes:
            self.wrong_usage(_("Say what is to change; “mail_settings change --help” names the options."))
        if changes.get("recipient_delimiter") == "none":
            changes["recipient_delimiter"] = ""
        before = what_is_written()
        settings = change_mail_settings(**changes, version=options["if_version"], by=self.by)
        if sentence := remark_since(before):
            self.remark(sentence)
            self.remark(_("Addresses with an extension may lead elsewhere now, so all aliases are being checked."))
        self.done(_("Changed the mail settings."), _row(settings), options)


def _row(settings: MailSettings) -> dict[str, Any]:
    return {
        **{name: getattr(settings, name) for name in MAIL_SETTINGS},
        "version": settings.version,
        "changed_at": settings.changed_at,
    }
