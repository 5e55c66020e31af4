"""The page that describes the API, made from what programs read: no script, nothing from elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.pages import PersonRequest, person_required
from api.schema import description

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Described:
    """A parameter, or a field of what is sent or answered."""

    name: str
    kind: str
    words: str
    is_required: bool


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    summary: str
    words: str
    parameters: list[Described]
    sent: list[Described]
    answered: list[Described]


@person_required
@require_safe
def docs(request: PersonRequest) -> HttpResponse:
    schema = description()
    chapters: dict[str, list[Operation]] = {}
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if method in methods:
                operation = _operation(method, path, methods[method], schema)
                chapters.setdefault(methods[method]["tags"][0], []).append(operation)
    return render(request, "api/docs.html", {"chapters": chapters.items()})


def _operation(method: str, path: str, described: Mapping[str, Any], schema: Mapping[str, Any]) -> Operation:
    answers = described["responses"]
    good: Mapping[str, Any] = next((answers[status] for status in ("200", "201", "202") if status in answers), {})
    return Operation(
        method=method.upper(),
        path=path,
        summary=described.get("summary", ""),
        words=described.get("description", ""),
        parameters=[
            Described(one["name"], _kind(one["schema"]), one.get("description", ""), one.get("required", False))
            for one in described.get("parameters", ())
        ],
        sent=_fields(_json_of(described.get("requestBody", {})), schema),
        answered=_fields(_json_of(good), schema) if method == "get" else [],
    )


def _json_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = body.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _fields(shape: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Described]:
    whole = _resolved(shape, schema)
    if "results" in whole.get("properties", {}):  # a page of a list
        whole = _resolved(whole["properties"]["results"]["items"], schema)
    required = set(whole.get("required", ()))
    return [
        Described(name, _kind(_resolved(one, schema)), one.get("description", ""), name in required)
        for name, one in whole.get("properties", {}).items()
    ]


def _resolved(shape: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = shape.get("$ref", "")
    return schema["components"]["schemas"][reference.rpartition("/")[2]] if reference else shape


def _kind(shape: Mapping[str, Any]) -> str:
    """The type as JSON has it, with what it may be."""
    kinds = shape.get("type", "object")
    words = " | ".join(kinds if isinstance(kinds, list) else [kinds])
    if shape.get("format"):
        words += f" ({shape['format']})"
    if shape.get("enum"):
        words += ": " + ", ".join(str(one) for one in shape["enum"] if one is not None)
    return words
