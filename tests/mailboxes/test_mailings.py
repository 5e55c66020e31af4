"""Pages about mail to mailboxes: the settings, the welcome mail, and broadcasts from the preview to the end."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from jobs.models import Job
from jobs.services import run_job
from mailboxes.broadcasts import BROADCAST
from mailboxes.models import (
    Broadcast,
    BroadcastProgress,
    BroadcastRecipient,
    Mailbox,
    MailingSettings,
    WelcomeMail,
)
from mailboxes.welcome import send_welcome_mails
from tests.plugins import household as people
from tests.plugins.household import DOMAIN_ADMIN, SUPERUSER
from tests.plugins.people import words_of

pytestmark = pytest.mark.django_db
ADD = "/broadcasts/add/"
TYPED = {"subject": "Maintenance", "text": "On Sunday, dear {name}.", "domain_names": "", "sender": ""}


@pytest.fixture(autouse=True)
def house() -> None:
    people.move_in()
    Broadcast.objects.all().delete()
    Job.objects.filter(kind=BROADCAST).delete()


@pytest.fixture
def ada() -> Client:
    return people.signed_in(SUPERUSER)


@pytest.fixture
def claire() -> Client:
    return people.signed_in(DOMAIN_ADMIN)


def previewed(client: Client, **typed: str) -> Any:
    return client.post(ADD, TYPED | typed)


def sent(client: Client, **typed: str) -> Broadcast:
    seen = previewed(client, **typed).context["form"]["seen"].value()
    response = client.post(ADD, TYPED | typed | {"do": "send", "seen": seen}, follow=True)
    assert "The broadcast has started." in words_of(response)
    return Broadcast.objects.with_progress().latest("pk")


def work(broadcast: Broadcast) -> None:
    """What the worker does."""
    job = broadcast.progress.job
    assert job
    run_job(job.pk)


class TestSettings:
    def test_it_works(self, ada: Client) -> None:
        typed = {"welcomes": "on", "welcome_subject": "Hi {name}", "welcome_text": "Hello", "mails_per_minute": "60"}
        words = words_of(ada.post("/settings/mailings/", typed, follow=True))
        assert "The mailing settings were saved." in words
        assert "Hi Jean Falcot" in words  # an example
        assert MailingSettings.current().mails_per_minute == 60

    def test_what_is_wrong_is_said_at_the_field(self, ada: Client) -> None:
        typed = {"welcome_subject": "Hi {nmae}", "welcome_text": "{url}", "mails_per_minute": "60"}
        errors = ada.post("/settings/mailings/", typed).context["form"].errors
        assert errors.keys() == {"welcome_subject", "welcome_text"}
        assert MailingSettings.current().version == 1


class TestWelcome:
    def test_it_works(self, ada: Client) -> None:
        assert not ada.get("/domains/falcot.org/mailboxes/add/").context["form"]["welcome"].value()
        typed = {"local_part": "new", "quota": "", "quota_unit": "GB", "mail_format": "maildir"}
        typed |= {"active": "on", "receives": "on"}
        ada.post("/domains/falcot.org/mailboxes/add/", typed)
        assert not WelcomeMail.objects.exists()
        ada.post("/domains/falcot.org/mailboxes/add/", typed | {"local_part": "newer", "welcome": "on"})
        assert "The welcome mail waits for the mail server." in words_of(ada.get("/mailboxes/newer@falcot.org/"))
        send_welcome_mails()
        assert [one.to for one in mail.outbox] == [["newer@falcot.org"]]
        assert "welcome mail sent" in words_of(ada.get("/mailboxes/newer@falcot.org/"))
        WelcomeMail.objects.update(sent_at=None, refusal="550 5.1.1 No such user")
        assert "The welcome mail was refused: 550 5.1.1 No such user" in words_of(
            ada.get("/mailboxes/newer@falcot.org/")
        )

    def test_the_tick_begins_as_the_settings_say(self, claire: Client) -> None:
        MailingSettings.objects.update(welcomes=True)
        assert claire.get("/domains/falcot.org/mailboxes/add/").context["form"]["welcome"].value()


class TestBroadcast:
    def test_it_works(self, ada: Client) -> None:
        words = words_of(previewed(ada))
        number = Mailbox.objects.receiving().count()
        assert f"Send to {number} mailboxes" in words
        names = Mailbox.objects.receiving().values_list("name", flat=True)
        assert any(f"On Sunday, dear {name}." in words for name in names)
        assert not Broadcast.objects.exists()

        one = sent(ada)
        words = words_of(ada.get(one.get_absolute_url()))
        assert "Being sent" in words
        assert "Stop broadcast" in words
        work(one)
        assert len(mail.outbox) == number
        words = words_of(ada.get(one.get_absolute_url()))
        assert "Done" in words
        assert f"Reached {number} Refused 0 Left out 0" in words
        assert "Maintenance" in words_of(ada.get("/broadcasts/"))
        assert "Show the broadcast" in words_of(ada.get(f"/jobs/{one.progress.job_id}/"))

    def test_what_was_changed_after_the_preview_is_shown_again(self, ada: Client) -> None:
        seen = previewed(ada).context["form"]["seen"].value()
        for typed in ({"subject": "Other"}, {"domain_names": "falcot.org"}, {"sender": "jean@falcot.org"}):
            words = words_of(ada.post(ADD, TYPED | typed | {"do": "send", "seen": seen}))
            assert "This is not what you looked at." in words
        assert not Broadcast.objects.exists()

    def test_nothing_is_sent_without_a_preview(self, ada: Client) -> None:
        ada.post(ADD, TYPED | {"do": "send"})
        assert not Broadcast.objects.exists()

    def test_of_a_domain_admin(self, claire: Client) -> None:
        assert claire.get(ADD, {"domain": "falcot.org"}).context["form"]["domain_names"].value() == "falcot.org"
        assert claire.get(ADD, {"domain": "foreign.example"}).context["form"]["domain_names"].value() == ""
        form = previewed(claire, domain_names="falcot.org foreign.example", sender="a@foreign.example").context["form"]
        assert form.errors.keys() == {"domain_names", "sender"}
        work(sent(claire))
        assert {one.to[0].partition("@")[2] for one in mail.outbox} == {"falcot.org"}
        assert "Claire" in words_of(people.signed_in(SUPERUSER).get("/broadcasts/"))

    def test_stop(self, ada: Client) -> None:
        one = sent(ada)
        words = words_of(ada.post(f"/broadcasts/{one.pk}/stop/", follow=True))
        assert "The broadcast was stopped." in words
        assert "Stop broadcast" not in words
        assert "This broadcast is over" in words_of(ada.post(f"/broadcasts/{one.pk}/stop/", follow=True))

    def test_who_refused_stands_there_page_by_page(self, ada: Client) -> None:
        one = sent(ada)
        jean = Mailbox.objects.with_address().get(address__local_part="jean")
        BroadcastRecipient.objects.create(broadcast=one, mailbox=jean, refusal="552 5.2.2 Full")
        words = words_of(ada.get(one.get_absolute_url()))
        assert "jean@falcot.org 552 5.2.2 Full" in words

    def test_a_long_list_has_pages(self, ada: Client) -> None:
        for number in range(60):
            one = Broadcast.objects.create(subject=f"News {number}", text="a", who="ada")
            BroadcastProgress.objects.create(broadcast=one, total=0, finished_at=timezone.now())
        page = ada.get("/broadcasts/").context["page"]
        assert [str(row) for row in page.rows[:2]] == ["News 59", "News 58"]
        rest = ada.get("/broadcasts/", {"after": page.next}).context["page"]
        assert [len(page.rows), len(rest.rows), rest.next] == [50, 10, ""]
