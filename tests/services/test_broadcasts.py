"""Broadcasts: who gets one, how fast, what becomes of it when the server or the worker goes away, and who may send."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.actors import Actor, Door
from accounts.models import ChangeSet, User
from accounts.services import add_user
from domains.models import Domain
from domains.services import add_domain, add_domain_admin, change_domain, remove_domain_admin
from jobs.mail import answers, automatic_mail
from jobs.models import Job
from jobs.services import run_job
from mailboxes.broadcasts import BROADCAST, preview_of_broadcast, start_broadcast, stop_broadcast
from mailboxes.mailing_settings import change_mailing_settings
from mailboxes.models import Broadcast, BroadcastProgress, BroadcastRecipient, Mailbox
from mailboxes.services import add_mailbox, change_mailbox, delete_mailbox
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER
from tests.services.conftest import Sink

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(domain: Domain, other: Domain) -> list[Mailbox]:
    """Two mailboxes of one domain, one of another; and one that is not active."""
    add_mailbox(domain, "asleep", active=False, by=TESTER)
    where = [(domain, "jean"), (domain, "laure"), (other, "sophie")]
    return [add_mailbox(one, name, by=TESTER) for one, name in where]


@pytest.fixture
def claire(domain: Domain) -> Actor:
    """Domain admin of example.org."""
    user = add_user("claire", by=TESTER)
    add_domain_admin(domain, user, by=TESTER)
    return Actor(user=user, door=Door.PAGE)


def started(by: Actor = TESTER, **more: Any) -> Broadcast:
    return start_broadcast("Maintenance", "On Sunday, dear {name}.", by=by, **more)


def one_run() -> Job:
    """The worker comes to it once more."""
    Job.objects.filter(kind=BROADCAST).update(run_after=timezone.now())
    run_job(Job.objects.get(kind=BROADCAST).pk)
    job = Job.objects.get(kind=BROADCAST)
    assert job.state != "failed", job.error
    return job


def to_the_end() -> Job:
    for _run in range(20):
        job = one_run()
        if job.is_finished:
            return job
        BroadcastProgress.objects.update(paced_at=timezone.now() - timedelta(minutes=1))
    raise AssertionError("It goes on for ever.")


def figures() -> tuple[int, ...]:
    """How many there are, were reached, refused, and were left out."""
    found = BroadcastProgress.objects.get()
    return found.total or 0, found.reached, found.refused, found.left_out


def line(verb: str) -> ChangeSet:
    """Of the history."""
    return ChangeSet.objects.get(metadata__noun="broadcast", metadata__verb=verb)


def reached() -> list[str]:
    return [address for one in mail.outbox for address in one.to]


def test_it_works(three: list[Mailbox]) -> None:
    preview = preview_of_broadcast("Maintenance", "On Sunday, dear {name}.", by=TESTER)
    assert (preview.mailboxes, preview.domains) == (3, 2)
    assert (preview.to, preview.text) == ("jean@example.org", "On Sunday, dear jean@example.org.\n")
    assert not Broadcast.objects.exists()

    broadcast = started()
    assert mail.outbox == []
    job = to_the_end()

    assert reached() == ["jean@example.org", "laure@example.org", "sophie@example.com"]
    assert job.result == {"broadcast": broadcast.pk, "total": 3, "reached": 3, "refused": 0, "left_out": 0}
    assert (job.done, job.total) == (3, 3)
    assert Broadcast.objects.with_progress().get().state == "done"
    assert not BroadcastRecipient.objects.exists()
    one = mail.outbox[0].message()
    assert (one["To"], one["Cc"], one["Bcc"]) == ("jean@example.org", None, None)
    assert (one["Auto-Submitted"], one["Precedence"]) == ("auto-generated", "bulk")
    assert one["From"] == django_settings.DEFAULT_FROM_EMAIL
    assert one["Message-ID"].startswith(f"<broadcast.{broadcast.pk}.")
    assert one["Date"]
    assert line("start").sentence == "Started the broadcast “Maintenance”"


def test_to_some_domains(three: list[Mailbox]) -> None:
    started(domain_names=["Example.COM", "example.com"])
    to_the_end()
    assert reached() == ["sophie@example.com"]
    assert line("start").value("domain") == "example.com"


def test_from_an_address_of_ours(three: list[Mailbox]) -> None:
    started(sender="Office@Example.org")
    to_the_end()
    assert {one.from_email for one in mail.outbox} == {"office@example.org"}


class TestSpeed:
    def test_so_many_a_minute(self, three: list[Mailbox]) -> None:
        change_mailing_settings(mails_per_minute=6, by=TESTER)  # one in ten seconds
        started()
        began = timezone.now()
        job = one_run()
        assert (len(mail.outbox), job.state, job.done, job.total) == (1, "waiting", 1, 3)
        assert timedelta(seconds=10) <= job.run_after - began < timedelta(seconds=40)
        BroadcastProgress.objects.update(paced_at=timezone.now() - timedelta(seconds=21))
        one_run()
        assert len(mail.outbox) == 3

    def test_one_a_minute(self, three: list[Mailbox]) -> None:
        change_mailing_settings(mails_per_minute=1, by=TESTER)
        started()
        began = timezone.now()
        assert one_run().run_after - began >= timedelta(seconds=60)
        assert len(mail.outbox) == 1

    def test_a_long_pause_lets_no_flood_through(self, three: list[Mailbox]) -> None:
        change_mailing_settings(mails_per_minute=2, by=TESTER)
        started()
        one_run()
        BroadcastProgress.objects.update(paced_at=timezone.now() - timedelta(days=1))
        one_run()
        assert len(mail.outbox) == 2

    def test_the_worker_is_free_meanwhile(self, three: list[Mailbox]) -> None:
        change_mailing_settings(mails_per_minute=1, by=TESTER)
        started()
        for _run in range(7):  # more often than a job that dies may be tried
            job = one_run()
        assert (job.state, job.tries) == ("done", 1)


class TestWhoGetsOne:
    def test_nobody_who_stopped_to_receive_meanwhile(self, three: list[Mailbox]) -> None:
        change_mailing_settings(mails_per_minute=6, by=TESTER)
        started()
        one_run()
        change_mailbox(three[1], receives=False, by=TESTER)
        delete_mailbox(three[2], by=TESTER)
        to_the_end()
        assert reached() == ["jean@example.org"]
        assert figures() == (3, 1, 0, 2)

    @pytest.mark.parametrize("values", [{"active": False}, {"suspended": True}])
    def test_nobody_in_a_domain_that_takes_no_mail(
        self, three: list[Mailbox], domain: Domain, values: dict[str, bool]
    ) -> None:
        change_domain(domain, by=TESTER, **values)
        assert preview_of_broadcast("a", "b", by=TESTER).mailboxes == 1
        started()
        to_the_end()
        assert reached() == ["sophie@example.com"]

    def test_nobody_who_came_later(self, three: list[Mailbox], domain: Domain) -> None:
        change_mailing_settings(mails_per_minute=6, by=TESTER)
        started()
        one_run()
        add_mailbox(domain, "late", by=TESTER)
        to_the_end()
        assert "late@example.org" not in reached()

    def test_each_once_whatever_it_is_called_meanwhile(self, three: list[Mailbox], domain: Domain) -> None:
        change_mailing_settings(mails_per_minute=6, by=TESTER)
        started()
        one_run()
        for mailbox, name in ((three[0], "zoe"), (three[1], "a")):
            address = Mailbox.objects.with_address().get(pk=mailbox.pk).address
            address.local_part = name
            address.save()
        to_the_end()
        assert reached() == ["jean@example.org", "a@example.org", "sophie@example.com"]

    def test_the_preview_counts_who_receives(self, three: list[Mailbox], domain: Domain) -> None:
        add_mailbox(domain, "gone", expires_at=timezone.now() - timedelta(days=1), by=TESTER)
        add_mailbox(domain, "later", expires_at=timezone.now() + timedelta(days=1), by=TESTER)
        add_mailbox(domain, "mute", active=False, receives=False, by=TESTER)
        number = preview_of_broadcast("a", "b", by=TESTER).mailboxes
        started()
        to_the_end()
        assert number == len(mail.outbox) == 4


class TestRights:
    def test_a_domain_admin_reaches_the_own_domains(self, three: list[Mailbox], claire: Actor) -> None:
        assert preview_of_broadcast("a", "b", by=claire).mailboxes == 2
        started(claire)
        to_the_end()
        assert reached() == ["jean@example.org", "laure@example.org"]

    def test_and_no_others(self, three: list[Mailbox], claire: Actor) -> None:
        for more in ({"domain_names": ["example.com"]}, {"sender": "office@example.com"}):
            with pytest.raises(ValidationError, match="is not here"):
                started(claire, **more)
        assert not Broadcast.objects.exists()

    def test_nor_those_that_are_not_the_own_ones_any_more(
        self, three: list[Mailbox], claire: Actor, domain: Domain
    ) -> None:
        change_mailing_settings(mails_per_minute=6, by=TESTER)
        started(claire)
        one_run()
        remove_domain_admin(domain, User.objects.get(username="claire"), by=TESTER)
        to_the_end()
        assert (reached(), figures()) == (["jean@example.org"], (2, 1, 0, 1))

    def test_who_is_no_longer_active_sends_nothing_more(self, three: list[Mailbox], claire: Actor) -> None:
        started(claire)
        User.objects.filter(username="claire").update(is_active=False)
        to_the_end()
        assert figures() == (2, 0, 0, 2)

    def test_it_ends_with_the_person_who_started_it(self, three: list[Mailbox], claire: Actor) -> None:
        started(claire)
        User.objects.get(username="claire").delete()
        to_the_end()
        assert figures() == (2, 0, 0, 2)
        assert reached() == []

    def test_a_token_for_some_domains_sends_none(self, three: list[Mailbox], claire: Actor) -> None:
        claire.user.limited_to = frozenset(["example.org"])  # type: ignore[union-attr]
        with pytest.raises(ValidationError, match="Only superusers and domain admins"):
            started(claire)


class TestStop:
    def test_nobody_else_gets_it(self, three: list[Mailbox]) -> None:
        change_mailing_settings(mails_per_minute=6, by=TESTER)
        broadcast = started()
        one_run()
        stop_broadcast(broadcast, by=TESTER)
        assert Broadcast.objects.with_progress().get().state == "stopped"
        assert one_run().state == "done"
        assert (len(mail.outbox), figures()) == (1, (3, 1, 0, 2))
        assert not BroadcastRecipient.objects.exists()
        assert line("stop").sentence == "Stopped the broadcast “Maintenance”"

    def test_before_it_began(self, three: list[Mailbox]) -> None:
        stop_broadcast(started(), by=TESTER)
        to_the_end()
        assert mail.outbox == []

    def test_what_is_over_is_not_stopped(self, three: list[Mailbox]) -> None:
        broadcast = started()
        to_the_end()
        with pytest.raises(ValidationError, match="This broadcast is over"):
            stop_broadcast(broadcast, by=TESTER)

    def test_it_is_not_undone(self, three: list[Mailbox]) -> None:
        started()
        with pytest.raises(ValidationError, match="cannot be called back. Stop it"):
            undo_change_set(line("start"), by=TESTER)


class TestServer:
    def test_what_is_refused_for_good_is_kept_with_its_words(self, three: list[Mailbox], sink: Sink) -> None:
        sink("-f", "RCPT")
        started()
        to_the_end()
        assert figures() == (3, 0, 3, 0)
        assert all(row.refusal.startswith("500 ") for row in BroadcastRecipient.objects.all())

    def test_what_is_refused_for_now_is_tried_again(self, three: list[Mailbox], sink: Sink) -> None:
        sink("-r", "RCPT")
        started()
        job = one_run()
        assert job.run_after - timezone.now() > timedelta(seconds=50)
        sink()
        to_the_end()
        assert figures() == (3, 3, 0, 0)

    def test_but_not_for_ever(self, three: list[Mailbox], sink: Sink) -> None:
        sink("-r", "RCPT")
        started()
        to_the_end()
        assert figures() == (3, 0, 3, 0)
        assert {row.tries for row in BroadcastRecipient.objects.all()} == {5}

    def test_one_that_is_away_is_waited_for(self, three: list[Mailbox], sink: Sink, settings: Any) -> None:
        sink()
        port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
        started()
        for _run in range(8):
            job = one_run()
        assert (job.state, figures()) == ("waiting", (3, 0, 0, 0))
        assert job.run_after - timezone.now() > timedelta(seconds=50)
        settings.EMAIL_PORT = port
        to_the_end()
        assert figures() == (3, 3, 0, 0)


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"subject": " "}, "subject", "This field cannot be blank."),
        ({"text": "\n"}, "text", "This field cannot be blank."),
        ({"text": "\u3000"}, "text", "Type text only"),
        ({"subject": "a\nBcc: b@example.org"}, "subject", "Type text only"),
        ({"subject": "a\0"}, "subject", "A text cannot hold a NUL character."),
        ({"text": "Dear {nmae}"}, "text", "{nmae} is not known here."),
        ({"domain_names": ["nowhere.example"]}, "domain_names", "nowhere.example is not here yet."),
        ({"domain_names": ["brand.example"]}, "domain_names", "which has no mailboxes"),
        ({"domain_names": ["not a domain"]}, "domain_names", "not a domain"),
        ({"sender": "office@nowhere.example"}, "sender", "nowhere.example is not here."),
        ({"sender": "office"}, "sender", "@"),
        ({"domain_names": ["empty.example"]}, "__all__", "No mailbox would get this"),
    ],
)
def test_what_is_refused(three: list[Mailbox], values: dict[str, Any], field: str, sentence: str) -> None:
    add_domain("brand.example", address_class="virtual_alias", by=TESTER)
    add_domain("empty.example", by=TESTER)
    for act in (preview_of_broadcast, start_broadcast):
        with pytest.raises(ValidationError) as refusal:
            act(**{"subject": "a", "text": "b"} | values, by=TESTER)
        found = (
            refusal.value.message_dict if hasattr(refusal.value, "error_dict") else {"__all__": refusal.value.messages}
        )
        assert found.keys() == {field}
        assert sentence in " ".join(found[field])
    assert not Broadcast.objects.exists()
    assert not Job.objects.exists()


def test_what_is_no_mail_holds_nobody_up() -> None:
    mails = [(subject, automatic_mail(subject, "Text", "jean@example.org")) for subject in ("two\nlines", "one line")]
    answered = dict(answers(mails))
    assert "newlines" in answered["two\nlines"].refusal
    assert answered["one line"].refusal == ""
    assert [one.subject for one in mail.outbox] == ["one line"]
