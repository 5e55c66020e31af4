"""What a host that signs needs: the files of its keys, tables where OpenDKIM does not ask SQL, and opendkim.conf."""

import fcntl
import os
import pwd
import re
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from accounts.actors import Actor
from domains.dkim_hosts import report_host
from domains.dkim_keys import unsealed
from domains.dkim_models import DkimKey, DkimKeyOnHost, DkimPrivateKey
from mailservers.files import ROOT, Folder, FolderByRoot, FolderHere, Owner, give
from mailservers.mail_servers import OPENDKIM

KEY_MODE, FOLDER_MODE = 0o600, 0o700
ENDING = ".private"  # as opendkim-genkey(8) calls them
KEY_TABLE = "KeyTable"
MARK = "opendkim-not-told"  # while it is there, OpenDKIM may sign by tables that are no more
OURS = re.compile(r"mailadmin-[0-9]+\.private")
IS_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")
IS_PATH = re.compile(r"/[!-$&-9;-~]{1,499}")  # as the constraint a_key_file_has_a_whole_path has it
# A retiring key keeps its file: a message may just be in the hands of OpenDKIM.
ON_HOSTS = (DkimKey.State.PUBLISHED, DkimKey.State.SIGNING, DkimKey.State.RETIRING)
ALGORITHMS = ("rsa", "ed25519")


@dataclass
class Synced:
    """What one run did, by the names of files; a sentence for each thing that failed."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    waits: bool = False  # OpenDKIM has not been told yet that its tables are new


def file_name(key_id: int) -> str:
    """By the number alone: a selector and a domain together may be longer than a name of a file. Its beginning keeps it
    apart from what opendkim-genkey(8) wrote, which is SELECTOR.private."""
    return f"mailadmin-{key_id}{ENDING}"


def refuse_names(host: str, directory: Path) -> None:
    """What cannot stand in a table of OpenDKIM is said before anything is written. Raises ValidationError."""
    if not IS_HOST.fullmatch(host):
        raise ValidationError(_("“%(host)s” is no name of a host.") % {"host": host})
    if not IS_PATH.fullmatch(str(directory / file_name(10**18))):
        sentence = _("OpenDKIM cannot name files in “%(directory)s”. Take a short one of letters, digits, “-” and “/”.")
        raise ValidationError(sentence % {"directory": directory})


class Keys(Folder, Protocol):
    def alone(self) -> AbstractContextManager[None]:
        """One run at a time: what one has to tell OpenDKIM, another must not take for told. Makes the directory."""

    def tell(self, pid_file: Path) -> None:
        """SIGUSR1: OpenDKIM reads its configuration and its tables again (opendkim(8)). It would end most other
        programs, so a number that is another's by now gets none. Raises OSError, or ValidationError with a sentence."""


