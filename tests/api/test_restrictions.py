"""What the API says of restriction lists and classes, beside what holds for every noun."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from api.nouns import BY_SLUG
from domains.models import Domain
from mailboxes.services import add_alias, add_mailbox
from restrictions.access_services import add_rule, choose_class
from restrictions.catalogue import CATALOGUE
from restrictions.services import add_class, set_list
from tests.api.conftest import Api
from tests.plugins.example_mail import TESTER

pytestmark = pytest.mark.django_db


class TestClasses:
    def test_who_meets_a_class(self, api: Api, falcot: Domain) -> None:
        strict = add_class("strict", [{"name": "reject_non_fqdn_sender"}], by=TESTER)
        add_class("around", [{"name": "strict"}, {"name": "strict", "warn_only": True}], by=TESTER)
        set_list("data", [{"name": "strict"}], by=TESTER)
        set_list("sender", [{"name": "strict", "active": False}], by=TESTER)
        boxes = [add_mailbox(falcot, f"m{number}", by=TESTER) for number in range(2)]
        for place in (*(box.address for box in boxes), falcot, None):
            choose_class(place, "strict", by=TESTER)
        add_rule("sender", "spam.example", "CLASS", of_class=strict, by=TESTER)

        shown = api.get("restriction-classes/strict/")
        assert shown["used_in"] == ["smtpd_sender_restrictions", "smtpd_data_restrictions", "around"]
        assert shown["chosen_for"] == {"addresses": 2, "domains": 1, "everybody": True, "rules": 1}
        other, same = api.get("restriction-classes/")["results"]
        assert same == shown
        assert [entry["warn_only"] for entry in other["entries"]] == [False, True]
        assert other["chosen_for"] == {"addresses": 0, "domains": 0, "everybody": False, "rules": 0}
        met = api.get("recipient-classes/?of_class=strict")["results"]
        assert [one["recipient"] for one in met] == ["m0@falcot.org", "m1@falcot.org", "falcot.org", "*"]
        assert api.get("recipient-classes/?of_class=around")["results"] == []

    def test_many_take_as_many_statements_as_one(self, api: Api, falcot: Domain) -> None:
        def statements(names: list[str]) -> int:
            for name in names:
                one = add_class(name, [{"name": "reject_non_fqdn_sender"}], by=TESTER)
                add_class(f"around_{name}", [{"name": name}], by=TESTER)
                add_rule("sender", f"{name}.example", "CLASS", of_class=one, by=TESTER)
            with CaptureQueriesContext(connection) as asked:
                assert len(api.get("restriction-classes/")["results"]) >= 2 * len(names)
            return len(asked)

        api.get("restriction-classes/")  # says that the token was used
        few = statements(["first"])
        assert statements([f"c{number}" for number in range(20)]) == few


class TestCatalogue:
    def test_it_works(self, api: Api) -> None:
        found = {one["name"]: one for one in api.get("restriction-catalogue/")["results"]}
        assert set(found) == set(CATALOGUE)
        assert found["check_sender_a_access"] == {
            "name": "check_sender_a_access",
            "stages": ["sender", "relay", "recipient", "data", "end_of_data"],
            "argument": "table",
            "since": "3.0",
            "sentence": "Looks up the addresses of the sender's domain in an access table.",
        }

    def test_a_stage_and_a_part_of_a_name(self, api: Api) -> None:
        found = api.get("restriction-catalogue/?stage=helo&search=_RBL")["results"]
        assert [one["name"] for one in found] == ["reject_rbl_client"]
        found = api.get("restriction-catalogue/?stage=helo&search=unknown")["results"]
        assert "reject_unknown_helo_hostname" in [one["name"] for one in found]
        assert "reject_unknown_sender_domain" not in [one["name"] for one in found]
        assert api.get("restriction-catalogue/?search=no_such")["results"] == []

    def test_a_stage_that_is_none(self, api: Api) -> None:
        for stage in ("etrn", "", "a%00b"):
            assert api("GET", f"restriction-catalogue/?stage={stage}").status == 400


AGAIN = "Write the configuration again on the mail host (postfix_config): main.cf does not know of this yet."
MAIN_CF = [
    ("restriction-lists", {"stage": "helo", "entries": [{"name": "permit_mynetworks"}]}),
    ("restriction-classes", {"name": "strict"}),
    ("access-rules", {"applies_to": "sender", "key": "spam.example", "action": "REJECT"}),
    ("access-tables", {"name": "partners", "applies_to": "client"}),
    ("domain-access-rules", {"domain": "falcot.org", "applies_to": "sender", "key": "a.example", "action": "REJECT"}),
    ("protected-aliases", {"address": "staff@falcot.org", "writers": "members"}),
    ("transports", {"key": "there.example", "result": "smtp:[mx.there.example]"}),
]


class TestMainCf:
    @pytest.mark.parametrize(("slug", "body"), MAIN_CF)
    def test_what_is_to_be_written_again(self, api: Api, falcot: Domain, slug: str, body: dict[str, Any]) -> None:
        """Said of each write that changes main.cf, and of no other."""
        add_alias(falcot, "staff", ["jean@falcot.org"], by=TESTER)
        rehearsed = api("POST", f"{slug}/?dry_run=true", body)
        added = api("POST", f"{slug}/", body, Idempotency_Key="once")
        again = api("POST", f"{slug}/", body, Idempotency_Key="once")
        place = f"{slug}/{BY_SLUG[slug].key_of(BY_SLUG[slug].rows(User.objects.get(username='alice')).get())}/"
        same = api("PUT", place, added.json)
        gone = api("DELETE", place)
        undone = api("POST", f"history/{gone.change_set}/undo/")
        operations = [{"method": "DELETE", "noun": slug, "key": place.partition("/")[2].rstrip("/")}]
        many = api("POST", "changes/", {"operations": operations})
        answers = (rehearsed, added, again, same, gone, undone, many)
        assert [answer.status for answer in answers] == [200, 201, 201, 200, 204, 200, 200]
        said = [answer.headers.get("Remark") for answer in answers]
        assert said == [AGAIN, AGAIN, AGAIN, None, AGAIN, AGAIN, AGAIN]

    def test_what_acts_at_once(self, api: Api) -> None:
        api("PUT", "access-rules/sender/spam.example/", {"action": "REJECT"})
        for key in ("other.example", "spam.example"):
            added = api("PUT", f"access-rules/sender/{key}/", {"action": "HOLD"})
            assert (added.change_set is None, "Remark" in added.headers) == (False, False)

    def test_the_delimiter(self, api: Api) -> None:
        changed = api("PATCH", "mail-settings/", {"recipient_delimiter": "-"})
        assert changed.headers["Remark"].endswith("main.cf must name the same delimiter.")
        assert "Remark" not in api("PATCH", "mail-settings/", {"quarantine_days": 40}).headers

    def test_a_header_is_ascii_in_every_language(self, api: Api) -> None:
        answer = api("POST", "restriction-classes/", {"name": "strict"}, Accept_Language="ja")
        assert answer.headers["Remark"] == AGAIN
