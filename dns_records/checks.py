"""The records of domains are asked for at their authoritative servers, judged and kept; what breaks is told by mail."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from dns_records import spf
from dns_records.authoritative import TIMEOUT, Asker
from dns_records.dnssec import BROKEN as BROKEN_DNSSEC
from dns_records.dnssec import SIGNED, UNKNOWN, UNSIGNED, dnssec_of
from dns_records.expected import Expected, expected_by_domain, expected_of_hosts
from dns_records.judging import Verdict, judge
from dns_records.models import DnsSettings
from dns_records.record_models import BROKEN, Record, RecordChange, RecordState, ZoneCheck
from domains.models import Domain

log = logging.getLogger(__name__)

LOST = (*BROKEN, RecordState.NOT_EVERYWHERE)
AS_RECORD = {SIGNED: RecordState.RIGHT, UNSIGNED: RecordState.MISSING, BROKEN_DNSSEC: RecordState.DIFFERENT}
DKIM = ("dkim", "dkim_prepared", "dkim_retiring", "dkim_revoked")
AT_ONCE = 32  # domains; each waits for the network nearly all the time
CHUNK = 200  # domains whose records are kept in one transaction

Show = Callable[[int, int], None]


@dataclass(frozen=True)
class Seen:
    """What a run saw of one domain, or of the mail hosts."""

    domain_id: int | None
    records: list[tuple[Expected, Verdict]]
    dnssec: str = UNKNOWN
    servers: tuple[str, ...] = ()
    zone: str = ""  # that holds the domain; "" where nobody can be found


@dataclass
class Run:
    """One run: a dead server is asked once in it, and what many domains share is asked for once."""

    timeout: float = TIMEOUT
    asker: Asker = field(init=False)
    _texts: dict[str, list[str]] = field(default_factory=dict)
    _lookups: dict[str, int] = field(default_factory=dict)
    _addresses: dict[str, set[str]] = field(default_factory=dict)
    _dnssec: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.asker = Asker(timeout=self.timeout)

    def look(self, domain_id: int | None, name: str, expected: Sequence[Expected]) -> Seen:
        """Asks for all records of a domain. Touches no database, so threads may do it."""
        records = [(one, self.verdict_on(one)) for one in expected]
        if not name:
            return Seen(domain_id, records)
        zone, servers = self.asker.servers_of(name)
        names = tuple(sorted({server.name for server in servers}))
        return Seen(domain_id, records, self.dnssec_of(zone), names, zone)

    def dnssec_of(self, zone: str) -> str:
        """Of each zone once; unknown of none."""
        if zone and zone not in self._dnssec:
            try:
                self._dnssec[zone] = dnssec_of(zone, self.asker)
            except Exception:  # as below
                log.exception("Whether %s is signed cannot be said", zone)
                self._dnssec[zone] = UNKNOWN
        return self._dnssec.get(zone, UNKNOWN)

    def verdict_on(self, expected: Expected) -> Verdict:
        """What others write into the DNS must not stop the check of everybody, also where nobody has thought of it."""
        try:
            return self._verdict_on(expected)
        except Exception:
            log.exception("%s %s cannot be judged", expected.name, expected.rdtype)
            return Verdict(RecordState.UNKNOWN, expected.why or "not_judged", expected.words)

    def _verdict_on(self, expected: Expected) -> Verdict:
        answers = self.asker.ask_all(expected.name, expected.rdtype)
        verdict = judge(expected, answers, self.lookups_of)
        if expected.rdtype == "CNAME" and verdict.state == RecordState.MISSING:
            return self._by_addresses(expected) or verdict
        if expected.rdtype == "TLSA" and verdict.state != RecordState.UNKNOWN:
            return self._with_dnssec(expected, verdict)
        return verdict

    def _with_dnssec(self, expected: Expected, verdict: Verdict) -> Verdict:
        """RFC 7672, section 2.1: without signatures nobody heeds a TLSA record, and with wrong ones nobody who knows
        DANE delivers. The host may be in a zone of others, which is no domain here."""
        zone, _servers = self.asker.servers_of(expected.name)
        dnssec = self.dnssec_of(zone)
        if dnssec not in (UNSIGNED, BROKEN_DNSSEC):
            return verdict
        return replace(verdict, words={**verdict.words, "zone": zone, "dnssec": dnssec})

    def lookups_of(self, record: str) -> int:
        if record not in self._lookups:
            self._lookups[record] = spf.lookups(record, self._texts_of)
        return self._lookups[record]

    def _texts_of(self, name: str) -> list[str]:
        if name not in self._texts:
            answers = self.asker.ask_all(name, "TXT")
            self._texts[name] = next((answer.texts for answer in answers if answer.is_answer), [])
        return self._texts[name]

    def _by_addresses(self, expected: Expected) -> Verdict | None:
        """Instead of an alias a name may have the addresses of its target."""
        found, wanted = self._addresses_of(expected.name), self._addresses_of(expected.values[0].rstrip("."))
        if not found:
            return None
        there = tuple(sorted(found))
        if found <= wanted:
            return Verdict(RecordState.RIGHT, published=there)
        return Verdict(RecordState.DIFFERENT, "points_elsewhere", {"found": list(there)}, there)

    def _addresses_of(self, name: str) -> set[str]:
        if name not in self._addresses:
            both = [*self.asker.ask_all(name, "A"), *self.asker.ask_all(name, "AAAA")]
            self._addresses[name] = {record for answer in both for record in answer.records}
        return self._addresses[name]


def check_domains(domains: Sequence[Domain], *, show: Show = lambda done, total: None, timeout: float = TIMEOUT) -> int:
    """Looks at the records of these domains and of the mail hosts, and keeps what was seen; the number of records
    whose state has changed. Several may run at a time: of each domain, whoever comes later says what holds."""
    settings, run, changed = DnsSettings.current(), Run(timeout=timeout), 0
    hosts = run.look(None, "", expected_of_hosts(settings))
    changed += keep([hosts])
    show(0, len(domains))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for at in range(0, len(domains), CHUNK):
            chunk = domains[at : at + CHUNK]
            expected = expected_by_domain(chunk, settings)
            looks = [pool.submit(run.look, one.pk, one.name, expected[one.pk]) for one in chunk]
            seen = []
            for number, look in enumerate(looks, start=at + 1):
                seen.append(look.result())
                if number % 20 == 0:
                    show(number, len(domains))
            changed += keep(seen)
            show(at + len(chunk), len(domains))
    return changed


def all_unknown(domains: Sequence[int]) -> int:
    """Of how many of these domains, by their numbers, nothing is known: no server has answered about any record."""
    known = Record.objects.filter(domain=OuterRef("domain")).exclude(state=RecordState.UNKNOWN)
    return Record.objects.filter(~Exists(known), domain__in=domains).values("domain").distinct().count()


@transaction.atomic
def keep(seen: Iterable[Seen]) -> int:
    """Writes what was seen. Of records that are as they were only the values are written; says how many changed. What
    the database refuses of one domain is in the log, and the others are kept."""
    now, changed = timezone.now(), 0
    for one in sorted(seen, key=lambda one: one.domain_id or 0):  # they are locked, by all in this order
        try:
            with transaction.atomic():
                changed += _keep(one, now)
        except (DataError, IntegrityError, ValueError):
            log.exception("What was seen of domain %s is not kept", one.domain_id)
    return changed


def _keep(seen: Seen, now: datetime) -> int:
    if seen.domain_id is not None and not Domain.objects.filter(pk=seen.domain_id).exists():
        return 0  # deleted meanwhile
    zone = _locked(seen.domain_id, now)
    changes = [*_changes(seen, now), *_change_of_dnssec(zone, seen, now)]
    RecordChange.objects.bulk_create(changes)
    states = [verdict.state for _expected, verdict in seen.records]
    right, broken = states.count(RecordState.RIGHT), sum(state in BROKEN for state in states)
    zone.right, zone.broken, zone.others = right, broken, len(states) - right - broken
    zone.checked_at, zone.dnssec, zone.servers = now, seen.dnssec, list(seen.servers)
    if seen.dnssec != UNKNOWN:
        zone.dnssec_known = seen.dnssec
    zone.save()
    return len(changes)


def _change_of_dnssec(zone: ZoneCheck, seen: Seen, now: datetime) -> Iterator[RecordChange]:
    """What became of the DS record by which the parent zone vouches for this one, since it was known last. A zone that
    is signed loses that; one that is broken loses everything, whatever it was before."""
    before, after = zone.dnssec_known, seen.dnssec
    if before and after not in (before, UNKNOWN):
        why = "" if after == SIGNED else f"dnssec_{after}"
        names = {"domain_id": seen.domain_id, "purpose": "dnssec", "name": seen.zone, "rdtype": "DS", "why": why}
        is_loss = before == SIGNED or after == BROKEN_DNSSEC
        yield RecordChange(**names, at=now, before=AS_RECORD[before], after=AS_RECORD[after], is_loss=is_loss)


def _locked(domain: int | None, now: datetime) -> ZoneCheck:
    """The row of a domain, or of the mail hosts. Of two checks at a time one waits here for the other."""
    rows = ZoneCheck.objects.select_for_update().filter(domain=domain)
    if zone := rows.first():
        return zone
    ZoneCheck.objects.bulk_create([ZoneCheck(domain_id=domain, checked_at=now)], ignore_conflicts=True)
    return rows.get()


def _changes(seen: Seen, now: datetime) -> Iterator[RecordChange]:
    """Brings the rows of a domain up to date, and gives what is new about them."""
    rows, others = _rows_of(seen)
    new: list[Record] = []
    for position, (expected, verdict) in enumerate(seen.records):
        row = rows[position]
        before = row.state if row else ""
        is_loss = row is not None and _is_loss(row, expected, verdict)
        values: dict[str, Any] = {
            "purpose": expected.purpose,
            "expected": list(verdict.expected or expected.values),
            "published": list(verdict.published),
            "state": str(verdict.state),
            "why": verdict.why,
            "words": dict(verdict.words),
            "position": position,
        }
        if verdict.state == RecordState.RIGHT:
            values |= {"right_for": list(expected.values), "right_with": list(verdict.published)}
        elif is_loss and not expected.why:
            values |= {"right_for": [], "right_with": []}
        names = {"name": expected.name, "rdtype": expected.rdtype}
        if row is None:
            row = Record(domain_id=seen.domain_id, **names, **values, since=now)
            new.append(row)
        elif any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            row.since = row.since if row.state == before else now
            row.save()
        if before != row.state or is_loss:
            same = {name: values[name] for name in ("purpose", "published", "why", "words")}
            if is_loss and row.state == RecordState.NOT_EVERYWHERE:
                same["why"] = "lost_somewhere"
            states = {"before": before, "after": row.state, "is_loss": is_loss}
            yield RecordChange(domain_id=seen.domain_id, **names, at=now, **states, **same)
    Record.objects.bulk_create(new)
    Record.objects.filter(pk__in=[row.pk for row in others]).delete()  # no longer expected


def _rows_of(seen: Seen) -> tuple[list[Record | None], list[Record]]:
    """The row of each record that was seen, None for a new one, and the rows that nothing expected has. The record of a
    DKIM key keeps its row when the key signs, retires or is revoked."""
    there = {(row.purpose, row.name, row.rdtype): row for row in Record.objects.filter(domain=seen.domain_id)}
    keys = [(one.purpose, one.name, one.rdtype) for one, _verdict in seen.records]
    rows = [there.pop(key, None) for key in keys]
    for number, (purpose, *name) in enumerate(keys):
        if rows[number] is None and purpose in DKIM:
            as_other = next((key for key in there if key[0] in DKIM and [*key[1:]] == name), None)
            rows[number] = there.pop(as_other) if as_other else None
    return rows, list(there.values())


def _is_loss(row: Record, expected: Expected, verdict: Verdict) -> bool:
    """Whether what was right last, however long ago and whatever was seen meanwhile, is not any more. Where people
    expect something else by now and there is what was there, nothing is lost; a certificate changes without them.
    Where the panel does not know any more what should be there, that counts too, and what was right stays known."""
    if expected.why:
        return bool(row.right_for) and row.why != expected.why
    if not row.right_for or verdict.state not in LOST:
        return False
    if expected.purpose == "dkim_revoked" and verdict.state == RecordState.MISSING:
        return False  # as good as an empty one
    expects_the_same = row.right_for == list(expected.values) or expected.purpose == "tlsa"
    return expects_the_same or row.right_with != list(verdict.published)
