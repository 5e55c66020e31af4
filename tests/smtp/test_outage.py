"""The database goes away and comes back: mail waits, none is lost or refused for good."""

from collections.abc import Generator
from time import monotonic

import pytest
from django.db import connection

from mailadmin.launch.cluster import Cluster
from mailservers.mail_servers import POSTFIX
from tests.conftest import empty_rooms
from tests.plugins import example_mail
from tests.plugins.coming_back import Noted
from tests.plugins.mail_stack import Postfix, eventually

JEAN = "jean@falcot.org"


@pytest.fixture
def mail(postfix: Postfix, cluster: Cluster, committed: None) -> Generator[Postfix, None, None]:
    postfix.empty_mail()
    empty_rooms()
    example_mail.falcot()
    yield postfix
    if not cluster.running:
        cluster.start()
    connection.close()
    postfix.override()


def stop(cluster: Cluster) -> None:
    connection.close()
    cluster.stop()


def test_a_sender_is_asked_to_try_again(mail: Postfix, cluster: Cluster) -> None:
    assert mail.rcpt(JEAN).code == 250
    stop(cluster)
    reply = mail.rcpt(JEAN)
    assert reply.code == 451
    assert "Temporary lookup failure" in reply.text
    # Not "550 no such user", not "554 Relay access denied": nobody knows now.
    assert {mail.rcpt(recipient).code for recipient in ("nobody@falcot.org", "a@elsewhere.example")} == {451}
    cluster.start()
    mail.reload()
    assert mail.rcpt(JEAN).code == 250
    assert mail.rcpt("nobody@falcot.org").code == 550
    assert "postgresql://postfix@" in mail.log(), "Postfix did not say which server failed."
    assert POSTFIX.password not in mail.log()


def test_mail_that_was_accepted_before_is_delivered_afterwards(mail: Postfix, cluster: Cluster) -> None:
    mail.override(defer_transports="virtual")
    waiting = mail.accept(JEAN, text="accepted before", client="192.0.2.7")
    assert [delivery.status for delivery in mail.deliveries(waiting)] == ["deferred"]
    stop(cluster)
    tried = len(mail.deliveries(waiting))
    mail.override()
    mail.flush()
    eventually(lambda: len(mail.deliveries(waiting)) > tried, "an attempt without the database", 60)
    assert {delivery.status for delivery in mail.deliveries(waiting)} == {"deferred"}
    assert mail.maildir("falcot.org/jean/") == []
    cluster.start()
    mail.reload()
    mail.flush()
    eventually(lambda: f"{waiting}: removed" in mail.log(), "the message to be delivered")
    assert [message["Subject"] for message in mail.maildir("falcot.org/jean/")] == ["accepted before"]


def test_a_quick_restart_is_not_noticed(mail: Postfix, cluster: Cluster) -> None:
    mail.send(JEAN)  # to its end: nobody asks while the database is away
    stop(cluster)
    cluster.start()
    assert mail.rcpt(JEAN).code == 250


def test_it_recovers_by_itself_within_about_a_minute(mail: Postfix, cluster: Cluster, noted: Noted) -> None:
    """Postfix leaves a database that failed alone for 60 seconds (RETRY_CONN_INTV); `postfix reload` is quicker."""
    stop(cluster)
    assert mail.rcpt(JEAN).code == 451
    cluster.start()
    since = monotonic()
    eventually(lambda: mail.rcpt(JEAN).code == 250, "Postfix to ask the database again", seconds=75)
    noted("250 at RCPT, after PostgreSQL was stopped and started", monotonic() - since)
