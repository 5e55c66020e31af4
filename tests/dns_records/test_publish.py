"""Records are put into a real zone by dynamic update with TSIG; only the panel's own are ever touched."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from accounts.models import ChangeSet
from dns_records.authoritative import Asker
from dns_records.expected import expected_of_hosts
from dns_records.jobs import start_dns_plan, start_dns_publish
from dns_records.models import UpdateServer
from dns_records.publishing import plan_for, publish
from dns_records.record_models import PublishedRecord, Record
from dns_records.services import add_update_server, change_dns_settings, change_domain_dns
from domains.dkim_keys import generate
from domains.dkim_models import DkimKey
from domains.dkim_services import move_dkim_key
from domains.models import Domain
from domains.services import add_domain
from jobs.services import run_job
from tests.dns_records.conftest import Place
from tests.dns_records.test_settings import certificate
from tests.plugins.name_servers import ADDRESSES, TSIG_NAME, TSIG_SECRET
from tests.plugins.people import words_of
from tests.services.checks import TESTER

OTHERS = '@ TXT "google-site-verification=abc"\nwww A 192.0.2.80'


@pytest.fixture
def server(place: Place) -> UpdateServer:
    """ns1 alone serves the zone, and takes updates."""
    place.servers.zone("example.org", OTHERS, at=["ns1"], ns=["ns1"])
    options = {"port": place.servers.port, "for_all": True}
    return add_update_server(TSIG_NAME, ADDRESSES["ns1"], TSIG_SECRET, **options, by=TESTER)


def published(name: str, rdtype: str) -> list[str]:
    (answer,) = Asker().ask_all(name, rdtype)
    return answer.records


def put(place: Place) -> list[str]:
    domain = Domain.objects.get(pk=place.domain.pk)
    return publish(domain, plan_for(domain), by=TESTER)


def test_it_works(place: Place, server: UpdateServer) -> None:
    plan = plan_for(place.domain)
    assert plan.zone == "example.org"
    assert "+ example.org. 3600 IN MX 10 mx1.example.net." in plan.lines
    assert not [line for line in plan.lines if line.startswith("-")]
    assert published("example.org", "MX") == []  # a plan changes nothing
    assert publish(place.domain, plan, by=TESTER) == []
    assert published("example.org", "MX") == ["10 mx1.example.net.", "20 mx2.example.net."]
    assert published("www.example.org", "A") == ["192.0.2.80"]
    assert '"google-site-verification=abc"' in published("example.org", "TXT")
    assert ChangeSet.objects.get(metadata__noun="dns_records").sentence == "Published DNS records of example.org"
    assert plan_for(place.domain).to_do == []
    with pytest.raises(ValidationError, match="There is nothing to publish"):
        put(place)


def test_the_worker_does_it_and_looks_afterwards(place: Place, server: UpdateServer) -> None:
    place.publish_hosts()
    plan = start_dns_plan(place.domain, by=TESTER)
    run_job(plan.pk)
    plan.refresh_from_db()
    assert plan.result is not None
    job = start_dns_publish(place.domain, plan.result["mark"], by=TESTER)
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.error, (job.result or {})["unseen"]) == ("", [])
    assert set(Record.objects.filter(domain=place.domain).values_list("state", flat=True)) == {"right"}
    run_job(start_dns_publish(place.domain, plan.result["mark"], by=TESTER).pk)  # twice is once
    other = start_dns_publish(place.domain, plan.result["mark"], by=TESTER)
    change_dns_settings(dmarc_policy="reject", by=TESTER)
    run_job(other.pk)
    other.refresh_from_db()
    assert other.error.startswith("The plan is another one by now.")


def test_what_changes_replaces_what_the_panel_put_there(place: Place, server: UpdateServer) -> None:
    put(place)
    change_dns_settings(dmarc_policy="reject", hosts="mx1.example.net 192.0.2.25", by=TESTER)
    key = move_dkim_key(DkimKey.objects.get(), "revoked", by=TESTER)
    move_dkim_key(key, "gone", is_seen=True, by=TESTER)
    assert put(place) == []
    assert published("_dmarc.example.org", "TXT") == ['"v=DMARC1; p=reject; rua=mailto:dmarc@example.net"']
    assert published("example.org", "MX") == ["10 mx1.example.net."]
    assert published("s1._domainkey.example.org", "TXT") == []
    assert '"google-site-verification=abc"' in published("example.org", "TXT")


def test_records_of_others_are_left_alone(place: Place, server: UpdateServer) -> None:
    theirs = OTHERS + '\n@ MX 5 mail.elsewhere.example.\n_dmarc TXT "v=DMARC1; p=none"\n@ TXT "v=spf1 a -all"'
    place.servers.zone("example.org", theirs, at=["ns1"], ns=["ns1"])
    plan = plan_for(place.domain)
    said = [step.sentence for step in plan.left_alone]
    assert said == [
        "There is a record that the panel did not put there: 5 mail.elsewhere.example.. Take it out, or change it.",
        "There is an SPF record that the panel did not put there. Change it by hand to: v=spf1 a mx ip4:192.0.2.8 -all",
        "There is a record that the panel did not put there: v=DMARC1; p=none. Take it out, or change it.",
    ]
    publish(place.domain, plan, by=TESTER)
    assert published("example.org", "MX") == ["5 mail.elsewhere.example."]
    assert published("_dmarc.example.org", "TXT") == ['"v=DMARC1; p=none"']
    assert len(published("s1._domainkey.example.org", "TXT")) == 1
    assert not PublishedRecord.objects.filter(rdtype="MX").exists()


def test_nothing_is_put_beside_an_alias_nor_an_alias_beside_an_address(
    place: Place, server: UpdateServer, alice_client: Client
) -> None:
    theirs = (
        "s1._domainkey CNAME s1._domainkey.example.net.\nautoconfig A 192.0.2.80\nmta-sts AAAA 2001:db8::80\n"
        "* A 192.0.2.81\n*._tcp CNAME www"
    )
    place.servers.zone("example.org", theirs, at=["ns1"], ns=["ns1"])
    plan = plan_for(place.domain)
    assert {step.name: step.sentence for step in plan.left_alone} == {
        "s1._domainkey.example.org": "The name is an alias (CNAME) of s1._domainkey.example.net, and nothing else can "
        "stand beside an alias. Put the record at that name, or take the alias out.",
        "autoconfig.example.org": "The name has an address of its own, 192.0.2.80, so no alias can stand there. "
        "Leave it if it is the right one: the check says so.",
        "mta-sts.example.org": "The name has an address of its own, 2001:db8::80, so no alias can stand there. "
        "Leave it if it is the right one: the check says so.",
    }
    job = start_dns_plan(place.domain, by=TESTER)
    run_job(job.pk)
    page = words_of(alice_client.get("/domains/example.org/dns/publish/"))
    assert all(step.sentence in page for step in plan.left_alone)
    job.refresh_from_db()
    assert [row["sentence"] for row in (job.result or {})["left_alone"]] == [one.sentence for one in plan.left_alone]
    names = {(step.name, step.rdtype) for step in plan.to_do}
    assert not names & {
        ("s1._domainkey.example.org", "TXT"),
        ("autoconfig.example.org", "CNAME"),
        ("mta-sts.example.org", "CNAME"),
    }
    assert {("autodiscover.example.org", "CNAME"), ("_imaps._tcp.example.org", "SRV")} <= names
    assert put(place) == []
    assert published("s1._domainkey.example.org", "CNAME") == ["s1._domainkey.example.net."]
    assert published("autodiscover.example.org", "CNAME") == ["panel.example.net."]
    assert not PublishedRecord.objects.filter(name="s1._domainkey.example.org").exists()


def test_text_of_others_in_short_strings_holds_nothing_up(place: Place, server: UpdateServer) -> None:
    place.servers.zone("example.org", '@ TXT "google-site-" "verification=abc"', at=["ns1"], ns=["ns1"])
    assert put(place) == []
    assert sorted(published("example.org", "TXT")) == [
        '"google-site-" "verification=abc"',
        '"v=spf1 mx ip4:192.0.2.8 -all"',
    ]


def test_our_record_is_taken_away_in_whichever_strings_it_stands(place: Place, server: UpdateServer) -> None:
    put(place)
    key = DkimKey.objects.get()
    text = key.record_text
    typed = f'{OTHERS}\ns1._domainkey TXT "{text[:100]}" "{text[100:300]}" "{text[300:]}"'
    place.servers.zone("example.org", typed, at=["ns1"], ns=["ns1"])
    move_dkim_key(move_dkim_key(key, "revoked", by=TESTER), "gone", is_seen=True, by=TESTER)
    assert put(place) == []
    assert published("s1._domainkey.example.org", "TXT") == []


def test_the_record_of_a_retiring_key_goes_when_its_time_is_over(place: Place, server: UpdateServer) -> None:
    put(place)
    key = move_dkim_key(DkimKey.objects.get(), "retiring", by=TESTER)
    assert plan_for(Domain.objects.get(pk=place.domain.pk)).to_do == []
    DkimKey.objects.update(retiring_at=timezone.now() - timedelta(days=7, minutes=1))
    assert not [one for one in place.expected() if one.purpose == "dkim_retiring"]
    assert put(place) == []
    assert published(key.record_name, "TXT") == []


def test_a_change_by_somebody_else_meanwhile_is_not_overwritten(place: Place, server: UpdateServer) -> None:
    plan = plan_for(place.domain)
    place.servers.zone("example.org", '_dmarc TXT "v=DMARC1; p=none"', at=["ns1"], ns=["ns1"])
    with pytest.raises(ValidationError, match="Somebody changed these records meanwhile. Nothing was published"):
        publish(place.domain, plan, by=TESTER)
    assert not PublishedRecord.objects.exists()
    assert published("example.org", "MX") == []  # not one of them


def test_the_zone_that_holds_the_mail_hosts(place: Place, server: UpdateServer, tmp_path: Path) -> None:
    """Their addresses and TLSA are put there too; a TLSA record of another key stays beside ours, and ours stays while
    its certificate cannot be read."""
    domain, pem = add_domain("example.net", by=TESTER), tmp_path / "cert.pem"
    pem.write_text(certificate(generate("rsa-2048"), "mx1.example.net"))
    change_dns_settings(certificates=str(pem), by=TESTER)
    other = f"3 1 1 {'ab' * 32}"
    theirs = f"mx2 A 192.0.2.99\n_25._tcp.mx1 TLSA {other}"
    place.servers.zone("example.net", theirs, at=["ns1"], ns=["ns1"])
    plan = plan_for(domain)
    assert {
        "+ mx1.example.net. 3600 IN A 192.0.2.25",
        "+ mx1.example.net. 3600 IN AAAA 2001:db8::25",
    } <= set(plan.lines)
    assert [(step.name, step.rdtype, step.value) for step in plan.left_alone] == [
        ("mx2.example.net", "A", "192.0.2.99")
    ]
    assert publish(domain, plan, by=TESTER) == []
    assert published("mx1.example.net", "A") == ["192.0.2.25"]
    (tlsa,) = [one for one in expected_of_hosts() if one.rdtype == "TLSA"]
    assert set(published("_25._tcp.mx1.example.net", "TLSA")) == {other, *tlsa.values}
    pem.unlink()
    assert plan_for(domain).to_do == []
    pem.write_text(certificate(generate("rsa-2048"), "mx1.example.net"))
    assert [step.rdtype for step in plan_for(domain).to_do] == ["TLSA"]
    change_dns_settings(hosts="mx1.example.net 192.0.2.27", by=TESTER)
    assert publish(domain, plan_for(domain), by=TESTER) == []
    assert published("mx1.example.net", "A") == ["192.0.2.27"]
    assert published("mx1.example.net", "AAAA") == []
    assert plan_for(place.domain).to_do
    assert not [step for step in plan_for(place.domain).steps if step.rdtype in ("A", "AAAA", "TLSA")]
    add_domain("mx1.example.net", by=TESTER)
    assert plan_for(domain).to_do == [], "what the domain within it needs now stays"


class TestRefused:
    def test_without_a_server(self, place: Place) -> None:
        with pytest.raises(ValidationError, match="No name server takes updates for example.org"):
            start_dns_plan(place.domain, by=TESTER)

    def test_with_a_wrong_secret(self, place: Place, server: UpdateServer) -> None:
        wrong = add_update_server("other", ADDRESSES["ns1"], TSIG_SECRET, port=place.servers.port, by=TESTER)
        change_domain_dns(place.domain, server=wrong, by=TESTER)
        domain = Domain.objects.get(pk=place.domain.pk)
        with pytest.raises(ValidationError, match="127.0.53.1 .*Nothing was changed|refuses the update with"):
            publish(domain, plan_for(domain), by=TESTER)
        assert not PublishedRecord.objects.exists()

    def test_a_server_that_does_not_answer(self, place: Place) -> None:
        add_update_server(TSIG_NAME, ADDRESSES["dead"], TSIG_SECRET, port=place.servers.port, for_all=True, by=TESTER)
        with pytest.raises(ValidationError, match="127.0.53.66 does not answer"):
            plan_for(place.domain)

    def test_a_server_that_does_not_serve_the_domain(self, place: Place) -> None:
        add_update_server(TSIG_NAME, ADDRESSES["ns2"], TSIG_SECRET, port=place.servers.port, for_all=True, by=TESTER)
        with pytest.raises(ValidationError, match="127.0.53.2 does not serve example.org"):
            plan_for(place.domain)
