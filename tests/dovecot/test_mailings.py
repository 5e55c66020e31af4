"""The real worker sends welcome mails and broadcasts through Postfix and Dovecot, and is killed meanwhile."""

from collections import Counter
from collections.abc import Iterator
from email.message import Message
from email.utils import parsedate_to_datetime

import pytest

from mailboxes.broadcasts import start_broadcast
from mailboxes.mailing_settings import change_mailing_settings
from mailboxes.models import BroadcastProgress, Mailbox, WelcomeMail
from mailboxes.services import add_mailbox, set_mailbox_password
from tests.plugins.dovecot import Dovecot
from tests.plugins.example_mail import TESTER, add_domain
from tests.plugins.worker import Worker

PASSWORD = "the first letter in the box"
EACH = 60  # mailboxes a domain
KILLS = 3


@pytest.fixture
def worker(dovecot: Dovecot) -> Iterator[Worker]:
    with Worker(smtp=dovecot.postfix.port) as running:
        yield running


def mails(dovecot: Dovecot, mailbox: Mailbox) -> list[Message]:
    return dovecot.postfix.maildir(mailbox.mail_path)


def test_a_welcome_mail_makes_the_maildir(dovecot: Dovecot, worker: Worker) -> None:
    domain = add_domain("new.example")
    anna = add_mailbox(domain, "anna", name="Anna", welcome=True, by=TESTER)
    berta = add_mailbox(domain, "berta", welcome=False, by=TESTER)
    set_mailbox_password(anna, PASSWORD, by=TESTER)
    folder = dovecot.postfix.base / "mail" / anna.mail_path
    assert not folder.exists()

    worker.eventually(lambda: mails(dovecot, anna), "the welcome mail")

    assert dovecot.subjects(str(anna), PASSWORD) == ["Welcome to anna@new.example"]
    (one,) = mails(dovecot, anna)
    assert one["To"] == str(anna)
    assert one["Auto-Submitted"] == "auto-generated"
    assert one["Message-ID"].startswith(f"<welcome.{anna.pk}.")
    assert parsedate_to_datetime(one["Date"])
    worker.eventually(lambda: WelcomeMail.objects.filter(mailbox=anna, sent_at__isnull=False).exists(), "its row")

    worker.kill()
    worker.start()
    clara = add_mailbox(domain, "clara", welcome=True, by=TESTER)
    worker.eventually(lambda: mails(dovecot, clara), "another welcome mail")
    assert len(mails(dovecot, anna)) == 1
    assert not (dovecot.postfix.base / "mail" / berta.mail_path).exists()


def test_a_broadcast_reaches_each_mailbox_once_although_the_worker_is_killed(dovecot: Dovecot, worker: Worker) -> None:
    change_mailing_settings(mails_per_minute=6000, by=TESTER)
    domains = [add_domain(name) for name in ("one.example", "two.example", "three.example")]
    for domain in domains:
        for number in range(EACH if domain != domains[2] else 1):
            add_mailbox(domain, f"m{number}", by=TESTER)
    chosen = list(Mailbox.objects.with_address().filter(address__domain__in=domains[:2]))
    (other,) = Mailbox.objects.with_address().filter(address__domain=domains[2])

    names = [domain.name for domain in domains[:2]]
    start_broadcast("News", "Dear {name}, there is news.", domain_names=names, sender="office@one.example", by=TESTER)

    for kill in range(1, KILLS + 1):
        wanted = kill * 2 * EACH // (KILLS + 1)
        worker.eventually(lambda wanted=wanted: progress().reached >= wanted, f"{wanted} mails")  # type: ignore[misc]
        worker.kill()
        assert wanted <= progress().reached < 2 * EACH, "It was not killed in the middle."
        worker.start()
    worker.eventually(lambda: progress().finished_at, "the end of the broadcast")

    found = progress()
    assert (found.total, found.reached, found.refused, found.left_out) == (2 * EACH, 2 * EACH, 0, 0)
    worker.eventually(lambda: all(mails(dovecot, one) for one in chosen), "all mails in their maildirs")
    got = Counter(one["Message-ID"] for mailbox in chosen for one in mails(dovecot, mailbox))
    assert got.keys() == {f"<broadcast.{found.pk}.{mailbox.pk}@one.example>" for mailbox in chosen}
    # One that was under way at a kill may come twice, and says so by its number: nobody can know better.
    assert got.total() - len(got) <= KILLS
    assert mails(dovecot, other) == []
    for mailbox in chosen:
        for one in mails(dovecot, mailbox):
            assert (one["To"], one["Cc"], one["From"]) == (str(mailbox), None, "office@one.example")
            assert (one["Precedence"], one["Auto-Submitted"]) == ("bulk", "auto-generated")
            assert one.get_payload().strip() == f"Dear {mailbox}, there is news."  # type: ignore[union-attr]


def progress() -> BroadcastProgress:
    return BroadcastProgress.objects.get()
