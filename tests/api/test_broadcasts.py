"""Broadcasts and welcome mails through the API."""

from accounts.models import User
from domains.models import Domain
from jobs.services import run_job
from mailboxes.models import Broadcast, BroadcastRecipient, Mailbox, MailingSettings, WelcomeMail
from mailboxes.welcome import send_welcome_mails
from tests.api.conftest import Api, token_for

BODY = {"subject": "News", "text": "Dear {name}, there is none.", "domains": ["falcot.org"]}


class TestBroadcasts:
    def test_it_works(self, api: Api, falcot: Domain) -> None:
        preview = api("POST", "broadcasts/?dry_run=true", BODY)
        assert preview.status == 200
        assert (preview.json["mailboxes"], preview.json["to"]) == (3, "jean@falcot.org")
        assert not Broadcast.objects.exists()

        started = api("POST", "broadcasts/", BODY)
        assert (started.status, started.json["state"], started.json["total"]) == (201, "sending", None)
        path = f"broadcasts/{started.json['id']}/"
        assert started.headers["Location"].endswith(path)
        run_job(started.json["job"])
        shown = api.get(path)
        assert (shown["state"], shown["total"], shown["reached"], shown["refused"]) == ("done", 3, 3, 0)
        assert api.get("broadcasts/")["results"] == [shown]
        assert api("POST", f"{path}stop/").status == 422

    def test_stop(self, api: Api, falcot: Domain) -> None:
        number = api("POST", "broadcasts/", BODY).json["id"]
        rehearsal = api("POST", f"broadcasts/{number}/stop/?dry_run=true").json
        assert [(one["kind"], one["noun"]) for one in rehearsal["changes"]] == [("changed", "broadcasts")]
        assert api.get(f"broadcasts/{number}/")["state"] == "sending"
        stopped = api("POST", f"broadcasts/{number}/stop/")
        assert stopped.json["state"] == "stopped"
        assert stopped.change_set

    def test_the_same_request_twice(self, api: Api, falcot: Domain) -> None:
        for _time in range(2):
            assert api("POST", "broadcasts/", BODY, Idempotency_Key="one").status == 201
        assert Broadcast.objects.count() == 1

    def test_who_refused(self, api: Api, falcot: Domain) -> None:
        number = api("POST", "broadcasts/", BODY).json["id"]
        for mailbox in Mailbox.objects.all():
            BroadcastRecipient.objects.create(broadcast_id=number, mailbox=mailbox, refusal="552 5.2.2 Full")
        page = api.get(f"broadcasts/{number}/refusals/?limit=2")
        assert page["results"][0] == {"address": "jean@falcot.org", "refusal": "552 5.2.2 Full"}
        assert len(page["results"]) == 2
        assert page["next"]

    def test_what_is_refused(self, api: Api, falcot: Domain) -> None:
        wrong = {"subject": "a\n", "text": "{url}", "domains": ["nowhere.example"], "sender": "a@nowhere.example"}
        assert api("POST", "broadcasts/", wrong).faults().keys() == {"text", "domains", "sender"}
        assert api("POST", "broadcasts/", BODY | {"subject": "a\nb"}).faults().keys() == {"subject"}
        assert api("POST", "broadcasts/", {}).faults().keys() == {"subject", "text"}
        assert api("POST", "broadcasts/", BODY | {"speed": 7}).faults().keys() == {"speed"}
        assert not Broadcast.objects.exists()

    def test_a_token_for_some_domains(self, alice: User, falcot: Domain) -> None:
        limited = Api(token_for(alice, domains=["falcot.org"]))
        assert limited("POST", "broadcasts/", BODY).status == 403
        assert limited("GET", "broadcasts/").status == 403


class TestWelcome:
    def test_it_works(self, api: Api, falcot: Domain) -> None:
        added = api("POST", "mailboxes/", {"address": "new@falcot.org", "welcome": True})
        assert (added.status, added.json["welcomed_at"]) == (201, None)
        assert "welcome" not in added.json
        send_welcome_mails()
        assert api.get("mailboxes/new@falcot.org/")["welcomed_at"]

    def test_as_the_settings_say(self, api: Api, falcot: Domain) -> None:
        before = api("GET", "mailing-settings/")
        changed = api("PATCH", "mailing-settings/", {"welcomes": True}, If_Match=before.headers["ETag"])
        assert changed.json["welcomes"] is True
        api("PUT", "mailboxes/new@falcot.org/", {})
        api("PUT", "mailboxes/other@falcot.org/", {"welcome": False})
        assert str(WelcomeMail.objects.get()) == "new@falcot.org"
        assert api("PATCH", "mailing-settings/", {"mails_per_minute": 0}).faults().keys() == {"mails_per_minute"}
        assert api("PUT", "mailing-settings/", {}).json["welcomes"] is False
        assert MailingSettings.current().mails_per_minute == 600

    def test_not_of_one_that_is_there(self, api: Api, falcot: Domain) -> None:
        assert api("PUT", "mailboxes/jean@falcot.org/", {"welcome": True}).status == 200
        assert not WelcomeMail.objects.exists()
