"""The consistency report of the aliases as a job: dead ends, loops, too many destinations, long chains, and what leaves
the house. Each stage is a few statements over whole tables, so that two million aliases take seconds."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from jobs.models import Job
from jobs.services import show_progress
from mailboxes import report_graph
from mailboxes.models import Alias
from mailboxes.report_graph import Finding

MOST_FINDINGS = 1_000  # of a kind; more are counted, not listed
TOP_OUTSIDE = 20  # domains elsewhere
# Whole tables are hashed: with the usual 4 MB they would be written to disk first. No statement gains what it costs to
# compile it (jit).
BIG_STATEMENTS = "SET LOCAL work_mem = '96MB'; SET LOCAL jit = off"

# The worst first.
FINDINGS = {
    "loop": _("%(alias)s leads back to itself over %(target)s. Mail to it never arrives."),
    "too_many": _("Mail to %(alias)s becomes mail to more than %(number)s addresses. Postfix does not deliver it."),
    "dead_end": _("%(alias)s delivers to %(target)s, which does not exist. Add it, or change the alias."),
    "inactive_domain": _("%(alias)s delivers to %(target)s, but that domain is inactive."),
    "inactive_target": _("%(alias)s delivers to %(target)s, which is inactive. Activate it, or change the alias."),
    "many": _("Mail to %(alias)s becomes mail to %(number)s addresses. Postfix delivers to 1000 at most."),
    "deep": _("%(alias)s leads over %(number)s other aliases in a row. Let it deliver where they end."),
}
NO_MAIL = ("loop", "too_many", "dead_end", "inactive_domain", "inactive_target")


def sentence_of(finding: Finding) -> str:
    """A finding in the reader's language."""
    return str(FINDINGS[finding["kind"]]) % finding


def number_without_mail(result: dict[str, Any]) -> int:
    """How much of what a report found is about mail that does not arrive."""
    return sum(result.get("counts", {}).get(kind, 0) for kind in NO_MAIL)


def check_aliases(job: Job) -> dict[str, Any]:
    """Looks at every active alias. Returns counts by kind, the first findings of each, the worst kinds first, and which
    domains elsewhere get the most. Progress counts stages."""
    report = _Report()
    follow = (partial(report.follow, stage) for stage in report_graph.STAGES)
    stages: list[Callable[[], None]] = [
        report.count,
        report_graph.lay_out,
        report.look_for_dead_ends,
        report.look_outside,
        *follow,
    ]
    show_progress(job, 0, len(stages))
    try:
        for number, stage in enumerate(stages, start=1):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(BIG_STATEMENTS)
                stage()
            show_progress(job, number)
    finally:
        report_graph.forget()
    return report.result


