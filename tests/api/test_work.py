"""Long work that is started here, and what it found."""

from accounts.models import User
from domains.models import Domain
from jobs.services import run_job
from mailboxes.default_aliases import set_default_aliases
from mailboxes.models import Alias
from mailboxes.services import add_alias
from tests.api.conftest import Api, token_for
from tests.plugins.example_mail import TESTER


def test_the_alias_report(api: Api, falcot: Domain) -> None:
    assert api("GET", "alias-report/").status == 404
    api("PUT", "aliases/sales@falcot.org/", {"destinations": ["jean@falcot.org"]})
    api("PATCH", "mailboxes/jean@falcot.org/", {"active": False})
    started = api("POST", "alias-report/")
    assert (started.status, started.json["state"]) == (202, "waiting")
    run_job(started.json["id"])
    found = api.get("alias-report/")
    assert found["job"] == started.json["id"]
    sentence = "sales@falcot.org delivers to jean@falcot.org, which is inactive. Activate it, or change the alias."
    assert sentence in [finding["sentence"] for finding in found["findings"]]
    assert found["counts"]["inactive_target"] >= 1


def test_default_aliases_that_domains_lack(api: Api, falcot: Domain) -> None:
    set_default_aliases(["noc"], "jean@falcot.org", by=TESTER)
    missing = api.get("missing-default-aliases/")
    assert missing["aliases"] == missing["domains"] > 0
    started = api("POST", "missing-default-aliases/")
    assert started.status == 202
    run_job(started.json["id"])
    assert api.get("missing-default-aliases/") == {"domains": 0, "aliases": 0}
    assert Alias.objects.filter(address__local_part="noc").count() == missing["aliases"]


class TestForwards:
    def test_it_works(self, api: Api, falcot: Domain) -> None:
        for number, name in enumerate(["zoo.example", "ark.example", "ark.example"]):
            add_alias(falcot, f"out{number}", [f"x@{name}", "jean@falcot.org"], by=TESTER)
        api("PUT", "domains/other.example/", {})
        whole = api.get("forwards/")["results"]
        assert [one["destination"] for one in whole][-1] == "x@zoo.example"
        assert {"alias": "out1@falcot.org", "destination": "x@ark.example"} in whole
        path, found = "forwards/?limit=1", []
        while path:
            page = api.get(path)
            found += page["results"]
            path = (page["next"] or "").removeprefix("http://testserver")
        assert found == whole
        ours = api.get("forwards/?domain=falcot.org&ordering=-address&search=ark")["results"]
        assert [one["alias"] for one in ours] == ["out2@falcot.org", "out1@falcot.org"]
        assert api.get("forwards/?domain=other.example")["results"] == []

    def test_a_token_for_some_domains(self, alice: User, falcot: Domain) -> None:
        add_alias(falcot, "out", ["x@elsewhere.example"], by=TESTER)
        limited = Api(token_for(alice, domains=["falcotsbrand.com"]))
        assert limited.get("forwards/?search=elsewhere")["results"] == []


def test_the_list_of_jobs(api: Api, bob_api: Api, falcot: Domain) -> None:
    first, second = (api("POST", "alias-report/").json["id"] for _turn in range(2))
    run_job(first)
    assert [one["id"] for one in api.get("jobs/")["results"]] == [second, first]
    assert [one["id"] for one in api.get("jobs/?state=done")["results"]] == [first]
    assert api("GET", "jobs/?state=tired").status == 400
    assert bob_api.get("jobs/")["results"] == []
