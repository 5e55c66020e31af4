"""Writes the lists of domains as indexed files, for a mail host whose main.cf names these."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.commands import PanelCommand
from mailservers.domain_files import ListsByRoot, ListsHere, NotIndexed, write_domain_files
from mailservers.postfix_host import KINDS_OF_FILES


class Command(PanelCommand):
    help = _(
        "Write the lists of domains again, for a mail host that has them as files (postfix_config --domains-as). Run "
        "it there every minute as root; a list that has not changed is left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", required=True, metavar="DIR", help=_("Where postfix_config wrote its files."))
        parser.add_argument("--as", dest="kind", required=True, choices=KINDS_OF_FILES, help=_("Type of table."))
        parser.add_argument("--json", action="store_true", help=_("Print JSON."))
        # Said by script/manage where it was started by root: standard input leads to root, who writes.
        parser.add_argument("--by-root", action="store_true", help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        directory = Path(options["output"]).absolute()
        try:
            if options["by_root"]:
                by_root = ListsByRoot(directory)
                by_root.open()
                files = write_domain_files(by_root, options["kind"])
            else:
                files = write_domain_files(ListsHere(directory, options["kind"]), options["kind"])
        except OSError as error:
            raise CommandError(
                _("Nothing could be written to %(directory)s: %(reason)s.")
                % {"directory": directory, "reason": error.strerror}
            ) from error
        except NotIndexed as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps([asdict(file) for file in files]))
            return
        for file in files:
            if file.is_new:
                count = ngettext("%d name", "%d names", file.domains) % file.domains
                self.stdout.write(f"{file.parameter}: {count}")
        if not any(file.is_new for file in files):
            self.stdout.write(_("Nothing has changed."))
