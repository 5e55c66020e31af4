"""The expected records of a domain or of the mail hosts as text: lines of a zone file with their reasons, or JSON."""

import json
from collections.abc import Iterable
from typing import Any

from dns_records.expected import Expected
from domains.models import Domain


def zone_text(domain: Domain | None, expected: Iterable[Expected]) -> str:
    """Lines for the zone of the domain (RFC 1035, section 5.1). What belongs into another zone is commented out;
    without a domain nothing is."""
    lines: list[str] = []
    for one in expected:
        elsewhere = domain is not None and not f".{one.name}".endswith(f".{domain.name}")
        lines.append(f"; {one.label}: {one.reason}")
        lines += [f"{'; ' if elsewhere else ''}{line}" for line in one.zone_lines]
    return "".join(f"{line}\n" for line in lines)


def as_rows(expected: Iterable[Expected]) -> list[dict[str, Any]]:
    return [
        {"purpose": one.purpose, "name": one.name, "type": one.rdtype, "values": list(one.values), "reason": one.reason}
        for one in expected
    ]


def json_text(expected: Iterable[Expected]) -> str:
    return json.dumps(as_rows(expected), ensure_ascii=False, indent=2) + "\n"
