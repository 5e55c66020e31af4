"""A PostfixAdmin comes over: its rows go through the same import and the same services as what people type, in one
transaction. A dry run is that transaction, rolled back."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import change_sets_noted, recorded
from domains.guards import follow, followers_wait
from domains.models import Domain
from domains.services import LIMITS
from lookup_tables.models import Transport
from lookup_tables.services import add_entry
from mailboxes.imports import faults_of, faulty, forget_import, judge_import, stage_rows, write_import
from mailboxes.models import DefaultAlias, Import, RelayRecipient
from mailboxes.relay import add_relay_recipients
from takeover.kept import keep_rows
from takeover.kept_models import Takeover
from takeover.postfixadmin_differences import remark_on_differences
from takeover.postfixadmin_dkim import DkimKeys
from takeover.postfixadmin_kept import bring_log, rows_to_keep
from takeover.postfixadmin_meaning import Choices, Meaning, Named, Report
from takeover.postfixadmin_people import import_domain_admins, import_people
from takeover.postfixadmin_reading import Source
from takeover.postfixadmin_usage import import_usage
from takeover.postfixadmin_vacations import import_out_of_office

Kind = Import.Kind
MOST_KEPT = 1_000  # sentences of a report, for the page
PIECE = 500  # domains or recipients in one statement

Show = Callable[[str, int], None]


@dataclass
class Outcome:
    """What a takeover did, or would do. `counts`: kind -> how many were added, were there, were left out."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    report: Report = field(default_factory=Report)
    change_sets: list[UUID] = field(default_factory=list)
    is_written: bool = False
    takeover: Takeover | None = None

    @property
    def new(self) -> int:
        return sum(count["new"] for count in self.counts.values())


def import_postfixadmin(
    source: Source,
    *,
    choices: Choices,
    dry_run: bool = False,
    leave_out_refused: bool = False,
    show: Show = lambda what, done: None,
    by: Actor,
) -> Outcome:
    """Brings what is not here yet. What cannot come as it is stands in the report: then nothing is written, or with
    `leave_out_refused` everything else. Two change sets: people, who are not undone, and mail."""
    outcome = Outcome()
    with transaction.atomic(), change_sets_noted() as noted:
        _write(source, choices, outcome, show, by)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what is deferred must be true for a dry run, too
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        outcome.is_written = not dry_run and (leave_out_refused or not outcome.report.refusals)
        if not outcome.is_written:
            transaction.set_rollback(True)
        elif outcome.new:
            outcome.change_sets = list(noted)
            outcome.takeover = _remember(source, outcome, by)
    return outcome


def _write(source: Source, choices: Choices, outcome: Outcome, show: Show, by: Actor) -> None:
    report = outcome.report
    meaning = Meaning(source, choices, report)
    outcome.counts["people"] = import_people(source, meaning, report, by=by)
    with recorded("import", "postfixadmin", source.label, by=by):
        with followers_wait():
            new_domains = _import_lines(Kind.DOMAINS, meaning.domain_rows(), meaning, outcome, show, by)
        _import_lines(Kind.MAILBOXES, meaning.mailbox_rows(), meaning, outcome, show, by)
        _import_lines(Kind.ALIASES, meaning.alias_rows(), meaning, outcome, show, by)
        outcome.counts["relay_recipients"] = _add_recipients(meaning, outcome, by)
        outcome.counts["transports"] = _add_transports(meaning, outcome, by)
        outcome.counts["domain_admins"] = import_domain_admins(source, meaning, report)
        if DefaultAlias.objects.exists():  # what came is there by now, and stays as it is
            for domain in Domain.objects.filter(pk__in=new_domains).order_by("name"):
                follow(domain, by=by)
        _set_limits(meaning, new_domains, report)
        outcome.counts["out_of_office"], without_answer = import_out_of_office(source, meaning, report, by=by)
        keys = DkimKeys(source, report, by=by)
        keys.bring()
        outcome.counts["dkim_keys"] = keys.count
    outcome.counts["usage"], without_mailbox = import_usage(source)
    without_place = [*without_answer, *keys.kept, *without_mailbox]
    kept = keep_rows(source.label, rows_to_keep(source, meaning.mailboxes, without_place, report))
    for kind, number in kept.items():
        outcome.counts[kind] = {"new": number, "there": 0, "left_out": 0}
    lines = bring_log(source, report, lambda done: show("log", done))
    outcome.counts["log"] = {"new": lines, "there": 0, "left_out": 0}


def _remember(source: Source, outcome: Outcome, by: Actor) -> Takeover:
    said = [*outcome.report.refusals, *outcome.report.remarks]
    return Takeover.objects.create(
        source=source.label,
        who=by.label,
        host=by.host,
        counts=outcome.counts,
        remarks=said[:MOST_KEPT],
        change_sets=[str(one) for one in outcome.change_sets],
    )


