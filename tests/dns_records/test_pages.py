"""The pages about DNS: what is expected beside what was seen, settings, update servers."""

import dns.query
import pytest
from django.db import connection
from django.test import Client
from django.utils.timezone import now

from dns_records.changes import record_changes
from dns_records.checks import check_domains
from dns_records.models import DnsSettings, UpdateSecret, UpdateServer
from dns_records.record_models import Record, RecordChange
from dns_records.services import add_update_server, change_dns_settings
from domains.dkim_keys import generate
from domains.services import add_domain
from jobs.models import Job
from jobs.services import run_job
from tests.dns_records.conftest import Place
from tests.dns_records.test_settings import certificate
from tests.plugins.name_servers import ADDRESSES, TSIG_SECRET
from tests.plugins.people import words_of
from tests.services.checks import TESTER


def test_it_works(place: Place, alice_client: Client) -> None:
    place.publish(lambda lines: [line for line in lines if "_dmarc" not in line], at=["ns1", "ns2"])
    place.publish_hosts()
    check_domains([place.domain], timeout=1)
    page = alice_client.get("/domains/example.org/dns/").content.decode()
    assert "There is no such record." in page
    assert ">just now<" in page
    assert 'data-copy="example.org. 3600 IN MX 10 mx1.example.net.' in page
    assert "When the reports stay clean for some weeks, take reject." in page
    assert "at ns1.servers.test, ns2.servers.test" in page
    assert "Not signed: the parent zone has no DS record for it." in page
    assert alice_client.get("/domains/example.org/dns/?state=look").content.decode().count('class="type"') == 1
    everywhere = alice_client.get("/dns/").content.decode()
    assert "1 to look at" in everywhere
    assert "25.2.0.192.in-addr.arpa PTR" in everywhere


def test_what_differs_is_marked_and_stands_first(place: Place, alice_client: Client) -> None:
    place.publish()
    place.publish_hosts()
    check_domains([place.domain], timeout=1)
    place.publish(lambda lines: [line.replace("p=quarantine", "p=none") for line in lines])
    check_domains([place.domain], timeout=1)
    page = alice_client.get("/domains/example.org/dns/").content.decode()
    assert "p=<ins>quarantine</ins>;" in page
    assert "p=<del>none</del>;" in page
    assert page.index("_dmarc.example.org TXT") < page.index("example.org MX")
    what_changed = words_of(alice_client.get("/domains/example.org/dns/")).partition("What changed")[2]
    assert "The policy is none. The settings ask for quarantine." in what_changed


def test_many_changes(place: Place, alice_client: Client) -> None:
    """The newest come first, the others on the next page."""
    RecordChange.objects.bulk_create(
        RecordChange(
            domain=place.domain, purpose="mx", name=f"n{n}.x", rdtype="MX", at=now(), before="right", after="missing"
        )
        for n in range(21)
    )
    first = alice_client.get("/domains/example.org/dns/")
    assert "n20.x MX" in first.content.decode()
    assert "n0.x MX" not in first.content.decode()
    rest = alice_client.get("/domains/example.org/dns/", {"after": first.context["page"].next}).content.decode()
    assert "n0.x MX" in rest
    assert "n20.x MX" not in rest


def test_changes_of_the_mail_hosts(place: Place, alice_client: Client) -> None:
    assert "/dns/changes/" in alice_client.get("/dns/").content.decode()
    assert "No change yet" in alice_client.get("/dns/changes/").content.decode()
    RecordChange.objects.bulk_create(
        RecordChange(
            domain=domain, purpose="address", name=f"n{n}.x", rdtype="A", at=now(), before=before, after="missing"
        )
        for n, (domain, before) in enumerate([(None, "right")] * 21 + [(None, ""), (place.domain, "right")])
    )
    first = alice_client.get("/dns/changes/")
    assert "Address n20.x A" in words_of(first)
    assert not {"n0.x", "n21.x", "n22.x"} & set(words_of(first).split())
    rest = alice_client.get("/dns/changes/", {"after": first.context["page"].next})
    assert "Address n0.x A" in words_of(rest)
    assert "n20.x" not in words_of(rest)


