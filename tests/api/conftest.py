"""A program that speaks to the API: each answer is held against the description that the API gives of itself."""

import json
import re
from functools import cache
from typing import Any, NamedTuple

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from accounts.actors import Actor, Door
from accounts.models import User
from api.schema import description
from api.scopes import ALL
from api.services import add_token
from tests.plugins.household import text_of

ROOT = "/api/v1/"
OUR_HEADERS = ["ETag", "Location", "Change-Set", "Remark", "Idempotency-Replayed", "Retry-After", "WWW-Authenticate"]


class Answer(NamedTuple):
    """What came back: status, JSON, headers."""

    status: int
    json: Any
    headers: Any

    @property
    def change_set(self) -> str | None:
        found: str | None = self.headers.get("Change-Set")
        return found

    def faults(self) -> dict[str, str]:
        """Field -> code, of a problem."""
        return {one["field"]: one["code"] for one in self.json["errors"]}


@cache
def templates() -> list[tuple[re.Pattern[str], str]]:
    """Those without a variable first, then the longest: /history/{id}/undo/ before /history/{id}/."""
    paths = sorted(description()["paths"], key=lambda path: ("{" in path, -len(path)))
    return [(re.compile(re.sub(r"\\{\w+\\}", ".+", re.escape(path)), re.DOTALL), path) for path in paths]


def check_answer(method: str, path: str, response: Any) -> None:
    """The status is documented, and the body is what the description says."""
    template = next((template for shape, template in templates() if shape.fullmatch(path)), None)
    if template is None:
        assert response.status_code in (401, 404), f"{method} {path} is not described."
        return
    operation = description()["paths"][template].get(method.lower())
    if operation is None:
        assert response.status_code in (401, 403, 404, 405), f"{method} {template} is not described."
        return
    answers = operation["responses"]
    assert str(response.status_code) in answers, f"{method} {template} does not describe {response.status_code}."
    answered = answers[str(response.status_code)]
    undescribed = [name for name in OUR_HEADERS if name in response and name not in answered.get("headers", {})]
    assert not undescribed, f"{method} {template} does not describe {undescribed} of {response.status_code}."
    content = answered.get("content", {})
    if response.streaming or not response.content:
        return
    media_type = response["Content-Type"].partition(";")[0]
    assert media_type in content, f"{method} {template} does not describe {media_type}: {response.content[:500]}"
    schema = {**content[media_type]["schema"], "components": description()["components"]}
    faults = [error.message for error in Draft202012Validator(schema).iter_errors(response.json())]
    assert not faults, f"{method} {path}: {faults}\n{response.content[:1000]}"


def body_of(response: Any) -> Any:
    content = text_of(response)
    is_json = "json" in response.headers.get("Content-Type", "")
    return (json.loads(content) if is_json else content) if content else None


class Api:
    """Speaks with one token, or with none."""

    def __init__(self, token: str = "", **headers: str) -> None:
        self.client, self.headers = Client(), headers
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """`path` is below /api/v1/; header names have _ for -."""
        url = path if path.startswith(("/", "http")) else ROOT + path
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        options: dict[str, Any] = {"headers": sent}
        if body is not None:
            options |= {
                "data": body if isinstance(body, bytes) else json.dumps(body),
                "content_type": sent.pop("Content-Type", "application/json"),
            }
        response: Any = self.client.generic(method, url, **options)
        check_answer(method, response.wsgi_request.path, response)
        return Answer(response.status_code, body_of(response), response.headers)

    def get(self, path: str, **headers: str) -> Any:
        answer = self("GET", path, **headers)
        assert answer.status == 200, answer
        return answer.json


def token_for(user: User, *scopes: str, name: str = "test", **limits: Any) -> str:
    token, text = add_token(user, name, scopes=scopes or ALL, by=Actor(user=user, door=Door.PAGE), **limits)
    return text


@pytest.fixture
def api(alice: User) -> Api:
    """Alice, a superuser, with every scope."""
    return Api(token_for(alice))


@pytest.fixture
def bob_api(bob: User) -> Api:
    """Bob, domain admin of falcot.org."""
    return Api(token_for(bob))
