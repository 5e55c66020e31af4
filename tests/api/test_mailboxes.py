"""What is special about mailboxes and aliases in the API: passwords, names that change, domains of others."""

import pytest
from django.utils import timezone

from accounts.models import ChangeSet, User
from domains.models import Domain
from domains.services import add_domain
from lookup_tables.models import Bcc
from lookup_tables.services import add_entry
from mailboxes.backends import MailboxOwnerBackend
from mailboxes.models import Alias, Mailbox, RecoveryAddress
from tests.api.conftest import Api, token_for
from tests.plugins.example_mail import TESTER
from tests.plugins.people import mailbox_of


@pytest.fixture(autouse=True)
def world(falcot: Domain) -> None:
    add_domain("foreign.example", by=TESTER)


class TestPassword:
    def test_it_is_set_and_never_shown(self, api: Api) -> None:
        answer = api("PATCH", "mailboxes/jean@falcot.org/", {"password": "a brand new one"})
        assert answer.json["has_password"] is True
        assert "password" not in answer.json
        change_set = ChangeSet.objects.get(pk=str(answer.change_set))
        assert change_set.sentence == "Changed the password of mailbox jean@falcot.org"
        assert MailboxOwnerBackend().authenticate(None, username="jean@falcot.org", password="a brand new one")

    def test_the_same_one_again_changes_nothing(self, api: Api) -> None:
        api("PUT", "mailboxes/new@falcot.org/", {"password": "a brand new one"})
        assert api("PUT", "mailboxes/new@falcot.org/", {"password": "a brand new one"}).change_set is None
        assert api("PUT", "mailboxes/new@falcot.org/", {"password": "another one yet"}).change_set
        assert api("PUT", "mailboxes/new@falcot.org/", {}).json["has_password"] is True

    def test_a_rehearsal_tells_nobody_which_one_is_right(self, api: Api) -> None:
        api("PUT", "mailboxes/new@falcot.org/", {"password": "a brand new one"})
        tried = [
            api("PATCH", "mailboxes/new@falcot.org/?dry_run=true", {"password": password}).json
            for password in ("a brand new one", "a wrong old one")
        ]
        assert tried[0] == tried[1]
        assert [change["kind"] for change in tried[0]["changes"]] == ["password_changed"]

    def test_one_from_a_domain_admin_is_always_set(self, api: Api, bob_api: Api) -> None:
        api("PUT", "mailboxes/new@falcot.org/", {"password": "a brand new one"})
        for must_change in (False, True):
            body = {"password": "a brand new one", "must_change_password": must_change}
            answer = bob_api("PATCH", "mailboxes/new@falcot.org/", body)
            change_set = ChangeSet.objects.get(pk=str(answer.change_set))
            assert change_set.sentence == "Changed the password of mailbox new@falcot.org"

    def test_what_is_refused_together_tells_a_domain_admin_nothing(self, api: Api, bob_api: Api) -> None:
        api("PUT", "mailboxes/new@falcot.org/", {"password": "a brand new one"})
        answers = []
        for password in ("a brand new one", "a wrong old one"):
            body = {"password": password, "must_change_password": True}
            operations = [
                {"method": "PATCH", "noun": "mailboxes", "key": "new@falcot.org", "body": body},
                {"method": "DELETE", "noun": "mailboxes", "key": "nobody@falcot.org"},
            ]
            answers.append(bob_api("POST", "changes/", {"operations": operations}))
        assert [answer.status for answer in answers] == [422, 422]
        assert answers[0].json == answers[1].json

    def test_with_other_fields_it_is_one_change_set(self, api: Api) -> None:
        answer = api("PATCH", "mailboxes/jean@falcot.org/", {"password": "a brand new one", "name": "J"})
        change_set = ChangeSet.objects.get(pk=str(answer.change_set))
        assert (change_set.sentence, change_set.value("domain")) == ("Changed mailbox jean@falcot.org", "falcot.org")
        assert answer.json["name"] == "J"

    def test_a_weak_one_is_refused_without_being_repeated(self, api: Api) -> None:
        answer = api("PATCH", "mailboxes/jean@falcot.org/", {"password": "short", "name": "J"})
        assert answer.status == 422
        assert "short" not in answer.json["detail"].split()
        assert mailbox_of("jean@falcot.org").name != "J"


