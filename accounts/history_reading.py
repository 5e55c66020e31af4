"""The history read back in words: what each change set added, changed and deleted, before and after."""

import json
import sys
import uuid
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import compress
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from pghistory.core import event_models

Row = Mapping[str, Any]
Names = Mapping[tuple[type[models.Model], int], str]
Namer = Callable[[Iterable[int]], Mapping[int, str]]
AT_ONCE = 1_000  # rows of a change set in memory


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the rows of a model are read. `subject` names the thing that a row belongs to, `values` its columns in words.
    Of some models only what changed is shown: an address that is added only carries a mailbox or an alias.
    `changed_values` stand in place of `values` for what changed, where that says more."""

    subject: Callable[[Row, Names], str]
    values: Callable[[Row, Names], Mapping[str, str]]
    only_changes: bool = False
    changed_values: Callable[[Row, Names], Mapping[str, str]] | None = None


_readings: dict[type[models.Model], Reading] = {}
_namers: dict[type[models.Model], Namer] = {}


def register_reading(model: type[models.Model], reading: Reading) -> None:
    _readings[model] = reading


def register_namer(model: type[models.Model], namer: Namer) -> None:
    """`namer` finds names by primary key, also of rows that are deleted."""
    _namers[model] = namer


@dataclass(frozen=True)
class Event:
    """One row that a change set added, changed or deleted."""

    model: type[models.Model]
    kind: str
    object_id: int
    at: datetime
    before: Row | None
    after: Row | None
    names: Names = field(repr=False)

    KINDS = {
        "added": _("added"),
        "changed": _("changed"),
        "deleted": _("deleted"),
        "password_changed": _("password changed"),
        "link_sent": _("link sent"),
    }

    @property
    def noun(self) -> str:
        return str(self.model._meta.verbose_name)

    @property
    def kind_in_words(self) -> str:
        return str(self.KINDS.get(self.kind, self.kind))

    @property
    def subject(self) -> str:
        reading = _readings.get(self.model)
        return reading.subject(self.after or self.before or {}, self.names) if reading else ""

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """(field, before, after) in words, for each that differs; nothing for a changed password."""
        if self.kind not in ("added", "changed", "deleted") or self.model not in _readings:
            return []
        reading = _readings[self.model]
        if reading.only_changes and self.kind != "changed":
            return []
        values = reading.changed_values if self.kind == "changed" and reading.changed_values else reading.values
        before = values(self.before, self.names) if self.before else {}
        after = values(self.after, self.names) if self.after else {}
        return [
            (name, before.get(name, ""), after.get(name, ""))
            for name in {**before, **after}
            if before.get(name, "") != after.get(name, "")
        ]


def in_words(model: type[models.Model], *names: str) -> Callable[[Row, Names], dict[str, str]]:
    """The usual `values` of a Reading: these fields, by their own words."""
    fields = [model._meta.get_field(name) for name in names]

    def values(row: Row, labels: Names) -> dict[str, str]:
        return {str(one.verbose_name): _value_in_words(one, row.get(one.attname), labels) for one in fields}  # type: ignore[union-attr]

    return values


def _value_in_words(one: Any, value: Any, names: Names) -> str:
    if value in (None, ""):
        return ""
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(one, models.DateTimeField):
        return date_format(timezone.localtime(datetime.fromisoformat(value)), "DATETIME_FORMAT")
    if one.remote_field:
        return names.get((one.remote_field.model, value), f"#{value}")
    return str(dict(one.flatchoices).get(value, value))


def events_of(change_sets: Sequence[uuid.UUID], *, limit: int = 20) -> dict[uuid.UUID, list[Event]]:
    """The first `limit` events of each change set that have something to show, in order; few statements for all."""
    rows = _rows_of(change_sets, limit)
    names = _names_for(rows)
    found: dict[uuid.UUID, list[Event]] = defaultdict(list)
    for context_id, model, kind, object_id, at, before, after in rows:
        event = Event(model, kind, object_id, at, before, after, names)
        if model in _readings and (event.changes or kind not in ("added", "changed", "deleted")):
            found[context_id].append(event)
    return found


def undone_by(change_sets: Sequence[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Which of these are undone, and by which change set. One whose undo was undone is not."""
    with connection.cursor() as cursor:
        cursor.execute(UNDOS, [[str(number) for number in change_sets]])
        undos: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
        for undid, number in cursor.fetchall():
            undos[uuid.UUID(undid)].append(number)

    def undo_of(number: uuid.UUID) -> uuid.UUID | None:
        return next((undo for undo in undos.get(number, []) if undo_of(undo) is None), None)

    found = {number: undo_of(number) for number in change_sets}
    return {number: undo for number, undo in found.items() if undo}


