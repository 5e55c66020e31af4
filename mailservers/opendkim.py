"""What a host that signs needs: the files of its keys, tables where OpenDKIM does not ask SQL, and opendkim.conf."""

import os
import pwd
import signal
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from domains.dkim_keys import unsealed
from domains.dkim_models import DkimKey, DkimKeyOnHost, DkimPrivateKey
from mailservers.files import ROOT, Owner, give, write_whole
from mailservers.mail_servers import OPENDKIM

KEY_MODE, FOLDER_MODE = 0o600, 0o700
ENDING = ".private"  # as opendkim-genkey(8) calls them
# A retiring key keeps its file: a message may just be in the hands of OpenDKIM.
ON_HOSTS = (DkimKey.State.PUBLISHED, DkimKey.State.SIGNING, DkimKey.State.RETIRING)
ALGORITHMS = ("rsa", "ed25519")


@dataclass
class Synced:
    """What one run did, by the names of files."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    tables: bool = False  # whether one of the two files has changed


def sync_keys(directory: Path, *, host: str, user: str = "") -> Synced:
    """Writes the files of all keys that may sign, then says so in the database; takes back what is gone in the other
    order. So OpenDKIM never sees a key without its file (each such message would be deferred)."""
    done, owner = Synced(), owner_named(user)
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(FOLDER_MODE)
    give(directory, owner)
    wanted = {}
    privates = DkimPrivateKey.objects.filter(key__state__in=ON_HOSTS).select_related("key__domain")
    for private in privates.order_by("pk"):
        path = directory / f"{private.key_id}.{private.key.selector}.{private.key.domain.name}{ENDING}"
        wanted[private.key_id] = path
        text = unsealed(private)
        if not path.exists() or path.read_text() != text:
            write_whole(path, text, mode=KEY_MODE, owner=owner)
            done.written.append(path.name)
        path.chmod(KEY_MODE)
        give(path, owner)
    there = dict(DkimKeyOnHost.objects.filter(host=host).values_list("key_id", "path"))
    DkimKeyOnHost.objects.filter(host=host).exclude(key_id__in=wanted).delete()
    for key_id, path in wanted.items():
        if there.get(key_id) != str(path):
            DkimKeyOnHost.objects.update_or_create(host=host, key_id=key_id, defaults={"path": str(path)})
    for path in sorted(directory.glob(f"*{ENDING}")):
        if path not in wanted.values():
            path.unlink()
            done.removed.append(path.name)
    return done


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
