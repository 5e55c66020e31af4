"""DNS settings: what may be typed, and which records follow from it."""

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import ChangeSet
from dns_records.expected import expected_by_domain, expected_of, expected_of_hosts, right_hand_side
from dns_records.fields import certificates, readable_certificates
from dns_records.models import DnsSettings, DomainDns, UpdateServer
from dns_records.secrets import secret_of
from dns_records.services import add_update_server, change_dns_settings, change_domain_dns
from dns_records.zone_text import zone_text
from domains.dkim_keys import PrivateKey, generate
from domains.dkim_models import DkimKey
from domains.dkim_services import add_dkim_key, move_dkim_key
from domains.models import AddressClass, Domain
from domains.services import add_domain, change_mail_settings
from mailboxes.removal import delete_domain
from mailboxes.server_names import change_server_names
from mailboxes.undo import undo_change_set
from tests.plugins.name_servers import TSIG_SECRET
from tests.services.checks import TESTER, nothing_changes

pytestmark = pytest.mark.django_db


def records(domain: Domain) -> dict[str, list[str]]:
    return {f"{one.name} {one.rdtype}": list(one.values) for one in expected_of(Domain.objects.get(pk=domain.pk))}


def certificate(key: PrivateKey, *names: str) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
    builder = builder.not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()  # type: ignore[arg-type]


def test_it_works() -> None:
    domain = add_domain("example.org", by=TESTER)
    change_dns_settings(hosts="mx1.example.net 192.0.2.25", dmarc_reports="dmarc@example.org", by=TESTER)
    assert records(domain) == {
        "example.org MX": ["10 mx1.example.net."],
        "example.org TXT": ["v=spf1 mx -all"],
        "_dmarc.example.org TXT": ["v=DMARC1; p=none; rua=mailto:dmarc@example.org"],
    }


def test_nothing_is_expected_before_a_mail_host_is_named() -> None:
    assert expected_of(add_domain("example.org", by=TESTER)) == []


def test_a_domain_differs() -> None:
    domain = add_domain("example.org", by=TESTER)
    change_dns_settings(hosts="mx1.example.net 192.0.2.25", spf_senders="ip4:192.0.2.8", by=TESTER)
    change_domain_dns(domain, dmarc_policy="reject", spf_senders="include:_spf.example.net ip4:192.0.2.8", by=TESTER)
    assert records(domain)["example.org TXT"] == ["v=spf1 mx ip4:192.0.2.8 include:_spf.example.net -all"]
    assert records(domain)["_dmarc.example.org TXT"] == ["v=DMARC1; p=reject"]


def test_every_tag_of_dmarc() -> None:
    domain = add_domain("example.org", by=TESTER)
    change_dns_settings(
        hosts="mx1.example.net 192.0.2.25",
        dmarc_policy="quarantine",
        dmarc_subdomains="reject",
        dmarc_percent=25,
        dmarc_strict=True,
        dmarc_reports="a@example.org b@example.org",
        dmarc_failures="c@example.org",
        by=TESTER,
    )
    (record,) = records(domain)["_dmarc.example.org TXT"]
    assert record == (
        "v=DMARC1; p=quarantine; sp=reject; pct=25; adkim=s; aspf=s; "
        "rua=mailto:a@example.org,mailto:b@example.org; ruf=mailto:c@example.org"
    )


def test_the_servers_of_mail_programs_are_those_of_the_server_names() -> None:
    domain = add_domain("example.org", by=TESTER)
    change_server_names(imap_host="imap.example.net", submission_host="mail.example.net", by=TESTER)
    change_dns_settings(services="imaps pop3s submissions sieve", panel_host="panel.example.net", by=TESTER)
    assert records(domain) == {
        "_imaps._tcp.example.org SRV": ["0 1 993 imap.example.net."],
        "_submissions._tcp.example.org SRV": ["0 1 465 mail.example.net."],
        "autoconfig.example.org CNAME": ["panel.example.net."],
        "autodiscover.example.org CNAME": ["panel.example.net."],
    }
    change_dns_settings(client_host="all.example.net", by=TESTER)
    there = records(domain)
    assert there["_imaps._tcp.example.org SRV"] == ["0 1 993 imap.example.net."]
    assert there["_pop3s._tcp.example.org SRV"] == ["0 1 995 all.example.net."]
    assert there["_sieve._tcp.example.org SRV"] == ["0 1 4190 all.example.net."]


