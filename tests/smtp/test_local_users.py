"""Users of the mail host: unknown ones are refused at the door once the panel knows them, and nobody before."""

from collections.abc import Iterator

import pytest

from accounts.models import ChangeSet
from mailboxes.local_users import import_local_users
from mailboxes.models import LocalUser
from mailboxes.undo import undo_change_set
from mailservers.lookup import look_up
from tests.plugins import example_mail
from tests.plugins.example_mail import TESTER
from tests.plugins.mail_stack import Postfix

USERS = {"root": 0, "ann": 1000, "a.b_c": 1001}


@pytest.fixture(scope="module")
def mail(postfix: Postfix, committed: None) -> Iterator[Postfix]:
    example_mail.this_machine()
    example_mail.home()
    example_mail.local_aliases()
    postfix.configure()
    yield postfix
    LocalUser.objects.all().delete()
    postfix.configure()


def test_before_the_import_nobody_is_refused(mail: Postfix) -> None:
    """Postfix's default stands, which asks the host itself."""
    assert "local_recipient_maps" not in (mail.conf / "main.cf").read_text()
    assert mail.rcpt("root@mx.example.net").code == 250
    assert look_up("whoever@mx.example.net").code == 250


@pytest.fixture(scope="module")
def after_the_import(mail: Postfix) -> Postfix:
    import_local_users(USERS, by=TESTER)
    mail.configure()
    return mail


KNOWN = [
    "ann@mx.example.net",
    "ANN@localhost",
    "ann+list@mx.example.net",
    "a.b_c@mx.example.net",
    "root@mx.example.net",
    "staff@mx.example.net",
    "staff+x@mx.example.net",
    "postmaster@mx.example.net",
]
UNKNOWN = ["nobody-here@mx.example.net", "quiet@mx.example.net", "daemon@mx.example.net", "nobody+x@localhost"]


@pytest.mark.parametrize("recipient", KNOWN)
def test_known_users_are_taken(after_the_import: Postfix, recipient: str) -> None:
    reply = after_the_import.rcpt(recipient)
    assert (reply.code, f"{reply.code} {reply.text}") == (250, look_up(recipient).reply)


@pytest.mark.parametrize("recipient", UNKNOWN)
def test_unknown_users_are_refused(after_the_import: Postfix, recipient: str) -> None:
    reply = after_the_import.rcpt(recipient)
    assert reply.code == 550
    assert reply.text.endswith("User unknown in local recipient table")
    assert f"{reply.code} {reply.text}" == look_up(recipient).reply


def test_names_that_only_the_host_keeps_are_taken(after_the_import: Postfix) -> None:
    assert after_the_import.rcpt("hostmaster@mx.example.net").code == 250


def test_a_change_counts_at_once(after_the_import: Postfix) -> None:
    import_local_users(USERS | {"new": 1002}, by=TESTER)
    assert after_the_import.rcpt("new@mx.example.net").code == 250
    import_local_users(USERS, by=TESTER)
    assert after_the_import.rcpt("new@mx.example.net").code == 550


def test_an_empty_table_refuses_nobody(after_the_import: Postfix) -> None:
    """main.cf still names the map when the first import is undone."""
    first = ChangeSet.objects.filter(metadata__noun="local_users").earliest("created_at")
    undo_change_set(first, by=TESTER)
    assert after_the_import.rcpt("root@mx.example.net").code == 250
    assert after_the_import.rcpt("whoever@mx.example.net").code == 250
    import_local_users(USERS, by=TESTER)


def test_main_cf_forgets_the_map_of_an_empty_table(after_the_import: Postfix) -> None:
    assert "\nlocal_recipient_maps = proxy:pgsql:" in (after_the_import.conf / "main.cf").read_text()
    LocalUser.objects.all().delete()
    try:
        assert "local_recipient_maps" not in after_the_import.install()
    finally:
        import_local_users(USERS, by=TESTER)
        after_the_import.configure()
