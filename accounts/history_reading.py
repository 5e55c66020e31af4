"""The history read back in words: what each change set added, changed and deleted, before and after."""

import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the rows of a model are read. `subject` names the thing that a row belongs to, `values` its columns in words.
    Of some models only what changed is shown: an address that is added only carries a mailbox or an alias.
    `changed_values` stand in place of `values` for what changed, where that says more. `stored` is for programs: values
    as they are, by the names of columns; nothing needs to be said where `values` are those of in_words().
    `only_superusers` read what nobody else sees on a page either."""

    subject: Callable[[Row, Names], str]
    values: Callable[[Row, Names], Mapping[str, str]]
    only_changes: bool = False
    only_superusers: bool = False
    changed_values: Callable[[Row, Names], Mapping[str, str]] | None = None
    stored: Callable[[Row, Names], Mapping[str, Any]] | None = None


_readings: dict[type[models.Model], Reading] = {}
_namers: dict[type[models.Model], Namer] = {}


def register_reading(model: type[models.Model], reading: Reading) -> None:
    _readings[model] = reading


def register_namer(model: type[models.Model], namer: Namer) -> None:
    """`namer` finds names by primary key, also of rows that are deleted."""
    _namers[model] = namer


def is_for_superusers(model: type[models.Model]) -> bool:
    return model in _readings and _readings[model].only_superusers


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
        "exported": _("private key exported"),
        "resealed": _("private key encrypted anew"),
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
        reading = self._reading_of_values
        if reading is None:
            return []
        values = reading.changed_values if self.kind == "changed" and reading.changed_values else reading.values
        return self._differences(values, "")

    @property
    def stored_changes(self) -> list[tuple[str, Any, Any]]:
        """(column, before, after) as they are stored, for each that differs; None where there is nothing."""
        reading = self._reading_of_values
        if reading is None:
            return []
        stored = reading.stored
        if stored is None:
            assert isinstance(reading.values, Columns), f"{self.model} does not say what is stored"  # noqa: S101
            stored = reading.values.stored
        return self._differences(stored, None)

    @property
    def _reading_of_values(self) -> Reading | None:
        reading = _readings.get(self.model)
        if self.kind not in ("added", "changed", "deleted") or reading is None:
            return None
        return None if reading.only_changes and self.kind != "changed" else reading

    def _differences(self, values: Callable[[Row, Names], Mapping[str, Any]], nothing: Any) -> list[Any]:
        before = values(self.before, self.names) if self.before else {}
        after = values(self.after, self.names) if self.after else {}
        return [
            (name, before.get(name, nothing), after.get(name, nothing))
            for name in {**before, **after}
            if before.get(name, nothing) != after.get(name, nothing)
        ]


@dataclass(frozen=True)
class Columns:
    """The usual `values` of a Reading: some columns, by their own words."""

    fields: Sequence[Any]

    def __call__(self, row: Row, names: Names) -> dict[str, str]:
        return {str(one.verbose_name): _value_in_words(one, row.get(one.attname), names) for one in self.fields}

    def stored(self, row: Row, names: Names) -> dict[str, Any]:
        return {one.name: _stored_value(one, row.get(one.attname), names) for one in self.fields}


def in_words(model: type[models.Model], *names: str) -> Columns:
    return Columns([model._meta.get_field(name) for name in names])


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


def _stored_value(one: Any, value: Any, names: Names) -> Any:
    """Only another row is named, since its number says nothing outside; the history keeps times as text."""
    if value is None:
        return None
    if isinstance(one, models.DateTimeField):
        return timezone.localtime(datetime.fromisoformat(value))
    return names.get((one.remote_field.model, value), f"#{value}") if one.remote_field else value


def registered_readings() -> Mapping[type[models.Model], Reading]:
    return _readings


def events_of(change_sets: Sequence[uuid.UUID], *, limit: int = 20) -> dict[uuid.UUID, list[Event]]:
    """The first `limit` events of each change set that have something to show, in order; few statements for all."""
    rows = _rows_of(change_sets, limit)
    names = names_for(rows)
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


def _rows_of(change_sets: Sequence[uuid.UUID], limit: int) -> list[tuple[Any, ...]]:
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


def names_for(rows: list[tuple[Any, ...]]) -> Names:
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
