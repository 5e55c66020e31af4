"""Counts of domains and answers of addresses, which triggers keep: found anew, and mended where they are not true."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from django.db import connection, transaction
from django.db.models import Count, QuerySet, Sum

from domains.models import Domain, DomainCount
from mailboxes.models import Address

AT_ONCE = 200  # domains whose counts are locked at the same time
COUNTED = ("mailboxes", "aliases", "recipients", "quota_bytes", "without_quota")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A count that was not true, and what is; or the answer of an address (migrations/0020_answers.py)."""

    domain: str
    counted: str
    was: int | str
    found: int | str


STALE = """
    SELECT address.id, domain.name, address.local_part, address.answer, found.answer
    FROM mailboxes_found_answers(ARRAY(SELECT id FROM mailboxes_address WHERE domain_id = ANY (%s))) AS found
    JOIN mailboxes_address AS address ON address.id = found.address_id
    JOIN domains_domain AS domain ON domain.id = address.domain_id
    WHERE address.answer IS DISTINCT FROM found.answer
    ORDER BY domain.id, address.local_part
"""


def recount(domains: QuerySet[Domain]) -> Iterator[Difference]:
    """Counts what these domains have, mends their counts and the answers of their addresses, and tells each difference.
    Who adds to one of them waits while it is counted, together with AT_ONCE others."""
    ids = domains.order_by("pk").values_list("pk", flat=True).iterator()
    while some := list(islice(ids, AT_ONCE)):
        yield from _recount(some)
        yield from _mend_answers(some)


def _mend_answers(domain_ids: Sequence[int]) -> list[Difference]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STALE, [list(domain_ids)])
        stale = cursor.fetchall()
        cursor.execute("SELECT mailboxes_keep_answers(%s)", [[pk for pk, *_rest in stale]])
    return [
        Difference(domain=domain, counted=f"answer of {local_part}", was=_in_a_line(was), found=_in_a_line(found))
        for _pk, domain, local_part, was, found in stale
    ]


def _in_a_line(answer: str | None) -> str:
    return "?" if answer is None else answer.strip("\n").replace("\n", ", ")


def _recount(domain_ids: Sequence[int]) -> list[Difference]:
    with transaction.atomic():
        DomainCount.objects.bulk_create([DomainCount(domain_id=pk) for pk in domain_ids], ignore_conflicts=True)
        # In the order in which triggers lock. Who has added and not committed yet holds the lock, or waits for it and
        # counts on afterwards: so what is committed now is what has been counted.
        rows = DomainCount.objects.select_for_update(of=("self",)).select_related("domain").order_by("pk")
        there = list(rows.filter(pk__in=domain_ids))
        found = _found(domain_ids)
        differences = []
        for row in there:
            for counted in COUNTED:
                was, is_true = int(getattr(row, counted)), found.get(row.pk, {}).get(counted, 0)
                if was != is_true:
                    setattr(row, counted, is_true)
                    differences.append(Difference(domain=row.domain.name, counted=counted, was=was, found=is_true))
        wrong = {difference.domain for difference in differences}
        DomainCount.objects.bulk_update([row for row in there if row.domain.name in wrong], COUNTED)
    return differences


def _found(domain_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    rows = Address.objects.filter(domain__in=domain_ids).order_by().values("domain")
    counted = rows.annotate(
        mailboxes=Count("mailbox"),
        aliases=Count("alias"),
        recipients=Count("relay_recipient"),
        quota_bytes=Sum("mailbox__quota_bytes"),
        without_quota=Count("mailbox") - Count("mailbox__quota_bytes"),
    )
    return {
        domain_id: dict(zip(COUNTED, (int(number or 0) for number in numbers), strict=True))
        for domain_id, *numbers in counted.values_list("domain", *COUNTED)
    }
