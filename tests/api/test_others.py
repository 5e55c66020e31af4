"""The history, work, and questions to the maps."""

from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import uuid4

from cryptography.fernet import Fernet
from django.utils import timezone

from accounts.history_reading import registered_readings
from accounts.models import User
from api.history import noun_of, scopes_of
from api.scopes import RESOURCES
from domains.models import Domain
from jobs.models import Job
from jobs.services import sweep
from lookup_tables.models import RelayPassword, Transport
from lookup_tables.relay_passwords import decrypted
from lookup_tables.services import add_entry
from mailboxes.jobs import start_alias_report
from mailboxes.models import Mailbox
from tests.api.conftest import Api, token_for
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox
from tests.plugins.people import signed_in, words_of


class TestHistory:
    def test_it_works(self, api: Api, falcot: Domain) -> None:
        number = api("PATCH", "mailboxes/jean@falcot.org/", {"name": "Jean"}).change_set
        (newest,) = (one for one in api.get("history/?domain=falcot.org")["results"] if one["id"] == number)
        assert newest["sentence"] == "Changed mailbox jean@falcot.org"
        assert (newest["who"], newest["token"], newest["door"]) == ("Alice Martin", "test", "api")
        (change,) = api.get(f"history/{newest['id']}/")["changes"]
        assert change["kind"] == "changed"
        assert [(one["name"], one["after"]) for one in change["fields"]] == [("name", "Jean")]

    def test_values_are_raw_in_every_language(self, api: Api, falcot: Domain) -> None:
        User.objects.filter(username="alice").update(language="ja")
        body = {"quota_bytes": 5368709120, "expires_at": "2036-01-01T00:00:00Z", "active": False}
        answer = api("PATCH", "mailboxes/jean@falcot.org/?dry_run=true", body)
        (change,) = answer.json["changes"]
        assert (change["noun"], change["subject"]) == ("mailboxes", "jean@falcot.org")
        assert {one["name"]: (one["before"], one["after"]) for one in change["fields"]} == {
            "quota_bytes": (10737418240, 5368709120),
            "expires_at": (None, "2036-01-01T00:00:00Z"),
            "active": (True, False),
        }

    def test_rows_without_a_url_have_a_name_too(self, api: Api, falcot: Domain) -> None:
        answer = api("DELETE", "mailboxes/jean@falcot.org/?dry_run=true")
        (kept,) = (one for one in answer.json["changes"] if one["noun"] == "quarantined-addresses")
        (until,) = kept["fields"]
        assert (until["name"], until["before"]) == ("until", None)
        assert datetime.fromisoformat(until["after"]) > timezone.now()

    def test_each_row_of_the_history_has_a_noun(self, db: None) -> None:
        nouns = {noun_of(model, defaultdict(str)) for model in registered_readings()}
        assert all(set(scopes_of(noun)) <= set(RESOURCES) for noun in nouns)

    def test_page_by_page(self, api: Api, falcot: Domain) -> None:
        for number in range(5):
            api("PATCH", "mailboxes/jean@falcot.org/", {"name": f"Jean {number}"})
        path, found = "history/?limit=2&domain=falcot.org", []
        while path:
            page = api.get(path)
            found += page["results"]
            path = (page["next"] or "").removeprefix("http://testserver")
        assert len(found) == len({one["id"] for one in found}) >= 5
        assert [one["at"] for one in found] == sorted((one["at"] for one in found), reverse=True)

    def test_an_undo(self, api: Api, falcot: Domain) -> None:
        deleted = api("DELETE", "mailboxes/jean@falcot.org/").change_set
        rehearsal = api("POST", f"history/{deleted}/undo/?dry_run=true")
        assert "added" in {change["kind"] for change in rehearsal.json["changes"]}
        assert not Mailbox.objects.filter(address__local_part="jean").exists()
        answer = api("POST", f"history/{deleted}/undo/")
        assert answer.json == {"undid": deleted, "change_set": answer.change_set}
        assert Mailbox.objects.filter(address__local_part="jean").exists()
        assert api("POST", f"history/{deleted}/undo/").status == 422
        assert api.get(f"history/{answer.change_set}/")["undid"] == deleted

    def test_of_others_it_tells_nothing(self, api: Api, bob_api: Api) -> None:
        api("PUT", "domains/foreign.example/", {})
        number = api("PUT", "mailboxes/m@foreign.example/", {}).change_set
        assert bob_api("GET", f"history/{number}/").status == 404
        assert bob_api("POST", f"history/{number}/undo/").status == 404
        assert bob_api("GET", "history/?domain=foreign.example").status == 400
        assert api("GET", f"history/{uuid4()}/").status == 404

    def test_an_undo_needs_the_scope_of_every_noun_touched(self, api: Api, alice: User, falcot: Domain) -> None:
        """Or a token that may not touch mailboxes would add and remove them by undoing."""
        added = api("POST", "mailboxes/", {"address": "new@falcot.org"}).change_set
        few = Api(token_for(alice, "history:write", "aliases:write", name="few"))
        for question in ("", "?dry_run=true"):
            answer = few("POST", f"history/{added}/undo/{question}")
            assert (answer.status, answer.faults()) == (403, {"": "missing_scope"})
            assert answer.json["detail"] == "This token lacks the scope mailboxes:write."
        assert Mailbox.objects.filter(address__local_part="new").exists()
        enough = Api(token_for(alice, "history:write", "mailboxes:write", name="enough"))
        assert enough("POST", f"history/{added}/undo/").status == 200

    def test_so_does_one_of_another_address(self, api: Api, alice: User, falcot: Domain) -> None:
        """Only an address is touched then; what has it is a mailbox and, with the old name, an alias."""
        api("POST", "mailboxes/", {"address": "new@falcot.org"})
        renamed = api("PATCH", "mailboxes/new@falcot.org/", {"address": "newer@falcot.org"}).change_set
        few = Api(token_for(alice, "history:write", "aliases:write", name="few"))
        assert few("POST", f"history/{renamed}/undo/").status == 403
        enough = Api(token_for(alice, "history:write", "mailboxes:write", name="enough"))
        assert enough("POST", f"history/{renamed}/undo/").status == 200

    def test_values_need_the_scope_of_their_noun(self, api: Api, alice: User, falcot: Domain) -> None:
        added = api("POST", "people/", {"username": "zoe", "name": "Zoe"}).change_set
        path = f"history/{added}/"
        (change,) = Api(token_for(alice, "history:read", name="few")).get(path)["changes"]
        assert (change["kind"], change["noun"], change["fields"]) == ("added", "people", None)
        (change,) = Api(token_for(alice, "history:read", "people:read", name="more")).get(path)["changes"]
        assert "Zoe" in [one["after"] for one in change["fields"]]

    def test_so_does_a_rehearsal(self, alice: User, falcot: Domain) -> None:
        few = Api(token_for(alice, "domains:write", name="few"))
        changes = few("DELETE", "domains/falcotsbrand.com/?dry_run=true").json["changes"]
        assert {one["noun"]: one["fields"] is None for one in changes if one["noun"] in ("domains", "aliases")} == {
            "domains": False,
            "aliases": True,
        }

    def test_the_pages_name_the_token(self, api: Api, alice: User, falcot: Domain) -> None:
        api("PATCH", "mailboxes/jean@falcot.org/", {"name": "Jean"})
        assert "token test" in words_of(signed_in(alice).get("/history/"))