def _import_lines(
    kind: str, rows: Iterator[Named], meaning: Meaning, outcome: Outcome, show: Show, by: Actor
) -> list[int]:
    """The staged import of a kind; what its rules refuse is left out, and the rest judged again. The ids of domains
    that are new."""
    names: list[str] = [""]

    def numbered() -> Iterable[tuple[int, dict[str, Any]]]:
        for thing, cells in rows:
            names.append(thing)
            yield len(names) - 1, cells

    one = stage_rows(
        kind,
        numbered(),
        label=meaning.source.label,
        key=b"",
        skip_existing=True,
        show=lambda done, total: show(kind, done),
        by=by,
    )
    left_out = 0
    while one.refused:
        for fault in faults_of(one, None):
            outcome.report.refuse("fault", names[fault["line"]], sentence=fault["sentence"])
        left_out += one.refused
        faulty(one).delete()
        judge_import(one)
    remark_on_differences(one, meaning)
    names_before = set(Domain.objects.values_list("pk", flat=True)) if kind == Kind.DOMAINS else set()
    write_import(one, by=by)
    outcome.counts[kind] = {"new": one.new, "there": one.there, "left_out": left_out}
    forget_import(one)
    if kind != Kind.DOMAINS:
        return []
    return list(Domain.objects.exclude(pk__in=names_before).values_list("pk", flat=True)) if one.new else []


def _add_recipients(meaning: Meaning, outcome: Outcome, by: Actor) -> dict[str, int]:
    """The mailboxes of domains that are only relayed."""
    count = {"new": 0, "there": 0, "left_out": 0}
    domains = {domain.name: domain for domain in Domain.objects.filter(name__in=meaning.recipients)}
    for name, addresses in meaning.recipients.items():
        domain = domains.get(name)
        if domain is None or not addresses:
            continue
        before = {str(row) for row in RelayRecipient.objects.filter(address__domain=domain).with_address()}
        missing = [address for address in addresses if address not in before]
        count["there"] += len(addresses) - len(missing)
        for start in range(0, len(missing), PIECE):
            piece = missing[start : start + PIECE]
            try:
                with transaction.atomic():
                    count["new"] += add_relay_recipients(domain, piece, by=by)
            except ValidationError as error:
                count["left_out"] += len(piece)
                outcome.report.refuse("fault", name, sentence=" ".join(error.messages))
    return count


def _add_transports(meaning: Meaning, outcome: Outcome, by: Actor) -> dict[str, int]:
    count = {"new": 0, "there": 0, "left_out": 0}
    there = dict(Transport.objects.values_list("key", "result"))
    for name, result, active in meaning.transports():
        if name in there:
            count["there"] += 1
            if there[name] != Transport.normalised_result(result):
                outcome.report.remark("differs", name, fields=_("transport"))
            continue
        try:
            with transaction.atomic():
                add_entry(Transport, name, result, active=active, by=by)
            count["new"] += 1
        except ValidationError as error:
            count["left_out"] += 1
            outcome.report.refuse("fault", name, sentence=" ".join(error.messages))
    return count


def _set_limits(meaning: Meaning, new_domains: list[int], report: Report) -> None:
    """At last, since only growth is refused: what was there may be more than a limit allows, and comes all the same."""
    domains = {row.name: row for row in Domain.objects.filter(pk__in=new_domains).select_related("counts")}
    limited = []
    for name, limits in meaning.limits():
        domain = domains.get(name)
        if domain is None or not any(value is not None for value in limits.values()):
            continue
        for field_name, value in limits.items():
            setattr(domain, field_name, value)
        limited.append(domain)
        for what in ("mailboxes", "aliases"):
            most, used = limits[f"max_{what}"], getattr(domain.counted, what)
            if most is not None and used > most:
                report.remark(f"over_many_{what}", name, used=used, limit=most)
        larger = _past_quota(domain)
        if larger:
            report.remark("over_quota", name, number=larger)
    for start in range(0, len(limited), PIECE):
        Domain.objects.bulk_update(limited[start : start + PIECE], LIMITS)


def _past_quota(domain: Domain) -> int:
    """How many mailboxes could not be added with the quota that they have."""
    if domain.max_quota_bytes is None and domain.max_total_quota_bytes is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM mailboxes_address AS address"
            " JOIN mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id"
            " WHERE address.domain_id = %s AND (mailbox.quota_bytes IS NULL OR mailbox.quota_bytes > %s)",
            [domain.pk, domain.max_quota_bytes if domain.max_quota_bytes is not None else 2**63 - 1],
        )
        return int(cursor.fetchone()[0])