UNDOS = """
    WITH RECURSIVE undo (undid, id) AS (
        SELECT metadata ->> 'undid', id
        FROM pghistory_context
        WHERE metadata ->> 'undid' = ANY (%s)
        UNION
        SELECT context.metadata ->> 'undid', context.id
        FROM pghistory_context AS context
        JOIN undo ON context.metadata ->> 'undid' = undo.id::text
    )
    SELECT undid, id
    FROM undo
"""


class NetEvents:
    """What became of each row in all: what it was before the change set, and what after it. A row that came and went
    within it is left out; an event that a service wrote itself (a changed password) stands by itself.

    A change set may be about a million rows. Some octets of each are kept; the rows are read again, a thousand at a
    time, whenever somebody walks over them."""

    def __init__(self, parts: "Iterable[_OfOneModel]") -> None:
        self._parts = [part for part in parts if len(part)]

    @classmethod
    def of_change_set(cls, change_set: uuid.UUID) -> "NetEvents":
        tables = sorted(event_models(), key=lambda table: str(table.pgh_tracked_model._meta.label))  # type: ignore[attr-defined]
        return cls([_net_of(table, change_set) for table in tables])

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[Event]:
        for part in self._parts:
            yield from part.read()

    def __reversed__(self) -> Iterator[Event]:
        for part in reversed(self._parts):
            yield from part.read(backwards=True)

    @property
    def about(self) -> list[type[models.Model]]:
        return [part.model for part in self._parts]

    @property
    def kinds(self) -> set[str]:
        return {kind for part in self._parts for kind in set(part.kinds)}

    def of(self, *wanted: type[models.Model], kinds: Sequence[str] = ()) -> "NetEvents":
        """Those about rows of these models, and of these kinds if they are named."""
        parts = [part for part in self._parts if not wanted or part.model in wanted]
        if not kinds:
            return NetEvents(parts)
        return NetEvents([part.only([kind in kinds for kind in part.kinds]) for part in parts])

    def where(self, is_wanted: Callable[[Event], bool], *looked_at: type[models.Model]) -> "NetEvents":
        """Those that are wanted. Only the events of the models that are named are looked at, the others stay."""
        return NetEvents(
            [part.only(map(is_wanted, part.read())) if part.model in looked_at else part for part in self._parts]
        )

    def ids(self) -> list[int]:
        return [pk for part in self._parts for pk in part.objects]