def test_a_job(api: Api, bob_api: Api, falcot: Domain) -> None:
    job = start_alias_report(by=TESTER)
    shown = api.get(f"jobs/{job.pk}/")
    assert (shown["state"], shown["done"], shown["error"]) == ("waiting", 0, "")
    assert bob_api("GET", f"jobs/{job.pk}/").status == 404
    assert api("GET", f"jobs/{Job.objects.count() + 99}/").status == 404


class TestLookup:
    def test_it_works(self, api: Api, falcot: Domain) -> None:
        found = api.get("lookup/?address=contact@falcotsbrand.com")
        assert (found["is_accepted"], found["code"], found["address_class"]) == (True, 250, "virtual_alias")
        assert {one["address"] for one in found["destinations"]} == {"laure@falcot.org", "sophie@falcot.org"}
        assert found["stations"][-1]["parameter"] == "virtual_alias_maps"
        (row,) = found["stations"][-1]["rows"]
        assert (row["kind"], row["url"]) == ("alias", "/aliases/contact@falcotsbrand.com/")
        assert row["changed_by"]
        assert found["steps"][-1]["proof"].endswith("/virtual_mailbox_maps.cf")

    def test_who_sends(self, api: Api, bob_api: Api, falcot: Domain) -> None:
        found = api.get("lookup/?address=jean@falcot.org&from=laure@falcot.org&login=laure@falcot.org")
        assert found["logins"] == ["jean@falcot.org"]
        assert (found["sender"]["becomes"], found["sender"]["may_send"]) == ("laure@falcot.org", True)
        other = api.get("lookup/?address=jean@falcot.org&from=laure@falcot.org&login=sophie@falcot.org")["sender"]
        assert (other["may_send"], other["reply"][:3]) == (False, "553")
        assert api("GET", "lookup/?address=jean@falcot.org&login=laure@falcot.org").status == 400
        assert bob_api("GET", "lookup/?address=jean@falcot.org&from=laure@falcot.org").status == 422

    def test_what_is_no_address(self, api: Api) -> None:
        assert api("GET", "lookup/?address=nonsense").status == 422
        assert api("GET", "lookup/").status == 422

    def test_a_domain_admin_asks_about_the_own_domain(self, bob_api: Api) -> None:
        assert bob_api("GET", "lookup/?address=jean@falcot.org").status == 200
        add_entry(Transport, "jean@falcot.org", "smtp:[untold.example]", by=TESTER)
        assert "untold" not in str(bob_api.get("lookup/?address=jean@falcot.org"))
        answer = bob_api("GET", "lookup/?address=contact@falcotsbrand.com")
        assert answer.json["detail"] == "falcotsbrand.com is not one of your domains."