@pytest.mark.parametrize("of_hosts", [False, True])
@pytest.mark.parametrize("order", ["id", "-id"])
def test_an_index_stands_behind_the_changes(place: Place, order: str, *, of_hosts: bool) -> None:
    """Nothing is sorted, and what belongs to others is not read."""
    others = [add_domain(f"other{number}.example", by=TESTER) for number in range(20)]
    seen = {"purpose": "mx", "rdtype": "MX", "at": now(), "before": "right", "after": "missing"}
    RecordChange.objects.bulk_create(
        RecordChange(domain=other, name=f"n{number}.x", **seen) for other in others for number in range(200)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE dns_records_recordchange")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    plan = record_changes(None if of_hosts else place.domain).order_by(order)[:21].explain()
    assert "Sort" not in plan
    assert ("record_changes_of_mail_hosts" if of_hosts else "record_changes_of_a_domain") in plan


def test_nothing_waits_in_a_request(place: Place, alice_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """No page asks a name server, dead or alive."""

    def nobody_asks(*_arguments: object, **_options: object) -> None:
        raise AssertionError("A request asks the DNS.")

    place.servers.zone("example.org", "", ns=["dead"])
    options = {"port": place.servers.port, "for_all": True}
    add_update_server("panel", ADDRESSES["dead"], TSIG_SECRET, **options, by=TESTER)
    for name in ("udp", "udp_with_fallback", "tcp"):
        monkeypatch.setattr(dns.query, name, nobody_asks)
    for path in ("dns/", "dns/settings/", "dns/publish/", "dns/export/", "dkim/"):
        assert alice_client.get(f"/domains/example.org/{path}").status_code == 200
    for path in ("dns/check/", "dns/publish/", "dkim/look/", "dkim/rotate/"):
        assert alice_client.post(f"/domains/example.org/{path}").status_code == 302
    assert alice_client.post("/dns/check/").status_code == 302
    assert set(Job.objects.values_list("kind", "state")) == {
        (kind, Job.State.WAITING) for kind in ("dns_check", "dns_plan", "dkim_look", "dkim_generate")
    }


def test_what_is_exported_is_a_zone(place: Place, alice_client: Client) -> None:
    text = alice_client.get("/domains/example.org/dns/export/").content.decode()
    assert "example.org. 3600 IN MX 10 mx1.example.net.\n" in text
    place.servers.zone("example.org", text)  # the real name server loads it
    rows = alice_client.get("/domains/example.org/dns/export/?format=json").json()
    assert {row["type"] for row in rows} == {"MX", "TXT", "CNAME", "SRV"}


def test_the_mail_hosts_alone(place: Place, alice_client: Client) -> None:
    answer = alice_client.get("/dns/mail-hosts/export/")
    assert 'filename="mail-hosts.zone"' in answer["Content-Disposition"]
    text = answer.content.decode()
    assert "\nmx1.example.net. 3600 IN A 192.0.2.25\n" in text
    assert "\n25.2.0.192.in-addr.arpa. 3600 IN PTR mx1.example.net.\n" in text
    rows = alice_client.get("/dns/mail-hosts/export/?format=json").json()
    assert {row["type"] for row in rows} == {"A", "AAAA", "PTR"}
    place.publish_hosts()
    assert "Ask DNS for the mail hosts" in words_of(alice_client.get("/dns/"))
    job = alice_client.post("/dns/mail-hosts/check/")["Location"]
    run_job(Job.objects.get().pk)
    assert "The records of the mail hosts were asked for." in words_of(alice_client.get(job))
    assert set(Record.objects.values_list("domain", "state")) == {(None, "right")}


def test_the_settings(db: None, alice_client: Client) -> None:
    page = alice_client.get("/dns/settings/")
    form = page.context["form"].initial
    answer = alice_client.post("/dns/settings/", form | {"hosts": "mx.example.net", "panel_host": "no name"})
    assert "Write the addresses of mx.example.net behind it." in answer.content.decode()
    assert "“no name” is not a domain name." in answer.content.decode()
    answer = alice_client.post("/dns/settings/", form | {"hosts": "MX.example.net  192.0.2.1\n\n"})
    assert answer.status_code == 302
    assert DnsSettings.current().hosts == "mx.example.net 192.0.2.1"


def test_an_update_server(db: None, alice_client: Client) -> None:
    typed = {"name": "Panel.", "address": "192.0.2.53", "port": 53, "algorithm": "hmac-sha256", "secret": TSIG_SECRET}
    assert alice_client.post("/dns/servers/add/", typed).status_code == 302
    server = UpdateServer.objects.get(name="panel")
    assert TSIG_SECRET not in UpdateSecret.objects.get().token
    assert TSIG_SECRET not in alice_client.get(f"/dns/servers/{server.pk}/").content.decode()
    answer = alice_client.post("/dns/servers/add/", typed | {"name": "other", "secret": "short"})
    assert "A secret is base64 of at least 16 bytes" in answer.content.decode()
    assert alice_client.post(f"/dns/servers/{server.pk}/delete/").status_code == 302
    assert not UpdateServer.objects.exists()


def test_many_update_servers(db: None, alice_client: Client) -> None:
    UpdateServer.objects.bulk_create(UpdateServer(name=f"panel{n:03}", address="192.0.2.53") for n in range(60))
    first = alice_client.get("/dns/settings/")
    assert "panel000" in first.content.decode()
    assert "panel059" not in first.content.decode()
    rest = alice_client.get("/dns/settings/", {"after": first.context["page"].next}).content.decode()
    assert "panel059" in rest
    assert "panel000" not in rest


def test_a_certificate_for_no_mail_host_is_said_before_any_check(place: Place, alice_client: Client) -> None:
    change_dns_settings(certificates=certificate(generate("rsa-2048"), "other.example.net"), by=TESTER)
    page = words_of(alice_client.get("/dns/"))
    assert page.count("A certificate is for other.example.net. No mail host has such a name") == 2  # of two
