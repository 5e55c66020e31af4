"""What was right and breaks is told once, through a real SMTP conversation."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.services import add_user
from dns_records.alarm import tell_what_broke
from dns_records.checks import check_domains
from dns_records.jobs import start_dns_check
from dns_records.record_models import RecordChange
from domains.models import Domain
from domains.services import add_domain, add_domain_admin
from jobs.services import run_job
from mailboxes.services import add_mailbox
from tests.dns_records.conftest import Place
from tests.plugins.mail_stack import Postfix
from tests.services.checks import TESTER


@pytest.fixture
def people(db: None) -> None:
    add_user("ada@example.net", is_superuser=True, by=TESTER)
    add_user("nobody", is_superuser=True, by=TESTER)  # has no address
    claire = add_user("claire@example.org", by=TESTER)
    add_domain_admin(Domain.objects.get(name="example.org"), claire, by=TESTER)
    stranger = add_user("mallory@example.com", by=TESTER)
    add_domain_admin(add_domain("foreign.example", by=TESTER), stranger, by=TESTER)


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


def test_a_mail_server_that_is_down_gets_it_later(place: Place, people: None, settings: Any, mailoutbox: Any) -> None:
    names = {"purpose": "dmarc", "name": "_dmarc.example.org", "rdtype": "TXT", "why": "nothing"}
    RecordChange.objects.create(domain=place.domain, at=timezone.now(), before="right", after="missing", **names)
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
    RecordChange.objects.create(domain=domain, at=timezone.now(), before="right", after="missing", **names)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", postfix.port
    assert tell_what_broke() == 1
