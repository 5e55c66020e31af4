"""How a write is carried out: in one transaction, or rehearsed and rolled back; once for an Idempotency-Key."""

import json
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from hashlib import sha256
from io import BytesIO
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.history import change_sets_noted
from accounts.history_reading import Event
from accounts.net_events import NetEvents
from api.history import changes_of
from api.models import KeptAnswer, Token
from api.noun import Noun
from api.problems import BadQuestion, KeyUsedBefore, PreconditionFailed, Refused, errors_of, status_of
from api.questions import asked, is_true
from mailboxes.undo_rules import changed_columns

LONGEST_KEY = 255
AT_A_TIME = 200  # kept answers that are thrown away with each new one


_rehearsing: ContextVar[bool] = ContextVar("_rehearsing", default=False)


def is_rehearsing() -> bool:
    return _rehearsing.get()


def carry_out(
    request: Request,
    act: Callable[[], Any],
    show: Callable[[Any], Response],
    *,
    may_be_nothing: bool = False,
    lost: Sequence[str] = (),
) -> Response:
    """Calls services in `act` and answers with `show`. With ?dry_run=true all is rolled back, and the answer is what
    the history would say, and `lost`, which `act` may have filled. With `may_be_nothing`, what is as it was already
    leaves no version and no history."""
    is_rehearsal = is_true(asked(request, {"dry_run"}), "dry_run")
    with transaction.atomic(), change_sets_noted() as noted:
        token = _rehearsing.set(is_rehearsal)
        try:
            result = act()
        finally:
            _rehearsing.reset(token)
        if is_rehearsal:
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            answer = Response({"dry_run": True, **changes_of(noted, request), "lost": list(lost)})
            transaction.set_rollback(True)
            return answer
        if may_be_nothing and not any(map(is_difference, _net_events(noted))):
            transaction.set_rollback(True)
            noted.clear()
    response = show(result)
    if noted:
        response["Change-Set"] = str(noted[0])
    return response


def _net_events(change_sets: Iterable[UUID]) -> Iterable[Event]:
    for number in change_sets:
        yield from NetEvents.of_change_set(number)


def is_difference(event: Event) -> bool:
    """Not only a version that was counted up, or the time of a changed password."""
    return event.kind != "changed" or bool(changed_columns(event) - {"created_at"})


def by_noun(noun: Noun, act: Callable[[], Any]) -> Any:
    """A service's refusal, with the names that the fields have here."""
    try:
        return act()
    except ValidationError as error:
        raise Refused(list(errors_of(error, noun.service_names)), status_of(error)) from error


# Versions


def etag_of(noun: Noun, row: Any) -> str:
    """A digest of all that is shown (RFC 9110, section 8.8.3): a version tells nothing of what a row shows of others,
    as an alias does of a mailbox that is renamed. What changes by itself, as the space that a mailbox uses, is no
    reason to refuse a change."""
    said = JSONRenderer().render([row.pk, noun.at_rest(row)])
    return f'"{sha256(said).hexdigest()[:32]}"'


def has_preconditions(request: Request) -> bool:
    return "If-Match" in request.headers or "If-None-Match" in request.headers


def refuse_stale(request: Request, noun: Noun, row: Any | None) -> Any:
    """If-Match and If-None-Match (RFC 9110, section 13.1). Gives the version that services hold against the row. To be
    asked with the graph of aliases locked: what the row shows of others stays then, and the version tells the rest."""
    wanted = _marks(request.headers.get("If-Match", ""))
    unwanted = _marks(request.headers.get("If-None-Match", ""))
    is_stale = wanted and (row is None or not ("*" in wanted or etag_of(noun, row) in wanted))
    if is_stale or (unwanted and row is not None and ("*" in unwanted or etag_of(noun, row) in unwanted)):
        raise PreconditionFailed(_("This is no longer what you saw. Nothing was changed; look at it and try again."))
    return noun.version_of(row) if wanted and row is not None else None


def _marks(header: str) -> list[str]:
    return [mark.strip().removeprefix("W/") for mark in header.split(",") if mark.strip()]


# Idempotency-Key


def once(request: Request, answer: Callable[[], Response]) -> Response:
    """With the header Idempotency-Key, the same POST that comes again within a day gets the answer of the first. Two at
    the same moment: the second waits for the first. What was refused is not kept, since nothing was done. HouseView
    asks this for every POST."""
    key, token = request.headers.get("Idempotency-Key", ""), request.auth
    if not key or not isinstance(token, Token) or request.query_params.get("dry_run") == "true":
        return answer()
    if len(key) > LONGEST_KEY or not key.isprintable() or not key.isascii():
        raise BadQuestion(_("An Idempotency-Key is ASCII and has %(most)d characters at most.") % {"most": LONGEST_KEY})
    digest = _digest(request)
    with transaction.atomic():
        _throw_away_old()
        kept, is_new = KeptAnswer.objects.get_or_create(token=token, key=key, defaults={"request_digest": digest})
        if is_new:
            response = answer()
            kept.status, kept.body = response.status_code, json.loads(JSONRenderer().render(response.data))
            kept.headers = {name: response[name] for name in ("ETag", "Location", "Change-Set") if name in response}
            kept.save()
            return response
    if kept.request_digest != digest:
        raise KeyUsedBefore(_("This Idempotency-Key was used for another request. Take a new one."))
    return Response(kept.body, status=kept.status, headers=kept.headers | {"Idempotency-Replayed": "true"})


def _digest(request: Request) -> str:
    """With our key, since a password may stand in the request: nobody guesses it from what is stored."""
    data = request.data
    if isinstance(data, BytesIO):  # a file; in a form, each request has another boundary around it
        data = [getattr(data, "name", ""), sha256(data.getvalue()).hexdigest()]
    said = json.dumps([request.method, request.get_full_path(), data], sort_keys=True)
    return salted_hmac("api.writing.once", said, algorithm="sha256").hexdigest()


def _throw_away_old() -> None:
    old = KeptAnswer.objects.filter(created_at__lt=timezone.now() - KeptAnswer.KEPT_FOR).order_by("created_at")
    KeptAnswer.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:AT_A_TIME])).delete()