@dataclass
class _OfOneModel:
    """The events of one model: for each its kind, the key of the row, and the numbers of the two events of the history
    that tell what was before and after; 0 where there was nothing."""

    table: type[models.Model]
    at: datetime | None = None
    kinds: list[str] = field(default_factory=list)
    objects: "array[int]" = field(default_factory=lambda: array("q"))
    before: "array[int]" = field(default_factory=lambda: array("q"))
    after: "array[int]" = field(default_factory=lambda: array("q"))
    few: list[Event] | None = None

    def __len__(self) -> int:
        return len(self.objects)

    @property
    def model(self) -> type[models.Model]:
        found: type[models.Model] = self.table.pgh_tracked_model  # type: ignore[attr-defined]
        return found

    def only(self, wanted: Iterable[bool]) -> "_OfOneModel":
        chosen = bytes(wanted)
        objects, before, after = (
            array("q", compress(column, chosen)) for column in (self.objects, self.before, self.after)
        )
        return _OfOneModel(self.table, self.at, list(compress(self.kinds, chosen)), objects, before, after)

    def read(self, *, backwards: bool = False) -> Iterator[Event]:
        if len(self) <= AT_ONCE:  # few enough to be read once
            self.few = self._read(0) if self.few is None else self.few
            yield from reversed(self.few) if backwards else self.few
            return
        starts = range(0, len(self), AT_ONCE)
        for start in reversed(starts) if backwards else starts:
            some = self._read(start)
            yield from reversed(some) if backwards else some

    def _read(self, start: int) -> list[Event]:
        piece = slice(start, start + AT_ONCE)
        before, after = self.before[piece], self.after[piece]
        found = self._snapshots([*before, *after])
        rows: list[tuple[Any, ...]] = [
            (None, self.model, kind, pk, self.at, found.get(old), found.get(new))
            for kind, pk, old, new in zip(self.kinds[piece], self.objects[piece], before, after, strict=True)
        ]
        names = _NamesWhenAsked(rows)
        return [Event(model, kind, pk, at, old, new, names) for _context, model, kind, pk, at, old, new in rows]

    def _snapshots(self, numbers: Iterable[int]) -> dict[int, Row]:
        table = connection.ops.quote_name(self.table._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT pgh_id, to_jsonb(event)::text FROM {table} AS event WHERE pgh_id = ANY (%s)",  # noqa: S608
                [[number for number in numbers if number]],
            )
            return {number: json.loads(text) for number, text in cursor}


class _NamesWhenAsked(Mapping[tuple[type[models.Model], int], str]):
    """_names_for(), which most who walk over rows do not need."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows = rows

    @cached_property
    def _found(self) -> Names:
        return _names_for(self._rows)

    def __getitem__(self, key: tuple[type[models.Model], int]) -> str:
        return self._found[key]

    def __iter__(self) -> Iterator[tuple[type[models.Model], int]]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def _net_of(table: type[models.Model], change_set: uuid.UUID) -> _OfOneModel:
    part = _OfOneModel(table)
    with connection.chunked_cursor() as cursor:
        cursor.execute(NET.format(table=connection.ops.quote_name(table._meta.db_table)), [str(change_set)])
        for kind, pk, before, after, at in cursor:
            part.kinds.append(sys.intern(kind))
            part.objects.append(pk)
            part.before.append(before)
            part.after.append(after)
            part.at = at
    return part


# As _leg() has it; what was there before a row came, or after it went, is nothing. The + 0 is explained there.
NET = """
    SELECT CASE
               WHEN net.kind <> '' THEN net.kind
               WHEN ends.before IS NULL AND first.pgh_label = 'changed' THEN 'unknown'
               WHEN ends.before IS NULL THEN 'added'
               WHEN ends.after IS NULL THEN 'deleted'
               ELSE 'changed'
           END,
           net.object_id, coalesce(ends.before, 0), coalesce(ends.after, 0), last.pgh_created_at
    FROM (
        SELECT pgh_obj_id AS object_id,
               CASE WHEN pgh_label IN ('added', 'changed', 'deleted') THEN '' ELSE pgh_label END AS kind,
               min(pgh_id) AS first,
               max(pgh_id) AS last
        FROM {table}
        WHERE pgh_context_id = %s
        GROUP BY 1, 2
    ) AS net
    JOIN {table} AS first ON first.pgh_id = net.first
    JOIN {table} AS last ON last.pgh_id = net.last
    CROSS JOIN LATERAL (
        SELECT CASE first.pgh_label
                   WHEN 'added' THEN NULL
                   WHEN 'deleted' THEN first.pgh_id
                   ELSE (SELECT earlier.pgh_id
                         FROM {table} AS earlier
                         WHERE earlier.pgh_obj_id = net.object_id AND earlier.pgh_id < net.first
                         ORDER BY earlier.pgh_id + 0 DESC
                         LIMIT 1)
               END AS before,
               CASE last.pgh_label WHEN 'deleted' THEN NULL ELSE last.pgh_id END AS after
    ) AS ends
    WHERE ends.before IS NOT NULL OR ends.after IS NOT NULL
    ORDER BY net.first
