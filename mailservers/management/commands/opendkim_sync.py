"""Writes the DKIM keys of this host as files; a timer runs it."""

import argparse
import socket
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.commands import PanelCommand
from mailservers.opendkim import Keys, KeysByRoot, KeysHere, sync


class Command(PanelCommand):
    help = _(
        "Write each DKIM key as a file of mode 0600, remove those that are gone, and say in the database which host "
        "has which. Run it on the host that signs, as root, from a timer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--directory", default="/etc/dkimkeys/mailadmin", metavar="DIR", help=_("Where the files are.")
        )
        parser.add_argument(
            "--host", default=socket.gethostname(), metavar="NAME", help=_("The name of this host in the panel.")
        )
        parser.add_argument("--user", default="opendkim", metavar="USER", help=_("Who may read the files."))
        parser.add_argument(
            "--tables", action="store_true", help=_("Write KeyTable and SigningTable too, for OpenDKIM without dsn:.")
        )
        parser.add_argument(
            "--pid-file", action="append", default=[], metavar="FILE", help=_("Of OpenDKIM, which is then told.")
        )
        parser.add_argument(
            "--told", action="store_true", help=_("You have sent OpenDKIM the signal: what it no longer uses may go.")
        )
        # Said by script/manage where it was started by root: standard input leads to root, who writes.
        parser.add_argument("--by-root", action="store_true", help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["pid_file"] or options["told"]) and not options["tables"]:
            raise CommandError(_("--pid-file and --told go with --tables. An OpenDKIM that asks SQL needs no signal."))
        directory = Path(options["directory"]).absolute()
        try:
            keys: Keys = KeysByRoot(directory) if options["by_root"] else KeysHere(directory, options["user"])
            done = sync(
                keys,
                host=options["host"],
                with_tables=options["tables"],
                pid_files=[Path(file) for file in options["pid_file"]],
                is_told=options["told"],
                by=Actor.from_command(),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except (OSError, LookupError, ValueError) as error:
            raise CommandError(
                _("The files in %(directory)s could not be written: %(reason)s.")
                % {"directory": directory, "reason": getattr(error, "strerror", None) or error}
            ) from error
        for name in done.written:
            self.stdout.write(_("Wrote %(file)s.") % {"file": name})
        for name in done.removed:
            self.stdout.write(_("Removed %(file)s.") % {"file": name})
        if done.waits:
            self.stdout.write(_("The tables are new. Send OpenDKIM the signal USR1, then run this again with --told."))
        if done.failed:
            raise CommandError("\n".join([*done.failed, _("All else is as it should be.")]))
