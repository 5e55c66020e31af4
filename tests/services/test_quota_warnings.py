"""Warnings about full mailboxes that a mail server does not take: for now, or for good. The server is smtp-sink(1)."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection

from domains.models import Domain
from domains.services import add_domain, change_domain
from mailadmin.launch.leash import on_leash
from mailboxes.models import Usage
from mailboxes.quota_warnings import warn_owners
from mailboxes.services import add_mailbox
from tests.plugins.mail_stack import eventually
from tests.services.checks import TESTER

pytestmark = pytest.mark.django_db
Sink = Callable[..., None]


@pytest.fixture
def sink(settings: Any) -> Generator[Sink]:
    """Each call starts another server, with these options, which takes the place of the one before."""
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_TIMEOUT = 10
    with ExitStack() as running:

        def start(*options: str) -> None:
            with socket.create_server(("127.0.0.1", 0)) as free:
                settings.EMAIL_PORT = free.getsockname()[1]
            who = ["-u", "nobody"] if os.getuid() == 0 else []
            command = ["smtp-sink", *who, *options, f"127.0.0.1:{settings.EMAIL_PORT}", "10"]
            process = running.enter_context(subprocess.Popen(command, preexec_fn=on_leash(signal.SIGKILL)))
            running.callback(process.terminate)
            eventually(lambda: _answers(settings.EMAIL_PORT), "smtp-sink", seconds=5)

        yield start


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


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
    assert [warn_owners(), warn_owners()] == [3, 0]
    assert warned() == [80, 80, 80]


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
