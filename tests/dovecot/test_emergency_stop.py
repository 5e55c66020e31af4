"""The emergency stop of a mailbox, networks from which it is used, and the end of sessions, with the real programs."""

import imaplib
import smtplib
import socket
import subprocess
import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from django.utils import timezone
from passlib.hash import sha512_crypt

from mailadmin.launch.at_hand import answer_lines
from mailadmin.launch.sessions import Sessions
from mailboxes.app_passwords import add_app_password, revoke_app_password
from mailboxes.models import AppPassword, Mailbox, MailboxCredential
from mailboxes.services import change_mailbox, delete_mailbox, set_mailbox_password
from mailboxes.sessions import OVERLAP, EndOfSessions, SessionCheck, now_by_the_database
from mailboxes.stopping import release_mailboxes, stop_mailboxes
from mailservers.dovecot_sessions import DovecotByRoot, DovecotHere, end_sessions
from mailservers.root import Root
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
    return end_sessions(host="mx1.example.net", dovecot=DovecotHere(str(mail.conf / "dovecot.conf")))


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


def test_a_session_ends_where_it_is_allowed_no_more(mail: Dovecot) -> None:
    with mail.imap(DAVE, PASSWORD) as session, mail.imap(ERIN, PASSWORD) as other:
        try:
            change_mailbox(mailbox(DAVE), allowed_networks=["192.0.2.0/24", "127.0.0.0/8"], by=TESTER)
            assert end(mail) == []
            change_mailbox(mailbox(DAVE), allowed_networks=["192.0.2.0/24"], by=TESTER)
            assert end(mail) == [DAVE]
            assert is_over(session)
            assert not is_over(other)
        finally:
            change_mailbox(mailbox(DAVE), allowed_networks=[], by=TESTER)


def test_sessions_end_when_another_password_is_set(mail: Dovecot) -> None:
    """All of its mailbox end; one by an app password comes back. A hash that is made anew of the same password at a
    sign-in to the panel ends none."""
    one, text = add_app_password(mailbox(DAVE), "stays", by=TESTER)
    EndOfSessions.objects.all().delete()
    old = "{SHA512-CRYPT}" + sha512_crypt.using(rounds=5000).hash(PASSWORD)
    MailboxCredential.objects.filter(mailbox=mailbox(DAVE)).update(hash=old)
    SessionCheck.objects.update(looked_at=now_by_the_database() + OVERLAP)
    with mail.imap(DAVE, PASSWORD) as session, mail.imap(DAVE, text) as by_app, mail.imap(ERIN, PASSWORD) as other:
        assert authenticate(RequestFactory().post("/"), username=DAVE, password=PASSWORD)
        assert MailboxCredential.objects.get(mailbox=mailbox(DAVE)).hash != old
        assert end(mail) == []
        set_mailbox_password(mailbox(DAVE), PASSWORD + "!", by=TESTER)
        try:
            assert end(mail) == [DAVE]
            assert (is_over(session), is_over(by_app), is_over(other)) == (True, True, False)
        finally:
            set_mailbox_password(mailbox(DAVE), PASSWORD, by=TESTER)
    SessionCheck.objects.update(looked_at=now_by_the_database() + OVERLAP)
    with mail.imap(DAVE, text) as again:
        assert end(mail) == []
        assert not is_over(again)
    revoke_app_password(one, by=TESTER)
    EndOfSessions.objects.all().delete()


def test_sessions_of_an_app_password_end_when_it_is_revoked(mail: Dovecot) -> None:
    """All of its mailbox end: Dovecot does not say which of them it opened. Who may still sign in does so again."""
    one, text = add_app_password(mailbox(DAVE), "lost phone", by=TESTER)
    end(mail)
    with mail.imap(DAVE, text) as lost, mail.imap(ERIN, PASSWORD) as other:
        assert end(mail) == []
        revoke_app_password(one, by=TESTER)
        assert end(mail) == [DAVE]
        assert is_over(lost)
        assert not is_over(other)
    SessionCheck.objects.update(looked_at=now_by_the_database() + OVERLAP)  # as if that were ten seconds ago
    with mail.imap(DAVE, PASSWORD) as session:
        assert end(mail) == []
        assert not is_over(session)


def test_sessions_of_an_app_password_end_when_it_expires(mail: Dovecot) -> None:
    _one, text = add_app_password(
        mailbox(DAVE), "guest", sends=False, expires_at=timezone.now() + timedelta(days=1), by=TESTER
    )
    EndOfSessions.objects.update(signed_in_before=None)
    with mail.imap(DAVE, text) as session:
        assert end(mail) == []
        mailbox(DAVE).app_passwords.update(expires_at=now_by_the_database())
        assert end(mail) == [DAVE]
        assert is_over(session)


def replaced(_one: AppPassword) -> None:
    set_mailbox_password(mailbox(ERIN), PASSWORD, by=TESTER)


def narrowed(_one: AppPassword) -> None:
    change_mailbox(mailbox(ERIN), allowed_networks=["192.0.2.0/24"], by=TESTER)


def revoked(one: AppPassword) -> None:
    revoke_app_password(one, by=TESTER)


