"""Pages about what came over: the takeovers with their reports, the rows that are kept, and the history that another
panel had written."""

from itertools import groupby

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.pages import PersonRequest, asked, chosen, list_page, number, person_required, superuser_required, text
from domains.history_views import moment
from takeover.kept_models import ForeignLogEntry, KeptRow, Takeover
from takeover.kept_restriction_words import sentence_of_kept
from takeover.kept_words import lines_of, subject_of, text_of
from takeover.postfixadmin_words import sentence_of, words_of


@superuser_required
@require_safe
def takeover_list(request: PersonRequest) -> HttpResponse:
    page = list_page(Takeover.objects.visible_to(request.user), request, key=("id",), descending=True, read=(number,))
    return render(request, "takeover/takeover_list.html", {"page": page})


@superuser_required
@require_safe
def takeover(request: PersonRequest, pk: int) -> HttpResponse:
    one = get_object_or_404(Takeover.objects.visible_to(request.user), pk=pk)
    counts = [(words_of(kind), count) for kind, count in one.counts.items() if any(count.values())]
    context = {"takeover": one, "counts": counts, "sentences": [sentence_of(remark) for remark in one.remarks]}
    context["kept"] = [sentence_of_kept(thing) for thing in one.kept]
    return render(request, "takeover/takeover.html", context)


@person_required
@require_safe
def kept_rows(request: PersonRequest) -> HttpResponse:
    """What another panel had and nothing here reads yet; no secret, only that there is one."""
    rows = KeptRow.objects.visible_to(request.user)
    q = asked(request, "domain").lower()
    kind = chosen(request, "kind", _("What"), [("", _("All")), *((one, words_of(one)) for one in KeptRow.Kind.values)])
    if q:
        rows = rows.filter(domain_name=q)
    if kind.current:
        rows = rows.filter(kind=kind.current)
    page = list_page(rows, request, key=("kind", "id"), read=(text, number))
    shown = [(row, words_of(row.kind), subject_of(row), lines_of(row), text_of(row)) for row in page.rows]
    return render(request, "takeover/kept_rows.html", {"page": page, "rows": shown, "q": q, "filters": [kind]})


@person_required
@require_safe
def foreign_history(request: PersonRequest) -> HttpResponse:
    entries = ForeignLogEntry.objects.visible_to(request.user)
    q = asked(request, "domain").lower()
    if q:
        entries = entries.filter(domain_name=q)
    page = list_page(entries, request, key=("at", "id"), descending=True, read=(moment, number))
    days = [(day, list(rows)) for day, rows in groupby(page.rows, key=lambda row: timezone.localdate(row.at))]
    return render(request, "takeover/history_before.html", {"page": page, "days": days, "q": q})
