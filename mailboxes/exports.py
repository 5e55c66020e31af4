"""Export of mailboxes, aliases and domains: the columns that an import takes, without secrets, as rows come from a
cursor of the server."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from accounts.models import User
from domains.fields import UNITS
from domains.models import Domain
from mailboxes.columns import COLUMNS, SECRET
from mailboxes.models import Alias, Import, Mailbox
from mailboxes.tabular import TEXTS, guarded

CHUNK = 1_000  # rows in memory
Kind = Import.Kind


def columns_of_export(kind: str, user: User | None) -> list[str]:
    """Where mail is stored concerns superusers alone; other people learn how."""
    without = {*SECRET, "mail_format" if user is None or user.is_superuser else "mail_path"}
    return [name for name in COLUMNS[kind] if name not in without]


def exported(kind: str, *, domain: Domain | None = None, user: User | None = None) -> Iterator[dict[str, Any]]:
    """Rows with columns_of_export(), in the order of their names, of one domain or of all that `user` may see."""
    rows = {Kind.MAILBOXES: _mailboxes, Kind.ALIASES: _aliases, Kind.DOMAINS: _domains}[Kind(kind)]
    names = columns_of_export(kind, user)
    for row in rows(domain, user):
        yield {name: row[name] for name in names}


def csv_lines(
    names: Sequence[str], rows: Iterable[Mapping[str, Any]], *, for_spreadsheet: bool = False
) -> Iterator[str]:
    """CSV of RFC 4180 in UTF-8; for a spreadsheet with a byte order mark, by which Excel knows that it is UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    if for_spreadsheet:
        buffer.write("\ufeff")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_as_cell(name, row[name]) for name in names])
        if buffer.tell() > 60_000:
            yield _taken_from(buffer)
    yield _taken_from(buffer)


def json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A JSON list with a row a line (RFC 8259)."""
    before = "["
    for row in rows:
        yield f"{before}\n{json.dumps(row, ensure_ascii=False)}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def _taken_from(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _as_cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(value) if isinstance(value, list) else str(value)
    return guarded(text) if name in TEXTS else text


def _mailboxes(domain: Domain | None, user: User | None) -> Iterator[dict[str, Any]]:
    rows = Mailbox.objects.with_address().order_by("address__domain__name", "address__local_part")
    rows = rows.visible_to(user) if user else rows
    rows = rows.filter(address__domain=domain) if domain else rows
    for mailbox in rows.iterator(chunk_size=CHUNK):
        yield {
            "address": str(mailbox),
            "quota": quota_in_units(mailbox.quota_bytes),
            "expires_at": _utc(mailbox.expires_at),
            "stopped": mailbox.stopped_at is not None,
            "allowed_networks": list(mailbox.allowed_networks),
            **{name: getattr(mailbox, name) for name in ("name", "mail_path", "mail_format")},
            **{name: getattr(mailbox, name) for name in ("active", "receives", "sends", "imap", "pop")},
        }


def _aliases(domain: Domain | None, user: User | None) -> Iterator[dict[str, Any]]:
    rows = Alias.objects.with_destinations().order_by("address__domain__name", "address__local_part")
    rows = rows.visible_to(user) if user else rows
    rows = rows.filter(address__domain=domain) if domain else rows
    for alias in rows.iterator(chunk_size=CHUNK):
        yield {
            "address": str(alias),
            "destinations": [str(destination) for destination in alias.destinations.all()],
            "comment": alias.comment,
            "active": alias.active,
            "starts_at": _utc(alias.starts_at),
            "ends_at": _utc(alias.ends_at),
        }


def _domains(domain: Domain | None, user: User | None) -> Iterator[dict[str, Any]]:
    rows = Domain.objects.select_related("target").order_by("name")
    rows = rows.filter(pk__in=Domain.objects.visible_to(user)) if user else rows
    rows = rows.filter(pk=domain.pk) if domain else rows
    for one in rows.iterator(chunk_size=CHUNK):
        yield {
            "name": one.name,
            "address_class": str(one.address_class),
            "target": one.target.name if one.target else None,
            "description": one.description,
            "any_recipient": one.any_recipient,
            "max_mailboxes": one.max_mailboxes,
            "max_aliases": one.max_aliases,
            "max_quota": quota_in_units(one.max_quota_bytes),
            "max_total_quota": quota_in_units(one.max_total_quota_bytes),
            "active": one.active,
            "suspended": one.suspended,
        }


def quota_in_units(octets: int | None) -> str | None:
    """`10G`: exact, and short enough that Excel does not write it as 1.07E+10."""
    if octets is None:
        return None
    unit = next(unit for unit, size in reversed(UNITS.items()) if octets % size == 0)
    return f"{octets // UNITS[unit]}{unit}"


def _utc(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
