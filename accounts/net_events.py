"""What a change set did in all: what became of each row, whatever happened to it in between."""

import json
import sys
import uuid
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import compress
from typing import Any

from django.db import connection, models
from pghistory.core import event_models

from accounts.history_reading import Event, Names, Row, names_for

AT_ONCE = 1_000  # rows of a change set in memory


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


def number_of_events(change_set: uuid.UUID) -> int:
    """How many there are, without reading them; a row that was changed twice counts twice."""
    return sum(model._default_manager.filter(pgh_context_id=change_set).count() for model in event_models())


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
    """names_for(), which most who walk over rows do not need."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows = rows

    @cached_property
    def _found(self) -> Names:
        return names_for(self._rows)

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


# As _leg() of history_reading.py has it, where the + 0 is explained; what was there before a row came, or after it
# went, is nothing.
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
