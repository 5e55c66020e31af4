"""The welcome mail of a new mailbox: who gets one, what it says, and what becomes of it without a mail server."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone, translation

from accounts.models import ChangeSet
from domains.models import Domain
from domains.services import change_domain
from mailboxes.imports import stage_import, write_import
from mailboxes.mailing_settings import change_mailing_settings
from mailboxes.models import Mailbox, MailingSettings, WelcomeMail
from mailboxes.server_names import change_server_names
from mailboxes.services import add_mailbox, change_mailbox, delete_mailbox, owner_of
from mailboxes.undo import undo_change_set
from mailboxes.welcome import send_welcome_mails
from tests.services.checks import TESTER
from tests.services.conftest import Sink

pytestmark = pytest.mark.django_db


def added(domain: Domain, local_part: str = "jean", *, welcome: bool | None = True, **more: Any) -> Mailbox:
    return add_mailbox(domain, local_part, welcome=welcome, by=TESTER, **more)


def test_it_works(domain: Domain) -> None:
    change_server_names(imap_host="imap.example.org", submission_host="mail.example.org", by=TESTER)
    jean = added(domain, name="Jean Example")
    assert mail.outbox == []  # nobody waits for a mail server
    assert send_welcome_mails() == 1
    (one,) = mail.outbox
    assert (one.subject, one.to, one.bcc, one.cc) == ("Welcome to jean@example.org", ["jean@example.org"], [], [])
    assert one.body.startswith("Hello Jean Example,\n\nyour mailbox jean@example.org is ready.")
    assert one.body.endswith(
        "Read mail, IMAP: imap.example.org, port 993, SSL/TLS\n"
        "Send mail, SMTP: mail.example.org, port 465, SSL/TLS\n"
        "Send mail, SMTP: mail.example.org, port 587, STARTTLS\n"
    )
    assert one.message()["Auto-Submitted"] == "auto-generated"
    assert one.message()["Date"]
    assert Mailbox.objects.select_related("welcome").get(pk=jean.pk).welcomed_at


def test_it_is_sent_once(domain: Domain) -> None:
    added(domain)
    assert [send_welcome_mails() for _run in range(3)] == [1, 0, 0]
    assert len(mail.outbox) == 1


class TestWhoGetsOne:
    @pytest.mark.parametrize(
        ("setting", "asked", "wanted"),
        [(False, None, 0), (False, True, 1), (True, None, 1), (True, False, 0), (False, False, 0), (True, True, 1)],
    )
    def test_as_the_settings_say_or_who_adds_it(
        self, domain: Domain, setting: bool, asked: bool | None, wanted: int
    ) -> None:
        change_mailing_settings(welcomes=setting, by=TESTER)
        added(domain, welcome=asked)
        assert send_welcome_mails() == wanted

    @pytest.mark.parametrize("values", [{"active": False}, {"receives": False}])
    def test_nobody_who_receives_no_mail(self, domain: Domain, values: dict[str, Any]) -> None:
        jean = added(domain, **values)
        assert send_welcome_mails() == 0
        change_mailbox(jean, active=True, receives=True, by=TESTER)
        assert send_welcome_mails() == 0  # nor later on

    @pytest.mark.parametrize("values", [{"active": False}, {"suspended": True}])
    def test_nobody_in_a_domain_that_takes_no_mail(self, domain: Domain, values: dict[str, bool]) -> None:
        change_domain(domain, by=TESTER, **values)
        added(domain)
        assert send_welcome_mails() == 0

    def test_nobody_who_is_gone_again_or_comes_back(self, domain: Domain) -> None:
        change_set = delete_mailbox(added(domain), by=TESTER)
        assert send_welcome_mails() == 0
        undo_change_set(ChangeSet.objects.get(pk=change_set), by=TESTER)
        assert send_welcome_mails() == 0

    def test_nobody_of_an_import(self, domain: Domain) -> None:
        change_mailing_settings(welcomes=True, by=TESTER)
        one = stage_import("mailboxes", BytesIO(b"address\na@example.org\n"), label="a.csv", key=b"", by=TESTER)
        write_import(one, by=TESTER)
        assert Mailbox.objects.count() == 1
        assert send_welcome_mails() == 0


class TestText:
    def test_one_of_ones_own(self, domain: Domain) -> None:
        change_mailing_settings(welcome_subject="Hi {name}", welcome_text="You are {address}.\r\nBye", by=TESTER)
        added(domain)
        send_welcome_mails()
        (one,) = mail.outbox
        assert (one.subject, one.body) == ("Hi jean@example.org", "You are jean@example.org.\nBye\n")

    def test_what_stands_in_a_name_is_not_filled_in(self, domain: Domain) -> None:
        change_mailing_settings(welcome_subject="Hi {name}", by=TESTER)
        # Nor does a line break in one of before, which nobody saves any more, end the subject.
        jean = added(domain)
        Mailbox.objects.filter(pk=jean.pk).update(name="{servers}\n{address}")
        send_welcome_mails()
        assert mail.outbox[0].subject == "Hi {servers}{address}"

    @pytest.mark.parametrize("language", ["ja", "zh-hant"])
    def test_in_the_language_of_the_owner_or_the_server(self, domain: Domain, settings: Any, language: str) -> None:
        settings.LANGUAGE_CODE = language
        added(domain)
        laure = added(domain, "laure")
        owner = owner_of(laure, by=TESTER)
        owner.language = "en"
        owner.save()
        send_welcome_mails()
        with translation.override(language):
            wanted = [translation.gettext("Welcome to {address}").format(address="jean@example.org")]
        assert [one.subject for one in mail.outbox] == [*wanted, "Welcome to laure@example.org"]

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({"welcome_text": "Hello {nmae}"}, "{nmae} is not known here. These are filled in: {address}, {name}"),
            ({"welcome_subject": "Hello {url}"}, "{url} is not known here."),
            ({"welcome_subject": "{servers}"}, "{servers} is not known here. These are filled in: {address}, {name}."),
            ({"welcome_subject": "Hello\nBcc: all@example.org"}, "Type text only"),
            ({"welcome_text": " \u3000 "}, "Type text only"),
            ({"welcome_text": "\0"}, "A text cannot hold a NUL character."),
            ({"welcome_subject": "x" * 201}, "200"),
            ({"mails_per_minute": 0}, "Choose 1 to 6000 mails a minute."),
            ({"mails_per_minute": 6001}, "Choose 1 to 6000 mails a minute."),
        ],
    )
    def test_what_is_refused(self, db: None, values: dict[str, Any], sentence: str) -> None:
        with pytest.raises(ValidationError) as refusal:
            change_mailing_settings(by=TESTER, **values)
        assert refusal.value.message_dict.keys() == values.keys()
        assert sentence in " ".join(refusal.value.messages)
        assert MailingSettings.current().version == 1


class TestServer:
    def test_one_that_is_away_is_asked_again(self, domain: Domain, sink: Sink) -> None:
        sink("-q", "RCPT")
        added(domain)
        assert send_welcome_mails() == 0
        sink()
        assert send_welcome_mails() == 1

    def test_one_that_refuses_for_now_is_asked_again_for_a_day(self, domain: Domain, sink: Sink) -> None:
        sink("-r", "RCPT")
        added(domain)
        assert send_welcome_mails() == 0
        assert WelcomeMail.objects.get().refusal == ""
        WelcomeMail.objects.update(created_at=timezone.now() - timedelta(days=2))
        assert send_welcome_mails() == 0
        row = WelcomeMail.objects.get()
        assert (row.sent_at, row.refusal[:4]) == (None, "450 ")
        sink()
        assert send_welcome_mails() == 0, "it is over"

    def test_one_that_is_away_for_a_day(self, domain: Domain, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
        jean = added(domain)
        assert send_welcome_mails() == 0
        WelcomeMail.objects.update(created_at=timezone.now() - timedelta(days=2))
        assert send_welcome_mails() == 0
        assert Mailbox.objects.get(pk=jean.pk).welcome_refusal == "no answer"

    def test_who_is_refused_for_now_comes_after_the_others(self, domain: Domain, sink: Sink) -> None:
        sink("-r", "RCPT")
        added(domain)
        assert send_welcome_mails() == 0
        added(domain, "laure")
        waiting = WelcomeMail.objects.filter(WelcomeMail.WAITING).order_by("tries", "mailbox")
        assert [str(one) for one in waiting] == ["laure@example.org", "jean@example.org"]

    def test_what_is_refused_for_good_is_not_sent_again(self, domain: Domain, sink: Sink) -> None:
        sink("-f", "RCPT")
        jean = added(domain)
        assert send_welcome_mails() == 0
        assert WelcomeMail.objects.get().refusal.startswith("500 ")
        sink()
        assert send_welcome_mails() == 0
        assert Mailbox.objects.get(pk=jean.pk).welcomed_at is None

    def test_one_odd_address_holds_nobody_up(self, domain: Domain, sink: Sink) -> None:
        sink()
        for local_part in ('"a b"', '"a,b"', '"a\\"b"', '".a..b."', '"<a>"', "jean", "z" * 64):
            added(domain, local_part)
        assert send_welcome_mails() == 7
