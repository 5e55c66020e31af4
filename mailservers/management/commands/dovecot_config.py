"""Writes what a Dovecot host needs to read the panel's database."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from mailservers.commands import WritingCommand
from mailservers.database_servers import default_hosts, named_server
from mailservers.dovecot_config import DovecotHost, packed, write_directory


class Command(WritingCommand):
    help = _(
        "Write the configuration of Dovecot 2.3 or 2.4 and the commands to install it. Run it on the mail host as "
        "root; nothing else of that host is changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        defaults = DovecotHost(directory="", database="")
        parser.add_argument("--output", required=True, metavar="DIR", help=_("Directory to write to."))
        parser.add_argument(
            "--dovecot", dest="version_of_dovecot", default="2.3", choices=["2.3", "2.4"], help=_("Its version.")
        )
        parser.add_argument(
            "--installed-at", metavar="DIR", help=_("Where Dovecot will find the files, if not in --output.")
        )
        parser.add_argument(
            "--host", metavar="HOST:PORT", help=_("Database server; /DIRECTORY:PORT for a Unix socket.")
        )
        parser.add_argument(
            "--tls-mode", default="", choices=["disable", "prefer", "require", "verify-ca", "verify-full"]
        )
        parser.add_argument(
            "--tls-root", default="", metavar="FILE", help=_("Certificates that the database server must match.")
        )
        parser.add_argument(
            "--mail-base",
            default=defaults.mail_base,
            metavar="DIR",
            help=_("virtual_mailbox_base: where mail is stored."),
        )
        parser.add_argument("--mail-uid", type=int, default=5000, help=_("The user who owns stored mail."))
        parser.add_argument("--mail-gid", type=int, default=5000, help=_("The group that owns stored mail."))
        parser.add_argument(
            "--certificate", default=defaults.certificate, metavar="FILE", help=_("What mail programs are shown, PEM.")
        )
        parser.add_argument("--key", default=defaults.key, metavar="FILE", help=_("The key of the certificate, PEM."))
        parser.add_argument(
            "--queue-directory",
            default=defaults.queue_directory,
            metavar="DIR",
            help=_("Of Postfix; it finds the sockets of Dovecot below private/ there."),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        to_standard_output = options["output"] == "-"
        directory = Path(options["output"]).absolute()
        server = named_server(options["host"]) if options["host"] else default_hosts()[0]
        same = ("tls_mode", "tls_root", "mail_base", "mail_uid", "mail_gid", "certificate", "key", "queue_directory")
        host = DovecotHost(
            directory=options["installed_at"] or ("/etc/dovecot/mailadmin" if to_standard_output else str(directory)),
            database=server,
            version=options["version_of_dovecot"],
            **{name: options[name] for name in same},
        )
        if to_standard_output:
            sys.stdout.buffer.write(packed(host))
            return
        self.write(directory, lambda: write_directory(host, directory), script="install-commands")