class KeysHere(FolderHere):
    def __init__(self, directory: Path, user: str = "") -> None:
        """Raises KeyError if there is no such user."""
        super().__init__(directory, mode=KEY_MODE, owner=owner_named(user))

    @contextmanager
    def alone(self) -> Iterator[None]:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(FOLDER_MODE)
        give(self.directory, self.owner)
        descriptor = os.open(self.directory, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def tell(self, pid_file: Path) -> None:
        number = pid_file.read_bytes().strip()
        command = Path("/proc", number.decode() if number.isdigit() else "none", "comm")  # proc(5)
        if not command.exists() or command.read_bytes() != b"opendkim\n":
            raise ValidationError(_("It names no OpenDKIM that runs."))
        os.kill(int(number), signal.SIGUSR1)


class KeysByRoot(FolderByRoot):
    @contextmanager
    def alone(self) -> Iterator[None]:
        self.open()
        yield

    def tell(self, pid_file: Path) -> None:
        if not self.ask("tell", str(pid_file)):
            raise ValidationError(_("It names no OpenDKIM that runs."))


def sync(
    keys: Keys,
    *,
    host: str,
    with_tables: bool = False,
    pid_files: Sequence[Path] = (),
    is_told: bool = False,
    by: Actor,
) -> Synced:
    """The files of new keys, their rows, the tables, the signal, and only then away with what no table names: OpenDKIM
    defers each message whose key has no file. After a signal it may still sign by the old tables, for who is connected;
    so those files go at the next run. `is_told`: a person says that OpenDKIM has read its tables again."""
    refuse_names(host, keys.directory)
    done = Synced()
    with keys.alone():
        wanted = write_keys(keys, done, host=host)
        report_host(host, by=by)
        if with_tables:
            if is_told:
                keys.remove(MARK)
            write_tables(keys, host=host)
        if not with_tables or MARK not in keys.names():
            remove_keys(keys, done, wanted)
        elif not pid_files:
            done.waits = True
        elif _are_told(keys, pid_files, done):
            keys.remove(MARK)
    return done


def write_keys(keys: Keys, done: Synced, *, host: str) -> set[str]:
    """Writes the files of all keys that may sign, then says so in the database; where they are. A key that fails holds
    up no other; with the file that it has it signs on."""
    there = dict(DkimKeyOnHost.objects.filter(host=host).values_list("key_id", "path"))
    before = {str(keys.directory / name) for name in keys.names()}
    paths: dict[int, str] = {}
    privates = DkimPrivateKey.objects.filter(key__state__in=ON_HOSTS).select_related("key__domain")
    for private in privates.order_by("pk"):
        name = file_name(private.key_id)
        try:
            if keys.write(name, unsealed(private)):
                done.written.append(name)
            paths[private.key_id] = str(keys.directory / name)
        except (OSError, ValidationError) as error:
            words = {"key": private.key, "reason": _reason(error)}
            done.failed.append(_("The file of %(key)s could not be written: %(reason)s") % words)
            if there.get(private.key_id) in before:
                paths[private.key_id] = there[private.key_id]
    DkimKeyOnHost.objects.filter(host=host).exclude(key_id__in=paths).delete()
    for key_id, path in paths.items():
        if there.get(key_id) != path:
            DkimKeyOnHost.objects.update_or_create(host=host, key_id=key_id, defaults={"path": path})
    return set(paths.values())


def remove_keys(keys: Keys, done: Synced, wanted: set[str]) -> None:
    for name in _ours(keys.names()):
        if str(keys.directory / name) not in wanted:
            keys.remove(name)
            done.removed.append(name)


def _ours(names: Iterable[str]) -> list[str]:
    """The files of keys that the panel wrote, also by the names that it gave at first. Nobody else's is removed."""
    files = [name for name in names if name.endswith(ENDING)]
    numbers = [found[0] for name in files if (found := re.match(r"[0-9]{1,18}(?=\.)", name))]
    keys = DkimKey.objects.filter(pk__in=numbers).select_related("domain")
    at_first = {f"{key.pk}.{key.selector}.{key.domain.name}{ENDING}" for key in keys}
    return [name for name in files if OURS.fullmatch(name) or name in at_first]


def _reason(error: OSError | ValidationError) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else f"{error.strerror}."


def write_tables(folder: Keys, *, host: str) -> None:
    """KeyTable and SigningTable as files, for an OpenDKIM that asks no SQL. A SigningTable that names a key which the
    KeyTable does not know defers all mail, so the KeyTable has old and new keys while the other is changed. Before they
    change there is a mark, which stays until OpenDKIM has been told."""
    rows = _rows("SELECT id, domain, selector, path FROM opendkim.key_table WHERE host = %s ORDER BY id", host)
    keys = [f"{key} {domain}:{selector}:{path}\n" for key, domain, selector, path in rows]
    known = {key for key, *_more in rows}
    before = (folder.read(KEY_TABLE) or "").splitlines(keepends=True)
    signing = {signing_table_name(one): _signing_table(one, known, host=host) for one in ALGORITHMS}
    if before != keys or any(folder.read(name) != text for name, text in signing.items()):
        folder.write(MARK, "")
    folder.write(KEY_TABLE, "".join([*keys, *(line for line in before if line not in keys)]))
    for name, text in signing.items():
        folder.write(name, text)
    folder.write(KEY_TABLE, "".join(keys))


def _signing_table(algorithm: str, known: set[str], *, host: str) -> str:
    """A key that began to sign a moment ago, after the KeyTable was read, waits for the next run."""
    rows = _rows(
        "SELECT pattern, key FROM opendkim.signing_table WHERE host = %s AND algorithm = %s ORDER BY pattern",
        host,
        algorithm,
    )
    return "".join(f"{pattern} {key}\n" for pattern, key in rows if key in known)


def _are_told(keys: Keys, pid_files: Iterable[Path], done: Synced) -> bool:
    """Each one, also where another fails."""
    failed = []
    for pid_file in pid_files:
        try:
            keys.tell(pid_file)
        except (OSError, ValidationError) as error:
            sentence = _("OpenDKIM was not told of its new tables by %(file)s: %(reason)s The next run tells it again.")
            failed.append(sentence % {"file": pid_file, "reason": _reason(error)})
    done.failed += failed
    return not failed


def signing_table_name(algorithm: str) -> str:
    return "SigningTable" if algorithm == "rsa" else f"SigningTable.{algorithm}"


def configuration(
    algorithm: str, *, host: str, socket: str, server: str, with_tables: Path | None = None, user: str = "opendkim"
) -> str:
    """opendkim.conf of the instance that signs with this algorithm: it knows one only."""
    if with_tables:
        keys, signing = f"file:{with_tables}/{KEY_TABLE}", f"file:{with_tables}/{signing_table_name(algorithm)}"
    else:
        keys = _dsn("key_table", "id", "domain,selector,path", server, f"host='{host}'")
        condition = f"host='{host}' AND algorithm='{algorithm}'"
        signing = _dsn("signing_table", "pattern", "key", server, condition)
    umask = "" if socket.startswith("inet") else "UMask 007\n"  # its group may connect, for Postfix
    return f"""\
# opendkim.conf(5) of the instance that signs with {algorithm}, written by mailadmin. It holds a password: mode 0600.
Mode s
Socket {socket}
UserID {user}
{umask}Canonicalization relaxed/simple
OversignHeaders From
SignatureAlgorithm {algorithm}-sha256
KeyTable {keys}
SigningTable {signing}
Syslog yes
"""


def _dsn(view: str, key: str, values: str, server: str, condition: str) -> str:
    name, _colon, port = server.rpartition(":")
    database = connection.settings_dict["NAME"]
    login = f"{OPENDKIM.role}:{quote(OPENDKIM.password, safe='')}"
    table = f"table=opendkim.{view}?keycol={key}?datacol={values}?filter={condition}"
    return f"dsn:pgsql://{login}@{port}+{name}/{database}/{table}"


def _rows(statement: str, *values: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def owner_named(user: str) -> Owner:
    """Raises KeyError if there is no such user."""
    if not user:
        return ROOT
    found = pwd.getpwnam(user)
    return found.pw_uid, found.pw_gid
