"""Passwords of an import. A hash is taken as it is, with its scheme in front (Dovecot's password schemes).

A plain one is never stored: the line holds it encrypted, with a key of this import alone, until it is hashed. The key
of a command is only in its memory; that of a page is a file of the state directory (0600), for the worker to find, and
goes when the import is written or forgotten. So nothing that PostgreSQL, its log or its backups hold can be read."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from mailboxes.credentials import hash_password
from mailboxes.models import Import, ImportRow

AT_ONCE = 200  # passwords between two signs of progress


def new_key() -> bytes:
    return Fernet.generate_key()


def seal(password: str, key: bytes) -> str:
    return Fernet(key).encrypt(password.encode()).decode()


def _key_file(import_id: int) -> Path:
    return settings.STATE / "import_keys" / str(import_id)


def keep_key(import_id: int, key: bytes) -> None:
    """For the worker, which is another process of the same user."""
    path = _key_file(import_id)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)  # of an import with this number, in a database that was here before
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)


def kept_key(import_id: int) -> bytes:
    try:
        return _key_file(import_id).read_bytes()
    except OSError as error:
        raise ValidationError(_("The passwords of this file can no longer be read. Upload it again.")) from error


def forget_key(import_id: int) -> None:
    _key_file(import_id).unlink(missing_ok=True)


def forget_old_keys(before: datetime) -> None:
    """Also those whose import went with the person who uploaded it."""
    for path in (settings.STATE / "import_keys").glob("*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before.timestamp():
                path.unlink()


def hash_sealed(one: Import, key: Callable[[], bytes], show: Callable[[int, int], None]) -> None:
    """Hashes what is sealed, on all processors (bcrypt lets other threads run), some at a time and each time for good:
    who is interrupted goes on there. `show` is told how many of how many are done."""
    sealed = ImportRow.objects.filter(of=one, is_there=False).exclude(sealed_password="")
    total, done = sealed.count(), 0
    show(done, total)
    if not total:
        return
    opener = Fernet(key())
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        while rows := list(sealed.order_by("line").values_list("pk", "sealed_password")[:AT_ONCE]):
            passwords = [opener.decrypt(token.encode()).decode() for _pk, token in rows]
            hashes = list(threads.map(hash_password, passwords))
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE mailboxes_importrow AS staged SET hash = found.hash, sealed_password = ''"
                    " FROM unnest(%s::bigint[], %s::text[]) AS found (id, hash) WHERE staged.id = found.id",
                    [[pk for pk, _token in rows], hashes],
                )
            done += len(rows)
            show(done, total)
