"""What was right and breaks is told once, through a real SMTP conversation."""

import smtplib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from threading import Event
from typing import Any

import pytest
from django.apps import apps
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils import timezone

from accounts.services import add_user
from dns_records.alarm import tell_what_broke
from dns_records.checks import check_domains
from dns_records.jobs import start_dns_check
from dns_records.record_models import Record, RecordChange
from dns_records.services import change_dns_settings
from domains.dkim_models import DkimKey
from domains.dkim_services import move_dkim_key
from domains.models import Domain
from domains.services import add_domain, add_domain_admin
from jobs.services import run_job
from mailboxes.services import add_mailbox
from tests.dns_records.conftest import Place
from tests.dns_records.test_check import somebody_waits
from tests.plugins.mail_stack import Postfix, eventually
from tests.services.checks import TESTER


@pytest.fixture
def people(db: None) -> None:
    add_user("ada@example.net", is_superuser=True, by=TESTER)
    add_user("nobody", is_superuser=True, by=TESTER)  # has no address
    claire = add_user("claire@example.org", by=TESTER)
    add_domain_admin(Domain.objects.get(name="example.org"), claire, by=TESTER)
    stranger = add_user("mallory@example.com", by=TESTER)
    add_domain_admin(add_domain("foreign.example", by=TESTER), stranger, by=TESTER)


def lost(domain: Domain | None, **names: Any) -> RecordChange:
    return RecordChange.objects.create(
        domain=domain, at=timezone.now(), before="right", after="missing", is_loss=True, **names
    )


def without_dmarc(lines: list[str]) -> list[str]:
    return [line for line in lines if "_dmarc" not in line]


def test_it_works(place: Place, people: None, mailoutbox: Any) -> None:
    place.publish()
    place.publish_hosts()
    Domain.objects.exclude(name="example.org").update(active=False)
    run_job(start_dns_check(by=TESTER).pk)
    assert mailoutbox == []  # what is seen for the first time has not broken
    place.publish(without_dmarc)
    job = start_dns_check(by=TESTER)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.result == {"domains": 1, "changed": 1, "mails": 2}
    assert [mail.to for mail in mailoutbox] == [["ada@example.net"], ["claire@example.org"]]
    assert mailoutbox[0].subject == "DNS: 1 record is no longer right"
    assert "DMARC: _dmarc.example.org TXT\n    There is no such record.\n" in mailoutbox[0].body
    run_job(start_dns_check(by=TESTER).pk)
    assert len(mailoutbox) == 2  # once a change
    place.publish()
    check_domains([place.domain])
    assert tell_what_broke() == 0


def mails_after(place: Place, outbox: list[Any]) -> list[str]:
    """What a check says by mail to ada, record by record."""
    before = len(outbox)
    check_domains([Domain.objects.get(pk=place.domain.pk)], timeout=1)
    tell_what_broke()
    bodies = [mail.body for mail in outbox[before:] if mail.to == ["ada@example.net"]]
    return [part for body in bodies for part in body.split("\n\n")[1:-1]]


@pytest.fixture
def right(place: Place, people: None, mailoutbox: Any) -> Place:
    """All was right at the last check."""
    place.publish()
    place.publish_hosts()
    assert mails_after(place, mailoutbox) == []
    return place


GONE = "DMARC: _dmarc.example.org TXT\n    There is no such record."


def test_what_one_of_two_servers_loses(right: Place, mailoutbox: Any) -> None:
    """It is told once, also when the other one loses it as well; and again after it was right again."""
    right.publish(without_dmarc, at=["ns2"])
    assert mails_after(right, mailoutbox) == [
        "DMARC: _dmarc.example.org TXT\n"
        "    ns2.servers.test: not there any more, or another one. Others still have the right one."
    ]
    right.publish(without_dmarc)
    assert mails_after(right, mailoutbox) == []
    right.publish()
    assert mails_after(right, mailoutbox) == []
    right.publish(without_dmarc)
    assert mails_after(right, mailoutbox) == [GONE]


def test_what_breaks_while_nobody_answers(right: Place, mailoutbox: Any) -> None:
    right.publish(without_dmarc, ns=["dead"])
    assert mails_after(right, mailoutbox) == []
    right.publish(without_dmarc)
    assert mails_after(right, mailoutbox) == [GONE]


def test_the_record_of_a_key_that_retires(right: Place, mailoutbox: Any) -> None:
    """Mail on its way needs it. What is revoked needs none."""
    key = move_dkim_key(DkimKey.objects.get(), "retiring", by=TESTER)
    right.publish(lambda lines: [line for line in lines if "_domainkey" not in line])
    gone = "DKIM key: s1._domainkey.example.org TXT\n    There is no such record."
    assert mails_after(right, mailoutbox) == [gone]
    changes = RecordChange.objects.filter(name="s1._domainkey.example.org").order_by("pk")
    assert [(one.purpose, one.before, one.after) for one in changes] == [
        ("dkim", "", "right"),
        ("dkim_retiring", "right", "missing"),
    ]
    right.publish()
    assert mails_after(right, mailoutbox) == []
    move_dkim_key(key, "revoked", by=TESTER)
    assert mails_after(right, mailoutbox) == []  # the key is still there; we expect something else
    right.publish(lambda lines: [line for line in lines if "_domainkey" not in line])
    assert mails_after(right, mailoutbox) == []