def test_a_retiring_key_is_expected_until_it_may_go() -> None:
    domain = add_domain("example.org", by=TESTER)
    alias = add_domain("alias.example", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    key = add_dkim_key(domain, "s1", generate("ed25519"), for_alias_domains=True, by=TESTER)
    for state in ("published", "signing", "retiring"):
        key = move_dkim_key(key, state, is_seen=True, reason="No host runs in this test", by=TESTER)
    assert [list(records(one)) for one in (domain, alias)] == [
        ["s1._domainkey.example.org TXT"],
        ["s1._domainkey.alias.example TXT"],
    ]
    DkimKey.objects.update(retiring_at=timezone.now() - timedelta(days=7, minutes=1))
    assert [records(one) for one in (domain, alias)] == [{}, {}]
    change_mail_settings(dkim_retiring_days=8, by=TESTER)
    assert len(records(domain)) == 1


def test_an_alias_domain_has_the_keys_that_sign_for_it() -> None:
    target = add_domain("example.org", by=TESTER)
    alias = add_domain("alias.example", address_class=AddressClass.ALIAS_DOMAIN, target=target, by=TESTER)
    add_dkim_key(target, "own", generate("ed25519"), by=TESTER)
    key = add_dkim_key(target, "both", generate("rsa-2048"), for_alias_domains=True, by=TESTER)
    assert records(alias) == {"both._domainkey.alias.example TXT": [key.record_text]}
    (value,) = records(alias).values()
    assert all(len(part) <= 255 for part in right_hand_side("TXT", value[0]).strip('"').split('" "'))


def test_reports_that_go_elsewhere_need_leave_there() -> None:
    domain = add_domain("example.org", by=TESTER)
    hosts = "mx1.example.net 192.0.2.25"
    change_dns_settings(hosts=hosts, dmarc_reports="a@dmarc.example.org b@reports.example", by=TESTER)
    assert records(domain)["example.org._report._dmarc.reports.example TXT"] == ["v=DMARC1"]
    assert "example.org._report._dmarc.dmarc.example.org TXT" not in records(domain)


def test_tlsa_of_certificates(tmp_path: Path) -> None:
    first, second = generate("rsa-2048"), generate("rsa-2048")
    path = tmp_path / "fullchain.pem"
    path.write_text(certificate(first, "mx1.example.net") + certificate(second, "ca.example.net"))
    text = f"{path}\n{certificate(second, '*.example.net')}"
    change_dns_settings(hosts="mx1.example.net 192.0.2.25\nmx2.example.net 192.0.2.26", certificates=text, by=TESTER)
    found = {one.name: one.values for one in expected_of_hosts() if one.rdtype == "TLSA"}
    assert [len(values) for values in found.values()] == [2, 1]
    assert found["_25._tcp.mx2.example.net"][0] in found["_25._tcp.mx1.example.net"]
    assert found["_25._tcp.mx2.example.net"][0].startswith("3 1 1 ")
    path.write_text(certificate(first, "mx1.example.net"))  # renewed with the same key
    assert {one.name: one.values for one in expected_of_hosts() if one.rdtype == "TLSA"} == found
    path.unlink()
    assert "_25._tcp.mx1.example.net" in {one.name for one in expected_of_hosts()}


def test_a_certificate_is_read_from_a_file_only(tmp_path: Path) -> None:
    """Nobody writes into this FIFO: who reads it waits for ever."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    said: list[list[str]] = []

    def read() -> None:
        for path in (fifo, Path("/dev/null"), tmp_path):
            with pytest.raises(ValidationError) as refused:
                certificates(str(path))
            said.append(refused.value.messages)

    thread = Thread(target=read, daemon=True)
    thread.start()
    thread.join(20)
    assert said == [[f"{path} cannot be read: it is no file."] for path in (fifo, "/dev/null", tmp_path)]
    found, unreadable = readable_certificates(f"{fifo}\n{tmp_path}")
    assert (found, len(unreadable)) == ([], 2)


def test_a_domain_whose_zone_holds_mail_hosts_has_their_records() -> None:
    """Of domains within each other the inner one. Reverse names stand in the zone of whoever gave the address."""
    outer, other = add_domain("example.net", by=TESTER), add_domain("xexample.net", by=TESTER)
    text = certificate(generate("rsa-2048"), "mx.example.net")
    hosts = "mx.example.net 192.0.2.25 2001:db8::25\nmx.in.example.net 192.0.2.26\nexample.net 192.0.2.27"
    change_dns_settings(hosts=hosts, certificates=text, by=TESTER)
    addresses = {"mx.example.net A", "mx.example.net AAAA", "example.net A", "_25._tcp.mx.example.net TLSA"}

    def of_hosts(domain: Domain) -> set[str]:
        return {name for name in records(domain) if name.split()[1] not in ("MX", "TXT")}

    assert of_hosts(outer) == {*addresses, "mx.in.example.net A"}
    assert of_hosts(other) == set()
    assert "\nmx.example.net. 3600 IN AAAA 2001:db8::25\n" in zone_text(outer, expected_of(outer))
    inner = add_domain("in.example.net", by=TESTER)
    assert of_hosts(outer) == addresses
    assert of_hosts(inner) == {"mx.in.example.net A"}
    assert set(expected_by_domain([outer])) == {outer.pk}


def test_openssl_says_the_same_of_a_certificate(tmp_path: Path) -> None:
    """TLSA 3 1 1: SHA-256 over the public key (RFC 6698, RFC 7671)."""
    path = tmp_path / "cert.pem"
    path.write_text(certificate(generate("rsa-2048"), "mx1.example.net"))
    change_dns_settings(hosts="mx1.example.net 192.0.2.25", certificates=str(path), by=TESTER)
    script = "openssl x509 -in $1 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum"
    ended = subprocess.run(["sh", "-c", script, "sh", path], capture_output=True, text=True, check=True)
    (record,) = [one for one in expected_of_hosts() if one.rdtype == "TLSA"]
    assert record.values == (f"3 1 1 {ended.stdout.split()[0]}",)


def test_an_undo_takes_settings_back() -> None:
    domain = add_domain("example.org", by=TESTER)
    change_dns_settings(hosts="mx1.example.net 192.0.2.25", by=TESTER)
    before = list(ChangeSet.objects.values_list("pk", flat=True))
    change_dns_settings(dmarc_policy="reject", hosts="", by=TESTER)
    change_domain_dns(domain, dmarc_policy="none", by=TESTER)
    for noun in ("domain_dns", "dns_settings"):
        undo_change_set(ChangeSet.objects.exclude(pk__in=before).get(metadata__noun=noun), by=TESTER)
    settings = DnsSettings.current()
    assert (settings.hosts, settings.dmarc_policy) == ("mx1.example.net 192.0.2.25", "none")
    assert not DomainDns.objects.exists()


def test_undo_of_an_added_update_server_and_of_that_undo() -> None:
    add_update_server("panel", "192.0.2.53", TSIG_SECRET, by=TESTER)
    number = undo_change_set(ChangeSet.objects.get(metadata__noun="update_server"), by=TESTER)
    assert not UpdateServer.objects.exists()
    undo_change_set(ChangeSet.objects.get(pk=number), by=TESTER)
    with pytest.raises(ValidationError, match="The secret of the key panel is not here any more. Type it again."):
        secret_of(UpdateServer.objects.get())


def test_a_deleted_domain_comes_back_with_its_settings() -> None:
    domain = add_domain("example.org", by=TESTER)
    change_domain_dns(domain, dmarc_policy="reject", by=TESTER)
    deletion = delete_domain(domain, by=TESTER)
    assert not DomainDns.objects.exists()
    undo_change_set(ChangeSet.objects.get(pk=deletion), by=TESTER)
    assert DomainDns.objects.get(domain__name="example.org").dmarc_policy == "reject"


def test_each_value_in_its_normal_spelling() -> None:
    settings = change_dns_settings(
        hosts="  MX1.Example.NET.   192.0.2.25 2001:DB8:0::25\n\n",
        spf_senders=" ip4:192.0.2.8   include:_spf.example.net",
        dmarc_reports="mailto:A@Example.org, b@example.org",
        panel_host="Panel.Example.net",
        services="submissions imaps",
        by=TESTER,
    )
    assert settings.hosts == "mx1.example.net 192.0.2.25 2001:db8::25"
    assert settings.spf_senders == "ip4:192.0.2.8 include:_spf.example.net"
    assert settings.dmarc_reports == "A@example.org b@example.org"
    assert (settings.panel_host, settings.services) == ("panel.example.net", "imaps submissions")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hosts": "mx1.example.net"}, "Write the addresses of mx1.example.net behind it."),
        ({"hosts": "mx1.example.net 192.0.2"}, "“192.0.2” is no address."),
        ({"hosts": "mx 192.0.2.1"}, "mx needs its whole name"),
        ({"hosts": "a.b 192.0.2.1\nA.b 192.0.2.2"}, "a.b stands there twice."),
        ({"spf_senders": "ip4:mail"}, "“ip4:mail” is no term of SPF."),
        ({"spf_senders": "-all"}, "“-all” is no term of SPF."),
        ({"dmarc_reports": "dmarc"}, "“dmarc” is no address for reports."),
        ({"dmarc_reports": "a;p=none@example.org"}, "is no address for reports."),
        ({"dmarc_reports": "dmarc@example..net"}, "“dmarc@example..net” is no address for reports."),
        ({"tls_reports": f"tls@{'a' * 64}.example"}, "is no address for reports."),
        ({"dmarc_policy": "block"}, "“block”|'block'"),
        ({"dmarc_percent": 101}, "A percentage is a number from 0 to 100."),
        ({"sts_mode": "enforce"}, "Name the web server of the panel too."),
        ({"sts_days": 0}, "Others keep a policy for 1 to 365 days."),
        ({"services": "imaps gopher"}, "“gopher” is no service."),
        ({"certificates": "nonsense"}, "“nonsense” is neither a certificate in PEM nor the whole path of one."),
        ({"certificates": "/no/such/file"}, "/no/such/file cannot be read"),
        ({"certificates": "/etc/hostname"}, "There is no certificate in /etc/hostname."),
    ],
)
def test_what_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with nothing_changes(), pytest.raises(ValidationError, match=sentence):
        change_dns_settings(**changes, by=TESTER)
    assert DnsSettings.current().version == 1
