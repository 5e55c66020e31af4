"""People with a mailbox of this panel send and read mail, with the programs that a mail host has."""

import imaplib
import poplib
import smtplib

import pytest

from mailboxes.services import set_mailbox_password
from tests.plugins.dovecot import Dovecot
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix, eventually

PASSWORD = "correct horse – batterÿ"


@pytest.fixture(scope="module")
def mail(dovecot: Dovecot) -> Dovecot:
    add_domain("home.example")
    for name in ("alice", "bob"):
        set_mailbox_password(add_mailbox(f"{name}@home.example"), PASSWORD, by=TESTER)
    return dovecot


def message(subject: str, sender: str = "alice@home.example") -> str:
    return f"From: <{sender}>\r\nTo: <bob@home.example>\r\nSubject: {subject}\r\n\r\nHello\r\n"


def test_a_message_is_sent_delivered_and_read(mail: Dovecot) -> None:
    with mail.submission("alice@home.example", PASSWORD) as session:
        session.sendmail("alice@home.example", ["bob@home.example"], message("Lunch"))
    eventually(lambda: mail.subjects("bob@home.example", PASSWORD) == ["Lunch"], f"the message {mail.log()} {mail.postfix.log()}")
    with mail.pop("bob@home.example", PASSWORD) as session:
        assert session.stat()[0] == 1
        assert b"Subject: Lunch" in session.retr(1)[1]
