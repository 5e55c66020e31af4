"""What became of each record over time, of a domain or of the mail hosts; how each was at first is no change."""

from typing import Any

from django.db.models import QuerySet

from dns_records.record_models import RecordChange
from dns_records.words import sentence
from domains.models import Domain


def record_changes(domain: Domain | None) -> QuerySet[RecordChange]:
    """The newest first; without a domain, those of the mail hosts."""
    return RecordChange.objects.filter(domain=domain).exclude(before="")


def change_row(change: RecordChange) -> dict[str, Any]:
    """As programs read it."""
    return {
        "at": change.at,
        "purpose": change.purpose,
        "name": change.name,
        "type": change.rdtype,
        "before": change.before,
        "after": change.after,
        "published": change.published,
        "why": sentence(change.why, change.words),
    }
