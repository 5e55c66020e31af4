"""The consistency report of the aliases: dead ends, loops and inactive targets, as a job with progress."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from jobs.models import Job
from jobs.services import show_progress
from mailboxes.models import Alias

CHUNK = 20_000  # aliases a statement
MOST_FINDINGS = 1_000  # more are counted, not listed

FINDINGS = {
    "inactive_target": _("%(alias)s delivers to %(target)s, which is inactive. Activate it, or change the alias."),
    "inactive_domain": _("%(alias)s delivers to %(target)s, but that domain is inactive."),
    "dead_end": _("%(alias)s delivers to %(target)s, which does not exist. Add it, or change the alias."),
    "loop": _("%(alias)s leads back to itself over %(target)s. Mail to it never arrives."),
}


def sentence_of(finding: dict[str, str]) -> str:
    """A finding in the reader's language."""
    return str(FINDINGS[finding["kind"]]) % finding


def check_aliases(job: Job) -> dict[str, Any]:
    """Looks at every active alias. Returns counts by kind and the first findings, worst first in each chunk."""
    last_id, total = _extent()
    show_progress(job, 0, total)
    counts: Counter[str] = Counter()
    findings: list[dict[str, str]] = []
    checked = 0
    for start in range(0, last_id + 1, CHUNK):
        found = list(_dead_or_inactive(start, start + CHUNK))
        counts.update(finding["kind"] for finding in found)
        findings += found[: MOST_FINDINGS - len(findings)]
        checked += Alias.objects.filter(pk__gte=start, pk__lt=start + CHUNK, active=True).count()
        show_progress(job, min(checked, total))
    loops = list(_loops())
    counts["loop"] = len(loops)
    show_progress(job, total)
    return {"checked": checked, "counts": dict(counts), "findings": (loops + findings)[:MOST_FINDINGS]}


def _extent() -> tuple[int, int]:
    last = Alias.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return last, Alias.objects.filter(active=True).count()


def _dead_or_inactive(first_id: int, end_id: int) -> Iterator[dict[str, str]]:
    """Destinations of ours that take no mail. mail_map.answers() is the rule that Postfix follows."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT
                CASE
                    WHEN NOT target_domain.active OR NOT COALESCE(answering.active, true) THEN 'inactive_domain'
                    WHEN destination.address_id IS NULL THEN 'dead_end'
                    ELSE 'inactive_target'
                END,
                mail_map.external_form(address.local_part, domain.name),
                mail_map.external_form(
                    COALESCE(target.local_part || destination.extension, destination.text), target_domain.name
                )
            FROM mailboxes_alias AS alias
            JOIN mailboxes_address AS address ON address.id = alias.address_id
            JOIN domains_domain AS domain ON domain.id = address.domain_id AND domain.active
            JOIN mailboxes_aliasdestination AS destination ON destination.alias_id = alias.id
            LEFT JOIN mailboxes_address AS target ON target.id = destination.address_id
            JOIN domains_domain AS target_domain ON target_domain.id = COALESCE(target.domain_id, destination.domain_id)
            LEFT JOIN domains_domain AS answering ON answering.id = target_domain.target_id
            WHERE alias.id >= %(first)s
              AND alias.id < %(end)s
              AND alias.active
              AND (alias.ends_at IS NULL OR alias.ends_at > now())
              AND CASE
                  WHEN target.id IS NULL AND destination.text = ''
                      THEN NOT target_domain.active OR NOT COALESCE(answering.active, true)
                  WHEN target_domain.address_class = 'local' AND target.id IS NULL THEN NOT target_domain.active
                  ELSE NOT mail_map.answers(target_domain.id, COALESCE(target.local_part, destination.text))
              END
            ORDER BY alias.id, destination.position
            """,
            {"first": first_id, "end": end_id},
        )
        for kind, alias, target in cursor.fetchall():
            yield {"kind": kind, "alias": alias, "target": target}


def _loops() -> Iterator[dict[str, str]]:
    """Saving refuses loops; what a superuser's SQL or a bulk load left is found here. Only aliases that deliver to
    aliases matter, which are few; an edge whose end leads nowhere further is peeled off until loops remain."""
    edges: dict[int, set[int]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT alias.address_id, destination.address_id
            FROM mailboxes_aliasdestination AS destination
            JOIN mailboxes_alias AS alias ON alias.id = destination.alias_id AND alias.active
            JOIN mailboxes_alias AS next ON next.address_id = destination.address_id AND next.active
            -- one that keeps a copy ends the round (mailboxes/loops.py)
            LEFT JOIN mailboxes_mailbox AS copy ON copy.address_id = alias.address_id
                AND mail_map.receives(copy.active, copy.receives, copy.expires_at)
            WHERE copy.id IS NULL
            """
        )
        for start, end in cursor.fetchall():
            edges[start].add(end)
    while leaves := [node for node, ends in edges.items() if not ends & edges.keys()]:
        for leaf in leaves:
            del edges[leaf]
    next_of = {node: min(edges[node] & edges.keys()) for node in sorted(edges)[:MOST_FINDINGS]}
    shown = Alias.objects.filter(address__in={*next_of, *next_of.values()}).select_related("address__domain")
    names = {alias.address_id: str(alias) for alias in shown}
    for node, following in next_of.items():
        yield {"kind": "loop", "alias": names[node], "target": names[following]}
