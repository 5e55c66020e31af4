"""Comparisons on their pages and in the API: progress, differences, explanations."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from takeover.models import Comparison, ComparisonDifference
from tests.api.conftest import Api, api  # noqa: F401
from tests.plugins.people import words_of


@pytest.fixture
def running(db: None) -> Comparison:
    return Comparison.objects.create(old="/etc/postfix", new="/srv/new", host="mx", who="root", done=30, total=120)


def test_none_yet(alice_client: Client) -> None:
    assert "Run compare_maps OLD_DIR NEW_DIR on the mail host." in words_of(
        alice_client.get("/mail-servers/comparisons/")
    )


def test_how_far_it_is(alice_client: Client, running: Comparison) -> None:
    response = alice_client.get(f"/mail-servers/comparisons/{running.pk}/")
    assert "Running 30 of 120 asked" in words_of(response)
    assert 'hx-trigger="every 2s"' in response.content.decode()
    assert "30 of 120" in words_of(alice_client.get("/mail-servers/comparisons/"))


def test_with_htmx_only_what_changes_comes(alice_client: Client, running: Comparison) -> None:
    response = alice_client.get(f"/mail-servers/comparisons/{running.pk}/", HTTP_HX_REQUEST="true")
    assert words_of(response).startswith("Running 30 of 120 asked")
    assert "<html" not in response.content.decode()


def test_a_command_that_is_gone(alice_client: Client, running: Comparison) -> None:
    Comparison.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    response = alice_client.get(f"/mail-servers/comparisons/{running.pk}/")
    assert "The command gave no sign of life for some minutes." in words_of(response)
    assert "hx-trigger" not in response.content.decode()


def test_what_was_found(alice_client: Client, running: Comparison) -> None:
    Comparison.objects.update(state="done", done=120, differences=60, explained={"by_another_way": 7})
    ComparisonDifference.objects.bulk_create(
        ComparisonDifference(
            comparison=running, about="recipient", key=f"a{number:02}@b.example", old="x", new="refused"
        )
        for number in range(60)
    )
    url = f"/mail-servers/comparisons/{running.pk}/"
    words = words_of(alice_client.get(url))
    assert "60 differences" in words
    assert "by_another_way The maps say it in other words" in words
    assert "a49@b.example mail to it x refused" in words
    assert "a50@b.example" not in words
    last = ComparisonDifference.objects.get(key="a49@b.example")
    assert "a50@b.example" in words_of(alice_client.get(f"{url}?after={last.pk}"))


def test_no_difference(alice_client: Client, running: Comparison) -> None:
    Comparison.objects.update(state="done")
    words = words_of(alice_client.get(f"/mail-servers/comparisons/{running.pk}/"))
    assert "Both sides say the same about every key that either of them knows." in words


def test_what_failed_says_why(alice_client: Client, running: Comparison) -> None:
    Comparison.objects.update(state="failed", error="There is no main.cf in /nowhere.")
    words = words_of(alice_client.get(f"/mail-servers/comparisons/{running.pk}/"))
    assert "It failed. There is no main.cf in /nowhere." in words


def test_by_the_api(api: Api, running: Comparison, alice: User) -> None:  # noqa: F811
    ComparisonDifference.objects.create(comparison=running, about="recipient", key="a@b.example", old="x", new="")
    (listed,) = api.get("comparisons/")["results"]
    assert listed == api.get(f"comparisons/{running.pk}/")
    assert (listed["state"], listed["done"], listed["total"]) == ("running", 30, 120)
    found = api.get(f"comparisons/{running.pk}/differences/")["results"]
    assert found == [{"about": "recipient", "key": "a@b.example", "old": "x", "new": ""}]