class TestSimulate:
    def test_it_works(self, api: Api, falcot: Domain) -> None:
        found = api.get("simulate/?client=192.0.2.7&helo=mail.example.net&from=x@example.net&to=jean@falcot.org")
        assert found["is_accepted"]
        assert found["answers"][3]["reply"] == "250 2.1.5 Ok"

    def test_a_stranger_sends_nothing_elsewhere(self, api: Api, falcot: Domain) -> None:
        found = api.get("simulate/?client=192.0.2.7&from=x@example.net&to=x@elsewhere.example")
        assert (found["answers"][-1]["code"], found["answers"][-1]["where"]) == (454, "relay")

    def test_by_the_u_label(self, api: Api) -> None:
        add_domain("bücher.example")
        add_mailbox("team@xn--bcher-kva.example")
        found = api.get("simulate/?client=192.0.2.7&from=x@example.net&to=team@b%C3%BCcher.example")
        assert found["is_accepted"]
        assert "team@xn--bcher-kva.example" in [answer["address"] for answer in found["answers"]]

    def test_what_main_cf_says(self, api: Api, falcot: Domain) -> None:
        found = api.get(
            "simulate/?client=192.0.2.7&to=x@elsewhere.example&set=relay_domains_reject_code=550;soft_bounce=no"
        )
        assert found["answers"][-1]["code"] == 450
        stated = {"question": "relay_domains_reject_code", "answer": "550", "is_stated": True}
        assert stated in found["assumed"]
        assert api("GET", "simulate/?client=192.0.2.7&to=x@elsewhere.example&set=mynetworks=x").status == 422

    def test_what_cannot_be(self, api: Api) -> None:
        assert api("GET", "simulate/?client=here&to=x@example.net").status == 422
        assert api("GET", "simulate/?client=192.0.2.7").status == 422


class TestMaps:
    def test_it_works(self, api: Api, falcot: Domain) -> None:
        add_entry(Transport, "there.example", "smtp:[mx.there.example]", by=TESTER)
        assert api.get("maps/virtual_mailbox_maps/?key=Jean@falcot.org")["results"] == ["falcot.org/jean/"]
        assert api.get("maps/virtual_mailbox_maps/?key=falcot.org")["results"] == []
        assert api.get("maps/transport_maps/?key=there.example")["results"] == ["smtp:[mx.there.example]"]

    def test_what_is_no_map(self, api: Api) -> None:
        assert api("GET", "maps/pg_sleep/?key=5").status == 404
        assert api("GET", "maps/virtual_mailbox_maps/").status == 400
        assert api("GET", "maps/virtual_mailbox_maps/?key=a%00b").status == 400

    def test_only_superusers_ask(self, bob_api: Api, alice: User) -> None:
        assert bob_api("GET", "maps/virtual_mailbox_maps/?key=jean@falcot.org").status == 404
        limited = Api(token_for(alice, name="limited", domains=["falcot.org"]))
        assert limited("GET", "maps/virtual_mailbox_maps/?key=jean@falcot.org").status == 404


def test_health(api: Api, alice: User) -> None:
    sweep()
    answer = api("GET", "health/")
    assert answer.status in (200, 503)
    assert set(answer.json["checks"]) == {"database", "worker", "functions", "rights", "sessions"}
    assert Api(token_for(alice, "domains:read", name="other"))("GET", "health/").status == 403


def test_urls_that_are_not_there(api: Api) -> None:
    for path in ("nonsense/", "domains", "mailboxes/a@b.example", "/api/v2/domains/"):
        answer = api("GET", path)
        assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json"), path
    assert api("PATCH", "domains/", {}).status == 405
    assert api("POST", "imports/-1/write/").status == 404


def test_too_large(api: Api) -> None:
    answer = api("POST", "domains/", b'{"name": "' + b"x" * 3_000_000 + b'"}')
    assert (answer.status, answer.faults()) == (413, {"": "too_large"})


def test_a_password_of_a_relay_whose_key_is_lost_is_typed_again(api: Api, settings: Any) -> None:
    path, sign_in = "sender-relays/@example.org/", {"result": "[relay.example.net]:587", "username": "us"}
    assert api("PUT", path, sign_in | {"password": "the first one"}).status == 201
    settings.RELAY_PASSWORD_KEYS = Fernet.generate_key().decode()
    assert api("PATCH", path, {"password": "typed again"}).status == 200
    assert decrypted(RelayPassword.objects.get().token) == "typed again"
    settings.RELAY_PASSWORD_KEYS = Fernet.generate_key().decode()
    assert api("PUT", path, sign_in | {"password": "and again"}).status == 200
    assert decrypted(RelayPassword.objects.get().token) == "and again"
