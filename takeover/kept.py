"""Rows that are kept for later, with their secrets encrypted by the keys that passwords for relays have."""

from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

from cryptography.fernet import InvalidToken

from lookup_tables.relay_passwords import keeper
from takeover.kept_models import LONGEST_KEY, KeptRow

AT_ONCE = 2_000  # rows


class ToKeep(NamedTuple):
    """One row as it was read; `secret` in plain text."""

    kind: KeptRow.Kind
    key: str
    payload: dict[str, Any]
    secret: str = ""
    about: str = ""  # the address or the domain that it belongs to; "" for what is the business of superusers

    @property
    def domain_name(self) -> str:
        return self.about.rpartition("@")[2].lower()[:255]


def keep_rows(source: str, rows: Iterable[ToKeep]) -> dict[str, int]:
    """Keeps what is new or other than before; how many rows of each kind that were. A copy is nobody's work, so the
    source wins."""
    written: dict[str, int] = {}
    all_rows = iter(rows)
    while some := list(islice(all_rows, AT_ONCE)):
        by_key = {(str(row.kind), row.key[:LONGEST_KEY]): row for row in some}
        kinds, keys = {kind for kind, _key in by_key}, [key for _kind, key in by_key]
        found = KeptRow.objects.filter(source=source, kind__in=kinds, key__in=keys)
        there = {(row.kind, row.key): row for row in found}
        new, changed = [], []
        for (kind, key), row in by_key.items():
            old = there.get((kind, key))
            if old is None:
                about = {"source": source, "kind": kind, "key": key, "domain_name": row.domain_name}
                new.append(KeptRow(**about, payload=row.payload, secret=sealed(row.secret)))
            elif old.payload != row.payload or _is_another(old, row.secret):
                old.payload, old.secret, old.domain_name = row.payload, sealed(row.secret), row.domain_name
                changed.append(old)
            else:
                continue
            written[kind] = written.get(kind, 0) + 1
        KeptRow.objects.bulk_create(new, batch_size=AT_ONCE)
        KeptRow.objects.bulk_update(changed, ["payload", "secret", "domain_name"], batch_size=500)
    return written


def forget_rows(source: str, rows: Iterable[ToKeep]) -> None:
    """What has its place now is kept no longer."""
    by_kind: dict[str, list[str]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row.key[:LONGEST_KEY])
    for kind, keys in by_kind.items():
        KeptRow.objects.filter(source=source, kind=kind, key__in=keys).delete()


def sealed(secret: str) -> str:
    return keeper().encrypt(secret.encode()).decode() if secret else ""


def secret_of(row: KeptRow) -> str:
    """The secret in plain text, for who brings the row to its place. Raises InvalidToken where its key is gone."""
    return keeper().decrypt(row.secret.encode()).decode() if row.secret else ""


def _is_another(old: KeptRow, secret: str) -> bool:
    try:
        return secret_of(old) != secret
    except InvalidToken:
        return True
