"""What the mailboxes of a domain store: its sum, its days, and who is nearly full."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import ChangeSet
from domains.models import Domain
from mailboxes.domain_use import days_of, fullness_of, nearly_full_of, use_of, write_day
from mailboxes.models import Mailbox
from mailboxes.removal import delete_domain
from mailboxes.services import change_mailbox
from mailboxes.undo import undo_change_set
from mailboxes.usage import DomainUse
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox

pytestmark = pytest.mark.django_db


def stores(address: str, octets: int, quota_bytes: int | None = 1000) -> None:
    say(change_mailbox(add_mailbox(address), quota_bytes=quota_bytes, by=TESTER), octets)


def say(mailbox: Mailbox, octets: int) -> None:
    """As Dovecot does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dovecot.quota (username, bytes, messages) VALUES (%s, %s, 1)"
            " ON CONFLICT (username) DO UPDATE SET bytes = EXCLUDED.bytes",
            [str(mailbox), octets],
        )


@pytest.fixture
def domain() -> Domain:
    domain = add_domain("falcot.org")
    for name, octets in (("a", 100), ("b", 799), ("c", 800), ("d", 950), ("e", 1200)):
        stores(f"{name}@falcot.org", octets)
    stores("f@falcot.org", 10**9, None)
    return domain


def test_the_sum_and_the_steps(domain: Domain) -> None:
    now = use_of(domain)
    assert (now.bytes, now.messages, now.mailboxes) == (100 + 799 + 800 + 950 + 1200 + 10**9, 6, 6)
    assert [number for _words, number in fullness_of(domain)] == [1, 1, 1, 1, 1, 1]


def test_who_is_nearly_full_the_fullest_first(domain: Domain) -> None:
    assert [(str(row), row.percent) for row in nearly_full_of(domain)] == [
        ("e@falcot.org", 120),
        ("d@falcot.org", 95),
        ("c@falcot.org", 80),
    ]


def test_a_day_is_noted_once_and_old_ones_go(domain: Domain) -> None:
    today = timezone.localdate()
    write_day(today - timedelta(days=401))
    write_day(today - timedelta(days=1))
    say(Mailbox.objects.get(address__local_part="a"), 300)
    write_day(today)
    write_day(today)
    before = use_of(domain).bytes - 200
    assert days_of(domain) == [(today - timedelta(days=1), before), (today, before + 200)]
    assert DomainUse.objects.count() == 2


def test_what_is_noted_goes_with_its_domain_and_keeps_nothing_from_an_undo(domain: Domain) -> None:
    write_day(timezone.localdate())
    change_set = delete_domain(domain, by=TESTER)
    assert DomainUse.objects.count() == 0
    undo_change_set(ChangeSet.objects.get(pk=change_set), by=TESTER)
    assert Mailbox.objects.count() == 6


def test_the_pages_show_it(domain: Domain, alice_client: Client) -> None:
    for back in range(3):
        write_day(timezone.localdate() - timedelta(days=back))
    page = alice_client.get("/domains/falcot.org/use/").content.decode()
    assert "<polyline" in page
    assert ">Usage</a>" in page
    assert 0 < page.index("/mailboxes/e@falcot.org/") < page.index("/mailboxes/d@falcot.org/")
    assert "/mailboxes/c@falcot.org/" in alice_client.get("/addresses/nearly-full/").content.decode()
