"""Many changes together: all or none, one change set, one undo."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ChangeSet, User
from domains.models import Domain
from mailboxes.models import Mailbox
from tests.api.conftest import Api, token_for

ONBOARDING: list[dict[str, Any]] = [
    {"method": "POST", "noun": "domains", "body": {"name": "example.org"}},
    {"method": "PUT", "noun": "mailboxes", "key": "ann@example.org", "body": {"name": "Ann"}},
    {"method": "PUT", "noun": "aliases", "key": "info@example.org", "body": {"destinations": ["ann@example.org"]}},
]


def test_it_works(api: Api) -> None:
    answer = api("POST", "changes/", {"operations": ONBOARDING})
    assert answer.status == 200
    assert [one.get("name") or one["address"] for one in answer.json["results"]][0] == "example.org"
    change_set = ChangeSet.objects.get(pk=answer.json["change_set"])
    assert change_set.sentence == "Made several changes together: 3 operations"
    assert change_set.value("domain") == "example.org"
    undone = api("POST", f"history/{change_set.pk}/undo/")
    assert undone.status == 200
    assert not Domain.objects.exists()
    assert api("POST", f"history/{undone.json['change_set']}/undo/").status == 200
    assert Mailbox.objects.count() == 1


def test_again_it_changes_nothing(api: Api) -> None:
    again = [ONBOARDING[0] | {"method": "PUT", "key": "example.org", "body": {}}, *ONBOARDING[1:]]
    first = api("POST", "changes/", {"operations": again})
    second = api("POST", "changes/", {"operations": again})
    assert (second.json["change_set"], second.json["results"]) == (None, first.json["results"])
    assert second.json["results"][1]["version"] == 1


def test_one_that_changes_among_others_that_do_not(api: Api) -> None:
    api("POST", "changes/", {"operations": ONBOARDING})
    change = {"method": "PATCH", "noun": "domains", "key": "example.org", "body": {"active": False}}
    operations = [*ONBOARDING[1:], change]
    answer = api("POST", "changes/", {"operations": operations})
    assert [one["version"] for one in answer.json["results"]] == [1, 1, 2]


def test_all_that_is_wrong_is_said_and_nothing_done(api: Api) -> None:
    operations = [
        *ONBOARDING,
        {"method": "POST", "noun": "domains", "body": {"name": "no domain"}},
        {"method": "PUT", "noun": "mailboxes", "key": "x@example.org", "body": {"quota_bytes": "much"}},
        {"method": "DELETE", "noun": "aliases", "key": "nobody@example.org"},
        {"method": "PATCH", "noun": "domains", "key": "example.org", "body": {}, "if_match": '"1-7"'},
        {"method": "PUT", "noun": "aliases", "body": {}},
    ]
    answer = api("POST", "changes/", {"operations": operations})
    assert answer.status == 422
    assert set(answer.faults()) == {
        "operations.3.name",
        "operations.4.quota_bytes",
        "operations.5",
        "operations.6",
        "operations.7.key",
    }
    assert not Domain.objects.exists()


def test_a_rehearsal(api: Api) -> None:
    answer = api("POST", "changes/?dry_run=true", {"operations": ONBOARDING})
    mailboxes = [change["subject"] for change in answer.json["changes"] if change["noun"] == "mailboxes"]
    assert mailboxes == ["ann@example.org"]
    assert not Domain.objects.exists()


def test_a_password_that_is_right_already_leaves_no_version(api: Api) -> None:
    """Also beside a real change."""
    body = {"name": "Ann", "password": "eight letters or more"}
    api("PUT", "domains/example.org/", {})
    there = api("PUT", "mailboxes/ann@example.org/", body)
    operations = [
        {"method": "PUT", "noun": "mailboxes", "key": "ann@example.org", "body": body},
        {"method": "PATCH", "noun": "domains", "key": "example.org", "body": {"description": "now"}},
    ]
    done = api("POST", "changes/", {"operations": operations})
    assert (done.status, done.json["results"][0]) == (200, there.json)
    changes = api.get(f"history/{done.change_set}/")["changes"]
    assert [change["noun"] for change in changes] == ["domains"]
    operations[0]["body"] = body | {"password": "another one, longer"}
    with CaptureQueriesContext(connection) as asked:
        again = api("POST", "changes/", {"operations": operations[:1]})
    assert again.change_set
    looks = [one["sql"] for one in asked if one["sql"].startswith('SELECT "mailboxes_mailboxcredential"')]
    assert len([sql for sql in looks if sql.endswith("LIMIT 1")]) == 1, looks  # a hash is costly: compared once


def test_once_for_an_idempotency_key(api: Api) -> None:
    first = api("POST", "changes/", {"operations": ONBOARDING}, Idempotency_Key="a customer")
    assert api("POST", "changes/", {"operations": ONBOARDING}, Idempotency_Key="a customer").json == first.json


TOO_MANY = [ONBOARDING[0]] * 1001


@pytest.mark.parametrize(
    "operations",
    [[], "x", [5], [{}], [{"method": "GET", "noun": "domains"}], [{"method": "POST", "noun": "x"}], TOO_MANY],
    ids=range(7),
)
def test_what_cannot_be(api: Api, operations: Any) -> None:
    assert api("POST", "changes/", {"operations": operations}).status == 422


def test_every_scope_is_needed(alice: User) -> None:
    answer = Api(token_for(alice, "domains:write", "aliases:write"))("POST", "changes/", {"operations": ONBOARDING})
    assert answer.json["detail"] == "This token lacks the scope mailboxes:write."
    assert not Domain.objects.exists()


def test_a_domain_admin_within_the_own_domain(bob_api: Api) -> None:
    own = {"method": "PUT", "noun": "mailboxes", "key": "new@falcot.org", "body": {}}
    answer = bob_api("POST", "changes/", {"operations": [own]})
    assert bob_api("POST", f"history/{answer.json['change_set']}/undo/").status == 200
    for other in (
        {"method": "PUT", "noun": "domains", "key": "new.example", "body": {}},
        {"method": "PUT", "noun": "transports", "key": "*", "body": {"result": "smtp:"}},
    ):
        assert bob_api("POST", "changes/", {"operations": [own, other]}).status == 422
    assert not Mailbox.objects.filter(address__local_part="new").exists()


def test_an_alias_domain_comes_and_goes_with_its_target(api: Api) -> None:
    """Both ways an undo keeps the order that one needs the other in."""
    body = {"address_class": "alias_domain", "target": "example.org"}
    both = [
        {"method": "PUT", "noun": "domains", "key": "example.org"},
        {"method": "PUT", "noun": "domains", "key": "example.net", "body": body},
    ]
    added = api("POST", "changes/", {"operations": both}).json["change_set"]
    taken_back = api("POST", f"history/{added}/undo/").json["change_set"]
    assert not Domain.objects.exists()
    assert api("POST", f"history/{taken_back}/undo/").status == 200
    gone = [{"method": "DELETE", "noun": "domains", "key": key} for key in ("example.net", "example.org")]
    deleted = api("POST", "changes/", {"operations": gone}).json["change_set"]
    assert api("POST", f"history/{deleted}/undo/").status == 200
    assert Domain.objects.get(name="example.net").target.name == "example.org"  # type: ignore[union-attr]
