"""The pages of access rules: a rule that is not found now says so, and when it is."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from domains.models import Domain
from mailboxes.times import read_time
from restrictions.access_services import add_rule
from tests.api.conftest import Api, token_for
from tests.plugins.example_mail import TESTER
from tests.plugins.people import words_of

BASE = "/restrictions/access/tables/sender/"
PAST = "has ended already (2 January 2001, 00:00 UTC): Postfix does not find it."


@pytest.fixture
def rules(falcot: Domain) -> None:
    early, late = read_time("2001-01-02"), read_time("2997-01-02")
    for domain in (None, falcot):
        for key, starts_at, ends_at in (
            ("now.example", early, late),
            ("past.example", None, early),
            ("soon.example", late, None),
            ("off.example", None, None),
        ):
            values: dict[str, Any] = {"starts_at": starts_at, "ends_at": ends_at, "active": key != "off.example"}
            add_rule("sender", key, "HOLD", domain=domain, by=TESTER, **values)


@pytest.mark.parametrize("url", [BASE, "/domains/falcot.org/restrictions/"])
def test_the_list_says_when_a_rule_is_found(alice_client: Client, rules: None, url: str) -> None:
    words = words_of(alice_client.get(url))
    for key, said in {
        "now.example": "from 2 January 2001, 00:00 UTC until 2 January 2997, 00:00 UTC Active",
        "past.example": "until 2 January 2001, 00:00 UTC Ended",
        "soon.example": "from 2 January 2997, 00:00 UTC Not begun",
        "off.example": "Inactive",
    }.items():
        row = words.partition(f"{key} HOLD ")[2].partition(".example")[0]
        assert said in row


@pytest.mark.parametrize(
    ("state", "shown"), [("active", "now"), ("inactive", "off"), ("not_begun", "soon"), ("ended", "past")]
)
def test_the_list_of_one_state(alice_client: Client, rules: None, state: str, shown: str) -> None:
    rows = alice_client.get(BASE, {"state": state}).context["page"].rows
    assert [rule.key for rule in rows] == [f"{shown}.example"]


def test_who_types_an_end_that_is_past_is_told(alice_client: Client, rules: None) -> None:
    typed = {"key": "late.example", "action": "HOLD", "active": "on", "ends_at": "2001-01-02T00:00"}
    words = words_of(alice_client.post(f"{BASE}add/", typed, follow=True))
    assert f"late.example {PAST}" in words
    assert "It works at once" not in words
    rule = alice_client.get(BASE, {"q": "late"}).context["page"].rows[0]
    words = words_of(alice_client.get(rule.get_absolute_url()))
    assert "Endeduntil 2 January 2001, 00:00 UTC" in words
    saved = alice_client.post(rule.get_absolute_url(), typed | {"version": "1"}, follow=True)
    assert f"late.example {PAST}" in words_of(saved)


def test_the_api_says_its_state(alice: User, rules: None) -> None:
    rows = Api(token_for(alice)).get("access-rules/")["results"]
    shown = {row["key"].partition(".")[0]: row["state"] for row in rows}
    assert shown == {"now": "active", "off": "inactive", "past": "ended", "soon": "not_begun"}
