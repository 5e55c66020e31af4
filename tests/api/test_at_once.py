"""Two requests at the same moment, each with a connection of its own."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from accounts.models import User
from accounts.services import add_user
from api.nouns import BY_SLUG, NOUNS
from domains.models import Domain
from tests.api.conftest import Answer, Api, token_for
from tests.api.test_nouns import EXAMPLES, furnish, put_body
from tests.plugins.example_mail import TESTER


@pytest.fixture
def token(transactional_db: None) -> str:
    user: User = add_user("ada", is_superuser=True, by=TESTER)
    return token_for(user)


Call = tuple[str, str, dict[str, Any] | None, dict[str, str]]


def both(*calls: Call, token: str) -> list[Answer]:
    def one(call: Call) -> Answer:
        try:
            method, path, body, headers = call
            return Api(token)(method, path, body, **headers)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_the_same_post_twice(token: str) -> None:
    call: Call = ("POST", "domains/", {"name": "example.org"}, {"Idempotency_Key": "one"})
    first, second = both(call, call, token=token)
    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    assert Domain.objects.count() == 1


def test_the_same_put_twice(token: str) -> None:
    call: Call = ("PUT", "domains/example.org/", {}, {})
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


@pytest.fixture
def world(transactional_db: None, falcot: Domain, charlie: User) -> None:
    furnish(falcot)


def place(slug: str, key: str) -> str:
    return f"{slug}/{quote(key, safe='')}/"


def written() -> list[str]:
    """Every noun that can be written: EXAMPLES has them all (test_every_noun_has_an_example)."""
    return [noun.slug for noun in NOUNS if not (noun.is_read_only or noun.is_only_deleted or noun.is_single)]


@pytest.mark.parametrize("slug", written())
class TestEveryNoun:
    """Whoever says what they saw overwrites nothing else, whatever the noun is."""

    def test_of_two_that_want_a_new_one_one_is_told(self, world: None, slug: str, token: str) -> None:
        call = ("PUT", place(slug, EXAMPLES[slug].key), put_body(slug), {"If_None_Match": "*"})
        assert sorted(answer.status for answer in both(call, call, token=token)) == [201, 412]

    def test_of_two_that_saw_the_same_one_is_told(self, world: None, slug: str, token: str) -> None:
        """Both put it back to what it was before a change; a pair of names is only ever there or not."""
        path, seen = self.changed(slug, token)
        put = ("PUT", path, put_body(slug), {"If_Match": seen})
        answers = both(put, put, token=token)
        if not BY_SLUG[slug].can_change:
            assert [answer.status for answer in answers] == [200, 200]
            return
        assert sorted(answer.status for answer in answers) == [200, 412]
        (saved,) = (answer for answer in answers if answer.status == 200)
        now = Api(token)("GET", path)
        assert (now.json, now.headers["ETag"]) == (saved.json, saved.headers["ETag"])
        assert now.headers["ETag"] != seen

    def test_what_was_changed_meanwhile_is_not_deleted(self, world: None, slug: str, token: str) -> None:
        path, seen = self.changed(slug, token)
        put, delete = ("PUT", path, put_body(slug), {"If_Match": seen}), ("DELETE", path, None, {"If_Match": seen})
        answers = both(put, delete, token=token)
        codes = [answer.status for answer in answers]
        if not BY_SLUG[slug].can_change:
            assert codes in ([200, 204], [412, 204], [404, 204])
            return
        assert codes in ([200, 412], [412, 204], [404, 204])
        assert Api(token)("GET", path).status == (200 if codes[0] == 200 else 404)

    def changed(self, slug: str, token: str) -> tuple[str, str]:
        """Where it is after a change, and its ETag then."""
        api = Api(token)
        added = api("POST", f"{slug}/", EXAMPLES[slug].added)
        assert added.status == 201, added
        if not BY_SLUG[slug].can_change:
            return place(slug, EXAMPLES[slug].key), added.headers["ETag"]
        changed = api("PATCH", place(slug, EXAMPLES[slug].key), EXAMPLES[slug].changes)
        values = {name: changed.json[name] for name in BY_SLUG[slug].key_values(EXAMPLES[slug].key)}
        return place(slug, "/".join(map(str, values.values()))), changed.headers["ETag"]


@pytest.mark.parametrize("slug", ["people", "mailboxes"])
def test_of_two_new_passwords_one_is_refused(world: None, slug: str, token: str) -> None:
    """A password is never shown, and yet nobody overwrites one that they have not heard of."""
    path = place(slug, EXAMPLES[slug].key)
    seen = Api(token)("POST", f"{slug}/", EXAMPLES[slug].added).headers["ETag"]
    calls: list[Call] = [
        ("PATCH", path, {"password": f"{word} by the sea"}, {"If_Match": seen}) for word in ("holidays", "weekends")
    ]
    assert sorted(answer.status for answer in both(*calls, token=token)) == [200, 412]


def test_within_many_changes_too(world: None, token: str) -> None:
    api = Api(token)
    seen = api("PUT", "people/claire/", {}).headers["ETag"]

    def call(name: str) -> Call:
        operation = {"method": "PATCH", "noun": "people", "key": "claire", "body": {"name": name}, "if_match": seen}
        return "POST", "changes/", {"operations": [operation]}, {}

    assert sorted(answer.status for answer in both(call("one"), call("two"), token=token)) == [200, 412]


def test_a_destination_that_is_renamed_meanwhile(token: str) -> None:
    """The alias is locked with all that it shows of others: never is one overwritten that its sender has not seen."""
    api = Api(token)
    api("PUT", "domains/example.org/", {})
    api("PUT", "mailboxes/ann@example.org/", {})
    seen = api("PUT", "aliases/info@example.org/", {"destinations": ["ann@example.org"]}).headers["ETag"]
    rename: Call = ("PATCH", "mailboxes/ann@example.org/", {"address": "bea@example.org", "keep_old": True}, {})
    change: Call = ("PATCH", "aliases/info@example.org/", {"comment": "seen"}, {"If_Match": seen})
    renamed, changed = both(rename, change, token=token)
    assert renamed.status == 200
    if changed.status == 200:
        assert changed.json["destinations"] == ["ann@example.org"]
    else:
        assert (changed.status, api("GET", "aliases/info@example.org/").json["comment"]) == (412, "")
