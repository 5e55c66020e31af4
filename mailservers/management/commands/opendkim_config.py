"""Writes opendkim.conf for a host that signs, and says what main.cf needs."""

import re
import socket
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from mailservers.opendkim import ALGORITHMS, KEY_MODE, configuration, write_file
from mailservers.postfix_config import default_hosts

SOCKETS = {"rsa": "inet:8891@127.0.0.1", "ed25519": "inet:8892@127.0.0.1"}


class Command(BaseCommand):
    help = _(
        "Write opendkim.conf, opendkim-ed25519.conf and milters.main.cf. One instance of OpenDKIM signs with one "
        "algorithm; run the second one only if there are Ed25519 keys."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", required=True, metavar="DIR", help=_("Directory to write to."))
        parser.add_argument(
            "--host", default=socket.gethostname(), metavar="NAME", help=_("The same as for opendkim_sync.")
        )
        parser.add_argument("--server", default=default_hosts()[0], metavar="HOST:PORT", help=_("The database server."))
        parser.add_argument("--socket", default=SOCKETS["rsa"], help=_("Where the RSA instance listens."))
        parser.add_argument("--socket-ed25519", default=SOCKETS["ed25519"], help=_("Where the Ed25519 one listens."))
        parser.add_argument("--user", default="opendkim", metavar="USER", help=_("As whom OpenDKIM runs."))
        parser.add_argument(
            "--tables", metavar="DIR", help=_("Read KeyTable and SigningTable from this directory instead of SQL.")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not re.fullmatch(r"[A-Za-z0-9.-]+", options["host"]):
            raise CommandError(_("“%(host)s” is no name of a host.") % {"host": options["host"]})
        if not re.fullmatch(r"[A-Za-z0-9.-]+:[0-9]+", options["server"]):
            raise CommandError(_("“%s” is not a database server. Write it as HOST:PORT.") % options["server"])
        directory = Path(options["output"]).absolute()
        sockets = {"rsa": options["socket"], "ed25519": options["socket_ed25519"]}
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for algorithm in ALGORITHMS:
                name = "opendkim.conf" if algorithm == "rsa" else f"opendkim-{algorithm}.conf"
                text = configuration(
                    algorithm,
                    host=options["host"],
                    socket=sockets[algorithm],
                    server=options["server"],
                    with_tables=Path(options["tables"]).absolute() if options["tables"] else None,
                    user=options["user"],
                )
                # At SIGUSR1 it is read again, by then as this user.
                write_file(directory / name, text, mode=KEY_MODE, user=options["user"])
            write_file(directory / "milters.main.cf", milters(sockets), mode=0o644)
        except (OSError, LookupError) as error:  # LookupError: there is no such user
            raise CommandError(
                _("Nothing could be written to %(directory)s: %(reason)s.")
                % {"directory": directory, "reason": getattr(error, "strerror", None) or error}
            ) from error
        self.stdout.write(_("Wrote %(number)d files to %(directory)s.") % {"number": 3, "directory": directory})


def milters(sockets: dict[str, str]) -> str:
    """MILTER_README: OpenDKIM away must not stop the mail, so it goes unsigned then."""
    named = ", ".join(f"inet:{where}:{port}" for port, where in map(_parts, sockets.values()))
    return f"""\
# For main.cf, written by mailadmin. See MILTER_README. Leave out the second milter while no Ed25519 key signs.
smtpd_milters = {named}
non_smtpd_milters = $smtpd_milters
milter_default_action = accept
"""


def _parts(text: str) -> tuple[str, str]:
    """OpenDKIM says inet:PORT@HOST where Postfix says inet:HOST:PORT."""
    port, _at, where = text.removeprefix("inet:").partition("@")
    return port, where