class _Report:
    def __init__(self) -> None:
        self.checked = 0
        self.counts: dict[str, int] = {}
        self.findings: dict[str, list[Finding]] = {kind: [] for kind in FINDINGS}
        self.outside: dict[str, Any] = {}

    @property
    def result(self) -> dict[str, Any]:
        findings = [finding for found in self.findings.values() for finding in found]
        return {
            "checked": self.checked,
            "counts": self.counts,
            "findings": findings[:MOST_FINDINGS],
            "outside": self.outside,
        }

    def follow(self, stage: report_graph.Stage) -> None:
        self._note(stage(MOST_FINDINGS))

    def _note(self, found: Iterator[tuple[Finding, int]]) -> None:
        """Findings, each with how many there are of its kind."""
        for finding, number in found:
            kind = finding["kind"]
            if finding not in self.findings[kind]:
                self.findings[kind].append(finding)
            self.counts[kind] = max(number, len(self.findings[kind]))

    def count(self) -> None:
        self.checked = Alias.objects.filter(active=True).count()

    def look_for_dead_ends(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(DOUBTFUL)
            cursor.execute(DEAD_ENDS, {"most": MOST_FINDINGS})
            rows = cursor.fetchall()
        self._note(({"kind": kind, "alias": alias, "target": target}, number) for kind, alias, target, number in rows)

    def look_outside(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(OUTSIDE, {"most": TOP_OUTSIDE})
            rows = cursor.fetchall()
        self.outside = {
            "destinations": int(rows[0][2]) if rows else 0,
            "domains": rows[0][3] if rows else 0,
            "top": [{"domain": name, "number": number} for name, number, _all, _domains in rows],
        }


# Nearly every destination is an address with a mailbox that receives or an alias that delivers. Only the others are
# asked about one by one; mail_map.answers() is the rule that Postfix follows.
DOUBTFUL = """
    CREATE TEMPORARY TABLE alias_doubtful ON COMMIT DROP AS
    SELECT link.id
    FROM mailboxes_aliasdestination AS link
    WHERE link.address_id IS NOT NULL
      AND link.extension = ''
      AND NOT EXISTS (
          SELECT FROM mailboxes_mailbox AS mailbox
          WHERE mailbox.address_id = link.address_id
            AND mail_map.receives(mailbox.active, mailbox.receives, mailbox.expires_at)
      )
      AND NOT EXISTS (
          SELECT FROM mailboxes_alias AS further
          WHERE further.address_id = link.address_id
            AND mail_map.delivers(further.active, further.starts_at, further.ends_at)
      )
    UNION
    SELECT taker.id
    FROM alias_taker AS taker
    WHERE NOT EXISTS (
          SELECT FROM mailboxes_mailbox AS mailbox
          WHERE mailbox.address_id = taker.address_id
            AND mail_map.receives(mailbox.active, mailbox.receives, mailbox.expires_at)
      )
      AND NOT EXISTS (
          SELECT FROM mailboxes_alias AS further
          WHERE further.address_id = taker.address_id
            AND mail_map.delivers(further.active, further.starts_at, further.ends_at)
            AND NOT EXISTS (
                SELECT FROM mailboxes_aliasdestination AS whole
                WHERE whole.alias_id = further.id
                  AND (whole.domain_id IS NOT NULL AND whole.text = '' OR starts_with(whole.text, '@'))
            )
      )
    UNION
    SELECT asleep.id
    FROM domains_domain AS domain
    LEFT JOIN domains_domain AS answering ON answering.id = domain.target_id
    CROSS JOIN LATERAL (
        SELECT link.id
        FROM mailboxes_address AS address
        JOIN mailboxes_aliasdestination AS link ON link.address_id = address.id
        WHERE address.domain_id = domain.id
        UNION ALL
        SELECT named.id
        FROM mailboxes_aliasdestination AS named
        WHERE named.domain_id = domain.id
    ) AS asleep
    WHERE NOT domain.active
       OR NOT answering.active;
    ANALYZE alias_doubtful
"""

DEAD_ENDS = """
    WITH dead AS MATERIALIZED (
        SELECT destination.alias_id, destination.position,
            CASE
                WHEN NOT asked.active OR NOT COALESCE(answering.active, true) THEN 'inactive_domain'
                WHEN destination.address_id IS NULL THEN 'dead_end'
                WHEN destination.extension <> '' AND mail_map.answers(asked.id, target.local_part) THEN 'dead_end'
                ELSE 'inactive_target'
            END AS kind,
            mail_map.external_form(
                COALESCE(target.local_part || destination.extension, destination.text), asked.name
            ) AS target
        FROM alias_doubtful AS doubtful
        JOIN mailboxes_aliasdestination AS destination ON destination.id = doubtful.id
        LEFT JOIN mailboxes_address AS target ON target.id = destination.address_id
        JOIN domains_domain AS asked ON asked.id = COALESCE(target.domain_id, destination.domain_id)
        LEFT JOIN domains_domain AS answering ON answering.id = asked.target_id
        WHERE CASE
            WHEN target.id IS NULL AND destination.text = ''
                THEN NOT asked.active OR NOT COALESCE(answering.active, true)
            WHEN asked.address_class = 'local' AND target.id IS NULL THEN NOT asked.active
            ELSE NOT mail_map.answers(asked.id, COALESCE(target.local_part || destination.extension, destination.text))
        END
        UNION ALL
        -- Typed before the domain was ours.
        SELECT typed.alias_id, typed.position,
            CASE WHEN asked.active AND COALESCE(answering.active, true) THEN 'dead_end' ELSE 'inactive_domain' END,
            typed.text
        FROM mailboxes_aliasdestination AS typed
        JOIN domains_domain AS asked ON asked.name = lower(split_part(typed.text, '@', 2))
        LEFT JOIN domains_domain AS answering ON answering.id = asked.target_id
        WHERE typed.address_id IS NULL
          AND typed.domain_id IS NULL
          AND CASE
              WHEN starts_with(typed.text, '@') THEN NOT asked.active OR NOT COALESCE(answering.active, true)
              ELSE NOT mail_map.takes(asked.name, lower(mail_map.unquoted(split_part(typed.text, '@', 1))))
          END
    ),
    counted AS (
        SELECT dead.kind, dead.target, dead.alias_id, dead.position, address.local_part, domain.name,
            count(*) OVER (PARTITION BY dead.kind) AS number,
            row_number() OVER (PARTITION BY dead.kind ORDER BY dead.alias_id, dead.position) AS place
        FROM dead
        JOIN mailboxes_alias AS alias ON alias.id = dead.alias_id
        JOIN mailboxes_address AS address ON address.id = alias.address_id
        JOIN domains_domain AS domain ON domain.id = address.domain_id
        WHERE alias.active
          AND (alias.ends_at IS NULL OR alias.ends_at > now())
          AND domain.active
    )
    SELECT kind, mail_map.external_form(local_part, name), target, number
    FROM counted
    WHERE place <= %(most)s
    ORDER BY alias_id, position
"""

OUTSIDE = """
    SELECT elsewhere.name, elsewhere.number, sum(elsewhere.number) OVER (), count(*) OVER ()
    FROM (
        SELECT lower(split_part(text, '@', 2)) AS name, count(*) AS number
        FROM mailboxes_aliasdestination
        WHERE address_id IS NULL
          AND domain_id IS NULL
        GROUP BY name
    ) AS elsewhere
    WHERE NOT EXISTS (SELECT FROM domains_domain AS domain WHERE domain.name = elsewhere.name)
    ORDER BY elsewhere.number DESC, elsewhere.name
    LIMIT %(most)s
"""
