"""The history is written here: every service leaves exactly one context. history_reading.py reads it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pghistory
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

UNDO = "undo "  # before the verb of what was undone

_recording: ContextVar[UUID | None] = ContextVar("_recording", default=None)
_noted: ContextVar[list[UUID] | None] = ContextVar("_noted", default=None)
_sentences: dict[tuple[str, str], StrOrPromise] = {}


@contextmanager
def recorded(verb: str, noun: str, label: str, *, domain: str = "", by: Actor, **more: str) -> Iterator[UUID]:
    """One transaction and one history context, whose number it gives. A service called inside another joins the outer
    one's."""
    outer = _recording.get()
    if outer:
        with transaction.atomic():
            yield outer
        return
    if by.token:
        more["token"] = by.token
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
            **more,
        ) as context,
        transaction.atomic(),
    ):
        token = _recording.set(context.id)
        try:
            yield context.id
        finally:
            _recording.reset(token)
        noted = _noted.get()
        if noted is not None:
            noted.append(context.id)


@contextmanager
def change_sets_noted() -> Iterator[list[UUID]]:
    """The numbers of the change sets that services leave inside, in order."""
    numbers: list[UUID] = []
    token = _noted.set(numbers)
    try:
        yield numbers
    finally:
        _noted.reset(token)


def register_sentences(sentences: Mapping[tuple[str, str], StrOrPromise]) -> None:
    """Each room says how its (verb, noun) reads, with `%(label)s` for the object."""
    _sentences.update(sentences)


def sentence_of(metadata: Mapping[str, Any]) -> str:
    verb = metadata.get("verb") or ""
    if verb.startswith(UNDO):
        undone = sentence_of({**metadata, "verb": verb.removeprefix(UNDO)})
        return str(_("Undid: %(sentence)s") % {"sentence": undone})
    known = _sentences.get((verb, metadata.get("noun", "")))
    if known is None:
        return str(_("Changed outside the panel"))
    return str(known) % {"label": metadata.get("label", "")}
