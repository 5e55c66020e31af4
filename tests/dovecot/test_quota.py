"""What Dovecot counts comes back into the panel, and who is full gets no more mail."""

from typing import Any

import pytest
from django.db import connection

from mailboxes.models import Mailbox, Usage
from mailboxes.quota_warnings import warn_owners
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


def test_who_is_nearly_full_is_told_once_and_again_after_there_was_room(mail: Dovecot, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mail.postfix.port
    settings.DEFAULT_FROM_EMAIL = "panel@home.example"
    warned = small("warned", 1000 * KIB)
    login = str(warned)
    mail.postfix.send(login, text=("y" * 70 + "\n") * 3000)  # so large that a warning fits in at 96 percent
    eventually(lambda: used(warned), "what is used", seconds=10)
    warn_owners()  # those of the tests before
    assert warn_owners() == 0
    filled_to(85, warned)
    assert [warn_owners(), warn_owners()] == [1, 0]
    eventually(lambda: Usage.objects.filter(mailbox=warned, messages=2).exists(), "the warning")
    assert any("% full" in subject for subject in mail.subjects(login, PASSWORD))
    filled_to(96, warned)
    assert [warn_owners(), warn_owners()] == [1, 0], "a second one when it is worse"
    eventually(lambda: Usage.objects.filter(mailbox=warned, messages=3).exists(), "that it is stored")
    filled_to(10, warned)
    assert Usage.objects.get(mailbox=warned).warned == 0
    filled_to(96, warned)
    assert warn_owners() == 1, "there was room meanwhile"


def filled_to(percent: int, mailbox: Mailbox) -> None:
    """By another quota: what is stored stays."""
    row = Usage.objects.get(mailbox=mailbox)
    change_mailbox(mailbox, quota_bytes=row.bytes * 100 // percent, by=TESTER)
    assert abs((Usage.objects.get(mailbox=mailbox).percent or 0) - percent) <= 1
