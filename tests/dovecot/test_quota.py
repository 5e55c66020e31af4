"""What Dovecot counts comes back into the panel, and who is full gets no more mail."""

import pytest
from django.db import connection

from mailboxes.models import Mailbox, Usage
from mailboxes.renaming import rename_address
from mailboxes.services import change_mailbox, delete_mailbox, set_mailbox_password
from tests.plugins.dovecot import Dovecot
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import eventually

PASSWORD = "many letters in a small box"
KIB = 1024


@pytest.fixture(scope="module")
def mail(dovecot: Dovecot) -> Dovecot:
    add_domain("home.example")
    return dovecot


def small(name: str, quota_bytes: int | None = 20 * KIB) -> Mailbox:
    mailbox = add_mailbox(f"{name}@home.example")
    set_mailbox_password(mailbox, PASSWORD, by=TESTER)
    return change_mailbox(mailbox, quota_bytes=quota_bytes, by=TESTER)


def used(mailbox: Mailbox) -> Usage | None:
    return Usage.objects.filter(mailbox=mailbox).first()


def test_what_is_used_is_in_the_panel_within_seconds(mail: Dovecot) -> None:
    anna = small("anna", None)
    assert used(anna) is None
    mail.postfix.send(str(anna), text="x" * 500)
    row = eventually(lambda: used(anna), f"what is used: {mail.log()}", seconds=3)
    assert row is not None
    assert row.messages == 1
    assert row.bytes > 500
    assert row.domain == anna.address.domain
    mail.postfix.send(str(anna), text="second")
    eventually(lambda: Usage.objects.filter(mailbox=anna, messages=2).exists(), "the second message", seconds=3)
    with mail.imap(str(anna), PASSWORD) as session:
        session.select("INBOX")
        session.store("1:*", "+FLAGS", r"\Deleted")
        session.expunge()
    eventually(lambda: Usage.objects.filter(mailbox=anna, messages=0, bytes=0).exists(), "nothing left", seconds=3)


def test_who_is_full_is_refused_at_rcpt_and_gets_mail_again_after_more_room(mail: Dovecot) -> None:
    full = small("full")
    add_alias("also-full@home.example", "full@home.example")
    mail.postfix.send(str(full), text="x" * 2500)
    assert mail.postfix.rcpt(str(full)).code == 250
    while mail.postfix.rcpt(str(full)).code == 250:
        assert mail.postfix.send(str(full), text="y" * 2500)[0].status == "sent"
    answer = mail.postfix.rcpt(str(full))
    assert (answer.code, "Mailbox is full" in answer.text) == (552, True)
    assert mail.postfix.rcpt("full+lists@home.example").code == 552
    row = used(full)
    assert row
    assert 15 * KIB < row.bytes < 30 * KIB
    change_mailbox(Mailbox.objects.get(pk=full.pk), quota_bytes=100 * KIB, by=TESTER)
    assert mail.postfix.rcpt(str(full)).code == 250


def test_a_message_that_is_larger_than_what_is_left_is_refused_at_rcpt(mail: Dovecot) -> None:
    tight = small("tight")
    with mail.postfix.session() as session:
        assert session.docmd("MAIL", f"FROM:<someone@example.net> SIZE={50 * KIB}")[0] == 250
        assert session.docmd("RCPT", f"TO:<{tight}>")[0] == 552
        assert session.docmd("RCPT", f"TO:<{small('roomy', None)}>")[0] == 250


def test_a_new_address_takes_along_what_is_used(mail: Dovecot) -> None:
    add_domain("other.example")
    moved = small("before", None)
    mail.postfix.send(str(moved), text="one")
    eventually(lambda: used(moved), "what is used", seconds=3)
    rename_address(moved.address, moved.address.domain, "after", by=TESTER)
    row = used(moved)
    assert row
    assert row.username == "after@home.example"
    mail.postfix.send("after@home.example", text="two")
    eventually(lambda: Usage.objects.filter(mailbox=moved, messages=2).exists(), "the second message", seconds=3)


def test_what_is_said_of_nobody_is_forgotten_and_goes_with_the_mailbox(mail: Dovecot) -> None:
    gone = small("gone", None)
    mail.postfix.send(str(gone), text="one")
    eventually(lambda: used(gone), "what is used", seconds=3)
    delete_mailbox(gone, by=TESTER)
    assert used(gone) is None
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO dovecot.quota (username, bytes) VALUES ('gone@home.example', 5)")
    assert not Usage.objects.filter(username="gone@home.example").exists()
