"""People with a mailbox of this panel send and read mail, with the programs that a mail host has."""

import imaplib
import poplib
import smtplib
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from passlib.hash import argon2, bcrypt, md5_crypt, sha256_crypt, sha512_crypt

from domains.models import Domain
from domains.services import change_domain
from mailboxes.models import Mailbox, MailboxCredential
from mailboxes.services import change_mailbox, set_mailbox_password
from mailservers.simulation import Question, verdict_on
from tests.plugins.dovecot import Dovecot
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import eventually

PASSWORD = "correct horse – batterÿ"
ALICE, BOB = "alice@home.example", "bob@home.example"
REFUSED = (imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPAuthenticationError)


@pytest.fixture(scope="module")
def mail(dovecot: Dovecot) -> Dovecot:
    add_domain("home.example")
    add_domain("brand.example", "alias_domain", target="home.example")
    for address in (ALICE, BOB):
        with_password(add_mailbox(address))
    add_alias("sales@home.example", ALICE)
    return dovecot


def with_password(mailbox: Mailbox) -> Mailbox:
    set_mailbox_password(mailbox, PASSWORD, by=TESTER)
    return mailbox


def message(subject: str, sender: str = ALICE) -> str:
    return f"From: <{sender}>\r\nTo: <{BOB}>\r\nSubject: {subject}\r\n\r\nHello\r\n"


def doors(mail: Dovecot) -> dict[str, Callable[[str, str], AbstractContextManager[Any]]]:
    return {"imap": mail.imap, "pop": mail.pop, "submission": mail.submission, "submissions": mail.submissions}


def open_doors(mail: Dovecot, login: str, password: str = PASSWORD) -> list[str]:
    """Where this password lets in."""
    found = []
    for name, door in doors(mail).items():
        try:
            with door(login, password):
                found.append(name)
        except REFUSED:
            pass
    return found


def arrives(mail: Dovecot, subject: str, login: str) -> None:
    eventually(lambda: subject in mail.subjects(login, PASSWORD), f"“{subject}”:\n{mail.log()}\n{mail.postfix.log()}")


def test_a_message_is_sent_delivered_and_read(mail: Dovecot) -> None:
    for name, door in (("submission", mail.submission), ("submissions", mail.submissions)):
        with door(ALICE, PASSWORD) as session:
            session.sendmail(ALICE, [BOB], message(f"Lunch by {name}"))
        arrives(mail, f"Lunch by {name}", BOB)
    with mail.pop(BOB, PASSWORD) as session:
        assert session.stat()[0] == 2
        assert b"Subject: Lunch by submission" in session.retr(1)[1]


MANY_MEGABYTES = 300 * 1024  # KiB; more than Dovecot allows the process by default

SCHEMES = {
    "BLF-CRYPT": bcrypt.using(rounds=5, ident="2y"),
    "ARGON2ID": argon2.using(type="ID", time_cost=1, memory_cost=8192, parallelism=1),
    "ARGON2ID, a large one": argon2.using(type="ID", time_cost=1, memory_cost=MANY_MEGABYTES, parallelism=1),
    "SHA512-CRYPT": sha512_crypt.using(rounds=5000),
    "SHA256-CRYPT": sha256_crypt.using(rounds=5000),
    "MD5-CRYPT": md5_crypt,
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_password_scheme_signs_in(mail: Dovecot, scheme: str) -> None:
    kept = MailboxCredential.objects.filter(mailbox__address__local_part="bob")
    before = kept.get().hash
    kept.update(hash=f"{{{scheme.partition(',')[0]}}}{SCHEMES[scheme].hash(PASSWORD)}")
    try:
        assert open_doors(mail, BOB) == ["imap", "pop", "submission", "submissions"]
        assert open_doors(mail, BOB, f"{PASSWORD}!") == []
    finally:
        kept.update(hash=before)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"imap": False}, ["pop", "submission", "submissions"]),
        ({"pop": False}, ["imap", "submission", "submissions"]),
        ({"sends": False}, ["imap", "pop"]),
        ({"receives": False}, ["imap", "pop", "submission", "submissions"]),
        ({"active": False}, []),
        ({"expires_at": timezone.now() - timedelta(minutes=1)}, []),
        ({"expires_at": timezone.now() + timedelta(days=1)}, ["imap", "pop", "submission", "submissions"]),
    ],
    ids=str,
)
def test_who_may_sign_in_to_what_acts_at_once(mail: Dovecot, change: dict[str, Any], left: list[str]) -> None:
    carol = Mailbox.objects.filter(address__local_part="carol").first()
    carol = carol or with_password(add_mailbox("carol@home.example"))
    before = {name: getattr(carol, name) for name in change}
    change_mailbox(carol, **change, by=TESTER)
    try:
        assert open_doors(mail, "carol@home.example") == left
    finally:
        change_mailbox(Mailbox.objects.get(pk=carol.pk), **before, by=TESTER)


def test_nobody_signs_in_to_an_inactive_domain(mail: Dovecot) -> None:
    add_domain("closed.example")
    with_password(add_mailbox("dora@closed.example"))
    assert open_doors(mail, "dora@closed.example") == ["imap", "pop", "submission", "submissions"]
    change_domain(Domain.objects.get(name="closed.example"), active=False, by=TESTER)
    assert open_doors(mail, "dora@closed.example") == []


def test_who_has_no_password_or_is_not_there_does_not_sign_in(mail: Dovecot) -> None:
    add_mailbox("new@home.example")
    for login in ("new@home.example", "nobody@home.example", "sales@home.example", "alice", "alice@brand.example"):
        for password in (PASSWORD, "x"):
            assert open_doors(mail, login, password) == [], login


