"""Many changes together: all of them or none, and one change set that can be undone."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor
from accounts.history import recorded
from accounts.models import User
from api import views
from api.access import actor_of, need_scope
from api.fields import Text
from api.noun import Noun, plain
from api.nouns import BY_SLUG
from api.problems import PreconditionFailed, Problem, Refused, what_is_wrong
from api.scopes import WRITE
from api.views import HouseView
from api.writing import carry_out, etag_of
from mailboxes.destinations import lock_alias_graph

MOST = 1000
COUNTERS = ("version", "changed_at")


class OperationSerializer(serializers.Serializer[Any]):
    """One request, as it would be sent to the URL of its noun."""

    method = serializers.ChoiceField(choices=["POST", "PUT", "PATCH", "DELETE"])
    noun = serializers.ChoiceField(
        choices=[
            slug for slug, noun in BY_SLUG.items() if not (noun.is_single or noun.is_read_only or noun.is_only_deleted)
        ]
    )
    key = Text(required=False, help_text=gettext_lazy("As in the URL, but not encoded; a POST has none."))
    body = serializers.DictField(required=False, help_text=gettext_lazy("What would be sent."))
    if_match = Text(required=False, help_text=gettext_lazy("The ETag of what was seen."))


class ChangesSerializer(serializers.Serializer[Any]):
    operations = serializers.ListField(child=OperationSerializer(), min_length=1, max_length=MOST)


class ChangesDoneSerializer(serializers.Serializer[Any]):
    change_set = serializers.UUIDField(read_only=True, allow_null=True)
    results = serializers.ListField(child=serializers.DictField(allow_null=True), read_only=True)


class Changes(HouseView):
    tag = "changes"
    described = {
        "POST": {
            "operation": "make_changes",
            "summary": gettext_lazy("Make many changes together: all of them or none"),
            "request": ChangesSerializer,
            "answers": {200: ChangesDoneSerializer},
            "is_in_main_cf": True,
        }
    }

    def post(self, request: Request) -> Response:
        sent = ChangesSerializer(data=plain(request.data))
        sent.is_valid(raise_exception=True)
        operations, by = sent.validated_data["operations"], actor_of(request)
        for operation in operations:
            need_scope(request, BY_SLUG[operation["noun"]].resource, WRITE)

        main_cf = dict.fromkeys(part for one in operations for part in BY_SLUG[one["noun"]].main_cf)
        response = carry_out(request, lambda: make(operations, by), Response, may_be_nothing=True, main_cf=main_cf)
        if "dry_run" not in response.data:
            response.data = {"change_set": response.get("Change-Set"), "results": response.data}
        return response


def make(operations: list[dict[str, Any]], by: Actor) -> list[Any]:
    """What each operation leaves: the thing, or None where it was deleted. If one is refused, nothing is done, and what
    is wrong with each of them is said: 412 if no more is wrong than that others were quicker."""
    results: list[Any] = []
    faults: list[Problem] = []
    statuses: set[int] = set()
    with recorded("change", "several", _label(operations), domain=_only_domain(operations), by=by):
        lock_alias_graph()
        for number, operation in enumerate(operations):
            try:
                with transaction.atomic():
                    results.append(_make_one(operation, by))
            except (Refused, ValidationError, APIException) as error:
                status, errors = what_is_wrong(error) or (500, [])
                faults += _at(f"operations.{number}", errors)
                statuses.add(status)
        if faults:
            is_stale = statuses == {HTTPStatus.PRECONDITION_FAILED}
            raise Refused(faults, HTTPStatus.PRECONDITION_FAILED if is_stale else HTTPStatus.UNPROCESSABLE_ENTITY)
    return results


def _at(place: str, errors: list[Problem]) -> list[Problem]:
    return [one | {"field": f"{place}.{one['field']}".rstrip(".")} for one in errors]


def _make_one(operation: dict[str, Any], by: Actor) -> Any:
    noun, user, body = BY_SLUG[operation["noun"]], views.acting(by), operation.get("body", {})
    if noun.only_superusers and not user.is_superuser:
        raise ValidationError({"noun": ValidationError(_("Only a superuser changes this."), code="forbidden")})
    if operation["method"] == "POST":
        return _shown(noun, user, views.add(noun, body, by))
    if "key" not in operation:
        raise ValidationError({"key": ValidationError(_("This cannot be empty."), code="required")})
    key = operation["key"]
    row = views.known(noun, user, key) if operation["method"] == "PUT" else views.found(noun, user, key)
    wanted = operation.get("if_match")
    if wanted and (row is None or etag_of(noun, row) != wanted):
        raise PreconditionFailed(_("This is no longer what you saw. Nothing was changed; look at it and try again."))
    version = noun.version_of(row) if wanted else None
    if operation["method"] == "DELETE":
        views.delete(noun, row, version, by)
        return None
    if operation["method"] == "PATCH" and not noun.can_change:
        raise ValidationError({"method": _("There is nothing to change about this: add it or delete it.")})
    before = noun.shown(row) if row is not None else None
    with transaction.atomic():
        if operation["method"] == "PUT":
            made = views.put(noun, key, row, body, version, by)
        else:
            made = views.change(noun, row, body, version, by)
        after = _shown(noun, user, made.row)
        if before is not None and not made.has_new_password and _is_same(before, after):
            transaction.set_rollback(True)
            return before
    return after


def _shown(noun: Noun, user: User, row: Any) -> Any:
    return noun.shown(noun.rows(user).get(pk=row.pk))


def _is_same(before: dict[str, Any], after: dict[str, Any]) -> bool:
    return all(before[name] == after[name] for name in before if name not in COUNTERS)


def _label(operations: list[dict[str, Any]]) -> str:
    sentence = ngettext("%(number)d operation", "%(number)d operations", len(operations))
    return sentence % {"number": len(operations)}


def _only_domain(operations: list[dict[str, Any]]) -> str:
    """The domain that all of them are about, so that its domain admins see this in its history; "" for several."""
    found = set()
    for operation in operations:
        noun, body = BY_SLUG[operation["noun"]], operation.get("body", {})
        key = operation.get("key") or body.get("address") or body.get("name") or ""
        try:
            found.add(noun.domain_of(key) if isinstance(key, str) else "")
        except ValidationError:
            found.add("")
    return found.pop() if len(found) == 1 else ""
