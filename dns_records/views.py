"""Pages about DNS records: all domains at a glance, and one with what is expected beside what was seen."""

from itertools import groupby
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.actors import Actor
from accounts.pages import (
    ListPage,
    PersonRequest,
    asked,
    chosen,
    list_page,
    number,
    person_required,
    say,
    superuser_required,
)
from dns_records.beside import expected_for
from dns_records.changes import record_changes
from dns_records.differences import differences
from dns_records.expected import Expected, expected_of, expected_of_hosts, own_settings, right_hand_side, zone_lines
from dns_records.jobs import start_dns_check
from dns_records.models import DnsSettings
from dns_records.record_models import BROKEN, Record, RecordChange, RecordState, ZoneCheck
from dns_records.words import ADVICE, DNSSEC, LABELS, said_by_all, sentence
from dns_records.zone_text import json_text, zone_text
from domains.models import Domain
from domains.views import begins_with, domain_head, domain_of_page

CHANGES_A_PAGE = 20
LOOKS = {
    "": ("off", "clock"),
    RecordState.RIGHT: ("ok", "check2"),
    RecordState.MISSING: ("bad", "x-octagon-fill"),
    RecordState.DIFFERENT: ("bad", "x-octagon-fill"),
    RecordState.SEVERAL: ("bad", "x-octagon-fill"),
    RecordState.NOT_EVERYWHERE: ("wait", "clock"),
    RecordState.WAITS: ("wait", "clock"),
    RecordState.UNKNOWN: ("warn", "exclamation-triangle-fill"),
}
DNSSEC_LOOKS = {
    "signed": ("ok", "shield-lock"),
    "unsigned": ("off", "lock"),
    "broken": ("bad", "x-octagon-fill"),
    "unknown": ("off", "dash-lg"),
}


@person_required
@require_safe
def dns_list(request: PersonRequest) -> HttpResponse:
    domains = Domain.objects.visible_to(request.user).filter(name__contains=".")
    q = asked(request, "q")
    states = [("", _("All")), ("look", _("To look at")), ("right", _("As expected")), ("unasked", _("Not asked yet"))]
    state = chosen(request, "state", _("State"), states)
    found = _in_state(domains.select_related("zone_check"), state.current)
    if q:
        found = found.filter(begins_with(q))
    page = list_page(found, request, key=("name",))
    for domain in page.rows:
        check = getattr(domain, "zone_check", None)
        domain.seen, domain.dnssec_look = check, DNSSEC_LOOKS[check.dnssec] if check else None
    is_shown = request.user.is_superuser
    hosts, hosts_unasked = _rows(expected_of_hosts(), Record.objects.filter(domain=None)) if is_shown else ([], "")
    context = {
        "page": page,
        "q": q,
        "filters": [state],
        "is_empty": not page.rows and not domains.exists(),
        "settings": DnsSettings.current(),
        "health": _health(domains),
        "hosts": hosts,
        "hosts_unasked": hosts_unasked,
        "hosts_check": ZoneCheck.objects.filter(domain=None).first(),
    }
    return render(request, "dns_records/dns_list.html", context)


def _in_state(domains: QuerySet[Domain], state: str) -> QuerySet[Domain]:
    if state == "look":
        return domains.filter(Q(zone_check__broken__gt=0) | Q(zone_check__others__gt=0))
    if state == "right":
        return domains.filter(zone_check__broken=0, zone_check__others=0)
    return domains.filter(zone_check=None) if state == "unasked" else domains


def _health(domains: QuerySet[Domain]) -> dict[str, Any]:
    """How many domains are how, and where each part of the bar begins, in percent."""
    is_right = Q(zone_check__broken=0, zone_check__others=0)
    figures = domains.aggregate(
        all=Count("pk"),
        right=Count("pk", filter=is_right),
        broken=Count("pk", filter=Q(zone_check__broken__gt=0)),
        waits=Count("pk", filter=Q(zone_check__broken=0, zone_check__others__gt=0)),
    )
    whole = figures["all"] or 1
    kinds = [
        ("right", "ok", "check2", _("All records as expected")),
        ("broken", "bad", "x-octagon-fill", _("Records to look at")),
        ("waits", "wait", "clock", _("Not everywhere yet, or no answer")),
        ("unasked", "off", "dash-lg", _("Not asked yet")),
    ]
    figures["unasked"] = figures["all"] - figures["right"] - figures["broken"] - figures["waits"]
    parts, at = [], 0.0
    for name, kind, icon, words in kinds:
        width = 100 * figures[name] / whole
        parts.append(
            {"kind": kind, "icon": icon, "words": words, "number": figures[name], "x": f"{at:.2f}", "w": f"{width:.2f}"}
        )
        at += width
    return {"all": figures["all"], "parts": parts}


@superuser_required
@require_POST
def dns_check_all(request: PersonRequest) -> HttpResponse:
    return redirect(start_dns_check(by=Actor.from_request(request)))


@superuser_required
@require_POST
def dns_host_check(request: PersonRequest) -> HttpResponse:
    return redirect(start_dns_check(hosts=True, by=Actor.from_request(request)))


