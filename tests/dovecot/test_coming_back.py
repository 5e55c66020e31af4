"""What people hear while the database or Dovecot is away, and how soon after its return each door opens by itself."""

import imaplib
import os
import poplib
import smtplib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from time import monotonic
from typing import Any

import pytest
from django.db import connection

from mailadmin.launch.cluster import Cluster
from mailboxes.app_passwords import add_app_password
from mailboxes.models import Mailbox
from tests.dovecot.test_read_and_send import ALICE, PASSWORD, with_password
from tests.dovecot.test_restarts import COMES_BACK, crash
from tests.plugins.coming_back import Noted
from tests.plugins.dovecot import Dovecot
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox
from tests.plugins.mail_stack import OUTSIDE, eventually

FOR_NOW = ("[UNAVAILABLE]", "[SYS/TEMP]")  # RFC 5530, RFC 3206
NO_ANSWER = "no answer"
Door = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(scope="module")
def app_password(mail: Dovecot) -> str:
    return add_app_password(Mailbox.objects.with_address().get(address__local_part="alice"), "a laptop", by=TESTER)[1]


@pytest.fixture(scope="module")
def mail(dovecot: Dovecot, cluster: Cluster) -> Iterator[Dovecot]:
    add_domain("home.example")
    with_password(add_mailbox(ALICE))
    yield dovecot
    if not cluster.running:
        cluster.start()
    connection.close()


def doors(mail: Dovecot) -> dict[str, Door]:
    return {"IMAP": mail.imap, "POP3": mail.pop, "submission": mail.submission}


def hears(door: Door, password: str) -> str:
    """Nothing when it opens; else what is said."""
    try:
        with door(ALICE, password, timeout=5):
            return ""
    except smtplib.SMTPAuthenticationError as error:
        return str(error.smtp_code)
    except (imaplib.IMAP4.abort, OSError, smtplib.SMTPException):
        return NO_ANSWER
    except (imaplib.IMAP4.error, poplib.error_proto) as error:
        return str(error)


def until_it_opens(door: Door, password: str, noted: Noted, what: str, since: float) -> None:
    eventually(lambda: hears(door, password) == "", what, COMES_BACK)
    noted(what, monotonic() - since)


def test_a_right_password_is_not_wrong_while_the_database_is_away(
    mail: Dovecot, cluster: Cluster, app_password: str, noted: Noted
) -> None:
    for right in (PASSWORD, app_password):
        assert (hears(mail.imap, right), hears(mail.pop, right)) == ("", "")
    crash(cluster)
    for name in ("IMAP", "POP3"):
        for password in (PASSWORD, app_password, "wrong"):
            # Dovecot keeps a question for a while, should the database be back at once.
            said = hears(doors(mail)[name], password)
            assert said == NO_ANSWER or any(words in said for words in FOR_NOW), said
    eventually(lambda: FOR_NOW[0] in hears(mail.imap, PASSWORD), "an answer by IMAP")
    eventually(lambda: FOR_NOW[1] in hears(mail.pop, PASSWORD), "an answer by POP3")
    cluster.start()
    since = monotonic()
    after = "after PostgreSQL crashed and started"
    for name, door in doors(mail).items():
        until_it_opens(door, PASSWORD, noted, f"sign-in by {name}, {after}", since)
    until_it_opens(mail.imap, app_password, noted, f"sign-in by app password, {after}", since)
    assert "AUTHENTICATIONFAILED" in hears(mail.imap, "wrong")


def test_after_a_reload_nobody_waits(mail: Dovecot, cluster: Cluster, noted: Noted) -> None:
    crash(cluster)
    assert hears(mail.imap, PASSWORD) != ""
    cluster.start()
    mail.run("doveadm", "reload")
    what = "sign-in by IMAP, after PostgreSQL crashed and started and Dovecot was reloaded"
    until_it_opens(mail.imap, PASSWORD, noted, what, monotonic())


def test_a_question_without_words_is_not_answered_with_nobody(mail: Dovecot) -> None:
    """When Dovecot has lost the database before it writes the question it leaves out each word: it cannot escape."""
    signing_in = mail.attempt("doveadm", "auth", "test", "-x", "service=", ALICE, PASSWORD)
    assert "code=temp_fail" in signing_in.stdout
    place = mail.attempt("doveadm", "user", "-x", "service=", ALICE)
    assert place.returncode == os.EX_TEMPFAIL, place.stdout


def test_mail_is_taken_while_dovecot_is_away(mail: Dovecot, noted: Noted) -> None:
    mail.shut_down()
    waiting = mail.postfix.accept(ALICE, text="taken meanwhile", client=OUTSIDE)
    # A process of its auth(8) may live on while an smtpd holds it; then it still knows who is there.
    assert hears(mail.submission, PASSWORD) in ("", "454", NO_ANSWER)
    mail.run("dovecot")
    since = monotonic()
    for name, door in doors(mail).items():
        until_it_opens(door, PASSWORD, noted, f"sign-in by {name}, after Dovecot was stopped and started", since)
    eventually(lambda: f" {waiting}: removed" in mail.postfix.log(), "the message to be delivered")
    noted("delivery of what waited, after Dovecot was stopped and started", monotonic() - since)
    assert "taken meanwhile" in mail.subjects(ALICE, PASSWORD)
