"""The tab DKIM of a domain: its keys over time, the record of each, and the steps that a superuser takes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actors import Actor
from accounts.pages import (
    PanelForm,
    PersonRequest,
    list_page,
    number,
    person_required,
    refusals_on,
    say,
    superuser_required,
    typed,
)
from domains import dkim_services as services
from domains.dkim_hosts import said_of_hosts
from domains.dkim_models import LONGEST_SELECTOR, DkimKey
from domains.dkim_rotation import next_selector, start_look, start_rotation
from domains.dkim_timeline import timeline_of
from domains.dkim_waits import DkimWait, may_go_at, rotates_at, to_do, wait_of
from domains.models import Domain, MailSettings
from domains.views import domain_head, domain_of_page
from jobs.models import Job

KEYS_A_PAGE = 20  # a rotation every half year fills that in ten years
STATES = {
    "prepared": ("wait", "clock"),
    "published": ("wait", "globe2"),
    "signing": ("ok", "check2"),
    "retiring": ("wait", "clock"),
    "revoked": ("bad", "x-octagon-fill"),
    "gone": ("off", "pause-circle"),
}
BUTTONS = {
    "published": (gettext_lazy("Record is published"), "globe2"),
    "signing": (gettext_lazy("Sign with this key"), "check2"),
    "retiring": (gettext_lazy("Retire"), "clock"),
    "revoked": (gettext_lazy("Revoke"), "x-lg"),
    "gone": (gettext_lazy("Record is gone"), "x"),
}


_mono: dict[str, Any] = {"mono": True, "spellcheck": "false", "autocomplete": "off"}


class DkimKeyForm(PanelForm):
    """For whom a key signs."""

    local_parts = forms.CharField(
        label=gettext_lazy("Signs only for"),
        required=False,
        max_length=500,
        help_text=gettext_lazy(
            "What stands before the @, with a blank between two, for example newsletter. Empty: for every address."
        ),
        widget=forms.TextInput(attrs=_mono.copy()),
    )
    signs_by_itself = forms.BooleanField(
        label=gettext_lazy("Signs by itself"),
        required=False,
        help_text=gettext_lazy("As soon as all name servers have its record, and all hosts that sign have its file."),
    )
    for_subdomains = forms.BooleanField(
        label=gettext_lazy("Signs for subdomains"),
        required=False,
        help_text=gettext_lazy("Mail from addresses below the domain is signed in the name of the domain."),
    )
    for_alias_domains = forms.BooleanField(
        label=gettext_lazy("Signs for alias domains"),
        required=False,
        help_text=gettext_lazy(
            "Mail from an alias domain is signed in its own name; its zone needs the record too, or a CNAME."
        ),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class NamedDkimKeyForm(DkimKeyForm):
    """A key that is not there yet."""

    selector = forms.CharField(
        label=gettext_lazy("Selector"),
        max_length=LONGEST_SELECTOR,
        help_text=gettext_lazy("The name of the key in the DNS; a new one for every key, for example s2026."),
        widget=forms.TextInput(attrs=_mono.copy()),
    )
    version = None  # type: ignore[assignment]  # nothing is there yet that others could change


class NewDkimKeyForm(NamedDkimKeyForm):
    """One that the worker is to make."""

    algorithm = forms.ChoiceField(
        label=gettext_lazy("Algorithm"),
        choices=DkimKey.Algorithm.choices,
        initial=DkimKey.Algorithm.RSA_2048,
        help_text=gettext_lazy("RSA 2048 is understood everywhere. An Ed25519 key may sign beside it."),
    )
    field_order = ["selector", "algorithm"]


class SecretText(forms.Textarea):
    """What was typed is not sent back."""

    def format_value(self, value: Any) -> str:
        return ""


class ImportDkimKeyForm(NamedDkimKeyForm):
    """One that was made elsewhere."""

    private_key = forms.CharField(
        label=gettext_lazy("Private key"),
        max_length=10_000,
        help_text=gettext_lazy("In PEM, as opendkim-genkey writes it. It is never shown again."),
        widget=SecretText(attrs=_mono | {"rows": 8}),
    )
    field_order = ["selector", "private_key"]


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def dkim_list(request: PersonRequest, name: str) -> HttpResponse:
    """A POST lets the worker make a key."""
    domain = domain_of_page(request, name)
    form = NewDkimKeyForm(
        typed(request) if request.user.is_superuser else None, initial={"selector": next_selector(domain)}
    )
    if request.method == "POST" and not request.user.is_superuser:
        raise Http404
    if form.is_valid():
        with refusals_on(form):
            job = services.start_generation(domain, **form.cleaned_data, by=Actor.from_request(request))
            return _to_list(request, domain, job, _("The worker makes the key {selector}."))
    all_keys = domain.dkim_keys.select_related("wait").prefetch_related("on_hosts")
    page = list_page(all_keys, request, key=("pk",), descending=True, size=KEYS_A_PAGE, read=(number,))
    keys = page.rows
    settings = MailSettings.current()
    for key in keys:
        key.domain = domain
    hosts = said_of_hosts(one.host for key in keys for one in key.on_hosts.all())
    rows = [_row(key, settings, hosts) for key in keys]
    context = domain_head(domain) | {
        "form": form,
        "timeline": timeline_of(keys, settings),
        "page": page,
        "keys": rows,
        "to_do": [row for row in rows if row["to_do"]],
        "rotation": _rotation(keys, settings),
        "may_look": any(row["wait"] and row["wait"].ask_again_at for row in rows),
    }
    return render(request, "domains/dkim_list.html", context)


def _row(key: DkimKey, settings: MailSettings, hosts: Mapping[str, str]) -> dict[str, Any]:
    wait = wait_of(key)
    states = services.next_states(key)
    by_hand = [state for state in states if services.doubt_about(key, state)]
    steps = [state for state in states if state not in by_hand]
    return {
        "key": key,
        "look": STATES[key.state],
        "hosts": sorted(hosts[one.host] for one in key.on_hosts.all()),
        "wait": wait,
        "to_do": to_do(key),
        "next": _next(key, wait, settings),
        "steps": [(state, *BUTTONS[state]) for state in steps],
        "by_hand": [(state, *BUTTONS[state]) for state in by_hand],
    }


def _next(key: DkimKey, wait: DkimWait | None, settings: MailSettings) -> str:
    """What comes next for a key, in a few words."""
    if key.state == DkimKey.State.SIGNING:
        until = rotates_at(key, settings)
        return _("gets a successor on %(day)s") % {"day": _day(until)} if until else _("signs until you rotate it")
    if key.state == DkimKey.State.RETIRING:
        return _("record may go on %(day)s") % {"day": _day(may_go_at(key, settings))}
    if key.state == DkimKey.State.PREPARED:
        return _("signs when its record is everywhere") if key.signs_by_itself else _("publish its record")
    if key.state == DkimKey.State.PUBLISHED:
        return _("signs when all hosts have its file") if key.signs_by_itself else _("signs when you say so")
    if key.state == DkimKey.State.REVOKED and not (wait and wait.reason == DkimWait.Reason.EMPTIED):
        return _("empty its record")
    return ""


def _rotation(keys: list[DkimKey], settings: MailSettings) -> str:
    times = [rotates_at(key, settings) for key in keys if key.state == DkimKey.State.SIGNING]
    soonest = min((at for at in times if at), default=None)
    return _("next rotation %(day)s") % {"day": _day(soonest)} if soonest else _("no rotation by itself")


def _day(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "DATE_FORMAT")


@person_required
@require_safe
def keys_to_do(request: PersonRequest) -> HttpResponse:
    """What people have to do about DKIM keys, over all domains that one manages."""
    waits = DkimWait.objects.visible_to(request.user).for_people()
    waits = waits.select_related("key__domain").prefetch_related("key__on_hosts")
    page = list_page(waits, request, key=("key_id",), read=(number,))
    rows = [
        {"key": key, "look": STATES[key.state], "why": wait.why, "to_do": to_do(key)}
        for key in (row.key for row in page.rows)
        if (wait := wait_of(key))
    ]
    return render(request, "domains/keys_to_do.html", {"page": page, "rows": rows})


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def dkim_import(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    form = ImportDkimKeyForm(typed(request))
    if form.is_valid():
        options = dict(form.cleaned_data)
        selector, pem = options.pop("selector"), options.pop("private_key")
        with refusals_on(form):
            key = services.import_dkim_key(domain, selector, pem, **options, by=Actor.from_request(request))
            say(request, _("Imported {key}."), key=key)
            return redirect(key)
    return render(request, "domains/dkim_import.html", {"form": form, "domain": domain})


@superuser_required
@require_POST
def dkim_rotate(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    try:
        job = start_rotation(domain, request.POST.get("selector", ""), by=Actor.from_request(request))
    except ValidationError as error:
        say(request, " ".join(error.messages), level=messages.WARNING)
        return redirect("dkim_list", name)
    return _to_list(
        request, domain, job, _("The worker makes the key {selector}. Publish its record when it is there.")
    )


@superuser_required
@require_POST
def dkim_look(request: PersonRequest, name: str) -> HttpResponse:
    job = start_look(domain_of_page(request, name), by=Actor.from_request(request))
    say(request, _("The worker asks the name servers."), link=(job.get_absolute_url(), _("Show the work")))
    return redirect("dkim_list", name)


@superuser_required
@require_POST
def dkim_move(request: PersonRequest, name: str, selector: str) -> HttpResponse:
    key = _key(request, name, selector)
    state, version = request.POST.get("state", ""), request.POST.get("version", "")
    if state in services.COMES_FROM:
        try:
            key = services.move_dkim_key(
                key,
                state,
                reason=request.POST.get("reason", ""),
                version=int(version) if version.isdecimal() else None,
                by=Actor.from_request(request),
            )
            say(request, _("{key} is now: %(state)s.") % {"state": key.get_state_display()}, key=key)
        except ValidationError as error:
            say(request, " ".join(error.messages), level=messages.WARNING)
    return redirect("dkim_list", name)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def dkim_change(request: PersonRequest, name: str, selector: str) -> HttpResponse:
    key = _key(request, name, selector)
    shown = {field: getattr(key, field) for field in (*services.OPTIONS, "version")}
    form = DkimKeyForm(typed(request), initial=shown)
    if form.is_valid():
        with refusals_on(form):
            services.change_dkim_key(key, **form.cleaned_data, by=Actor.from_request(request))
            say(request, _("Changed {key}."), key=key)
            return redirect(key)
    return render(request, "domains/dkim_change.html", {"form": form, "key": key, "domain": key.domain})


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def dkim_delete(request: PersonRequest, name: str, selector: str) -> HttpResponse:
    key = _key(request, name, selector)
    form = PanelForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            label = str(key)
            services.delete_dkim_key(key, by=Actor.from_request(request))
            say(request, _("Deleted {key}."), key=label)
            return redirect("dkim_list", name)
    context = {"form": form, "key": key, "domain": key.domain, "lost": services.what_is_lost_with_key(key)}
    return render(request, "domains/dkim_delete.html", context)


def _to_list(request: PersonRequest, domain: Domain, job: Job, sentence: str) -> HttpResponse:
    say(request, sentence, link=(job.get_absolute_url(), _("Show the work")), selector=job.arguments["selector"])
    return redirect("dkim_list", domain.name)


def _key(request: PersonRequest, name: str, selector: str) -> DkimKey:
    keys = DkimKey.objects.visible_to(request.user).select_related("domain")
    return get_object_or_404(keys, domain__name=name, selector=selector)
