"""The hosts that end sessions, who signed in, and which of the hosts have looked since a mailbox was stopped."""

from datetime import timedelta

import pytest

from domains.models import Domain
from mailadmin import health
from mailboxes.models import SessionCheck, SignIn
from mailboxes.sessions import now_by_the_database
from mailboxes.stopping import release_mailboxes, stop_mailboxes
from tests.commands.conftest import Shell
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox

pytestmark = pytest.mark.django_db


def looked(host: str, ago: timedelta = timedelta(0), *, goes_on: bool = True) -> None:
    looked_at = now_by_the_database() - ago
    SessionCheck.objects.update_or_create(host=host, defaults={"looked_at": looked_at, "goes_on": goes_on})


def test_it_works(shell: Shell) -> None:
    looked("mx1.example.net")
    looked("mx2.example.net")
    assert [row["host"] for row in shell("dovecot_host", "list", "--json").json] == [
        "mx1.example.net",
        "mx2.example.net",
    ]
    assert shell("dovecot_host", "forget", "mx2.example.net").out == "Forgot the Dovecot host mx2.example.net.\n"
    assert [row["host"] for row in shell("dovecot_host", "list", "--json").json] == ["mx1.example.net"]
    assert "No host mx2.example.net has ended sessions." in shell.refused("dovecot_host", "forget", "mx2.example.net")


def test_health_names_a_host_that_ends_none_any_more() -> None:
    looked("mx1.example.net", timedelta(minutes=9))
    looked("by-hand.example.net", timedelta(minutes=11), goes_on=False)
    assert health.sessions() == []
    looked("mx2.example.net", timedelta(minutes=11))
    (sentence,) = health.sessions()
    assert "On mx2.example.net no session is ended" in sentence
    assert "dovecot_host forget mx2.example.net" in sentence


def test_which_hosts_have_looked_since_a_mailbox_was_stopped(shell: Shell) -> None:
    add_domain("example.org")
    ann = add_mailbox("ann@example.org")
    assert shell("mailbox", "show", "ann@example.org", "--json").json["sessions_ended_on"] is None
    looked("mx1.example.net", timedelta(seconds=1))
    stop_mailboxes([ann], by=TESTER)
    assert shell("mailbox", "show", "ann@example.org", "--json").json["sessions_ended_on"] == []
    looked("mx1.example.net")
    assert shell("mailbox", "show", "ann@example.org", "--json").json["sessions_ended_on"] == ["mx1.example.net"]
    release_mailboxes([ann], by=TESTER)


def test_a_stop_and_a_look_have_one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of a panel that goes an hour fast, or slow, says nothing."""
    add_domain("example.org")
    ann = add_mailbox("ann@example.org")
    fast = now_by_the_database() + timedelta(hours=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: fast)
    before = now_by_the_database()
    stop_mailboxes([ann], by=TESTER)
    ann.refresh_from_db()
    assert ann.stopped_at is not None
    assert before < ann.stopped_at < now_by_the_database()


def test_the_last_sign_ins(shell: Shell, falcot: Domain) -> None:
    """The demo has two."""
    assert SignIn.objects.count() == 2
    rows = shell("mailbox", "sign-ins", "jean@falcot.org", "--json").json
    assert [(row["service"], row["remote_ip"]) for row in rows] == [("imap", "203.0.113.9"), ("pop3", "198.51.100.7")]
    assert shell("mailbox", "sign-ins", "laure@falcot.org", "--json").json == []
