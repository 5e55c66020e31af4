"""The pages of the whole house: overview, search, and what is said when something goes wrong."""

from contextlib import suppress
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, ValidationError
from django.db import DatabaseError, connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from psycopg2 import sql

from accounts.models import User
from accounts.pages import PersonRequest, asked, person_required
from api.problems import MEDIA_TYPE, problem
from dns_records.record_models import ZoneCheck
from domains.dkim_waits import DkimWait
from domains.history import change_sets_visible_to
from domains.history_views import days
from domains.models import Domain
from domains.views import begins_with
from jobs.models import Job
from jobs.services import worker_is_alive
from mailboxes.jobs import ALIAS_REPORT
from mailboxes.models import Address, Alias, Mailbox
from mailboxes.parsing import parse_address
from mailboxes.report import number_without_mail
from mailservers import functions

FOUND_OF_A_KIND = 20
CHANGES_SHOWN = 5
DOMAINS_SHOWN = 50
MAILBOXES_SHOWN = 5
COUNTED_EXACTLY = 10_000  # rows; beyond that the estimate of PostgreSQL's statistics is shown, and called that
CHUNK = 64 * 1024  # bytes
MOST_DRAINED = 64 * 1024**2  # bytes of a refused body that are read, so that the browser gets to see the answer


@never_cache
@login_required
@require_safe
def overview(request: PersonRequest) -> HttpResponse:
    if request.user.is_owner:
        return redirect("my_mailbox")
    context = _of_everything() if request.user.is_superuser else _of_domains(request.user)
    context["days"] = days(list(change_sets_visible_to(request.user)[:CHANGES_SHOWN]))
    return render(request, "mailadmin/overview.html", context)


def _of_everything() -> dict[str, Any]:
    faults, failed, report, figures = _faults(), _failed_jobs(), _last(ALIAS_REPORT), _figures()
    findings, costly = _findings(report), Mailbox.objects.with_costly_hash()
    keys, zones, slow_hashes = _numbers_of(_waiting_keys(), _broken_zones(), costly)
    return {
        "faults": faults,
        "failed": failed,
        "report": report,
        "findings": findings,
        "waiting_keys": keys,
        "broken_zones": zones,
        "slow_hashes": slow_hashes,
        "with_slow_hash": list(costly.with_address().order_by("pk")[:MAILBOXES_SHOWN]) if slow_hashes else [],
        "needs": len(faults) + len(failed) + sum(1 for number in (findings, keys, zones, slow_hashes) if number),
        "figures": figures,
        "is_new": not any(number for _words, number, _is_estimate in figures),
    }


def _waiting_keys() -> QuerySet[DkimWait]:
    """DKIM keys that wait for a person."""
    return DkimWait.objects.for_people()


def _broken_zones() -> QuerySet[ZoneCheck]:
    """Domains whose DNS records are wrong or missing."""
    return ZoneCheck.objects.filter(broken__gt=0, domain__isnull=False)


def _numbers_of(*counted: QuerySet[Any]) -> list[int]:
    """How many rows each has, in one statement for all."""
    asked = [rows.order_by().values("pk").query.sql_with_params() for rows in counted]
    numbers = ", ".join(f"(SELECT count(*) FROM ({statement}) AS counted)" for statement, _values in asked)  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {numbers}", [value for _statement, values in asked for value in values])
        return list(cursor.fetchone())


def _of_domains(user: User) -> dict[str, Any]:
    visible = Domain.objects.visible_to(user).select_related("target", "counts")
    domains = list(visible.order_by("name")[: DOMAINS_SHOWN + 1])
    return {"domains": domains[:DOMAINS_SHOWN], "has_more": len(domains) > DOMAINS_SHOWN}


def _faults() -> list[tuple[str, str]]:
    """What keeps the panel or the mail servers from working: a sentence, and why it matters."""
    faults = [
        (sentence, _("Postfix reads the database through these functions. Until then it may answer by old rules."))
        for sentence in functions.outdated()
    ]
    if not worker_is_alive():
        faults.append(
            (
                _("The worker does not answer."),
                _("Long work waits until it is back; nothing is lost. It starts with script/server."),
            )
        )
    return faults


def _failed_jobs() -> list[Job]:
    """The newest job of a kind, if it failed: one that went well since needs nobody."""
    newest = Job.objects.order_by("kind", "-id").distinct("kind")
    return [job for job in newest.defer("result") if job.state == Job.State.FAILED]


def _last(kind: str) -> Job | None:
    return Job.objects.filter(kind=kind, state=Job.State.DONE).order_by("-id").first()


def _findings(report: Job | None) -> int:
    return number_without_mail(report.result) if report and report.result else 0


