"""The history is written here: every service leaves exactly one context. history_reading.py reads it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pghistory
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_is_recording: ContextVar[bool] = ContextVar("_is_recording", default=False)
_sentences: dict[tuple[str, str], StrOrPromise] = {}


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


def register_sentences(sentences: Mapping[tuple[str, str], StrOrPromise]) -> None:
    """Each room says how its (verb, noun) reads, with `%(label)s` for the object."""
    _sentences.update(sentences)


def sentence_of(metadata: Mapping[str, Any]) -> str:
    known = _sentences.get((metadata.get("verb", ""), metadata.get("noun", "")))
    if known is None:
        return str(_("Changed outside the panel"))
    return str(known) % {"label": metadata.get("label", "")}
