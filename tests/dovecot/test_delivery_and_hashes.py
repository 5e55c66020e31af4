"""Who verifies a hash holds up no delivery, however long that takes."""

import os
import signal
from collections.abc import Generator

import pytest

from tests.dovecot.test_read_and_send import ALICE, BOB, PASSWORD, with_password
from tests.plugins.dovecot import OTHER_TREE, Dovecot
from tests.plugins.example_mail import add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix

VERIFIES = "auth-worker" if OTHER_TREE else "auth"  # the service, in Dovecot 2.4 and in 2.3


@pytest.fixture(scope="module")
def mail(dovecot: Dovecot) -> Dovecot:
    add_domain("home.example")
    for address in (ALICE, BOB):
        with_password(add_mailbox(address))
    return dovecot


@pytest.fixture
def hash_that_takes_for_ever(mail: Dovecot) -> Generator[None, None, None]:
    """What verifies is stopped, as if it had a hash before it that never ends."""
    with mail.imap(ALICE, PASSWORD):
        pass
    processes = of_service(mail, VERIFIES)
    assert processes
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    yield
    for process in processes:
        os.kill(process, signal.SIGCONT)


def of_service(mail: Dovecot, service: str) -> list[int]:
    header, *rows = (line.split("\t") for line in mail.run("doveadm", "-f", "tab", "process", "status").splitlines())
    found = (dict(zip(header, row, strict=True)) for row in rows)
    return [int(row["pid"]) for row in found if row["name"] == service]


@pytest.mark.usefixtures("hash_that_takes_for_ever")
def test_mail_arrives_while_a_hash_is_verified(mail: Dovecot, postfix: Postfix) -> None:
    with pytest.raises(TimeoutError), mail.imap(ALICE, PASSWORD, timeout=2):
        pass
    (delivery,) = postfix.send(BOB, text="Meanwhile")
    assert delivery.status == "sent"
