"""What stands behind the ? of a URL, and lists that stay quick: a page is found by the key of its first row."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import DateTimeField, IntegerField, Model, QuerySet, UUIDField
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive
from django.utils.translation import gettext as _
from rest_framework.request import Request

from accounts.pages import LONGEST_QUESTION, beyond, number, text, value_at
from api.parsing import refuse_strange_text
from api.problems import BadQuestion

PAGE, LONGEST_PAGE = 50, 500
ANNOTATED = {"domain_of_text"}  # texts by which lists are ordered, and which are no columns
LONGEST_CURSOR = 3000


def asked(request: Request, known: Collection[str]) -> dict[str, str]:
    """The words of the query. One that nobody knows is a slip of the pen, and would be missed in silence."""
    found = {}
    for name, values in request.query_params.lists():
        if name not in known:
            words = {"name": name[:50], "known": ", ".join(sorted(known)) or "-"}
            raise BadQuestion(_("There is no parameter “%(name)s” here. Known are: %(known)s.") % words)
        if len(values) > 1:
            raise BadQuestion(_("“%(name)s” stands there twice.") % {"name": name})
        if len(values[0]) > (LONGEST_CURSOR if name == "cursor" else LONGEST_QUESTION):
            raise BadQuestion(_("“%(name)s” is too long.") % {"name": name})
        try:
            refuse_strange_text(values[0])
        except ValueError as error:
            raise BadQuestion(_("“%(name)s” cannot be: %(fault)s.") % {"name": name, "fault": error}) from error
        found[name] = values[0]
    return found


def need(words: dict[str, str], name: str) -> None:
    if name not in words:
        raise BadQuestion(_("This ordering needs “%(name)s” as well: only there has it an index.") % {"name": name})


def is_true(words: dict[str, str], name: str) -> bool:
    if words.get(name, "false") not in ("true", "false"):
        raise BadQuestion(_("“%(name)s” is true or false.") % {"name": name})
    return words.get(name) == "true"


def page_size(words: dict[str, str]) -> int:
    size = words.get("limit", str(PAGE))
    if not (size.isascii() and size.isdigit() and len(size) < 5 and 1 <= int(size) <= LONGEST_PAGE):
        raise BadQuestion(_("“limit” is a number from 1 to %(most)d.") % {"most": LONGEST_PAGE})
    return int(size)


def one_page(
    rows: QuerySet[Any], request: Request, words: dict[str, str], orderings: Mapping[str, tuple[str, ...]]
) -> tuple[list[Any], dict[str, Any]]:
    """The rows, and what goes around them in the answer: `next`, and `count` where it was asked for."""
    wanted = words.get("ordering", next(iter(orderings)))
    key = orderings.get(wanted.removeprefix("-"))
    if key is None:
        raise BadQuestion(
            _("“ordering” is one of: %(known)s; with - before it, backwards.") % {"known": ", ".join(orderings)}
        )
    if words.get("count", "exact") != "exact":
        raise BadQuestion(_("“count” can only be exact."))
    around: dict[str, Any] = {"count": rows.count()} if "count" in words else {}
    downwards, size = wanted.startswith("-"), page_size(words)
    ordered = rows.order_by(*(f"-{name}" if downwards else name for name in key))
    if "cursor" in words:
        ordered = ordered.filter(beyond(key, _edge(words["cursor"], wanted, rows.model, key), downwards=downwards))
    found = list(ordered[: size + 1])
    around["next"] = None
    if len(found) > size:
        cursor = cursor_of(wanted, [value_at(found[size - 1], name) for name in key])
        around["next"] = request.build_absolute_uri(f"{request.path}?{urlencode(words | {'cursor': cursor})}")
    return found[:size], around


def cursor_of(ordering: str, values: list[Any]) -> str:
    written = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return urlsafe_b64encode(json.dumps([ordering, *written]).encode()).decode().rstrip("=")


def _edge(cursor: str, ordering: str, model: type[Model], key: tuple[str, ...]) -> list[Any]:
    try:
        for_ordering, *words = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if for_ordering == ordering:
            return [_reader(model, name)(word) for name, word in zip(key, words, strict=True)]
    except (ValueError, TypeError, RecursionError) as error:
        raise BadQuestion(_("This cursor is not one of ours. Begin again without it.")) from error
    raise BadQuestion(_("This cursor belongs to another ordering. Begin again without it."))


def _reader(model: type[Model], path: str) -> Any:
    *way, last = path.split("__")
    if not way and last in ANNOTATED:
        return text
    for name in way:
        model = model._meta.get_field(name).related_model  # type: ignore[assignment]
    column: Any = model._meta.pk if last == "pk" else model._meta.get_field(last.removesuffix("_id"))
    if isinstance(column, DateTimeField):
        return _moment
    if isinstance(column, UUIDField):
        return UUID
    return number if isinstance(column, IntegerField) or column.is_relation else text


def _moment(word: str) -> datetime:
    moment = parse_datetime(word)
    if moment is None or is_naive(moment):
        raise ValueError(word)
    return moment


def filtered(rows: QuerySet[Any], one_filter: Any, name: str) -> QuerySet[Any]:
    """A filter whose words cannot be understood is a bad question."""
    try:
        return one_filter(rows)  # type: ignore[no-any-return]
    except ValidationError as error:
        raise BadQuestion(f"{name}: {' '.join(error.messages)}") from error
