"""Warnings about full mailboxes that a mail server does not take: for now, or for good. The server is smtp-sink(1)."""

from typing import Any

import psycopg2
import pytest
from django.db import connection

from domains.models import Domain
from domains.services import add_domain, change_domain
from mailboxes import quota_warnings
from mailboxes.models import Usage
from mailboxes.quota_warnings import warn_owners
from mailboxes.services import add_mailbox
from tests.services.checks import TESTER
from tests.services.conftest import Sink

pytestmark = pytest.mark.django_db


@pytest.fixture
def full() -> Domain:
    """Three mailboxes that are nearly full."""
    domain = add_domain("example.org", by=TESTER)
    for name in ("anna", "berta", "clara"):
        mailbox = add_mailbox(domain, name, quota_bytes=1000, by=TESTER)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO dovecot.quota (username, bytes) VALUES (%s, 900)", [str(mailbox)])
    return domain


def warned() -> list[int]:
    return list(Usage.objects.order_by("mailbox").values_list("warned", flat=True))


def test_it_works(sink: Sink, full: Domain) -> None:
    sink()
    assert [warn_owners(), warn_owners()] == [3, 0]
    assert warned() == [80, 80, 80]


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
def test_what_is_put_off_is_tried_again(sink: Sink, full: Domain, command: str) -> None:
    sink("-r", command)
    assert [warn_owners(), warned()] == [0, [0, 0, 0]]
    sink()
    assert [warn_owners(), warned()] == [3, [80, 80, 80]]


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
def test_what_is_refused_for_good_is_not_tried_again(sink: Sink, full: Domain, command: str) -> None:
    sink("-f", command)
    assert [warn_owners(), warn_owners()] == [0, 0]
    assert warned() == [80, 80, 80]
    for usage in Usage.objects.all():
        assert (usage.owner_was_told, usage.warning_refusal[:4]) == (False, "500 ")
    sink()
    Usage.objects.filter(username="anna@example.org").update(bytes=960)
    assert warn_owners() == 1, "at the next level"
    assert [usage.owner_was_told for usage in Usage.objects.order_by("mailbox")] == [True, False, False]


def test_who_is_put_off_comes_after_the_others(sink: Sink, full: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota_warnings, "A_RUN", 2)
    sink("-r", "RCPT")
    assert warn_owners() == 0
    sink()
    assert warn_owners() == 2
    assert warned() == [80, 0, 80]


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_tell_each_once(sink: Sink, full: Domain) -> None:
    sink()
    dsn = connection.get_connection_params()
    other = psycopg2.connect(**{key: dsn[key] for key in dsn if key not in ("cursor_factory", "context")})
    other.cursor().execute("SELECT pg_advisory_lock(%s)", [quota_warnings.LOCK])
    assert warn_owners() == 0, "another run is not done"
    other.cursor().execute("SELECT pg_advisory_unlock(%s)", [quota_warnings.LOCK])
    other.close()
    assert warn_owners() == 3


def test_a_server_that_goes_away_gets_the_rest_later(sink: Sink, full: Domain) -> None:
    sink("-q", "RCPT")
    assert [warn_owners(), warned()] == [0, [0, 0, 0]]
    sink()
    assert warn_owners() == 3


def test_a_suspended_domain_holds_up_nobody(sink: Sink, full: Domain) -> None:
    sink()
    change_domain(full, suspended=True, by=TESTER)
    assert warn_owners() == 0
    change_domain(Domain.objects.get(pk=full.pk), suspended=False, by=TESTER)
    assert warn_owners() == 3


def test_no_out_of_office_answer_comes_back(full: Domain, mailoutbox: Any) -> None:
    """RFC 3834: whoever is away answers no mail that says so."""
    assert warn_owners() == 3
    assert [mail.message()["Auto-Submitted"] for mail in mailoutbox] == ["auto-generated"] * 3
