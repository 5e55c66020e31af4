"""Mail programs sign in with app passwords, by the protocols that each is for."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import ChangeSet
from mailboxes.app_passwords import add_app_password, revoke_app_password
from mailboxes.models import AppPassword, AppPasswordSecret, Mailbox, MailboxCredential
from mailboxes.password_settings import change_password_settings
from mailboxes.services import change_mailbox, delete_mailbox, set_mailbox_password
from mailboxes.undo import undo_change_set
from tests.dovecot.test_read_and_send import ALICE, BOB, PASSWORD, message, open_doors, with_password
from tests.plugins.dovecot import Dovecot
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox

ALL = ["imap", "pop", "submission", "submissions"]


@pytest.fixture(scope="module")
def mail(dovecot: Dovecot) -> Dovecot:
    add_domain("home.example")
    for address in (ALICE, BOB):
        with_password(add_mailbox(address))
    return dovecot


def of(login: str) -> Mailbox:
    return Mailbox.objects.with_address().get(address__local_part=login.partition("@")[0])


def added(login: str, name: str, **values: Any) -> tuple[AppPassword, str]:
    return add_app_password(of(login), name, **values, by=TESTER)


@pytest.mark.parametrize(
    ("values", "doors"),
    [
        ({}, ALL),
        ({"pop": False, "sends": False}, ["imap"]),
        ({"imap": False, "sends": False}, ["pop"]),
        ({"imap": False, "pop": False}, ["submission", "submissions"]),
        ({"expires_at": timezone.now() + timedelta(days=1)}, ALL),
    ],
    ids=str,
)
def test_each_door_that_it_is_for(mail: Dovecot, values: dict[str, Any], doors: list[str]) -> None:
    _one, text = added(ALICE, f"for {doors} {len(values)}", **values)
    assert open_doors(mail, ALICE, text) == doors
    assert open_doors(mail, ALICE, PASSWORD) == ALL
    assert "errors" not in mail.log().lower()


def test_mail_is_sent_with_one_and_read_with_another(mail: Dovecot) -> None:
    _one, sending = added(ALICE, "scanner", imap=False, pop=False)
    with mail.submission(ALICE, sending) as session:
        session.sendmail(ALICE, [BOB], message("From the scanner"))
        session.mail(BOB)
        assert session.rcpt("friend@elsewhere.example")[0] == 553
    _one, reading = added(BOB, "phone", pop=False, sends=False)
    with mail.imap(BOB, reading) as session:
        assert session.select("INBOX")[0] == "OK"


def test_it_opens_nothing_else(mail: Dovecot) -> None:
    _one, text = added(ALICE, "mine")
    assert open_doors(mail, BOB, text) == []
    for other in (text.upper(), text.replace("-", ""), text[:-1], AppPasswordSecret.objects.latest("pk").digest, ""):
        assert open_doors(mail, ALICE, other) == [], other


def test_revoked_or_expired(mail: Dovecot) -> None:
    one, text = added(ALICE, "lost phone")
    assert open_doors(mail, ALICE, text) == ALL
    AppPassword.objects.filter(pk=one.pk).update(expires_at=timezone.now())
    assert open_doors(mail, ALICE, text) == []
    AppPassword.objects.filter(pk=one.pk).update(expires_at=None)
    revoke_app_password(one, by=TESTER)
    assert open_doors(mail, ALICE, text) == []


@pytest.mark.parametrize(
    ("change", "left"), [({"imap": False}, ALL[1:]), ({"sends": False}, ALL[:2]), ({"active": False}, [])], ids=str
)
def test_no_more_than_the_mailbox(mail: Dovecot, change: dict[str, Any], left: list[str]) -> None:
    _one, text = added(BOB, f"all {change}")
    change_mailbox(of(BOB), **change, by=TESTER)
    try:
        assert open_doors(mail, BOB, text) == left
    finally:
        before: dict[str, Any] = dict.fromkeys(change, True)
        change_mailbox(of(BOB), **before, by=TESTER)


def test_another_password_leaves_it(mail: Dovecot) -> None:
    _one, text = added(BOB, "stays")
    set_mailbox_password(of(BOB), PASSWORD + "!", by=TESTER)
    assert open_doors(mail, BOB, text) == ALL
    set_mailbox_password(of(BOB), PASSWORD, by=TESTER)


def test_it_goes_and_comes_with_its_mailbox(mail: Dovecot) -> None:
    with_password(add_mailbox("carol@home.example"))
    _one, text = added("carol@home.example", "phone")
    gone = delete_mailbox(of("carol"), by=TESTER)
    assert open_doors(mail, "carol@home.example", text) == []
    undo_change_set(ChangeSet.objects.get(pk=gone), by=TESTER)
    assert open_doors(mail, "carol@home.example", text) == ALL


def test_its_last_use_is_noted_once_an_hour(mail: Dovecot) -> None:
    one, text = added(ALICE, "watched")
    kept = AppPasswordSecret.objects.filter(pk=one.pk)
    with mail.imap(ALICE, text):
        first = kept.get().used_at
    assert first is not None
    with mail.imap(ALICE, text):
        assert kept.get().used_at == first
    kept.update(used_at=first - timedelta(hours=2))
    with mail.pop(ALICE, text):
        assert kept.get().used_at > first  # type: ignore[operator]


def test_no_log_holds_what_was_typed(mail: Dovecot) -> None:
    _one, text = added(ALICE, "secret")
    open_doors(mail, ALICE, text)
    open_doors(mail, ALICE, text + "!")
    for log in (mail.log(), mail.postfix.log()):
        assert text not in log
        assert AppPasswordSecret.objects.latest("pk").digest not in log


def test_a_password_that_is_no_longer_valid(mail: Dovecot) -> None:
    dora = with_password(add_mailbox("dora@home.example"))
    _one, text = added(str(dora), "phone")
    kept = MailboxCredential.objects.filter(mailbox=dora)
    kept.update(changed_at=timezone.now() - timedelta(days=100))
    for valid, grace, doors in ((99, 7, ALL), (92, 7, []), (None, 0, ALL), (101, 0, ALL)):
        change_password_settings(valid_days=valid, grace_days=grace, by=TESTER)
        assert open_doors(mail, str(dora), PASSWORD) == doors, (valid, grace)
        assert open_doors(mail, str(dora), text) == ALL
    change_password_settings(valid_days=None, by=TESTER)
    set_mailbox_password(dora, PASSWORD, must_change=True, by=TESTER)
    assert open_doors(mail, str(dora), PASSWORD) == ALL