"""


def number_of_events(change_set: uuid.UUID) -> int:
    """How many there are, without reading them; a row that was changed twice counts twice."""
    return sum(model._default_manager.filter(pgh_context_id=change_set).count() for model in event_models())


def _rows_of(change_sets: Sequence[uuid.UUID], limit: int | None) -> list[tuple[Any, ...]]:
    legs = "\nUNION ALL\n".join(_leg(model) for model in event_models())
    if not change_sets:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT context.id, model, kind, object_id, at, before, after
            FROM unnest(%s::uuid[]) AS context (id)
            CROSS JOIN LATERAL (
                SELECT * FROM ({legs}) AS leg
                ORDER BY at, model, event_id
                LIMIT %s
            ) AS event
            ORDER BY context.id, at, model, event_id
            """,  # noqa: S608  table names come from our own models
            [list(change_sets), limit],
        )
        return [_as_row(*row) for row in cursor.fetchall()]


def _as_row(
    context_id: uuid.UUID, model: str, kind: str, object_id: int, at: datetime, before: str | None, after: str
) -> tuple[Any, ...]:
    # Django leaves jsonb as text, for its JSONField to read.
    new, old = json.loads(after), json.loads(before) if before else None
    if kind == "deleted":
        new, old = None, new
    elif kind == "added":
        old = None
    return context_id, apps.get_model(model), kind, object_id, at, old, new


def _leg(event_model: type[models.Model]) -> str:
    """The events of one tracked model within `context.id`; "before" is the object's event before this one. The + 0
    keeps PostgreSQL from reading backwards along the primary key, past all that was added at once, to find it."""
    table = connection.ops.quote_name(event_model._meta.db_table)
    label = event_model.pgh_tracked_model._meta.label  # type: ignore[attr-defined]
    return f"""
        SELECT '{label}' AS model, event.pgh_id AS event_id, event.pgh_label AS kind, event.pgh_obj_id AS object_id,
               event.pgh_created_at AS at, to_jsonb(event) AS after,
               (SELECT to_jsonb(earlier)
                FROM {table} AS earlier
                WHERE earlier.pgh_obj_id = event.pgh_obj_id AND earlier.pgh_id < event.pgh_id
                ORDER BY earlier.pgh_id + 0 DESC
                LIMIT 1) AS before
        FROM {table} AS event
        WHERE event.pgh_context_id = context.id"""  # noqa: S608


def _names_for(rows: list[tuple[Any, ...]]) -> Names:
    """Names for every foreign key in these rows, one call for each model that can be named."""
    wanted: dict[type[models.Model], set[int]] = defaultdict(set)
    for _context, model, _kind, _object, _at, before, after in rows:
        for one in model._meta.concrete_fields:
            if one.remote_field and one.remote_field.model in _namers:
                ids = {row[one.attname] for row in (before, after) if row and row.get(one.attname)}
                wanted[one.remote_field.model] |= ids
    return {
        (model, pk): name for model, ids in wanted.items() if ids for pk, name in _namers[model](sorted(ids)).items()
    }


def latest_events(
    model: type[models.Model], ids: Iterable[int], *columns: str, **looked_up: models.Subquery
) -> dict[int, tuple[Any, ...]]:
    """The newest columns of rows that may be deleted, by primary key, and what latest_value() finds beside them."""
    newest = _events_of(model).filter(pgh_obj_id__in=list(ids)).order_by("pgh_obj_id", "-pgh_id").annotate(**looked_up)
    wanted = ("pgh_obj_id", *columns, *looked_up)
    return {row[0]: row[1:] for row in newest.distinct("pgh_obj_id").values_list(*wanted)}


def latest_value(model: type[models.Model], reference: str, column: str | models.Subquery) -> models.Subquery:
    """The newest `column` of the row that the foreign key `reference` names, for latest_events()."""
    newest = _events_of(model).filter(pgh_obj_id=models.OuterRef(reference)).order_by("-pgh_id")
    return models.Subquery(
        newest.annotate(looked_up=models.F(column) if isinstance(column, str) else column).values("looked_up")[:1]
    )


def _events_of(model: type[models.Model]) -> models.QuerySet[models.Model]:
    (event_model,) = (one for one in event_models() if one.pgh_tracked_model is model)  # type: ignore[attr-defined]
    return event_model._default_manager.all()
