"""The servers that mail programs are told, from the shell."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, given, version_argument
from mailboxes.models import ServerNames
from mailboxes.server_names import HOSTS, change_server_names


class Command(NounCommand):
    help = _("Show or change the servers that mail programs are told.")

    def add_verbs(self) -> None:
        self.verb("show", _("Show the server names."))
        change = self.verb("change", _("Change the server names; an empty one says that there is no such service."))
        for option, field, sentence in (
            ("--imap", "imap_host", _("The IMAP server, port 993.")),
            ("--pop", "pop_host", _("The POP server, port 995.")),
            ("--submission", "submission_host", _("The submission server, ports 465 and 587.")),
        ):
            change.add_argument(option, dest=field, metavar="NAME", help=sentence)
        version_argument(change)

    def do_show(self, options: Options) -> None:
        self.card(_row(ServerNames.current()), options)

    def do_change(self, options: Options) -> None:
        changes = given(options, *HOSTS)
        if not changes:
            self.wrong_usage(_("Say what is to change; “server_names change --help” names the options."))
        names = change_server_names(**changes, version=options["if_version"], by=self.by)
        self.done(_("Changed the server names."), _row(names), options)


def _row(names: ServerNames) -> dict[str, Any]:
    return {name: getattr(names, name) for name in (*HOSTS, "version", "changed_at")}