def test_capitals_in_a_login_are_as_good(mail: Dovecot) -> None:
    assert open_doors(mail, "Alice@Home.Example") == ["imap", "pop", "submission", "submissions"]


# Submission


def test_a_sender_that_is_not_yours_is_refused(mail: Dovecot) -> None:
    with mail.submission(ALICE, PASSWORD) as session:
        for sender, code in ((ALICE, 250), ("sales@home.example", 250), ("alice@brand.example", 250), (BOB, 553)):
            session.rset()
            session.mail(sender)
            assert session.rcpt("friend@elsewhere.example")[0] == code, sender
        session.rset()
        session.mail("president@elsewhere.example")
        assert session.rcpt(BOB)[0] == 553


def test_the_simulation_says_the_same(mail: Dovecot) -> None:
    recipients = (BOB, "friend@elsewhere.example", "nobody@home.example")
    for sender in (ALICE, "sales@home.example", BOB, "president@elsewhere.example", ""):
        with mail.submission(ALICE, PASSWORD) as session:
            session.mail(sender)
            said = [session.rcpt(one)[0] for one in recipients]
        question = Question(client="127.0.0.1", sender=sender, recipients=recipients, login=ALICE, submission=True)
        answers = [one.reply[:3] for one in verdict_on(question).answers if one.command == "RCPT"]
        assert answers == [str(code) for code in said], sender


def test_nothing_is_sent_without_tls_or_without_a_password(mail: Dovecot) -> None:
    with smtplib.SMTP("127.0.0.1", mail.ports["submission"], timeout=30) as session:
        session.ehlo()
        assert "auth" not in session.esmtp_features
        assert session.docmd("MAIL", f"FROM:<{ALICE}>")[0] == 530
        session.starttls(context=mail.trust)
        session.ehlo()
        session.mail(ALICE)
        assert session.rcpt(BOB)[0] in (530, 553, 554)
        session.rset()
        session.mail("friend@elsewhere.example")
        assert session.rcpt(BOB)[0] == 554


def test_nobody_signs_in_at_port_25(mail: Dovecot) -> None:
    with mail.postfix.session() as session:
        assert "auth" not in session.esmtp_features
        assert session.docmd("AUTH", "PLAIN")[0] == 503
        session.starttls(context=mail.trust)
        session.ehlo()
        assert "auth" not in session.esmtp_features


def test_strangers_send_to_us_and_no_further(mail: Dovecot) -> None:
    assert mail.postfix.rcpt(BOB).code == 250
    assert mail.postfix.rcpt("nobody@home.example").code == 550
    assert mail.postfix.rcpt("friend@elsewhere.example").code == 554


# Delivery


@pytest.mark.parametrize("address", ["o'brien", "a+b", '"john doe"', '"qu\\"ote"', "x/y", '"col:on"', "til~de"])
@pytest.mark.parametrize("mail_format", ["maildir", "mbox"])
def test_mail_is_found_where_virtual_would_store_it(mail: Dovecot, address: str, mail_format: str) -> None:
    domain = f"{mail_format}.example"
    if not Domain.objects.filter(name=domain).exists():
        add_domain(domain)
        mail.postfix.make_folder(domain)
    login = f"{address}@{domain}"
    mailbox = with_password(add_mailbox(login, mail_format=mail_format))
    found = mail.postfix.send(login, text="By LMTP")
    assert [one.status for one in found] == ["sent"], found
    assert "dovecot-lmtp" in found[0].relay
    stored = (mail.postfix.maildir if mail_format == "maildir" else mail.postfix.mbox)(mailbox.mail_path)
    assert "By LMTP" in [one["Subject"] for one in stored], [*map(str, mail.postfix.base.glob("mail/*/*"))]
    assert mail.subjects(login, PASSWORD) == ["By LMTP"]


@pytest.mark.parametrize("path", ["strange/a:b%u%%/", "strange/a:INDEX=b"])
def test_strange_mail_paths_are_the_same_place_too(mail: Dovecot, path: str) -> None:
    mail.postfix.make_folder("strange")
    name = "maildir" if path.endswith("/") else "mbox"
    mailbox = with_password(add_mailbox(f"strange-{name}@home.example"))
    change_mailbox(mailbox, mail_path=path, by=TESTER)
    mail.postfix.send(str(mailbox), text="By LMTP")
    stored = (mail.postfix.maildir if path.endswith("/") else mail.postfix.mbox)(path)
    assert "By LMTP" in [one["Subject"] for one in stored], [*map(str, mail.postfix.base.glob("mail/strange/*"))]
    assert mail.subjects(str(mailbox), PASSWORD) == ["By LMTP"]


@pytest.mark.parametrize("typed", ["bob+lists@home.example", "bob@brand.example", "BOB@HOME.EXAMPLE"])
def test_other_ways_to_write_an_address_lead_there(mail: Dovecot, typed: str) -> None:
    assert [one.status for one in mail.postfix.send(typed, text=typed)] == ["sent"]
    assert typed in mail.subjects(BOB, PASSWORD)


def test_what_doveadm_says_of_everybody(mail: Dovecot) -> None:
    assert ALICE in mail.run("doveadm", "user", "*").split()
    assert "*:bytes=0" in mail.run("doveadm", "user", ALICE)
    assert "succeeded" in mail.run("doveadm", "auth", "test", "-x", "service=imap", ALICE, PASSWORD)
    assert "errors" not in mail.log().lower()
