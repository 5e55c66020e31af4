"""What every page is made of: who may see it, one form class, sentences for people, lists that stay quick."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django_htmx.middleware import HtmxDetails

from accounts.models import User
from accounts.saving import CHANGED_MEANWHILE

View = Callable[..., HttpResponse]


class PersonRequest(HttpRequest):
    """A request behind one of the guards below: somebody is signed in."""

    user: User
    htmx: HtmxDetails


PAGE_SIZE = 50
LONGEST_QUESTION = 320


def person_required(view: View) -> View:
    """For people of the panel; a mailbox owner has a house of an own and sees nothing here."""

    @never_cache  # after signing out, nobody leafs back into these pages
    @login_required
    @wraps(view)
    def guarded(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_owner:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def superuser_required(view: View) -> View:
    """For superusers; for anybody else there is nothing here."""

    @never_cache  # after signing out, nobody leafs back into these pages
    @login_required
    @wraps(view)
    def guarded(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_superuser:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def owner_required(view: View) -> View:
    """For mailbox owners."""

    @never_cache  # after signing out, nobody leafs back into these pages
    @login_required
    @wraps(view)
    def guarded(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_owner:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


class PanelForm(forms.Form):
    """Fields that look like the house; what is wrong is said at the field (templates/_field.html)."""

    required_css_class = "is-required"
    use_required_attribute = False  # our own sentences, not the browser's

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for field in self.fields.values():
            field.error_messages["required"] = _("This cannot be empty.")
            widget = field.widget
            if isinstance(widget, forms.RadioSelect | forms.CheckboxInput | forms.HiddenInput):
                continue
            if isinstance(widget, forms.Select):
                widget.attrs.setdefault("class", "form-select")
            else:
                mono = " mono" if widget.attrs.pop("mono", False) else ""
                widget.attrs.setdefault("class", f"form-control{mono}")

    @property
    def complaints(self) -> list[tuple[str, str, str]]:
        """(id of the field, its label, sentence) for the summary above the form."""
        return [
            # Radio buttons share a label that belongs to none of them; the way leads to the first.
            (self[name].id_for_label or f"{self[name].auto_id}_0", str(self[name].label), sentence)
            if name != NON_FIELD_ERRORS
            else ("", "", sentence)
            for name, sentences in self.errors.items()
            for sentence in map(str, sentences)
        ]

    @property
    def is_outdated(self) -> bool:
        """Whether somebody else changed it meanwhile, so that only the page anew shows what is true. It loses what was
        typed, so it is offered for nothing else."""
        return self.has_error(NON_FIELD_ERRORS, CHANGED_MEANWHILE)


class SeenForm(PanelForm):
    """A button, and the version of what was seen beside it."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


def typed(request: HttpRequest) -> QueryDict | None:
    """What was sent with this request; None while the person only looks."""
    return request.POST if request.method == "POST" else None


@contextmanager
def refusals_on(form: forms.Form, **named: str) -> Iterator[None]:
    """Puts the sentences of a service that refuses onto the form. `named` says which field shows which model field."""
    try:
        yield
    except ValidationError as error:
        refused: Mapping[str, list[ValidationError]] = (
            error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.error_list}
        )
        for name, found in refused.items():
            field = named.get(name, name)
            for one in found:
                form.add_error(field if field in form.fields else None, one)


def say(
    request: HttpRequest,
    sentence: str,
    *,
    level: int = messages.SUCCESS,
    undo: UUID | None = None,
    link: tuple[str, str] | None = None,
    **words: object,
) -> None:
    """Tells the person what happened, on the next page. The words in braces are set apart as addresses are; `undo` is
    the change set that the person may want to take back, `link` an address and its words."""
    marked = {name: format_html('<span class="mono">{}</span>', word) for name, word in words.items()}
    text = format_html(mark_safe(sentence), **marked) if words else sentence  # noqa: S308  our own text
    if undo:
        link = reverse("undo", args=[undo]), _("Undo")
    if link:
        text = format_html('{} <a href="{}">{}</a>', text, *link)
    messages.add_message(request, level, text)


