"""DNS records through the API: what is expected, a check, a plan and its publishing by a real Knot."""

from django.utils.timezone import now

from dns_records.record_models import RecordChange
from dns_records.services import add_update_server, change_dns_settings
from domains.models import Domain
from jobs.services import run_job
from tests.api.conftest import Api
from tests.plugins.name_servers import ADDRESSES, TSIG_NAME, TSIG_SECRET, NameServers
from tests.services.checks import TESTER


def work(api: Api, path: str) -> dict[str, object]:
    """The result of the job that was started there."""
    started = api("POST", path)
    assert started.status == 202, started
    run_job(started.json["id"])
    job = api.get(f"jobs/{started.json['id']}/")
    assert (job["state"], job["error"]) == ("done", "")
    return dict(job["result"])


def test_it_works(api: Api, falcot: Domain, name_servers: NameServers) -> None:
    change_dns_settings(hosts="mx1.falcot.test 192.0.2.25", by=TESTER)
    options = {"port": name_servers.port, "for_all": True}
    add_update_server(TSIG_NAME, ADDRESSES["ns1"], TSIG_SECRET, **options, by=TESTER)
    name_servers.zone("falcot.org", '@ MX 10 mx1.falcot.test.\n@ TXT "v=spf1 mx ~all"', at=["ns1"], ns=["ns1"])

    expected = api.get("expected-dns-records/?domain=falcot.org")
    assert [row["type"] for row in expected["records"]] == ["MX", "TXT", "TXT"]
    assert "falcot.org. 3600 IN MX 10 mx1.falcot.test.\n" in expected["zone"]
    assert (expected["checked_at"], expected["dnssec"], expected["servers"]) == (None, None, [])

    assert work(api, "dns-check/?domain=falcot.org")["domains"] == 1
    seen = api.get("expected-dns-records/?domain=falcot.org")
    assert (seen["dnssec"], seen["servers"]) == ("unsigned", ["ns1.servers.test"])
    assert seen["checked_at"].endswith("Z")
    assert [row["state"] for row in seen["records"]] == ["right", "different", "missing"]
    found = {row["name"]: row["state"] for row in api.get("dns-records/?domain=falcot.org")["results"][1:]}
    assert found == {"falcot.org": "different", "_dmarc.falcot.org": "missing"}

    plan = work(api, "dns-plan/?domain=falcot.org")
    assert plan["lines"] == ['+ _dmarc.falcot.org. 3600 IN TXT "v=DMARC1; p=none"']
    done = work(api, f"dns-publish/?domain=falcot.org&mark={plan['mark']}")
    assert done["unseen"] == []
    assert api.get("dns-records/falcot.org/TXT/_dmarc.falcot.org/")["state"] == "right"


def test_the_mail_hosts(api: Api, falcot: Domain, name_servers: NameServers) -> None:
    change_dns_settings(hosts="mx1.falcot.test 192.0.2.25", by=TESTER)
    name_servers.zone("falcot.test", "mx1 A 192.0.2.26")
    assert [row["state"] for row in api.get("expected-dns-records/mail-hosts/")["records"]] == [None, None]
    assert work(api, "dns-check/mail-hosts/")["domains"] == 0
    seen = api.get("expected-dns-records/mail-hosts/")
    address, reverse = seen["records"]
    assert (address["type"], address["state"], address["published"]) == ("A", "different", ["192.0.2.26"])
    assert address["why"] == "The addresses are 192.0.2.26."
    assert (reverse["type"], reverse["state"]) == ("PTR", "unknown")
    assert "mx1.falcot.test. 3600 IN A 192.0.2.25\n" in seen["zone"]
    assert seen["checked_at"].endswith("Z")
    assert api("GET", "expected-dns-records/mail-hosts/?domain=falcot.org").status == 400


def test_changes(api: Api, falcot: Domain) -> None:
    """Page by page, the last first; how a record was at first is no change."""
    changes = [
        (falcot, "", "right"),
        (falcot, "right", "missing"),
        (None, "right", "different"),
        (falcot, "missing", "right"),
    ]
    for domain, before, after in changes:
        names = {"purpose": "mx", "name": "falcot.org", "rdtype": "MX", "why": "" if after == "right" else "nothing"}
        RecordChange.objects.create(domain=domain, at=now(), before=before, after=after, **names)

    first = api.get("dns-record-changes/?domain=falcot.org&limit=1&count=exact")
    assert (first["count"], first["results"][0]["after"]) == (2, "right")
    rest = api.get(first["next"].partition("/api/v1/")[2])
    assert rest["next"] is None
    (row,) = rest["results"]
    assert row.pop("at").endswith("Z")
    assert row == {
        "purpose": "mx",
        "name": "falcot.org",
        "type": "MX",
        "before": "right",
        "after": "missing",
        "published": [],
        "why": "There is no such record.",
    }
    upwards = api.get("dns-record-changes/?domain=falcot.org&ordering=at")["results"]
    assert [row["after"] for row in upwards] == ["missing", "right"]
    of_hosts = api.get("dns-record-changes/mail-hosts/")["results"]
    assert [row["after"] for row in of_hosts] == ["different"]

    for question in (
        "",
        "?domain=elsewhere.example",
        "?domain=falcot.org&cursor=1",
        "?domain=falcot.org&ordering=name",
    ):
        assert api("GET", f"dns-record-changes/{question}").status == 400
    assert api("GET", "dns-record-changes/mail-hosts/?domain=falcot.org").status == 400
