"""What the API says of restriction lists and classes, beside what holds for every noun."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from domains.models import Domain
from mailboxes.services import add_mailbox
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
