"""How root hands over to the system user, and what root does afterwards: writing the files of Postfix, Dovecot and
OpenDKIM (unpack.py, folder.py), and ending sessions of Dovecot (sessions.py).

Root runs nothing and follows no path that the system user could change.
"""

import os
import pwd
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from mailadmin.launch import LaunchError
from mailadmin.launch.at_hand import BY_ROOT, run_with_root_at_hand
from mailadmin.launch.folder import Keys, Lists
from mailadmin.launch.options import option, original_login, read_password, with_option
from mailadmin.launch.service_user import become, ensure_service_user, give_state, readable_code
from mailadmin.launch.sessions import Sessions
from mailadmin.launch.state import State
from mailadmin.launch.unpack import unpack

PASSWORD_FILE = "--admin-password-file"  # noqa: S105
OUTPUT, INSTALLED_AT, DOMAINS_AS = "--output", "--installed-at", "--domains-as"
# command -> the program that reads what it writes; its user, in small letters, is the one whose group reads it
READ_BY = {"postfix_config": "Postfix", "dovecot_config": "Dovecot", "opendkim_config": "OpenDKIM"}


def run_as_service_user(checkout: Path, state: State, command: str, *arguments: str) -> NoReturn:
    """Becomes the system user and begins again, from code that it can read."""
    user = ensure_service_user()
    give_state(state, user)
    code = readable_code(checkout, state, user)
    environment = {
        **os.environ,
        "HOME": str(state.path),
        "LOGNAME": original_login(),  # for the history: who is at the terminal, not who runs the program
        "MAILADMIN_STATE": str(state.path),
    }
    program = [sys.executable, "-I", "-B", str(code / "mailadmin/launch/prepare.py"), command]
    written = arguments[0] if command == "manage" and arguments and arguments[0] in READ_BY else ""
    output = option(arguments, OUTPUT) if written else None
    if output and output != "-":
        write_for(written, [*program, *arguments], Path(output).absolute(), environment, user)
        sys.exit(0)
    if command == "manage":
        run_if_it_asks_root(program, arguments, environment, user)
    if password_file := option(arguments, PASSWORD_FILE):
        arguments = tuple(with_option(arguments, PASSWORD_FILE, _as_pipe(read_password(Path(password_file)), user)))
    become(user)
    try:
        os.execve(program[0], [*program, *arguments], environment)
    except OSError as error:
        raise LaunchError(
            f"The user {user.pw_name} cannot run {program[0]}: {error.strerror}. Install Python where every user can "
            "run it (on Debian: apt-get install python3)."
        ) from error


def write_for(
    command: str, program: list[str], directory: Path, environment: dict[str, str], user: pwd.struct_passwd
) -> None:
    """Lets the system user make the files and puts them where only root may write."""
    reader = _reader(option(program, "--user") if command == "opendkim_config" else None, command)
    kind = option(program, DOMAINS_AS) if command == "postfix_config" else None
    beginning = program[: program.index(command)]
    program = with_option(program, OUTPUT, "-")
    if command != "opendkim_config" and not option(program, INSTALLED_AT):
        program += [INSTALLED_AT, str(directory)]
    if kind:
        program.append(BY_ROOT)
    number = unpack(_output_of(program, environment, user), directory, reader.pw_gid, reader.pw_name)
    print(f"Wrote {number} files to {directory}.", flush=True)
    if kind:
        lists = Lists(str(directory), kind)
        domain_files = [*beginning, "domain_files", *lists.options]
        if code := run_with_root_at_hand(domain_files, environment, user, lists.answer_to):
            sys.exit(code)
    if command != "opendkim_config":
        print(f"To put them in place, read and run as root: sh {directory / 'install-commands'}")


def run_if_it_asks_root(
    program: Sequence[str], arguments: Sequence[str], environment: dict[str, str], user: pwd.struct_passwd
) -> None:
    """Runs a command that asks root for something, and ends as it does; comes back from any other."""
    name = arguments[0] if arguments else ""
    folder: Keys | Lists | None = None
    if name == "opendkim_sync":
        folder = Keys(arguments[1:])
    elif name == "domain_files":
        folder = Lists.named_in(arguments[1:])
    run = partial(run_with_root_at_hand, environment=environment, user=user)
    if folder:
        os.umask(0o022)  # OpenDKIM must find the way through directories that we make
        sys.exit(run([*program, *arguments, *folder.options], answer_to=folder.answer_to))
    if name == "end_sessions":
        sys.exit(run([*program, *arguments], answer_to=Sessions(arguments[1:]).answer_to))


def _as_pipe(secret: str, user: pwd.struct_passwd) -> str:
    """A path that gives the user the secret once; the file itself may be root's alone."""
    reader, writer = os.pipe()
    os.write(writer, secret.encode() + b"\n")
    os.close(writer)
    os.fchown(reader, user.pw_uid, user.pw_gid)
    os.set_inheritable(reader, True)
    return f"/dev/fd/{reader}"


def _output_of(program: list[str], environment: dict[str, str], user: pwd.struct_passwd) -> bytes:
    """What the program prints as the user; if it fails, we end as it did."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(writer, 1)
            become(user)
            os.execve(program[0], program, environment)
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        output = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        sys.exit(code if code > 0 else 128 - code)
    return output


def _reader(name: str | None, command: str) -> pwd.struct_passwd:
    program = READ_BY[command]
    name = name or program.lower()
    try:
        return pwd.getpwnam(name)
    except KeyError as error:
        raise LaunchError(
            f"This machine has no user {name}, who must be able to read the files. Install {program} first, "
            "or write the files with --output - and unpack them on the mail server."
        ) from error
