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
