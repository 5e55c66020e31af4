"""What a host that signs needs: the files of its keys, tables where OpenDKIM does not ask SQL, and opendkim.conf."""

import fcntl
import os
import pwd
import re
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from accounts.actors import Actor
from domains.dkim_hosts import report_host
from domains.dkim_keys import unsealed
from domains.dkim_models import DkimKey, DkimKeyOnHost, DkimPrivateKey
from mailservers.files import ROOT, Owner, give, write_whole
from mailservers.mail_servers import OPENDKIM

KEY_MODE, FOLDER_MODE = 0o600, 0o700
ENDING = ".private"  # as opendkim-genkey(8) calls them
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


def sync(
    directory: Path,
    *,
    host: str,
    user: str = "",
    with_tables: bool = False,
    pid_files: Sequence[Path] = (),
    is_told: bool = False,
    by: Actor,
) -> Synced:
    """The files of new keys, their rows, the tables, the signal, and only then away with what no table names: OpenDKIM
    defers each message whose key has no file. After a signal it may still sign by the old tables, for who is connected;
    so those files go at the next run. `is_told`: a person says that OpenDKIM has read its tables again."""
    refuse_names(host, directory)
    done, owner = Synced(), owner_named(user)
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(FOLDER_MODE)
    give(directory, owner)
    with _alone_in(directory):
        wanted = write_keys(directory, done, host=host, owner=owner)
        report_host(host, by=by)
        mark = directory / MARK
        if with_tables:
            if is_told:
                mark.unlink(missing_ok=True)
            write_tables(directory, host=host, owner=owner)
        if not with_tables or not mark.exists():
            remove_keys(directory, done, wanted)
        elif not pid_files:
            done.waits = True
        elif _are_told(pid_files, done):
            mark.unlink()
    return done


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """One run at a time: what one has to tell OpenDKIM, another must not take for told."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_keys(directory: Path, done: Synced, *, host: str, owner: Owner) -> set[str]:
    """Writes the files of all keys that may sign, then says so in the database; where they are. A key that fails holds
    up no other; with the file that it has it signs on."""
    there = dict(DkimKeyOnHost.objects.filter(host=host).values_list("key_id", "path"))
    paths: dict[int, str] = {}
    privates = DkimPrivateKey.objects.filter(key__state__in=ON_HOSTS).select_related("key__domain")
    for private in privates.order_by("pk"):
        path = directory / file_name(private.key_id)
        try:
            if _write_key(path, unsealed(private), owner):
                done.written.append(path.name)
            paths[private.key_id] = str(path)
        except (OSError, ValidationError) as error:
            words = {"key": private.key, "reason": _reason(error)}
            done.failed.append(_("The file of %(key)s could not be written: %(reason)s") % words)
            if Path(there.get(private.key_id, "")).is_file():
                paths[private.key_id] = there[private.key_id]
    DkimKeyOnHost.objects.filter(host=host).exclude(key_id__in=paths).delete()
    for key_id, name in paths.items():
        if there.get(key_id) != name:
            DkimKeyOnHost.objects.update_or_create(host=host, key_id=key_id, defaults={"path": name})
    return set(paths.values())


def remove_keys(directory: Path, done: Synced, wanted: set[str]) -> None:
    for path in _ours(directory):
        if str(path) not in wanted:
            path.unlink()
            done.removed.append(path.name)


def _write_key(path: Path, text: str, owner: Owner) -> bool:
    is_new = not path.exists() or path.read_bytes() != text.encode()
    if is_new:
        write_whole(path, text, mode=KEY_MODE, owner=owner)
    path.chmod(KEY_MODE)
    give(path, owner)
    return is_new


def _ours(directory: Path) -> list[Path]:
    """The files of keys that the panel wrote, also by the names that it gave at first. Nobody else's is removed."""
    files = sorted(path for path in directory.glob(f"*{ENDING}") if path.is_file())
    numbers = [found[0] for path in files if (found := re.match(r"[0-9]{1,18}(?=\.)", path.name))]
    keys = DkimKey.objects.filter(pk__in=numbers).select_related("domain")
    at_first = {f"{key.pk}.{key.selector}.{key.domain.name}{ENDING}" for key in keys}
    return [path for path in files if OURS.fullmatch(path.name) or path.name in at_first]


def _reason(error: OSError | ValidationError) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else f"{error.strerror}."


def write_tables(directory: Path, *, host: str, owner: Owner) -> None:
    """KeyTable and SigningTable as files, for an OpenDKIM that asks no SQL. A SigningTable that names a key which the
    KeyTable does not know defers all mail, so the KeyTable has old and new keys while the other is changed. Before they
    change there is a mark, which stays until OpenDKIM has been told."""
    rows = _rows("SELECT id, domain, selector, path FROM opendkim.key_table WHERE host = %s ORDER BY id", host)
    keys = [f"{key} {domain}:{selector}:{path}\n" for key, domain, selector, path in rows]
    known = {key for key, *_more in rows}
    key_table = directory / "KeyTable"
    before = key_table.read_text().splitlines(keepends=True) if key_table.exists() else []
    signing = {directory / signing_table_name(one): _signing_table(one, known, host=host) for one in ALGORITHMS}
    if before != keys or any(not path.exists() or path.read_text() != text for path, text in signing.items()):
        (directory / MARK).touch()
    write_whole(key_table, "".join([*keys, *(line for line in before if line not in keys)]), mode=KEY_MODE, owner=owner)
    for path, text in signing.items():
        write_whole(path, text, mode=KEY_MODE, owner=owner)
    write_whole(key_table, "".join(keys), mode=KEY_MODE, owner=owner)


def _signing_table(algorithm: str, known: set[str], *, host: str) -> str:
    """A key that began to sign a moment ago, after the KeyTable was read, waits for the next run."""
    rows = _rows(
        "SELECT pattern, key FROM opendkim.signing_table WHERE host = %s AND algorithm = %s ORDER BY pattern",
        host,
        algorithm,
    )
    return "".join(f"{pattern} {key}\n" for pattern, key in rows if key in known)


def tell_opendkim(pid_file: Path) -> None:
    """SIGUSR1: OpenDKIM reads its configuration and its tables again (opendkim(8)). It would end most other programs,
    so a number that is another's by now gets none. Raises OSError, or ValidationError with a sentence."""
    number = pid_file.read_bytes().strip()
    command = Path("/proc", number.decode() if number.isdigit() else "none", "comm")  # proc(5)
    if not command.exists() or command.read_bytes() != b"opendkim\n":
        raise ValidationError(_("It names no OpenDKIM that runs."))
    os.kill(int(number), signal.SIGUSR1)


def _are_told(pid_files: Iterable[Path], done: Synced) -> bool:
    """Each one, also where another fails."""
    failed = []
    for pid_file in pid_files:
        try:
            tell_opendkim(pid_file)
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
        keys, signing = f"file:{with_tables}/KeyTable", f"file:{with_tables}/{signing_table_name(algorithm)}"
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