@person_required
@require_safe
def dns_domain(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    settings = DnsSettings.current()
    expected = expected_of(domain, settings)
    rows, unasked = _rows(expected, Record.objects.filter(domain=domain))
    state = chosen(request, "state", _("Which records"), [("", _("All")), ("look", _("To look at"))])
    to_look_at = [row for row in rows if row["state"] != RecordState.RIGHT]
    check = ZoneCheck.objects.filter(domain=domain).first()
    own = own_settings(domain)
    page = _page_of_changes(domain, request)
    context = domain_head(domain) | {
        "settings": settings,
        "own": own,
        "rows": to_look_at if state.current else rows,
        "unasked": unasked,
        "total": len(rows),
        "to_look_at": len(to_look_at),
        "state": state,
        "check": check,
        "dnssec": (*DNSSEC_LOOKS[check.dnssec], DNSSEC[check.dnssec]) if check else None,
        "advice": ADVICE[own.dmarc_policy or settings.dmarc_policy] if settings.hosts else "",
        "page": page,
        "changes": _changes(page.rows),
        "export": zone_text(domain, expected),
    }
    return render(request, "dns_records/dns_domain.html", context)


@superuser_required
@require_safe
def dns_host_changes(request: PersonRequest) -> HttpResponse:
    page = _page_of_changes(None, request)
    return render(request, "dns_records/dns_host_changes.html", {"page": page, "changes": _changes(page.rows)})


@person_required
@require_POST
def dns_check(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    job = start_dns_check(domain, by=Actor.from_request(request))
    say(request, _("The worker asks the name servers of {domain}."), domain=domain.unicode_name)
    return redirect(job)


@person_required
@require_safe
def dns_export(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    return _export(request, domain, f"{domain.name}.zone")


@superuser_required
@require_safe
def dns_host_export(request: PersonRequest) -> HttpResponse:
    return _export(request, None, "mail-hosts.zone")


def _export(request: PersonRequest, domain: Domain | None, filename: str) -> HttpResponse:
    expected = expected_for(domain)
    if asked(request, "format") == "json":
        return HttpResponse(json_text(expected), content_type="application/json")
    answer = HttpResponse(zone_text(domain, expected), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer


def _rows(expected: list[Expected], records: QuerySet[Record]) -> tuple[list[dict[str, Any]], str]:
    """What is expected now, each with what was seen of it last; what is wrong comes first. If nobody could be asked for
    any of them, the sentence about that stands beside them, once."""
    seen = {(row.purpose, row.name, row.rdtype): row for row in records}
    rows = [_row(one, seen.get((one.purpose, one.name, one.rdtype))) for one in expected]
    unasked = said_by_all(seen.values())
    if unasked:
        rows = [row | {"why": ""} for row in rows]
    return sorted(rows, key=lambda row: not row["is_broken"]), unasked


def _row(expected: Expected, record: Record | None) -> dict[str, Any]:
    state = record.state if record else ""
    values = (record.expected if record and record.purpose == "spf" else None) or list(expected.values)
    kind, icon = LOOKS[state]
    published = record.published if record else []
    return {
        "label": expected.label,
        "name": expected.name,
        "rdtype": expected.rdtype,
        "expected": [right_hand_side(expected.rdtype, value) for value in values],
        "published": published,
        "marked": differences(_lines(expected.rdtype, values), _lines(expected.rdtype, published)),
        "zone": "\n".join(zone_lines(expected.name, expected.rdtype, values)),
        "reason": expected.reason,
        "state": state,
        "look": (kind, icon, record.get_state_display() if record else _("not asked yet")),
        "is_broken": state in BROKEN,
        "why": sentence(record.why, record.words) if record else sentence(expected.why, expected.words),
        "since": record.since if record else None,
    }


def _lines(rdtype: str, values: list[str]) -> str:
    return "\n".join(right_hand_side(rdtype, value) for value in values)


def _page_of_changes(domain: Domain | None, request: PersonRequest) -> ListPage:
    changes = record_changes(domain)
    return list_page(changes, request, key=("id",), descending=True, size=CHANGES_A_PAGE, read=(number,))


def _changes(rows: list[RecordChange]) -> list[dict[str, Any]]:
    """A line for each; one for all together about which nobody could be asked at the same time."""
    lines = []
    for (_at, unasked), group in groupby(rows, lambda change: (change.at, said_by_all([change]))):
        together = list(group)
        if unasked and len(together) > 1:
            words = ngettext("%(number)d record", "%(number)d records", len(together))
            label = words % {"number": len(together)}
            lines.append(_change(together[0]) | {"label": label, "name": ""})
        else:
            lines += map(_change, together)
    return lines


def _change(change: RecordChange) -> dict[str, Any]:
    return {
        "at": change.at,
        "label": LABELS[change.purpose],
        "name": f"{change.name} {change.rdtype}",
        "look": (*LOOKS[change.after], change.get_after_display()),
        "why": sentence(change.why, change.words),
    }
