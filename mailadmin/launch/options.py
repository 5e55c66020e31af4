"""The options of script/server, and finding one option among others."""

import argparse
import os
import pwd
from collections.abc import Sequence
from pathlib import Path

from mailadmin.launch import LaunchError

PASSWORD_LIMIT = 4096  # bytes


def server_options(arguments: Sequence[str]) -> argparse.Namespace:
    """What script/server was asked for; wrong usage ends with a sentence and exit code 2."""
    parser = argparse.ArgumentParser(
        prog="script/server",
        description="Sets the panel up where needed, starts it with everything it runs on, and watches over it.",
        epilog="Everything is kept in one directory: MAILADMIN_STATE; by default /var/lib/mailadmin for root and "
        "var/ in the checkout for everybody else. DATABASE_URL names a PostgreSQL of your own.",
    )
    parser.add_argument("--port", type=_port, default=8000, help="port of the panel (8000)")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDR", help="address to listen on (127.0.0.1)")
    parser.add_argument("--demo", action="store_true", help="add the example domains, mailboxes and aliases")
    parser.add_argument("--setup-only", action="store_true", help="set everything up and end")
    parser.add_argument("--admin", default="", metavar="NAME", help="name of the first superuser (admin)")
    parser.add_argument(
        "--admin-password-file",
        type=Path,
        metavar="FILE",
        help="file with the password of the first superuser in its first line; otherwise a random one is shown once",
    )
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not a port. Give a number from 1 to 65535.")
    return int(text)


def read_password(path: Path) -> str:
    """The first line of the file."""
    try:
        with path.open("rb") as file:
            first_line = file.read(PASSWORD_LIMIT).split(b"\n")[0]
        password = first_line.decode().rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise LaunchError(f"The password cannot be read from {path}: {getattr(error, 'strerror', error)}.") from error
    if not password:
        raise LaunchError(f"The file {path} has no password in its first line.")
    return password


def option(arguments: Sequence[str], name: str) -> str | None:
    """The value of `--name value` or `--name=value`; None without it."""
    for position, word in enumerate(arguments):
        if word == name and position + 1 < len(arguments):
            return arguments[position + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


def with_option(arguments: Sequence[str], name: str, value: str) -> list[str]:
    """The same arguments with another value for an option that is among them."""
    changed: list[str] = []
    for word in arguments:
        if changed and changed[-1] == name:
            changed.append(value)
        else:
            changed.append(f"{name}={value}" if word.startswith(f"{name}=") else word)
    return changed


def original_login() -> str:
    """Who is at the terminal: the person behind sudo, or the user of this process."""
    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
