"""manage.py broadcast and mailing_settings"""

from pathlib import Path

import pytest
from django.core import mail

from domains.models import Domain
from jobs.models import Job
from jobs.services import run_job
from mailboxes.models import Broadcast, BroadcastRecipient, Mailbox, MailingSettings, WelcomeMail
from mailboxes.welcome import send_welcome_mails
from tests.commands.conftest import Shell

pytestmark = pytest.mark.django_db
TO_ALL = ("--subject", "News", "--all-domains")


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "news.txt"
    path.write_text("Dear {name},\nthere is none.\n")
    return str(path)


class TestBroadcast:
    def test_it_works(self, shell: Shell, falcot: Domain, text: str) -> None:
        said = shell("broadcast", "send", text, *TO_ALL, "--dry-run")
        assert "3 mailboxes would get this:" in said.err
        assert "Dear Jean Falcot" in said.out
        assert not Broadcast.objects.exists()

        started = shell("broadcast", "send", text, "--subject", "News", "--domain", "falcot.org", "--json").json
        assert (started["state"], started["domains"], started["total"]) == ("sending", ["falcot.org"], None)
        number = str(started["id"])
        run_job(Job.objects.get().pk)
        assert [one.to[0] for one in mail.outbox] == ["jean@falcot.org", "laure@falcot.org", "sophie@falcot.org"]
        shown = shell("broadcast", "show", number, "--json").json
        assert (shown["state"], shown["total"], shown["reached"]) == ("done", 3, 3)
        assert shell("broadcast", "list", "--json").json == [{k: v for k, v in shown.items() if k != "text"}]
        assert shell("broadcast", "refused", number, "--json").json == []

    def test_text_from_standard_input(self, shell: Shell, falcot: Domain) -> None:
        said = shell("broadcast", "send", "-", *TO_ALL, piped="Guten Tag, schöne Grüße".encode())
        number = Broadcast.objects.get(text="Guten Tag, schöne Grüße").pk
        assert said.lines == [f"Broadcast {number} has started; “broadcast show {number}” says how far it is."]

    def test_stop(self, shell: Shell, falcot: Domain, text: str) -> None:
        number = str(shell("broadcast", "send", text, *TO_ALL, "--json").json["id"])
        assert shell("broadcast", "stop", number, "--json").json["state"] == "stopped"
        assert "This broadcast is over" in shell.refused("broadcast", "stop", number)

    def test_who_refused(self, shell: Shell, falcot: Domain, text: str) -> None:
        number = shell("broadcast", "send", text, *TO_ALL, "--json").json["id"]
        jean = Mailbox.objects.get(address__local_part="jean")
        BroadcastRecipient.objects.create(broadcast_id=number, mailbox=jean, refusal="552 5.2.2 Full")
        refused = shell("broadcast", "refused", str(number), "--json").json
        assert refused == [{"address": "jean@falcot.org", "refusal": "552 5.2.2 Full"}]

    def test_what_is_refused(self, shell: Shell, falcot: Domain, text: str, tmp_path: Path) -> None:
        odd = tmp_path / "odd"
        odd.write_bytes(b"\xff")
        assert "The text is not UTF-8." in shell.refused("broadcast", "send", str(odd), *TO_ALL)
        assert "cannot be read" in shell.refused("broadcast", "send", str(tmp_path / "none"), *TO_ALL)
        assert "is not here" in shell.refused("broadcast", "send", text, *TO_ALL, "--sender", "a@nowhere.example")
        assert "There is no broadcast 7." in shell.refused("broadcast", "show", "7")
        assert shell.misused("broadcast", "send", text, "--subject", "News")  # to whom?
        assert shell.misused("broadcast", "show", str(2**63))
        assert not Broadcast.objects.exists()


class TestMailingSettings:
    def test_it_works(self, shell: Shell, falcot: Domain) -> None:
        changed = shell("mailing_settings", "change", "--welcome", "--welcome-subject", "Hi", "--json").json
        assert (changed["welcomes"], changed["welcome_subject"], changed["mails_per_minute"]) == (True, "Hi", 600)
        assert shell("mailing_settings", "show", "--json").json == changed
        shell("mailing_settings", "change", "--no-welcome", "--mails-per-minute", "60")
        assert not MailingSettings.current().welcomes
        assert "{url} is not known here." in shell.refused("mailing_settings", "change", "--welcome-text", "{url}")
        assert shell.misused("mailing_settings", "change")

    def test_a_new_mailbox(self, shell: Shell, falcot: Domain) -> None:
        shell("mailing_settings", "change", "--welcome")
        shell("mailbox", "add", "one@falcot.org", "--no-password", "--no-welcome")
        shell("mailbox", "add", "two@falcot.org", "--no-password")
        assert str(WelcomeMail.objects.get()) == "two@falcot.org"
        assert shell("mailbox", "show", "two@falcot.org", "--json").json["welcomed_at"] is None
        send_welcome_mails()
        assert shell("mailbox", "show", "two@falcot.org", "--json").json["welcomed_at"]
