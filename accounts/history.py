"""The history: how a service leaves exactly one context, and how change sets are read back in words."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pghistory
from django.apps import apps
from django.db import connection, models, transaction
from django.utils.translation import gettext_lazy as _
from pghistory.core import event_models

from accounts.actors import Actor

_is_recording: ContextVar[bool] = ContextVar("_is_recording", default=False)
_sentences: dict[tuple[str, str], str] = {}


@contextmanager
def recorded(verb: str, noun: str, label: str, *, domain: str = "", by: Actor) -> Iterator[None]:
    """One transaction and one history context. A service called inside another joins the outer one's."""
    if _is_recording.get():
        with transaction.atomic():
            yield
        return
    token = _is_recording.set(True)
    try:
        with (
            pghistory.context(
                who=by.label,
                user=by.user.pk if by.user else None,
                door=str(by.door),
                host=by.host,
                verb=verb,
                noun=noun,
                label=label,
                domain=domain,
            ),
            transaction.atomic(),
        ):
            yield
    finally:
        _is_recording.reset(token)


def register_sentences(sentences: Mapping[tuple[str, str], str]) -> None:
    """Each room says how its (verb, noun) reads, with `%(label)s` for the object."""
    _sentences.update(sentences)


def sentence_of(metadata: Mapping[str, Any]) -> str:
    known = _sentences.get((metadata.get("verb", ""), metadata.get("noun", "")))
    if known is None:
        return str(_("Changed outside the panel"))
    return str(known) % {"label": metadata.get("label", "")}


@dataclass(frozen=True)
class Event:
    """One row that a change set added, changed or deleted; `before` and `after` hold column values."""

    model: type[models.Model]
    kind: str
    object_id: int
    at: datetime
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def noun(self) -> str:
        return str(self.model._meta.verbose_name)

    @property
    def changes(self) -> list[tuple[str, Any, Any]]:
        """(field in words, before, after) for each column that differs."""
        before, after = self.before or {}, self.after or {}
        return [
            (str(field.verbose_name), before.get(field.attname), after.get(field.attname))
            for field in self.model._meta.concrete_fields
            if field.attname in {**before, **after}
            and field.name not in ("id", "version", "created_at", "changed_at")
            and before.get(field.attname) != after.get(field.attname)
        ]


def events_of(change_sets: Sequence[uuid.UUID], *, limit: int = 20) -> dict[uuid.UUID, list[Event]]:
    """The first `limit` events of each change set, in order, in one statement."""
    legs = "\nUNION ALL\n".join(_leg(model) for model in event_models())
    found: dict[uuid.UUID, list[Event]] = defaultdict(list)
    if not change_sets:
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT context.id, event.*
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
        rows = cursor.fetchall()
    for context_id, model, _event_id, kind, object_id, at, after, before in rows:
        found[context_id].append(
            Event(
                model=apps.get_model(model),
                kind=kind,
                object_id=object_id,
                at=at,
                before=after if kind == "deleted" else before if kind == "changed" else None,
                after=None if kind == "deleted" else after,
            )
        )
    return found


def _leg(event_model: type[models.Model]) -> str:
    """The events of one tracked model within `context.id`; "before" is the object's event before this one."""
    table = connection.ops.quote_name(event_model._meta.db_table)
    label = event_model.pgh_tracked_model._meta.label  # type: ignore[attr-defined]
    return f"""
        SELECT '{label}' AS model, event.pgh_id AS event_id, event.pgh_label AS kind, event.pgh_obj_id AS object_id,
               event.pgh_created_at AS at, to_jsonb(event) AS after,
               (SELECT to_jsonb(earlier)
                FROM {table} AS earlier
                WHERE earlier.pgh_obj_id = event.pgh_obj_id AND earlier.pgh_id < event.pgh_id
                ORDER BY earlier.pgh_id DESC
                LIMIT 1) AS before
        FROM {table} AS event
        WHERE event.pgh_context_id = context.id"""  # noqa: S608
