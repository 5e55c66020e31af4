"""Two requests at the same moment, each with a connection of its own."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import User
from accounts.services import add_user
from domains.models import Domain
from tests.api.conftest import Answer, Api, token_for
from tests.plugins.example_mail import TESTER


@pytest.fixture
def token(transactional_db: None) -> str:
    user: User = add_user("ada", is_superuser=True, by=TESTER)
    return token_for(user)


def both(*calls: tuple[str, str, dict[str, object], dict[str, str]], token: str) -> list[Answer]:
    def one(call: tuple[str, str, dict[str, object], dict[str, str]]) -> Answer:
        try:
            method, path, body, headers = call
            return Api(token)(method, path, body, **headers)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_the_same_post_twice(token: str) -> None:
    call: tuple[str, str, dict[str, object], dict[str, str]]
    call = ("POST", "domains/", {"name": "example.org"}, {"Idempotency_Key": "one"})
    first, second = both(call, call, token=token)
    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    assert Domain.objects.count() == 1


def test_the_same_put_twice(token: str) -> None:
    call: tuple[str, str, dict[str, object], dict[str, str]] = ("PUT", "domains/example.org/", {}, {})
    first, second = both(call, call, token=token)
    assert {first.status, second.status} <= {200, 201}
    assert first.json == second.json
    assert Domain.objects.count() == 1


TWO: dict[str, list[dict[str, object]]] = {
    "domains/example.org/": [{"description": "one"}, {"description": "two"}],
    "mailboxes/ann@example.org/": [{"name": "one"}, {"name": "two"}],
    "aliases/info@example.org/": [{"destinations": [f"{name}@elsewhere.example"]} for name in ("one", "two")],
    "transports/example.net/": [{"result": f"smtp:[{name}.example.net]"} for name in ("one", "two")],
    "mail-settings/": [{"quarantine_days": 1}, {"quarantine_days": 2}],
}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("path", TWO)
def test_of_two_that_saw_the_same_one_is_told(path: str, method: str, token: str) -> None:
    """With If-Match nothing is overwritten that its sender has not seen: one is saved, the other hears 412."""
    api = Api(token)
    api("PUT", "domains/example.org/", {})
    there: dict[str, object] = {"aliases": {"destinations": ["x@elsewhere.example"]}, "transports": {"result": "smtp:"}}
    seen = api("PUT", path, there.get(path.partition("/")[0], {})).headers["ETag"]
    answers = both(*((method, path, body, {"If_Match": seen}) for body in TWO[path]), token=token)
    assert sorted(answer.status for answer in answers) == [200, 412]
    (saved,) = (answer for answer in answers if answer.status == 200)
    now = api("GET", path)
    assert now.json == saved.json
    assert now.headers["ETag"] == saved.headers["ETag"] != seen
