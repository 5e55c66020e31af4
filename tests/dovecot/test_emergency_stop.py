"""The emergency stop of a mailbox, networks from which it is used, and the end of sessions, with the real programs."""

import imaplib
import smtplib
from typing import Any

import pytest
from django.utils import timezone

from mailboxes.models import Mailbox
from mailboxes.services import change_mailbox, delete_mailbox
from mailboxes.sessions import SessionCheck
from mailboxes.stopping import release_mailboxes, stop_mailboxes
from mailservers.dovecot_sessions import end_sessions
from tests.dovecot.test_read_and_send import PASSWORD, arrives, message, open_doors, with_password
from tests.plugins.dovecot import Dovecot
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox

DAVE, ERIN = "dave@stop.example", "erin@stop.example"
ALL = ["imap", "pop", "submission", "submissions"]


@pytest.fixture(scope="module")
def mail(dovecot: Dovecot) -> Dovecot:
    add_domain("stop.example")
    for address in (DAVE, ERIN):
        with_password(add_mailbox(address))
    return dovecot


def mailbox(address: str) -> Mailbox:
    return Mailbox.objects.with_address().get(address__local_part=address.partition("@")[0])


def end(mail: Dovecot) -> list[str]:
    return end_sessions(host="mx1.example.net", conf=str(mail.conf / "dovecot.conf"))


def is_over(session: imaplib.IMAP4) -> bool:
    try:
        session.noop()
    except (imaplib.IMAP4.abort, OSError):
        session.state = "LOGOUT"  # there is nobody left to take leave of
        return True
    return False


def test_a_stop_closes_every_door_and_release_opens_them(mail: Dovecot) -> None:
    assert open_doors(mail, DAVE) == ALL
    stop_mailboxes([mailbox(DAVE)], by=TESTER)
    assert open_doors(mail, DAVE) == []
    with mail.submission(ERIN, PASSWORD) as session:
        session.sendmail(ERIN, [DAVE], message("While it is stopped", ERIN))
    release_mailboxes([mailbox(DAVE)], by=TESTER)
    assert open_doors(mail, DAVE) == ALL
    arrives(mail, "While it is stopped", DAVE)


def test_who_is_signed_in_to_submission_sends_no_other_message(mail: Dovecot) -> None:
    with mail.submission(DAVE, PASSWORD) as session:
        session.sendmail(DAVE, [ERIN], message("Before the stop", DAVE))
        stop_mailboxes([mailbox(DAVE)], by=TESTER)
        try:
            with pytest.raises(smtplib.SMTPException) as refused:
                session.sendmail(DAVE, [ERIN], message("After the stop", DAVE))
        finally:
            release_mailboxes([mailbox(DAVE)], by=TESTER)
    assert "553" in str(refused.value)


STATES: list[dict[str, Any]] = [{"active": False}, {"sends": False}, {"expires_at": timezone.now()}]


@pytest.mark.parametrize("change", [None, *STATES], ids=str)
def test_who_is_signed_in_to_submission_sends_nothing_from_nobody(mail: Dovecot, change: dict[str, Any] | None) -> None:
    """Nobody owns the null sender: reject_sender_login_mismatch does not ask whose it is."""
    before = {name: getattr(mailbox(DAVE), name) for name in change or {}}
    with mail.submission(DAVE, PASSWORD) as session:
        assert from_nobody(session) == 250
        if change is None:
            stop_mailboxes([mailbox(DAVE)], by=TESTER)
        else:
            change_mailbox(mailbox(DAVE), **change, by=TESTER)
        try:
            assert from_nobody(session) == 553
        finally:
            release_mailboxes([mailbox(DAVE)], by=TESTER)
            change_mailbox(mailbox(DAVE), **before, by=TESTER)
        assert from_nobody(session) == 250


def from_nobody(session: smtplib.SMTP) -> int:
    """What is said of a recipient behind MAIL FROM:<>."""
    session.rset()
    session.mail("")
    return session.rcpt(ERIN)[0]


def test_sessions_end_and_those_of_others_stay(mail: Dovecot) -> None:
    started = timezone.now()
    with mail.imap(DAVE, PASSWORD) as stopped, mail.imap(ERIN, PASSWORD) as other:
        assert end(mail) == []
        assert not is_over(stopped)
        stop_mailboxes([mailbox(DAVE)], by=TESTER)
        try:
            assert end(mail) == [DAVE]
            assert is_over(stopped)
            assert not is_over(other)
            assert end(mail) == []
        finally:
            release_mailboxes([mailbox(DAVE)], by=TESTER)
    assert SessionCheck.objects.get(host="mx1.example.net").looked_at > started


@pytest.mark.parametrize("change", [{"active": False}, {"imap": False}, {"expires_at": timezone.now()}], ids=str)
def test_a_session_ends_with_the_right_to_it(mail: Dovecot, change: dict[str, Any]) -> None:
    before = {name: getattr(mailbox(DAVE), name) for name in change}
    with mail.imap(DAVE, PASSWORD) as session:
        change_mailbox(mailbox(DAVE), **change, by=TESTER)
        try:
            assert end(mail) == [DAVE]
            assert is_over(session)
        finally:
            change_mailbox(mailbox(DAVE), **before, by=TESTER)


def test_sessions_of_a_deleted_mailbox_end_whatever_its_name_holds(mail: Dovecot) -> None:
    strange = add_mailbox('"o\'reilly smith"@stop.example')
    with_password(strange)
    with mail.imap(str(strange), PASSWORD) as session:
        delete_mailbox(mailbox("o'reilly smith"), by=TESTER)
        assert end(mail) == [str(strange)]
        assert is_over(session)


def test_only_from_allowed_networks(mail: Dovecot) -> None:
    try:
        change_mailbox(mailbox(DAVE), allowed_networks=["192.0.2.7/24", "2001:db8::/32"], by=TESTER)
        assert open_doors(mail, DAVE) == []
        change_mailbox(mailbox(DAVE), allowed_networks=["192.0.2.0/24", "127.0.0.0/8"], by=TESTER)
        assert open_doors(mail, DAVE) == ALL
    finally:
        change_mailbox(mailbox(DAVE), allowed_networks=[], by=TESTER)
    assert open_doors(mail, DAVE) == ALL
