"""What a host that signs needs: the files of its keys, tables where OpenDKIM does not ask SQL, and opendkim.conf."""

import os
import pwd
import re
import signal
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from domains.dkim_keys import unsealed
from domains.dkim_models import DkimKey, DkimKeyOnHost, DkimPrivateKey
from mailservers.files import ROOT, Owner, give, write_whole
from mailservers.mail_servers import OPENDKIM

KEY_MODE, FOLDER_MODE = 0o600, 0o700
ENDING = ".private"  # as opendkim-genkey(8) calls them
OURS = re.compile(r"mailadmin-[0-9]+\.private")
IS_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")
IS_PATH = re.compile(r"/[!-$&-9;-~]{1,499}")  # as the constraint a_key_file_has_a_whole_path has it
# A retiring key keeps its file: a message may just be in the hands of OpenDKIM.
ON_HOSTS = (DkimKey.State.PUBLISHED, DkimKey.State.SIGNING, DkimKey.State.RETIRING)
ALGORITHMS = ("rsa", "ed25519")


@dataclass
class Synced:
    """What one run did, by the names of files; a sentence for each key whose file could not be written."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    tables: bool = False  # whether one of the two files has changed


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


def sync_keys(directory: Path, *, host: str, user: str = "") -> Synced:
    """Writes the files of all keys that may sign, then says so in the database; takes back what is gone in the other
    order. So OpenDKIM never sees a key without its file (each such message would be deferred). A key that fails holds
    up no other; with the file that it has it signs on."""
    refuse_names(host, directory)
    done, owner = Synced(), owner_named(user)
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(FOLDER_MODE)
    give(directory, owner)
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
    wanted = set(paths.values())
    for path in _ours(directory):
        if str(path) not in wanted:
            path.unlink()
            done.removed.append(path.name)
    return done


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


def write_tables(directory: Path, *, host: str, user: str = "") -> bool:
    """KeyTable and SigningTable as files, for an OpenDKIM that asks no SQL. A SigningTable that names a key which the
    KeyTable does not know defers all mail, so the KeyTable has old and new keys while the other is changed."""
    rows = _rows("SELECT id, domain, selector, path FROM opendkim.key_table WHERE host = %s ORDER BY id", host)
    owner = owner_named(user)
    keys = [f"{key} {domain}:{selector}:{path}\n" for key, domain, selector, path in rows]
    key_table, changed = directory / "KeyTable", False
    before = key_table.read_text().splitlines(keepends=True) if key_table.exists() else []
    write_whole(key_table, "".join([*keys, *(line for line in before if line not in keys)]), mode=KEY_MODE, owner=owner)
    for algorithm in ALGORITHMS:
        table = directory / signing_table_name(algorithm)
        rows = _rows(
            "SELECT pattern, key FROM opendkim.signing_table WHERE host = %s AND algorithm = %s ORDER BY pattern",
            host,
            algorithm,
        )
        text = "".join(f"{pattern} {key}\n" for pattern, key in rows)
        changed |= not table.exists() or table.read_text() != text
        write_whole(table, text, mode=KEY_MODE, owner=owner)
    write_whole(key_table, "".join(keys), mode=KEY_MODE, owner=owner)
    return changed or before != keys


def tell_opendkim(pid_file: Path) -> None:
    """SIGUSR1: OpenDKIM reads its configuration and its tables again (opendkim(8))."""
    os.kill(int(pid_file.read_text()), signal.SIGUSR1)


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
    return f"""\
# opendkim.conf(5) of the instance that signs with {algorithm}, written by mailadmin. It holds a password: mode 0600.
Mode s
Socket {socket}
UserID {user}
Canonicalization relaxed/simple
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
