"""Writes opendkim.conf for a host that signs, and says what main.cf needs."""

import re
import socket
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from mailservers.commands import WritingCommand
from mailservers.database_servers import default_hosts
from mailservers.files import Packed, as_tar, write_whole
from mailservers.opendkim import ALGORITHMS, IS_HOST, KEY_MODE, configuration, owner_named

NAMES = {"rsa": "opendkim.conf", "ed25519": "opendkim-ed25519.conf"}
MILTERS = "milters.main.cf"
LOCAL = re.compile(r"(local|unix):(?P<path>/[A-Za-z0-9._/@+-]+)")
INET = re.compile(r"inet(?P<six>6?):(?P<port>[0-9]{1,5})(@(?P<host>[A-Za-z0-9.:-]+|\[[0-9A-Fa-f.:]+\]))?")
QUEUE_DIRECTORY = "/var/spool/postfix/"
SOCKETS = {"rsa": "inet:8891@127.0.0.1", "ed25519": "inet:8892@127.0.0.1"}


class Command(WritingCommand):
    help = _(
        "Write opendkim.conf, opendkim-ed25519.conf and milters.main.cf. One instance of OpenDKIM signs with one "
        "algorithm; run the second one only if there are Ed25519 keys."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--output",
            required=True,
            metavar="DIR",
            help=_("Directory to write to; - for a tar archive on standard output."),
        )
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
        if not IS_HOST.fullmatch(options["host"]):
            raise CommandError(_("“%(host)s” is no name of a host.") % {"host": options["host"]})
        if not re.fullmatch(r"[A-Za-z0-9.-]+:[0-9]+", options["server"]):
            raise CommandError(_("“%s” is not a database server. Write it as HOST:PORT.") % options["server"])
        sockets = {"rsa": options["socket"], "ed25519": options["socket_ed25519"]}
        texts = _texts(sockets, options)  # also says what is wrong with the sockets, before anything is written
        if options["output"] == "-":
            sys.stdout.buffer.write(_packed(texts, options["user"]))
            return
        directory = Path(options["output"]).absolute()
        self.write(directory, lambda: _written(directory, texts, options["user"]))


def _texts(sockets: dict[str, str], options: dict[str, Any]) -> dict[str, str]:
    tables = Path(options["tables"]).absolute() if options["tables"] else None
    same = {"host": options["host"], "server": options["server"], "with_tables": tables, "user": options["user"]}
    texts = {NAMES[one]: configuration(one, socket=sockets[one], **same) for one in ALGORITHMS}
    return texts | {MILTERS: milters(sockets)}


def _written(directory: Path, texts: dict[str, str], user: str) -> list[str]:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        if name == MILTERS:
            write_whole(directory / name, text, mode=0o644)
        else:  # at SIGUSR1 it is read again, by then as this user
            write_whole(directory / name, text, mode=KEY_MODE, owner=owner_named(user))
    return list(texts)


def _packed(texts: dict[str, str], user: str) -> bytes:
    """The same files in an archive, for root to unpack."""
    return as_tar(
        Packed(name, text, 0o644) if name == MILTERS else Packed(name, text, KEY_MODE, user)
        for name, text in texts.items()
    )


def milters(sockets: dict[str, str]) -> str:
    """MILTER_README: OpenDKIM away must not stop the mail, so it goes unsigned then."""
    named = ", ".join(map(milter_of, sockets.values()))
    return f"""\
# For main.cf, written by mailadmin. See MILTER_README. Leave out the second milter while no Ed25519 key signs.
smtpd_milters = {named}
non_smtpd_milters = $smtpd_milters
milter_default_action = accept
"""


def milter_of(socket: str) -> str:
    """What OpenDKIM calls local:PATH or inet:PORT@HOST (opendkim.conf(5)), as Postfix calls it (MILTER_README). A path
    below its queue directory is one for an smtpd(8) in a chroot, too. Raises CommandError."""
    if found := LOCAL.fullmatch(socket):
        return f"unix:{found['path'].removeprefix(QUEUE_DIRECTORY)}"
    if found := INET.fullmatch(socket):
        host = (found["host"] or ("::1" if found["six"] else "127.0.0.1")).strip("[]")
        return f"inet:[{host}]:{found['port']}" if ":" in host else f"inet:{host}:{found['port']}"
    sentence = _("“%s” is no socket of OpenDKIM. Write local:PATH with a whole path, or inet:PORT@HOST.")
    raise CommandError(sentence % socket)
