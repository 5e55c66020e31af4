"""A forgotten password: a link by real mail to a second address, and what it opens."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.utils import timezone
from django.utils.translation import gettext, override

from accounts.models import ChangeSet
from jobs.models import Job
from jobs.services import run_job
from mailboxes.models import Mailbox, MailboxCredential, PasswordLink, RecoveryAddress
from mailboxes.services import change_mailbox
from tests.dovecot.test_read_and_send import ALICE, PASSWORD, open_doors, with_password
from tests.plugins.dovecot import Dovecot
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox
from tests.plugins.mail_stack import eventually
from tests.plugins.people import words_of

SECOND = "alice@elsewhere-here.example"
NEW = "eleven green herons at dawn"
LINK = re.compile(r"http://testserver(/sign-in/\S+/)")


@pytest.fixture(scope="module")
def mail(dovecot: Dovecot) -> Dovecot:
    for domain in ("home.example", "elsewhere-here.example"):
        add_domain(domain)
    with_password(add_mailbox(ALICE))
    with_password(add_mailbox(SECOND))
    return dovecot


@pytest.fixture(autouse=True)
def sent_by_postfix(mail: Dovecot, settings: LazySettings) -> Iterator[None]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mail.postfix.port
    settings.DEFAULT_FROM_EMAIL = "panel@home.example"
    yield
    PasswordLink.objects.all().delete()
    RecoveryAddress.objects.all().delete()
    with_password(Mailbox.objects.with_address().get(address__domain__name="home.example"))


def mails(mail: Dovecot) -> list[str]:
    """What lies in the mailbox elsewhere, the oldest first."""
    path = Mailbox.objects.get(address__domain__name="elsewhere-here.example").mail_path
    return [f"{one['Subject']}\n{one.get_payload(decode=True).decode()}" for one in mail.postfix.maildir(path)]  # type: ignore[union-attr]


def worker(mail: Dovecot) -> str:
    """Does what waits; gives the new mail, or nothing."""
    before, waiting = mails(mail), list(Job.objects.filter(kind="password_link", state="waiting"))
    for job in waiting:
        run_job(job.pk)
        job.refresh_from_db()
        assert job.state == "done", job.error
    if not any(job.result and job.result["sent"] for job in waiting):
        return ""
    eventually(lambda: len(mails(mail)) > len(before), f"the mail:\n{mail.postfix.log()}")
    (new,) = set(mails(mail)) - set(before)
    return new


def place(text: str) -> str:
    found = LINK.search(text)
    assert found, text
    return found[1]


def confirmed(mail: Dovecot) -> None:
    owner = Client()
    owner.post("/sign-in/", {"username": ALICE, "password": PASSWORD})
    form = {"address": SECOND, "current": PASSWORD}
    assert owner.post("/my-mailbox/recovery-address/", form)["Location"] == "/my-mailbox/"
    url = place(worker(mail))
    assert SECOND in words_of(Client().get(url))
    assert RecoveryAddress.objects.get().confirmed_at is None
    Client().post(url)
    assert RecoveryAddress.objects.get().confirmed_at


def asked(address: str = ALICE, language: str = "en") -> str:
    """What the page says."""
    client = Client(headers={"Accept-Language": language})
    return words_of(client.post("/sign-in/forgotten/", {"address": address}, follow=True))


def test_it_works(mail: Dovecot) -> None:
    confirmed(mail)
    owner = Client()
    owner.post("/sign-in/", {"username": ALICE, "password": PASSWORD})
    assert owner.get("/my-mailbox/").status_code == 200
    asked()
    url = place(worker(mail))
    assert "not easy to guess" in words_of(Client().get(url))
    page = Client().post(url, {"password": "password1", "again": "password1"})
    assert "easy to guess" in words_of(page)
    assert Client().post(url, {"password": NEW, "again": NEW})["Location"] == "/sign-in/"
    assert owner.get("/my-mailbox/").status_code == 302
    assert open_doors(mail, ALICE, NEW) == ["imap", "pop", "submission", "submissions"]
    assert open_doors(mail, ALICE, PASSWORD) == []
    assert Client().post("/sign-in/", {"username": ALICE, "password": NEW}).status_code == 302
    lines = [line.sentence for line in ChangeSet.objects.order_by("-created_at")[:2]]
    assert f"Set the password of {ALICE} by a link" in lines
    assert ChangeSet.objects.filter(metadata__verb="ask_reset").exists()


def test_it_is_good_once_and_for_an_hour(mail: Dovecot) -> None:
    confirmed(mail)
    asked()
    first = place(worker(mail))
    asked()
    second = place(worker(mail))
    assert Client().post(first, {"password": NEW, "again": NEW}).status_code == 302
    for url in (first, second):
        answer = Client().post(url, {"password": PASSWORD, "again": PASSWORD})
        assert (answer.status_code, "no longer good" in words_of(answer)) == (410, True)
    asked()
    third = place(worker(mail))
    PasswordLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().get(third).status_code == 410
    assert Client().get("/sign-in/new-password/nonsense/").status_code == 410
    kept = MailboxCredential.objects.get(mailbox__address__domain__name="home.example")
    assert kept.changed_at > timezone.now() - timedelta(minutes=5)


def test_the_page_tells_nobody_who_is_there(mail: Dovecot) -> None:
    confirmed(mail)
    said = {asked(address) for address in (ALICE, "nobody@home.example", SECOND, "nonsense", "a@b.example")}
    assert len(said) == 1
    assert "If this mailbox has a confirmed recovery address" in said.pop()
    assert worker(mail)
    assert PasswordLink.objects.filter(purpose="reset").count() == 1


def test_three_an_hour(mail: Dovecot) -> None:
    confirmed(mail)
    lines = ChangeSet.objects.filter(metadata__verb="ask_reset").count()
    assert len({asked() for _time in range(6)}) == 1
    assert PasswordLink.objects.filter(purpose="reset").count() == 3
    assert ChangeSet.objects.filter(metadata__verb="ask_reset").count() == lines + 3
    PasswordLink.objects.update(created_at=timezone.now() - timedelta(hours=2))
    asked()
    assert PasswordLink.objects.filter(purpose="reset").count() == 4
    PasswordLink.objects.all().delete()
    assert worker(mail) == ""  # a job without its link sends nothing


@pytest.mark.parametrize("language", ["en", "ja", "zh-hant"])
def test_in_the_language_of_the_page(mail: Dovecot, language: str) -> None:
    confirmed(mail)
    asked(language=language)
    with override(language):
        assert gettext("If it was not you, do nothing: the password stays as it is.") in worker(mail)


def test_nothing_for_whom_may_not_sign_in(mail: Dovecot) -> None:
    confirmed(mail)
    asked()
    url = place(worker(mail))
    alice = Mailbox.objects.with_address().get(address__domain__name="home.example")
    change_mailbox(alice, active=False, by=TESTER)
    try:
        assert Client().get(url).status_code == 410
        asked()
        assert PasswordLink.objects.filter(purpose="reset").count() == 1
    finally:
        change_mailbox(Mailbox.objects.get(pk=alice.pk), active=True, by=TESTER)


def test_an_address_that_nobody_confirmed_gets_none(mail: Dovecot) -> None:
    owner = Client()
    owner.post("/sign-in/", {"username": ALICE, "password": PASSWORD})
    for form, sentence in (
        ({"address": SECOND, "current": "wrong"}, "This is not your current password."),
        ({"address": ALICE, "current": PASSWORD}, "This is the mailbox itself"),
        ({"address": "nonsense", "current": PASSWORD}, "@"),
    ):
        assert sentence in words_of(owner.post("/my-mailbox/recovery-address/", form))
    owner.post("/my-mailbox/recovery-address/", {"address": SECOND, "current": PASSWORD})
    url = place(worker(mail))
    asked()
    assert not PasswordLink.objects.filter(purpose="reset").exists()
    owner.post("/my-mailbox/recovery-address/", {"address": "", "current": PASSWORD})
    assert not RecoveryAddress.objects.exists()
    assert Client().post(url).status_code == 410


def test_what_opens_it_stands_nowhere(mail: Dovecot, caplog: pytest.LogCaptureFixture) -> None:
    confirmed(mail)
    asked()
    token = place(worker(mail)).rstrip("/").rpartition("/")[2]
    assert len(token) == 22
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT coalesce(string_agg(row::text, chr(10)), '') FROM \"{table}\" AS row")
            assert token not in cursor.fetchone()[0], table
    assert token not in caplog.text
    assert token not in mail.postfix.log()
