"""What is expected beside what was seen last, as programs read it: of a domain, or of the mail hosts."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from dns_records.expected import Expected, expected_of, expected_of_hosts
from dns_records.record_models import Record, ZoneCheck
from dns_records.words import sentence
from dns_records.zone_text import as_rows
from domains.models import Domain


def expected_for(domain: Domain | None) -> list[Expected]:
    """Without a domain, of the mail hosts."""
    return expected_of(domain) if domain else expected_of_hosts()


def seen_row(domain: Domain | None) -> dict[str, Any]:
    """Everything that is expected now, when it was asked for last, and how it was then. The mail hosts may stand in
    many zones, so neither servers nor DNSSEC are told of them."""
    check = ZoneCheck.objects.filter(domain=domain).first()
    row: dict[str, Any] = {"checked_at": check.checked_at if check else None}
    if domain:
        said = {"dnssec": check.dnssec if check else None, "servers": check.servers if check else []}
        row = {"domain": domain.name} | row | said
    return row | {"records": _rows(expected_for(domain), Record.objects.filter(domain=domain))}


def _rows(expected: Sequence[Expected], records: QuerySet[Record]) -> list[dict[str, Any]]:
    seen = {(row.purpose, row.name, row.rdtype): row for row in records}
    rows = []
    for row in as_rows(expected):
        record = seen.get((row["purpose"], row["name"], row["type"]))
        rows.append(
            row
            | {
                "state": str(record.state) if record else None,
                "published": record.published if record else [],
                "why": sentence(record.why, record.words) if record else "",
                "since": record.since if record else None,
            }
        )
    return rows
