"""The data that the tests of services begin with."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import Any

import pytest

from domains.models import Domain
from domains.services import add_domain
from mailadmin.launch.leash import on_leash
from mailboxes.models import Mailbox
from mailboxes.services import add_mailbox
from tests.plugins.mail_stack import eventually
from tests.services.checks import TESTER

Sink = Callable[..., None]


@pytest.fixture
def domain(db: None) -> Domain:
    return add_domain("example.org", by=TESTER)


@pytest.fixture
def other(db: None) -> Domain:
    return add_domain("example.com", by=TESTER)


@pytest.fixture
def jean(domain: Domain) -> Mailbox:
    return add_mailbox(domain, "jean", by=TESTER)


@pytest.fixture
def laure(domain: Domain) -> Mailbox:
    return add_mailbox(domain, "laure", by=TESTER)


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
