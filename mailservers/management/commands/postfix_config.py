"""Writes what a Postfix host needs to read the panel's database."""

import argparse
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from domains.models import AddressClass
from domains.own_maps import classes_with_own_maps
from mailservers.commands import WritingCommand
from mailservers.database_servers import default_hosts, named_server
from mailservers.domain_files import ListsHere, NotIndexed, write_domain_files
from mailservers.postfix_config import packed, write_directory
from mailservers.postfix_host import KINDS_OF_FILES, PostfixHost


class Command(WritingCommand):
    help = _(
        "Write the map files, a main.cf fragment and the commands to install them. Run it on the mail host as root; "
        "nothing else of that host is changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--output",
            required=True,
            metavar="DIR",
            help=_("Directory to write to; - for a tar archive on standard output."),
        )
        parser.add_argument(
            "--installed-at", metavar="DIR", help=_("Where Postfix will find the files, if not in --output.")
        )
        parser.add_argument(
            "--host",
            action="append",
            metavar="HOST:PORT",
            help=_("Database server, again for each; /DIRECTORY:PORT for a Unix socket. Default: the panel's."),
        )
        parser.add_argument(
            "--tls-mode", default="", choices=["disable", "prefer", "require", "verify-ca", "verify-full"]
        )
        parser.add_argument(
            "--tls-root", default="", metavar="FILE", help=_("Certificates that the database server must match.")
        )
        parser.add_argument(
            "--statement-timeout",
            type=int,
            default=5000,
            metavar="MS",
            help=_("Milliseconds a lookup may take; 0 for ever."),
        )
        parser.add_argument(
            "--mail-base", default="/srv/vmail", metavar="DIR", help=_("virtual_mailbox_base: where mail is stored.")
        )
        parser.add_argument("--mail-uid", type=int, default=5000, help=_("The user who owns stored mail."))
        parser.add_argument("--mail-gid", type=int, default=5000, help=_("The group that owns stored mail."))
        parser.add_argument(
            "--with-local",
            action="store_true",
            help=_("Write mydestination and alias_maps in any case."),
        )
        parser.add_argument(
            "--with-relay",
            action="store_true",
            help=_("Write relay_domains and relay_recipient_maps in any case."),
        )
        parser.add_argument(
            "--with-dovecot",
            action="store_true",
            help=_("Dovecot stores mail and checks passwords (dovecot_config): submission, submissions and delivery."),
        )
        parser.add_argument(
            "--domains-as",
            default="",
            choices=KINDS_OF_FILES,
            help=_("Lists of domains as files of this type, which domain_files keeps: fewer questions a message."),
        )
        # Said by script/manage where it was started by root, who unpacks the archive and calls domain_files.
        parser.add_argument("--by-root", action="store_true", help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        to_standard_output = options["output"] == "-"
        classes = classes_with_own_maps()
        directory = Path(options["output"]).absolute()
        host = PostfixHost(
            directory=options["installed_at"] or ("/etc/postfix/mailadmin" if to_standard_output else str(directory)),
            hosts=[named_server(text) for text in options["host"] or default_hosts()],
            tls_mode=options["tls_mode"],
            tls_root=options["tls_root"],
            statement_timeout=options["statement_timeout"],
            mail_base=options["mail_base"],
            mail_uid=options["mail_uid"],
            mail_gid=options["mail_gid"],
            with_local=options["with_local"] or AddressClass.LOCAL in classes,
            with_relay=options["with_relay"] or AddressClass.RELAY in classes,
            with_dovecot=options["with_dovecot"],
            domains_as=options["domains_as"],
        )
        if to_standard_output and host.domains_as and not options["by_root"]:
            raise CommandError(_("Lists of domains as files are written on the mail host: name a directory there."))
        if to_standard_output:
            sys.stdout.buffer.write(packed(host))
            return
        self.write(directory, lambda: self._written(host, directory), script="install-commands")

    def _written(self, host: PostfixHost, directory: Path) -> list[str]:
        names = write_directory(host, directory)
        if host.domains_as:
            lists = ListsHere(directory, host.domains_as)
            try:
                names += [file.parameter for file in write_domain_files(lists, host.domains_as)]
            except NotIndexed as error:
                raise CommandError(str(error)) from error
        return names
