"""Mail of the panel to mailboxes, from the shell: the welcome mail, and how fast broadcasts go."""

from argparse import BooleanOptionalAction
from typing import Any

from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, given, version_argument
from mailboxes.mailing_settings import CHANGEABLE, change_mailing_settings
from mailboxes.models import MailingSettings


class Command(NounCommand):
    help = _("Show or change the mailing settings: the welcome mail of new mailboxes, and how fast broadcasts go.")

    def add_verbs(self) -> None:
        self.verb("show", _("Show the mailing settings."))
        change = self.verb("change", _("Change the mailing settings."))
        change.add_argument(
            "--welcome",
            dest="welcomes",
            action=BooleanOptionalAction,
            default=None,
            help=_("Whether new mailboxes get a welcome mail."),
        )
        change.add_argument("--welcome-subject", metavar="TEXT", help=_("Empty: the panel's own."))
        change.add_argument(
            "--welcome-text",
            metavar="TEXT",
            help=_("Empty: the panel's own. {address}, {name} and {servers} are filled in."),
        )
        change.add_argument(
            "--mails-per-minute", type=int, metavar="N", help=_("So many of a broadcast at most: 1 to 6000.")
        )
        version_argument(change)

    def do_show(self, options: Options) -> None:
        self.card(_row(MailingSettings.current()), options)

    def do_change(self, options: Options) -> None:
        changes = given(options, *CHANGEABLE)
        if not changes:
            self.wrong_usage(_("Say what is to change; “mailing_settings change --help” names the options."))
        settings = change_mailing_settings(**changes, version=options["if_version"], by=self.by)
        self.done(_("Changed the mailing settings."), _row(MailingSettings.objects.get(pk=settings.pk)), options)


def _row(settings: MailingSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in (*CHANGEABLE, "version", "changed_at")}
