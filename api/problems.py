"""What is wrong, as RFC 9457 has it: sentences for people, and codes for programs."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, RequestDataTooBig, ValidationError
from django.db import IntegrityError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import APIException, ErrorDetail, NotFound, Throttled
from rest_framework.response import Response
from rest_framework.views import set_rollback

MEDIA_TYPE = "application/problem+json"
STATUS_OF_CODE = {"changed_meanwhile": HTTPStatus.PRECONDITION_FAILED, "deleted_meanwhile": HTTPStatus.NOT_FOUND}

Problem = dict[str, Any]


class PreconditionFailed(APIException):
    status_code = HTTPStatus.PRECONDITION_FAILED
    default_code = "precondition_failed"


class BadQuestion(APIException):
    """Something is wrong with the URL's query."""

    status_code = HTTPStatus.BAD_REQUEST
    default_code = "bad_question"


class TooLarge(APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class KeyUsedBefore(APIException):
    status_code = HTTPStatus.CONFLICT
    default_code = "idempotency_key_used"


class Refused(Exception):
    """A service refused: what it said, by the fields that the client knows."""

    def __init__(self, errors: list[Problem], status: int = HTTPStatus.UNPROCESSABLE_ENTITY) -> None:
        super().__init__()
        self.errors, self.status = errors, status


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)
    status = serializers.IntegerField(read_only=True)
    detail = serializers.CharField(read_only=True)
    errors = serializers.ListField(child=serializers.DictField(), read_only=True)


def answer_problem(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER. None for a fault of our own: Django writes it to the log."""
    found = what_is_wrong(error)
    if found is None:
        return None
    status, errors = found
    headers = _headers_of(error) if isinstance(error, APIException) else {}
    set_rollback()
    return Response(problem(status, errors), status=status, headers=headers, content_type=MEDIA_TYPE)


def what_is_wrong(error: Exception) -> tuple[int, list[Problem]] | None:
    """The status and the errors of an answer."""
    if isinstance(error, Http404):
        error = NotFound()
    if isinstance(error, Refused):
        return error.status, error.errors
    if isinstance(error, ValidationError):
        return status_of(error), list(errors_of(error))
    if isinstance(error, serializers.ValidationError):
        return HTTPStatus.UNPROCESSABLE_ENTITY, list(_flat(error.detail))
    if isinstance(error, IntegrityError):
        # Services speak before the database does; this is two that came at the same moment.
        sentence = _("Somebody else changed what this needs at the same moment. Nothing was saved; try again.")
        return HTTPStatus.CONFLICT, [_error("", "conflict", sentence)]
    if isinstance(error, RequestDataTooBig):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, [_error("", "too_large", _too_large())]
    if isinstance(error, APIException):
        return error.status_code, [_error("", _code_of(error), _sentence_of(error))]
    return None


def problem(status: int, errors: list[Problem]) -> Problem:
    sentences = dict.fromkeys(str(one["message"]) for one in errors)
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": " ".join(sentences),
        "errors": errors,
    }


def status_of(error: ValidationError) -> int:
    codes = {one["code"] for one in errors_of(error)}
    return next((status for code, status in STATUS_OF_CODE.items() if code in codes), HTTPStatus.UNPROCESSABLE_ENTITY)


def errors_of(error: ValidationError, names: Mapping[str, str] | None = None) -> Iterator[Problem]:
    """What a service or a model said. `names` gives the field of the API for a field of theirs."""
    by_field = error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.error_list}
    for name, found in by_field.items():
        field = "" if name == NON_FIELD_ERRORS else (names or {}).get(name, name)
        for one in found:
            for sentence in one.messages:
                yield _error(field, one.code or "refused", sentence, one.params)


def _flat(detail: Any, path: str = "") -> Iterator[Problem]:
    """What a serializer said, nested as the JSON was."""
    if isinstance(detail, Mapping):
        for name, one in detail.items():
            below = "" if name == "non_field_errors" else str(name)
            yield from _flat(one, ".".join(filter(None, (path, below))))
    elif isinstance(detail, list):
        for number, one in enumerate(detail):
            is_sentence = isinstance(one, ErrorDetail)
            yield from _flat(one, path if is_sentence else f"{path}.{number}")
    else:
        yield _error(path, getattr(detail, "code", "invalid"), str(detail))


def _error(field: str, code: str, message: str, params: Mapping[str, Any] | None = None) -> Problem:
    """Nothing that a password may stand in: params name limits and names, never the value of a secret."""
    said = {name: value if isinstance(value, int | bool) else str(value) for name, value in (params or {}).items()}
    for name in ("model", "model_class", "instance", "unique_check", "value"):
        said.pop(name, None)
    return {"field": field, "code": code, "message": message, "params": said}


def _code_of(error: APIException) -> str:
    code = error.get_codes()
    return code if isinstance(code, str) else error.default_code


def _sentence_of(error: APIException) -> str:
    if isinstance(error, Throttled):
        return _("Too many requests. Wait %(seconds)d seconds.") % {"seconds": max(1, round(error.wait or 1))}
    if isinstance(error, NotFound):
        return _("There is nothing here, or it is not yours to see.")
    return str(error.detail)


def _headers_of(error: APIException) -> dict[str, str]:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if isinstance(error, Throttled):
        headers["Retry-After"] = str(max(1, round(error.wait or 1)))
    return headers


def _too_large() -> str:
    return _("A request may hold 2 MB. Nothing was changed. Send it in smaller parts.")