def asked(request: HttpRequest, name: str, *, allowed: tuple[str, ...] | None = None) -> str:
    """One word of the URL's query: without NUL, not too long, and one of `allowed` if that is given."""
    word = request.GET.get(name, "").replace("\0", "").strip()[:LONGEST_QUESTION]
    return word if allowed is None or word in allowed else ""


@dataclass(frozen=True)
class Filter:
    """A choice above a list, kept in the URL: (value, words) each, the first one for "all"."""

    name: str
    label: str
    options: list[tuple[str, str]]
    current: str


def chosen(request: HttpRequest, name: str, label: str, options: list[tuple[str, str]]) -> Filter:
    """The filter with what the URL chooses; a word that is not offered counts as "all"."""
    return Filter(name, label, options, asked(request, name, allowed=tuple(value for value, _words in options)))


@dataclass(frozen=True)
class ListPage:
    """One page of a list, and the marks in the URL that lead to its neighbours."""

    rows: list[Any]
    previous: str
    next: str

    @property
    def is_whole(self) -> bool:
        return not (self.previous or self.next)


def list_page(
    rows: QuerySet[Any],
    request: HttpRequest,
    *,
    key: tuple[str, ...],
    descending: bool = False,
    size: int = PAGE_SIZE,
    read: tuple[Callable[[str], Any], ...] = (str,),
) -> ListPage:
    """A page found by the key of a row, not by counting: as quick at the end of a million rows as at the start.

    `key` is one field or two that are unique together. `read` makes their values from the words in the URL, or raises
    ValueError.
    """
    after, before = _mark(request, "after", read), _mark(request, "before", read)
    backwards = before is not None and after is None
    edge = before if backwards else after
    downwards = descending != backwards
    ordered = rows.order_by(*(f"-{name}" if downwards else name for name in key))
    if edge is not None:
        ordered = ordered.filter(beyond(key, edge, downwards=downwards))
    found = list(ordered[: size + 1])
    has_more = len(found) > size
    shown = found[:size]
    if backwards:
        shown.reverse()
    has_previous, has_next = (has_more, True) if backwards else (after is not None, has_more)
    return ListPage(
        rows=shown,
        previous=_mark_of(shown[0], key) if shown and has_previous else "",
        next=_mark_of(shown[-1], key) if shown and has_next else "",
    )


def beyond(key: tuple[str, ...], edge: list[Any], *, downwards: bool) -> Q:
    """Rows beyond the edge; the first comparison alone lets PostgreSQL start in the index."""
    sign = "lt" if downwards else "gt"
    if len(key) == 1:
        return Q(**{f"{key[0]}__{sign}": edge[0]})
    first, *rest = key
    behind = Q(**{first: edge[0]}) & beyond(tuple(rest), edge[1:], downwards=downwards)
    return Q(**{f"{first}__{sign}e": edge[0]}) & (Q(**{f"{first}__{sign}": edge[0]}) | behind)


def _mark(request: HttpRequest, name: str, read: tuple[Callable[[str], Any], ...]) -> list[Any] | None:
    """The edge named in the URL; one that is not ours counts as none."""
    mark = request.GET.get(name, "").replace("\0", "")
    if not mark:
        return None
    try:
        words = [mark] if len(read) == 1 else json.loads(mark)
        return [reader(text(word)) for reader, word in zip(read, words, strict=True)]
    except (ValueError, TypeError, RecursionError):
        return None


def _mark_of(row: Model, key: tuple[str, ...]) -> str:
    words = [str(value_at(row, name)) for name in key]
    return words[0] if len(words) == 1 else json.dumps(words, ensure_ascii=False)


def text(word: str) -> str:
    """A reader of marks: text that PostgreSQL can be asked about, without NUL and half letters (lone surrogates)."""
    if not isinstance(word, str) or "\0" in word:
        raise ValueError(word)
    word.encode()
    return word


def number(word: str) -> int:
    """A reader of marks: a whole number that PostgreSQL can hold."""
    value = int(word)
    if abs(value) >= 2**63:
        raise ValueError(word)
    return value


def value_at(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = getattr(row, name)
    return row