def expired(one: AppPassword) -> None:
    AppPassword.objects.filter(pk=one.pk).update(expires_at=now_by_the_database())


@pytest.mark.parametrize("happens", [replaced, narrowed, revoked, expired])
def test_an_open_submission_session_ends_as_well(mail: Dovecot, happens: Callable[[AppPassword], None]) -> None:
    one, text = add_app_password(mailbox(ERIN), happens.__name__, by=TESTER)
    with mail.submission(ERIN, text) as session:
        session.sendmail(ERIN, [DAVE], message("Before", ERIN))
        happens(one)
        try:
            session.mail(ERIN)
            code, answer = session.rcpt(DAVE)
            assert (code, b"five minutes" in answer) == (421, True)
            with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
                session.noop()
        finally:
            session.close()
            change_mailbox(mailbox(ERIN), allowed_networks=[], by=TESTER)
    EndOfSessions.objects.update(sends_before=timezone.now() - timedelta(minutes=5))
    AppPassword.objects.filter(mailbox=mailbox(ERIN)).update(expires_at=timezone.now() - timedelta(minutes=5))
    with mail.submission(ERIN, PASSWORD) as session:
        session.sendmail(ERIN, [DAVE], message("Later", ERIN))


WIDER = [["127.0.0.0/8"], ["127.0.0.0/8", "192.0.2.0/24"], ["127.0.0.0/7", "192.0.2.0/24"], []]


def test_what_does_not_send_or_was_widened_holds_nobody_up(mail: Dovecot) -> None:
    one, _text = add_app_password(mailbox(DAVE), "reader", sends=False, by=TESTER)
    change_mailbox(mailbox(DAVE), allowed_networks=WIDER[0], by=TESTER)
    EndOfSessions.objects.update(sends_before=None)
    with mail.submission(DAVE, PASSWORD) as session:
        revoke_app_password(one, by=TESTER)
        for networks in WIDER:
            change_mailbox(mailbox(DAVE), allowed_networks=networks, by=TESTER)
            session.sendmail(DAVE, [ERIN], message(f"From {networks}", DAVE))


MASKS = [("a?c@stop.example", "abc@stop.example"), ("a?@stop.example", "ab@stop.example")]


@pytest.mark.parametrize(("stopped", "other"), MASKS)
def test_a_login_is_no_mask(mail: Dovecot, stopped: str, other: str) -> None:
    """An address may hold what doveadm kick would read as a wildcard."""
    one = with_password(add_mailbox(stopped))
    with_password(add_mailbox(other))
    with mail.imap(str(one), PASSWORD) as session, mail.imap(other, PASSWORD) as stays:
        stop_mailboxes([one], by=TESTER)
        assert end(mail) == [str(one)]
        assert is_over(session)
        assert not is_over(stays)


def test_the_command(mail: Dovecot) -> None:
    words = {"host": "mx2.example.net", "conf": str(mail.conf / "dovecot.conf")}
    said = StringIO()
    with mail.imap(DAVE, PASSWORD) as session:
        stop_mailboxes([mailbox(DAVE)], by=TESTER)
        try:
            call_command("end_sessions", **words, stdout=said)
            assert is_over(session)
        finally:
            release_mailboxes([mailbox(DAVE)], by=TESTER)
    assert said.getvalue() == f"Ended the sessions of {DAVE}.\n"
    assert not SessionCheck.objects.get(host="mx2.example.net").goes_on
    for goes_on in (True, False):  # once more by hand
        end_sessions(host="mx2.example.net", dovecot=DovecotHere(words["conf"]), goes_on=goes_on)
        assert SessionCheck.objects.get(host="mx2.example.net").goes_on
    looked_at = SessionCheck.objects.get(host="mx2.example.net").looked_at
    with pytest.raises(CommandError, match="Sessions could not be ended: .*nowhere.conf"):
        call_command("end_sessions", **words | {"conf": "/nowhere.conf"})
    assert SessionCheck.objects.get(host="mx2.example.net").looked_at == looked_at


def test_root_asks_dovecot_for_the_system_user(mail: Dovecot) -> None:
    """script/manage gives the command to a user who may neither ask doveadm nor end a process."""
    ours, theirs = socket.socketpair()
    conf = mail.conf / "dovecot.conf"
    sessions = Sessions(["--conf", "/nowhere.conf", f"--conf={conf}"])  # the last one counts, as for the command
    root = threading.Thread(target=answer_lines, args=(theirs, sessions.answer_to))
    root.start()
    user = DovecotByRoot(Root(ours))
    EndOfSessions.objects.all().delete()  # those of the tests before
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        with mail.imap(DAVE, PASSWORD) as session, mail.imap(ERIN, PASSWORD) as other:
            stop_mailboxes([mailbox(DAVE)], by=TESTER)
            try:
                assert end_sessions(host="mx1.example.net", dovecot=user) == [DAVE]
            finally:
                release_mailboxes([mailbox(DAVE)], by=TESTER)
            assert is_over(session)
            assert not is_over(other)
            user.end({bystander.pid, 1})
            assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
        user.root.answers.close()
        ours.close()
        root.join(10)
    assert not root.is_alive()
