"""Pages about the lookup tables: a list, one row, and the question before it is deleted; the same for every noun."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Actor
from accounts.pages import (
    PersonRequest,
    SeenForm,
    asked,
    chosen,
    list_page,
    refusals_on,
    say,
    superuser_required,
    typed,
)
from lookup_tables import services
from lookup_tables.forms import EntryForm
from lookup_tables.main_cf import remark_since, what_is_written
from lookup_tables.nouns import NOUNS, Noun
from mailboxes.models import LocalUser


@superuser_required
@require_safe
def entry_list(request: PersonRequest, noun: Noun) -> HttpResponse:
    entries = noun.rows
    q = asked(request, "q")
    state = chosen(request, "state", _("State"), [("", _("All")), ("active", _("Active")), ("inactive", _("Inactive"))])
    filters = [state]
    found = entries.filter(Q(key__startswith=q.lower())) if q else entries
    if state.current:
        found = found.filter(active=state.current == "active")
    descending = asked(request, "sort") == "-key"
    key: tuple[str, ...] = ("key",)
    if "applies_to" in noun.has:
        key = ("key", "applies_to")
        options = [("", _("All")), *((value, str(words)) for value, words in noun.applies_to.choices)]
        applies_to = chosen(request, "applies_to", _("Applies to"), options)
        filters = [applies_to, state]
        if applies_to.current:
            found = found.filter(applies_to=applies_to.current)
    page = list_page(found, request, key=key, read=(str,) * len(key), descending=descending)
    context = _around(noun) | {"page": page, "q": q, "filters": filters, "descending": descending}
    context["is_empty"] = not page.rows and not entries.exists()
    return render(request, "lookup_tables/entry_list.html", context)


@superuser_required
@require_safe
def local_user_list(request: PersonRequest) -> HttpResponse:
    """The users of the mail host, as import_local_users found them; nothing is changed here."""
    q = asked(request, "q")
    found = LocalUser.objects.filter(name__startswith=q.lower()) if q else LocalUser.objects.all()
    descending = asked(request, "sort") == "-name"
    page = list_page(found, request, key=("name",), descending=descending)
    context = {"nouns": NOUNS, "page": page, "q": q, "filters": [], "descending": descending}
    context["is_empty"] = not page.rows and not LocalUser.objects.exists()
    return render(request, "lookup_tables/local_user_list.html", context)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def entry_add(request: PersonRequest, noun: Noun) -> HttpResponse:
    form = EntryForm(typed(request), noun=noun, is_new=True)
    if form.is_valid():
        with refusals_on(form):
            before = what_is_written()
            new = services.add_entry(noun.model, by=Actor.from_request(request), **form.cleaned_data)
            say(request, _("Added {key}. It works at once: Postfix reads the database."), key=new)
            _remark(request, before)
            return redirect(f"{noun.name}_list")
    return render(request, "lookup_tables/entry_add.html", _around(noun) | {"form": form})


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def entry(request: PersonRequest, noun: Noun, pk: int) -> HttpResponse:
    entry = get_object_or_404(noun.rows, pk=pk)
    names = ("key", "result", "comment", "active", "version", *noun.has)
    form = EntryForm(typed(request), initial={name: getattr(entry, name) for name in names}, noun=noun)
    if form.is_valid():
        with refusals_on(form):
            before = what_is_written()
            saved = services.change_entry(entry, by=Actor.from_request(request), **form.cleaned_data)
            say(request, _("Saved {key}."), key=saved)
            _remark(request, before)
            return redirect(saved)
    return render(request, "lookup_tables/entry.html", _around(noun) | {"form": form, "entry": entry})


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def entry_delete(request: PersonRequest, noun: Noun, pk: int) -> HttpResponse:
    entry = get_object_or_404(noun.rows, pk=pk)
    form = SeenForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            before = what_is_written()
            services.delete_entry(entry, **form.cleaned_data, by=Actor.from_request(request))
            say(request, _("Deleted {key}."), key=entry)
            _remark(request, before)
            return redirect(f"{noun.name}_list")
    context = {"form": form, "entry": entry, "lost": services.what_is_lost(entry), "version": entry.version}
    return render(request, "lookup_tables/entry_delete.html", _around(noun) | context)


def _around(noun: Noun) -> dict[str, Any]:
    """What every page of a table shows: its words, and the tabs that lead to the others."""
    return {
        "noun": noun,
        "nouns": NOUNS,
        "add_words": noun.sentence_add(),
        "delete_words": _("Delete %(noun)s") % {"noun": noun.words},
        "save_words": _("Save %(noun)s") % {"noun": noun.words},
        "list_url": f"{noun.name}_list",
        "add_url": f"{noun.name}_add",
        "delete_url": f"{noun.name}_delete",
    }


def _remark(request: PersonRequest, before: tuple[object, ...]) -> None:
    sentence = remark_since(before)
    if sentence:
        say(request, sentence, level=messages.WARNING)
