"""Pages of an import: the upload, what would become of it line by line, and the button that starts the work."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Actor
from accounts.pages import PanelForm, PersonRequest, asked, person_required, refusals_on, typed
from domains.models import Domain
from jobs.models import Job
from mailboxes.columns import COLUMNS, NEEDED
from mailboxes.exports import columns_of_export, csv_lines, exported, json_lines
from mailboxes.forms import ImportForm
from mailboxes.imports import MOST_FAULTS, faults_of, stage_upload
from mailboxes.jobs import start_import
from mailboxes.models import Import

EXAMPLES = {
    Import.Kind.MAILBOXES: "address,name,quota,password\njean@example.org,Jean Example,10G,\n",
    Import.Kind.ALIASES: 'address,destinations\ninfo@example.org,"jean@example.org, laure@example.org"\n',
    Import.Kind.DOMAINS: "name,address_class,target\nexample.org,virtual_mailbox,\nexample.net,,example.org\n",
}


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_add(request: PersonRequest, kind: str) -> HttpResponse:
    if kind not in Import.Kind.values or (kind == Import.Kind.DOMAINS and not request.user.is_superuser):
        raise Http404
    sent = int(request.META.get("CONTENT_LENGTH") or 0)
    around = _around(request, kind)
    form = ImportForm(typed(request), request.FILES or None, user=request.user, kind=kind, sent=sent)
    if form.is_valid():
        with refusals_on(form, **dict.fromkeys(["__all__"], "file")):
            staged = stage_upload(kind, by=Actor.from_request(request), **form.values())
            return redirect(staged.get_absolute_url() + around["query"])
    context = {"form": form, "kind": kind, "title": _titles()[kind], "example": EXAMPLES[Import.Kind(kind)]}
    context |= {"columns": COLUMNS[kind], "needed": NEEDED[kind]} | around
    return render(request, "mailboxes/import_add.html", context)


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_(request: PersonRequest, pk: int) -> HttpResponse:
    one = get_object_or_404(Import.objects.visible_to(request.user).select_related("job"), pk=pk)
    form = PanelForm(typed(request))
    if form.is_valid() and not one.refused:
        return redirect(start_import(one, by=Actor.from_request(request)))
    context = {
        "form": form,
        "import": one,
        "title": _titles()[one.kind],
        "faults": list(faults_of(one)),
        "is_cut": one.refused > MOST_FAULTS,
        "is_failed": one.job is not None and one.job.state == Job.State.FAILED,
    } | _around(request, one.kind)
    return render(request, "mailboxes/import.html", context)


def _around(request: PersonRequest, kind: str) -> dict[str, Any]:
    """The domain from which one came, for the way back; a file may hold addresses of any."""
    name = asked(request, "domain")
    domain = Domain.objects.visible_to(request.user).filter(name=name).first() if name else None
    if domain is None or kind == Import.Kind.DOMAINS:
        return {"domain": None, "below": "", "query": "", "back": reverse("domain_list")}
    page = "mailbox_list" if kind == Import.Kind.MAILBOXES else "alias_list"
    query = f"?{urlencode({'domain': domain.name})}"
    return {"domain": domain, "below": kind, "query": query, "back": reverse(page, args=[domain.name])}


@person_required
@require_safe
def import_faults(request: PersonRequest, pk: int) -> HttpResponse:
    one = get_object_or_404(Import.objects.visible_to(request.user), pk=pk)
    lines = csv_lines(("line", "thing", "sentence"), faults_of(one, None), for_spreadsheet=True)
    return as_download(lines, f"faults-{one.pk}.csv")


@person_required
@require_safe
def mailbox_export(request: PersonRequest, name: str) -> HttpResponse:
    return _export(request, Import.Kind.MAILBOXES, name)


@person_required
@require_safe
def alias_export(request: PersonRequest, name: str) -> HttpResponse:
    return _export(request, Import.Kind.ALIASES, name)


@person_required
@require_safe
def domain_export(request: PersonRequest) -> HttpResponse:
    return _export(request, Import.Kind.DOMAINS)


def _export(request: PersonRequest, kind: str, name: str = "") -> HttpResponse:
    domain = get_object_or_404(Domain.objects.visible_to(request.user), name=name) if name else None
    rows = exported(kind, domain=domain, user=request.user)
    if request.GET.get("format") == "json":
        return as_download(json_lines(rows), f"{name or 'all'}-{kind}.json", "application/json")
    lines = csv_lines(columns_of_export(kind, request.user), rows, for_spreadsheet=True)
    return as_download(lines, f"{name or 'all'}-{kind}.csv")


def as_download(lines: Iterator[str], name: str, media_type: str = "text/csv; charset=utf-8") -> HttpResponse:
    """A file that is sent while it is read from the database."""
    response: Any = StreamingHttpResponse(lines, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response  # type: ignore[no-any-return]  # a StreamingHttpResponse goes all the ways of an HttpResponse


def _titles() -> dict[str, str]:
    return {
        Import.Kind.MAILBOXES: _("Import mailboxes"),
        Import.Kind.ALIASES: _("Import aliases"),
        Import.Kind.DOMAINS: _("Import domains"),
    }
