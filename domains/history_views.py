"""Pages of the history: who changed what, when, from where and through which door, before and after in words."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from accounts.actors import Door
from accounts.history import UNDO
from accounts.history_reading import Event, events_of, undone_by
from accounts.models import ChangeSet, User
from accounts.pages import ListPage, PersonRequest, asked, list_page, person_required
from domains.fields import normalised_domain
from domains.history import change_sets_of, change_sets_visible_to, events_visible_to, names_visible_to
from domains.models import Domain
from domains.views import domain_head, domain_of_page

ON_A_PAGE = 30
EVENTS_SHOWN = 20  # of one change set

ICONS = {
    "add": "plus-lg",
    "add_admin": "person-plus",
    "remove_admin": "person",
    "delete": "trash3",
    "change_password": "key",
    "forward": "arrow-return-right",
    "activate": "play-circle",
    "deactivate": "pause-circle",
    "sign_in": "person",
    "load": "upload",
}
NEVER_UNDONE = ("person", "owner", "ended_quarantines")
UNDONE_BY_DOMAIN_ADMINS = ("mailbox", "mailboxes", "alias", "out_of_office")
DOOR_ICONS = {"page": "window", "api": "braces", "command": "terminal", "task": "clock", "sign_in": "box-arrow-right"}


@dataclass
class Difference:
    """What was before and after of one thing, by field; a field has several values where rows hang on the thing."""

    subject: str
    noun: str
    before: list[tuple[str, str]] = field(default_factory=list)
    after: list[tuple[str, str]] = field(default_factory=list)

    @property
    def by_field(self) -> list[tuple[str, list[str], list[str]]]:
        """(field, values before, values after)."""
        names = dict.fromkeys(name for name, _value in self.before + self.after)
        return [(name, _values(self.before, name), _values(self.after, name)) for name in names]


def _values(pairs: list[tuple[str, str]], wanted: str) -> list[str]:
    return [value for name, value in pairs if name == wanted and value]


@dataclass(frozen=True)
class Entry:
    """A change set as the page shows it."""

    change_set: ChangeSet
    icon: str
    door: str
    door_icon: str
    differences: list[Difference]
    is_cut: bool
    may_be_undone: bool
    undone_by: UUID | None = None

    @property
    def is_change(self) -> bool:
        """Of one thing: then before and after fit a line each, without a table."""
        return str(self.change_set.value("verb")).startswith("change") and len(self.differences) == 1


@person_required
@require_safe
def history(request: PersonRequest) -> HttpResponse:
    names = names_visible_to(request.user)
    change_sets = change_sets_visible_to(request.user, names)
    q = asked(request, "domain")
    domain = None
    if q:
        domain = Domain.objects.visible_to(request.user).filter(name=_name(q)).first()
        change_sets = change_sets_of(domain) if domain else ChangeSet.objects.none()
    number = asked(request, "change_set")
    if number:
        change_sets = change_sets.filter(pk=number) if _is_number(number) else ChangeSet.objects.none()
    page = _page(change_sets, request)
    context = {"page": page, "days": days(page.rows, reader=request.user, names=names), "q": q, "is_one": bool(number)}
    return render(request, "domains/history.html", context)


def _is_number(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _name(q: str) -> str:
    try:
        return normalised_domain(q)
    except ValidationError:
        return q


@person_required
@require_safe
def domain_history(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    page = _page(change_sets_of(domain), request)
    context = domain_head(domain) | {"page": page, "days": days(page.rows, reader=request.user)}
    return render(request, "domains/domain_history.html", context)


def _page(change_sets: QuerySet[ChangeSet], request: PersonRequest) -> ListPage:
    return list_page(
        change_sets, request, key=("created_at", "id"), descending=True, size=ON_A_PAGE, read=(moment, UUID)
    )


def moment(text: str) -> datetime:
    """A reader of marks: a time with its zone."""
    found = parse_datetime(text)
    if found is None or timezone.is_naive(found):
        raise ValueError(text)
    try:
        return found.astimezone(UTC)  # PostgreSQL knows no time zone that is further away than 16 hours
    except OverflowError as error:
        raise ValueError(text) from error


def days(
    change_sets: Sequence[ChangeSet], *, reader: User | None = None, names: Collection[str] | None = None
) -> list[tuple[date, list[Entry]]]:
    """The entries by the day on which they happened, newest first, with before and after for the `reader`; without one
    only what happened in a sentence."""
    events = events_of([change_set.pk for change_set in change_sets], limit=EVENTS_SHOWN) if reader else {}
    undone = undone_by([change_set.pk for change_set in change_sets]) if reader else {}
    is_visible = events_visible_to(reader, names) if reader else lambda event: True
    entries = [
        _entry(
            change_set,
            [event for event in events.get(change_set.pk, []) if is_visible(event)],
            reader,
            undone.get(change_set.pk),
        )
        for change_set in change_sets
    ]
    return [
        (day, list(group))
        for day, group in groupby(entries, key=lambda entry: timezone.localdate(entry.change_set.created_at))
    ]


def _may_be_undone(change_set: ChangeSet, reader: User | None) -> bool:
    """Whether it makes sense to ask: the page of the undo says what prevents it."""
    if reader is None or change_set.value("noun") in NEVER_UNDONE or change_set.value("verb") == "change_password":
        return False
    return reader.is_superuser or change_set.value("noun") in UNDONE_BY_DOMAIN_ADMINS


def _entry(change_set: ChangeSet, events: Sequence[Event], reader: User | None, undone: UUID | None) -> Entry:
    door, verb = change_set.value("door"), str(change_set.value("verb"))
    return Entry(
        change_set=change_set,
        icon="arrow-counterclockwise" if verb.startswith(UNDO) else ICONS.get(verb, "pencil"),
        door=str(Door(door).label) if door in Door.values else "",
        door_icon=DOOR_ICONS.get(door, "terminal"),
        differences=differences(events),
        is_cut=len(events) >= EVENTS_SHOWN,
        may_be_undone=undone is None and _may_be_undone(change_set, reader),
        undone_by=undone,
    )


def differences(events: Iterable[Event]) -> list[Difference]:
    """One line for each thing; rows that belong to the same thing, as destinations do, share a line."""
    lines: dict[tuple[Any, str], Difference] = {}
    for event in events:
        if not event.changes:
            continue  # a changed password: the sentence above says it all
        line = lines.setdefault((event.model, event.subject), Difference(event.subject, event.noun))
        for name, before, after in event.changes:
            if event.before is not None:
                line.before.append((name, before))
            if event.after is not None:
                line.after.append((name, after))
    return list(lines.values())