def _figures() -> list[tuple[str, int, bool]]:
    """(words, number, is an estimate) for each: of a large table its statistics are shown, in one statement for all."""
    counted: list[tuple[str, type[Model]]] = [(_("Domains"), Domain), (_("Mailboxes"), Mailbox), (_("Aliases"), Alias)]
    one = sql.SQL(
        "SELECT CASE WHEN reltuples > {most} THEN reltuples::bigint ELSE (SELECT count(*) FROM {table}) END,"
        " reltuples > {most} FROM pg_class WHERE oid = {name}::regclass"
    )
    most = sql.Literal(COUNTED_EXACTLY)
    names = [model._meta.db_table for _words, model in counted]
    parts = [one.format(most=most, table=sql.Identifier(name), name=sql.Literal(name)) for name in names]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(parts))
        return [(words, *row) for (words, _model), row in zip(counted, cursor.fetchall(), strict=True)]


@person_required
@require_safe
def find(request: PersonRequest) -> HttpResponse:
    """Domains and addresses by their beginning; the whole address of one thing leads straight to it."""
    q = asked(request, "q")
    exact = _exact(q, request.user)
    if exact:
        return redirect(exact)
    domains: list[Domain] = []
    addresses: list[Address] = []
    if q:
        addresses = list(_addresses(q, request.user)[: FOUND_OF_A_KIND + 1])
        if "@" not in q:
            found = Domain.objects.visible_to(request.user).filter(begins_with(q)).select_related("target")
            domains = list(found.order_by("name")[: FOUND_OF_A_KIND + 1])
    context = {
        "q": q,
        "domains": domains[:FOUND_OF_A_KIND],
        "addresses": addresses[:FOUND_OF_A_KIND],
        "has_more": max(len(domains), len(addresses)) > FOUND_OF_A_KIND,
    }
    return render(request, "mailadmin/find.html", context)


def _exact(q: str, user: User) -> Mailbox | Alias | None:
    """The mailbox or alias that has exactly this address, also by way of an alias domain."""
    try:
        parsed = parse_address(q, may_be_whole_domain=True)
    except ValidationError:
        return None
    domain = Domain.objects.visible_to(user).filter(name=parsed.domain).select_related("target").first()
    if domain is None:
        return None
    addresses = Address.objects.visible_to(user).select_related("mailbox__address__domain", "alias__address__domain")
    address = addresses.filter(domain=domain.answers_for, local_part=parsed.local_part).first()
    return getattr(address, "mailbox", None) or getattr(address, "alias", None)


def _addresses(q: str, user: User) -> QuerySet[Address]:
    local_part, has_at, domain = q.lower().rpartition("@")
    beginning = (
        {"local_part": local_part, "domain__name__startswith": domain} if has_at else {"local_part__startswith": domain}
    )
    return (
        Address.objects.visible_to(user)
        .filter(**beginning)
        .select_related("domain", "mailbox", "alias", "relay_recipient")
        .order_by("local_part", "domain_id")
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    _drain(request)
    return _sorry(
        request,
        403,
        _("This page was open for too long"),
        _(
            "Nothing was changed. Go back, load the page again, and send it once more. "
            "Cookies must be allowed for this site."
        ),
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent):
        _drain(request)
        return _sorry(
            request,
            413,
            _("That was too much at once"),
            _("A form may hold 2 MB and 1,000 fields. Nothing was changed. Send it in smaller parts."),
        )
    return _sorry(
        request,
        400,
        _("This request cannot be understood"),
        _("Nothing was changed. If you followed a link, its address may be damaged."),
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _sorry(request, 403, _("This is not allowed"), _("Nothing was changed. Ask a superuser if you need this."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _sorry(
        request,
        404,
        _("There is nothing here"),
        _("It may have been deleted, or it is not yours to see."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    why = _(
        "Nothing was changed. The fault was written to the log of the panel; try again in a minute, "
        "then tell your administrator."
    )
    if request.path.startswith("/api/"):
        fault = {"field": "", "code": "broken", "message": why, "params": {}}
        return JsonResponse(problem(500, [fault]), status=500, content_type=MEDIA_TYPE)
    return _sorry(request, 500, _("Something went wrong here"), why, is_broken=True)


def _sorry(request: HttpRequest, status: int, title: str, why: str, *, is_broken: bool = False) -> HttpResponse:
    """A sentence and a way out. It asks the database for nothing when something is broken."""
    user = None if is_broken else getattr(request, "user", None)
    base = "gate.html"
    if user is not None and user.is_authenticated:
        base = "owner_base.html" if user.is_owner else "base.html"
    context = {"title": title, "why": why, "base": base, "is_signed_in": base != "gate.html"}
    try:
        return render(request, "mailadmin/sorry.html", context, status=status)
    except DatabaseError:
        return HttpResponse(f"{title}. {why}\n", content_type="text/plain; charset=utf-8", status=status)


def _drain(request: HttpRequest) -> None:
    """Reads what the browser still sends: closed in the middle, it would show an error of its own."""
    with suppress(OSError):  # the browser may have gone
        for _chunk in range(MOST_DRAINED // CHUNK):
            if not request.read(CHUNK):
                return
