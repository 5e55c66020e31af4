"""What came over from another panel, through the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from takeover.models import ForeignLogEntry, Takeover
from tests.api.conftest import Api, token_for
from tests.plugins import household as people
from tests.plugins.household import DOMAIN_ADMIN, SEED, SUPERUSER


@pytest.fixture
def house(db: None) -> dict[str, object]:
    return people.move_in()


def api_of(person: str, **limits: Any) -> Api:
    user = people.user_of(person)
    assert user is not None
    return Api(token_for(user, **limits))


def test_a_takeover(house: dict[str, object]) -> None:
    api = api_of(SUPERUSER)
    (one,) = api.get("takeovers/")["results"]
    shown = api.get(f"takeovers/{one['id']}/")
    assert shown["counts"] == {"mailboxes": {"new": 3, "there": 0, "left_out": 0}}
    assert [said["code"] for said in shown["remarks"]] == ["unsalted"]
    assert shown["left_out"] == []
    assert shown["kept"] == []
    Takeover.objects.update(kept=[{"thing": "smtpd_sender_restrictions", "code": "came", "why": ""}])
    (said,) = api.get(f"takeovers/{one['id']}/")["kept"]
    assert (said["code"], said["sentence"]) == ("came", "smtpd_sender_restrictions came in.")
    assert api("GET", "takeovers/999999/").status == 404


def test_what_is_kept_without_its_secrets(house: dict[str, object]) -> None:
    api = api_of(SUPERUSER)
    rows = api.get("takeovers/kept/?count=exact")
    assert rows["count"] == len(rows["results"]) == 5
    assert SEED not in str(rows)
    by_kind = {row["kind"]: row for row in rows["results"] if row["domain"] != "foreign.example"}
    assert by_kind["vacation"]["details"] == {"subject": "Away", "body": "Not here."}
    assert (by_kind["fetchmail"]["subject"], by_kind["fetchmail"]["has_secret"]) == ("jean@falcot.org", True)
    assert (by_kind["totp"]["details"], by_kind["totp"]["has_secret"]) == ({}, True)
    assert [row["kind"] for row in api.get("takeovers/kept/?kind=totp&domain=falcot.org")["results"]] == ["totp"]
    assert api("GET", "takeovers/kept/?kind=nothing").status == 400
    first = api.get("takeovers/kept/?limit=2")
    second = api.get(first["next"].removeprefix("http://testserver"))
    assert first["results"] + second["results"] == rows["results"][:4]


@pytest.mark.parametrize("limits", [{}, {"domains": ["falcot.org"]}], ids=["admin", "token"])
def test_only_of_the_own_domains(house: dict[str, object], limits: dict[str, Any]) -> None:
    api = api_of(SUPERUSER if limits else DOMAIN_ADMIN, **limits)
    assert {row["domain"] for row in api.get("takeovers/kept/")["results"]} == {"falcot.org"}


def test_the_log_with_pages_and_filters(house: dict[str, object]) -> None:
    ForeignLogEntry.objects.all().delete()
    begin = timezone.now() - timedelta(days=2)
    ForeignLogEntry.objects.bulk_create(
        ForeignLogEntry(
            source="sqlite:///pfa.db",
            key=str(number),
            at=begin + timedelta(minutes=number),
            domain_name="falcot.org" if number % 2 else "foreign.example",
            action="edit_alias",
            what=f"line {number}",
        )
        for number in range(60)
    )
    api = api_of(SUPERUSER)
    page = api.get("history/before/")
    assert [page["results"][0]["what"], len(page["results"])] == ["line 59", 50]
    assert api.get(page["next"].removeprefix("http://testserver"))["results"][-1]["what"] == "line 0"
    assert len(api.get("history/before/?domain=FALCOT.org")["results"]) == 30
    since, until = (begin + timedelta(minutes=number) for number in (10, 20))
    question = f"since={since:%Y-%m-%dT%H:%M:%S.%fZ}&until={until:%Y-%m-%dT%H:%M:%S.%fZ}&ordering=at"
    found = api.get(f"history/before/?{question}")["results"]
    assert [line["what"] for line in found] == [f"line {number}" for number in range(10, 20)]
    assert api("GET", "history/before/?since=yesterday").status == 400
    assert len(api_of(DOMAIN_ADMIN).get("history/before/")["results"]) == 30
