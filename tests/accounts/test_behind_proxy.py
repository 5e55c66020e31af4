"""Behind a proxy the history and the count of wrong passwords see the person's address, and nobody can make one up."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import ChangeSet

pytestmark = pytest.mark.django_db


def host_of_a_change(client: Client, forwarded: str) -> str:
    client.post(
        "/domains/add/",
        {"name": "new.example", "address_class": "virtual_mailbox"},
        headers={"X-Forwarded-For": forwarded},
    )
    return str(ChangeSet.objects.get(metadata__label="new.example").metadata["host"])


def test_it_works(alice_client: Client, settings: Settings) -> None:
    settings.BEHIND_PROXY = True
    assert host_of_a_change(alice_client, "198.51.100.7") == "198.51.100.7"


def test_only_what_the_proxy_saw_counts(alice_client: Client, settings: Settings) -> None:
    settings.BEHIND_PROXY = True
    assert host_of_a_change(alice_client, "203.0.113.66, 2001:db8::7") == "2001:db8::7"


def test_without_a_proxy_nobody_is_believed(alice_client: Client, settings: Settings) -> None:
    settings.BEHIND_PROXY = False
    assert host_of_a_change(alice_client, "198.51.100.7") == "127.0.0.1"


@pytest.mark.parametrize("forwarded", ["", "nonsense", "1.2.3.4, <b>", "999.1.1.1"])
def test_what_is_no_address_is_left_out(alice_client: Client, settings: Settings, forwarded: str) -> None:
    settings.BEHIND_PROXY = True
    assert host_of_a_change(alice_client, forwarded) == "127.0.0.1"