def test_our_own_settings_break_nothing(right: Place, mailoutbox: Any) -> None:
    """What was there is still there. When that goes as well, it is told."""
    change_dns_settings(dmarc_policy="reject", by=TESTER)
    assert mails_after(right, mailoutbox) == []
    right.publish(lambda lines: [line.replace("p=reject", "p=none") for line in lines])
    (said,) = mails_after(right, mailoutbox)
    assert "The policy is none. The settings ask for reject." in said
    assert mails_after(right, mailoutbox) == []


class Greylisting(EmailBackend):
    """A mail server that does not take mail for ada for now."""

    def send_messages(self, messages: Any) -> int:
        for mail in messages:
            if mail.to == ["ada@example.net"]:
                raise smtplib.SMTPRecipientsRefused({mail.to[0]: (451, b"4.7.1 Come back later")})
        return super().send_messages(messages)


def test_who_is_refused_for_now_gets_it_later_and_alone(
    place: Place, people: None, settings: Any, mailoutbox: Any
) -> None:
    names = {"purpose": "dmarc", "name": "_dmarc.example.org", "rdtype": "TXT", "why": "nothing"}
    change = lost(place.domain, **names)
    usual, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "tests.dns_records.test_alarm.Greylisting"
    assert tell_what_broke() == 1
    change.refresh_from_db()
    assert change.told_at is None
    settings.EMAIL_BACKEND = usual
    assert (tell_what_broke(), tell_what_broke()) == (1, 0)
    assert [mail.to for mail in mailoutbox] == [["claire@example.org"], ["ada@example.net"]]
    change.refresh_from_db()
    assert change.told_at


def test_a_record_of_a_mail_host_stands_in_the_mail_once(place: Place, people: None, mailoutbox: Any) -> None:
    """It is lost for the hosts, and for the domain whose zone it stands in."""
    for domain in (None, place.domain):
        lost(domain, purpose="address", name="mx1.example.org", rdtype="A", why="nothing")
    assert tell_what_broke() == 2
    ada, claire = mailoutbox
    assert ada.subject == claire.subject == "DNS: 1 record is no longer right"
    assert ada.body.count("mx1.example.org A") == claire.body.count("mx1.example.org A") == 1
    assert tell_what_broke() == 0


def test_after_five_days_nobody_is_tried_any_more(place: Place, people: None, settings: Any, mailoutbox: Any) -> None:
    names = {"purpose": "dmarc", "name": "_dmarc.example.org", "rdtype": "TXT", "why": "nothing"}
    change = lost(place.domain, **names)
    settings.EMAIL_BACKEND = "tests.dns_records.test_alarm.Greylisting"
    assert (tell_what_broke(), tell_what_broke()) == (1, 0)
    RecordChange.objects.filter(pk=change.pk).update(at=timezone.now() - timedelta(days=6))
    tell_what_broke()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert tell_what_broke() == 0
    assert len(mailoutbox) == 1


@pytest.mark.django_db(transaction=True)
def test_two_checks_tell_once(settings: Any, mailoutbox: Any) -> None:
    """The second one begins while the first one's mail is on its way."""
    add_user("ada@example.net", is_superuser=True, by=TESTER)
    lost(add_domain("example.org", by=TESTER), purpose="mx", name="example.org", rdtype="MX", why="nothing")
    settings.EMAIL_BACKEND = "tests.dns_records.test_alarm.Slow"
    Slow.begun, Slow.may_end = Event(), Event()

    def tell() -> int:
        try:
            return tell_what_broke()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(tell)
        assert Slow.begun.wait(timeout=10)
        second = pool.submit(tell)
        eventually(lambda: second.done() or somebody_waits(), "the second one to wait")
        Slow.may_end.set()
        assert (first.result(timeout=10), second.result(timeout=10)) == (1, 0)
    assert len(mailoutbox) == 1


class Slow(EmailBackend):
    begun, may_end = Event(), Event()

    def send_messages(self, messages: Any) -> int:
        self.begun.set()
        assert self.may_end.wait(timeout=20)
        return super().send_messages(messages)


def test_what_was_right_before_the_upgrade(right: Place, mailoutbox: Any) -> None:
    """And what nobody had been told yet."""
    names = {"purpose": "mx", "name": "example.org", "rdtype": "MX", "why": "nothing"}
    RecordChange.objects.filter(pk=lost(right.domain, **names).pk).update(is_loss=False)
    Record.objects.update(right_for=[], right_with=[])
    import_module("dns_records.migrations.0007_what_was_right_so_far").fill(apps, None)
    right.publish(without_dmarc)
    assert mails_after(right, mailoutbox) == ["MX: example.org MX\n    There is no such record.", GONE]


def test_a_mail_server_that_is_down_gets_it_later(place: Place, people: None, settings: Any, mailoutbox: Any) -> None:
    names = {"purpose": "dmarc", "name": "_dmarc.example.org", "rdtype": "TXT", "why": "nothing"}
    lost(place.domain, **names)
    usual, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert tell_what_broke() == 0
    settings.EMAIL_BACKEND = usual
    assert tell_what_broke() == 2
    assert len(mailoutbox) == 2
    assert tell_what_broke() == 0


@pytest.mark.django_db(transaction=True)
def test_a_real_postfix_takes_it(postfix: Postfix, settings: Any) -> None:
    domain = add_domain("home.example", by=TESTER)
    add_mailbox(domain, "ada", by=TESTER)
    add_user("ada@home.example", is_superuser=True, by=TESTER)
    names = {"purpose": "mx", "name": "home.example", "rdtype": "MX", "why": "nothing"}
    lost(domain, **names)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", postfix.port
    assert tell_what_broke() == 1
