"""Pages about restriction lists and classes: one with all of them, and a form for each entry and class."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actors import Actor
from accounts.pages import PanelForm, PersonRequest, SeenForm, refusals_on, say, superuser_required, typed
from restrictions import services
from restrictions.catalogue import STAGES, Stage
from restrictions.forms import ClassForm, RestrictionForm
from restrictions.main_cf import Parameter, remark_since, what_is_written
from restrictions.models import Restriction, RestrictionClass
from restrictions.page import class_cards, everything, main_cf_of, rules_of, stage_lists
from restrictions.relaying import is_guarded


@superuser_required
@require_safe
def restriction_list(request: PersonRequest) -> HttpResponse:
    lists, odd, chosen = everything()
    stages = stage_lists(lists, odd)
    context = {
        "stages": stages,
        "cards": class_cards(lists, odd, chosen),
        "oddities": odd,
        "main_cf": main_cf_of(lists),
        "is_guarded": is_guarded(lists),
        "is_empty": not lists.stages and not lists.classes,
        "has_free_stage": any(not one.is_ours for one in stages if one.stage != Stage.END_OF_DATA),
    }
    return render(request, "restrictions/restriction_list.html", context)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def restriction_add(request: PersonRequest, stage: str = "", pk: int = 0) -> HttpResponse:
    """Adds to the list of a stage, or of the class with this number."""
    if stage and stage not in STAGES:
        raise Http404
    place = stage or get_object_or_404(RestrictionClass, pk=pk)
    form = RestrictionForm(typed(request), stage=stage or None)
    if form.is_valid():
        with refusals_on(form):
            before = what_is_written()
            new = services.add_restriction(place, by=Actor.from_request(request), **form.cleaned_data)
            say(request, _("Added {entry}."), entry=new)
            _remark(request, before)
            return redirect(_page_of(new))
    context = {"form": form, **_around(place)}
    return render(request, "restrictions/restriction_add.html", context)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def restriction(request: PersonRequest, pk: int) -> HttpResponse:
    entry = _entry(pk)
    form = RestrictionForm(typed(request), stage=entry.stage, entry=entry)
    if form.is_valid():
        with refusals_on(form):
            before = what_is_written()
            saved = services.change_restriction(entry, by=Actor.from_request(request), **form.cleaned_data)
            say(request, _("Saved {entry}."), entry=saved)
            _remark(request, before)
            return redirect(_page_of(saved))
    context = {"form": form, "entry": entry, **_around(_place_of(entry))}
    return render(request, "restrictions/restriction.html", context)


@superuser_required
@require_POST
def restriction_move(request: PersonRequest, pk: int) -> HttpResponse:
    """Moves an entry to the place `to`, counted from 1."""
    entry = _entry(pk)
    form, to = SeenForm(request.POST), request.POST.get("to", "")
    if not (form.is_valid() and to.isascii() and to.isdigit() and len(to) < 5):  # longer than any list
        raise Http404
    before = what_is_written()
    try:
        services.move_restriction(entry, int(to), **form.cleaned_data, by=Actor.from_request(request))
    except ValidationError as error:
        for sentence in error.messages:
            say(request, sentence, level=messages.ERROR)
    else:
        say(request, _("Moved {entry}."), entry=entry)
        _remark(request, before)
    return redirect(_page_of(entry))


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def restriction_delete(request: PersonRequest, pk: int) -> HttpResponse:
    entry = _entry(pk)
    form = SeenForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            before = what_is_written()
            services.delete_restriction(entry, **form.cleaned_data, by=Actor.from_request(request))
            say(request, _("Deleted {entry}."), entry=entry)
            _remark(request, before)
            return redirect(_page_of(entry))
    context = {"form": form, "entry": entry, "lost": services.what_is_lost(entry), "version": entry.version}
    context |= _around(_place_of(entry))
    return render(request, "restrictions/restriction_delete.html", context)


@superuser_required
@require_POST
def restriction_recommended(request: PersonRequest) -> HttpResponse:
    """Fills the stages that have no list yet."""
    before = what_is_written()
    try:
        stages = services.load_recommended(by=Actor.from_request(request))
    except ValidationError as error:
        for sentence in error.messages:
            say(request, sentence, level=messages.ERROR)
    else:
        labels = ", ".join(str(Stage(stage).label) for stage in stages)
        say(request, _("Loaded the recommended lists: {stages}."), stages=labels)
        _remark(request, before)
    return redirect("restriction_list")


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def restriction_class_add(request: PersonRequest) -> HttpResponse:
    form = ClassForm(typed(request), is_new=True)
    if form.is_valid():
        with refusals_on(form):
            before = what_is_written()
            new = services.add_class(by=Actor.from_request(request), **form.cleaned_data)
            say(request, _("Added {name}. Now add what is in it."), name=new)
            _remark(request, before)
            return redirect(new)
    return render(request, "restrictions/class_add.html", {"form": form})


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def restriction_class(request: PersonRequest, pk: int) -> HttpResponse:
    one = get_object_or_404(RestrictionClass, pk=pk)
    form = ClassForm(typed(request), initial={name: getattr(one, name) for name in ("name", "comment", "version")})
    if form.is_valid():
        with refusals_on(form):
            before = what_is_written()
            saved = services.change_class(one, by=Actor.from_request(request), **form.cleaned_data)
            say(request, _("Saved {name}."), name=saved)
            _remark(request, before)
            return redirect(saved)
    lists, odd, chosen = everything()
    here = [each for each in odd if each.where == one.name]
    context: dict[str, Any] = {
        "form": form,
        "one": one,
        "rules": rules_of(lists.classes[one.name], lists.defined, here),
        "users": lists.users_of(one.name),
        "chosen": str(chosen.get(one.name, "")),
        "oddities": [each for each in here if each.entry is None],
    }
    return render(request, "restrictions/class.html", context)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def restriction_class_delete(request: PersonRequest, pk: int) -> HttpResponse:
    one = get_object_or_404(RestrictionClass, pk=pk)
    form = PanelForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            before = what_is_written()
            services.delete_class(one, by=Actor.from_request(request))
            say(request, _("Deleted {name}."), name=one)
            _remark(request, before)
            return redirect("restriction_list")
    context = {"form": form, "one": one, "lost": services.what_is_lost_with(one)}
    return render(request, "restrictions/class_delete.html", context)


def _entry(pk: int) -> Restriction:
    return get_object_or_404(Restriction.objects.select_related("in_class", "of_class"), pk=pk)


def _place_of(entry: Restriction) -> str | RestrictionClass:
    return entry.in_class or str(entry.stage)


def _page_of(entry: Restriction) -> str:
    """Where its list is shown."""
    if entry.in_class:
        return entry.in_class.get_absolute_url()
    return f"{reverse('restriction_list')}#{entry.stage}"


def _around(place: str | RestrictionClass) -> dict[str, Any]:
    if isinstance(place, RestrictionClass):
        return {"one": place, "list_url": place.get_absolute_url(), "list_name": place.name}
    url = f"{reverse('restriction_list')}#{place}"
    return {"list_url": url, "list_name": _("Stage %(stage)s") % {"stage": Stage(place).label}}


def _remark(request: PersonRequest, before: tuple[Parameter, ...]) -> None:
    sentence = remark_since(before)
    if sentence:
        say(request, sentence, level=messages.WARNING)