class TestAnotherAddress:
    def test_it_is_renamed(self, api: Api) -> None:
        answer = api("PATCH", "mailboxes/jean@falcot.org/", {"address": "john@falcot.org", "keep_old": True})
        assert (answer.status, answer.json["address"]) == (200, "john@falcot.org")
        assert api.get("aliases/jean@falcot.org/")["destinations"] == ["john@falcot.org"]
        sentence = "Renamed mailbox jean@falcot.org → john@falcot.org"
        assert ChangeSet.objects.get(pk=str(answer.change_set)).sentence == sentence

    def test_together_with_other_fields(self, api: Api) -> None:
        seen = api("GET", "mailboxes/jean@falcot.org/").headers["ETag"]
        body = {"address": "john@falcot.org", "name": "John"}
        answer = api("PATCH", "mailboxes/jean@falcot.org/", body, If_Match=seen)
        assert (answer.json["address"], answer.json["name"]) == ("john@falcot.org", "John")

    def test_an_alias_too(self, api: Api) -> None:
        answer = api("PATCH", "aliases/contact@falcotsbrand.com/", {"address": "hello@falcotsbrand.com"})
        assert answer.json["address"] == "hello@falcotsbrand.com"
        assert not Alias.objects.filter(address__local_part="contact").exists()

    def test_not_to_a_domain_of_others(self, bob_api: Api) -> None:
        answer = bob_api("PATCH", "mailboxes/jean@falcot.org/", {"address": "jean@foreign.example"})
        assert answer.faults() == {"address": "refused"}
        assert Mailbox.objects.filter(address__local_part="jean", address__domain__name="falcot.org").exists()


class TestDomainAdmin:
    def test_works_in_the_own_domain(self, bob_api: Api) -> None:
        assert bob_api("PUT", "mailboxes/new@falcot.org/", {"name": "New"}).status == 201
        assert bob_api("PUT", "aliases/@falcot.org/", {"destinations": ["new@falcot.org"]}).json["is_catch_all"] is True
        assert bob_api("DELETE", "mailboxes/new@falcot.org/").status == 204

    def test_and_nowhere_else(self, bob_api: Api, api: Api) -> None:
        api("PUT", "mailboxes/m@foreign.example/", {})
        assert bob_api("POST", "mailboxes/", {"address": "new@foreign.example"}).faults() == {"address": "refused"}
        assert bob_api("GET", "mailboxes/m@foreign.example/").status == 404
        assert bob_api("PUT", "mailboxes/m@foreign.example/", {}).status == 422
        assert "m@foreign.example" not in str(bob_api.get("mailboxes/"))

    def test_chooses_no_mail_path(self, bob_api: Api) -> None:
        answer = bob_api("PUT", "mailboxes/new@falcot.org/", {"mail_path": "foreign.example/m/"})
        assert answer.faults() == {"mail_path": "refused"}

    def test_rows_of_the_lookup_tables_are_named_before_a_deletion(self, api: Api, bob_api: Api, alice: User) -> None:
        add_entry(Bcc, "jean@falcot.org", "archive@elsewhere.example", by=TESTER)
        url = "mailboxes/jean@falcot.org/?dry_run=true"
        stays = "BCC: jean@falcot.org → archive@elsewhere.example stays. Delete it if nobody needs it any more."
        assert stays in api("DELETE", url).json["lost"]
        assert bob_api("DELETE", url).json["lost"] == []
        narrow = Api(token_for(alice, "mailboxes:write", name="narrow"))
        assert narrow("DELETE", url).json["lost"] == []

    def test_the_destinations_of_others_stay_hidden(self, api: Api, bob_api: Api) -> None:
        """A deletion that cuts an alias of another domain says nothing of it to a domain admin."""
        api("PUT", "aliases/team@foreign.example/", {"destinations": ["jean@falcot.org", "a@elsewhere.example"]})
        assert "team@foreign.example" in str(api("DELETE", "mailboxes/jean@falcot.org/?dry_run=true").json)
        assert "foreign.example" not in str(bob_api("DELETE", "mailboxes/jean@falcot.org/?dry_run=true").json)


def test_a_recovery_address_is_seen_and_deleted_and_added_by_its_owner_only(bob_api: Api) -> None:
    jean = mailbox_of("jean@falcot.org")
    RecoveryAddress.objects.create(mailbox=jean, address="jean@elsewhere.example", confirmed_at=timezone.now())
    (row,) = bob_api.get("recovery-addresses/?domain=falcot.org")["results"]
    assert (row["mailbox"], row["address"]) == ("jean@falcot.org", "jean@elsewhere.example")
    assert row["confirmed_at"]
    assert bob_api("PUT", "recovery-addresses/laure@falcot.org/", {"address": "x@elsewhere.example"}).status == 405
    answer = bob_api("DELETE", "recovery-addresses/JEAN@falcot.org/")
    (change,) = bob_api.get(f"history/{answer.change_set}/")["changes"]
    assert (answer.status, change["noun"], change["kind"]) == (204, "recovery-addresses", "deleted")
    assert bob_api("GET", "recovery-addresses/jean@falcot.org/").status == 404


@pytest.mark.parametrize("local_part", ["a/b", '"a b"', "a?b", "a#b", "x+y"])
def test_strange_addresses(api: Api, local_part: str) -> None:
    added = api("POST", "mailboxes/", {"address": f"{local_part}@falcot.org"})
    assert added.status == 201, added
    assert api.get(added.headers["Location"].removeprefix("http://testserver")) == added.json
