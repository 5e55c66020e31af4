"""What the authoritative servers say is held against what is expected: real Knots, one after another told to lie."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import dns.dnssec
import dns.name
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from dns_records.authoritative import Asker
from dns_records.checks import Run, Seen, check_domains, keep
from dns_records.dnssec import dnssec_of
from dns_records.expected import Expected, expected_of, expected_of_hosts
from dns_records.jobs import start_dns_check
from dns_records.judging import RIGHT, Verdict
from dns_records.models import DnsSettings
from dns_records.record_models import Record, RecordChange, ZoneCheck
from dns_records.services import change_dns_settings
from dns_records.tasks import start_nightly_dns_check
from dns_records.words import sentence
from domains.dkim_keys import generate
from domains.dkim_models import DkimKey
from domains.dkim_services import add_dkim_key, move_dkim_key
from domains.services import add_domain
from jobs.models import Job
from jobs.services import run_job
from mailadmin.celery import app
from tests.dns_records.conftest import Place
from tests.dns_records.test_settings import certificate
from tests.plugins.mail_stack import eventually
from tests.services.checks import TESTER


def states(place: Place) -> dict[str, str]:
    return {f"{one.purpose} {one.name}": one.state for one in Record.objects.filter(domain=place.domain)}


def check(place: Place) -> int:
    return check_domains([place.domain], timeout=1)


def what_is_wrong(place: Place) -> list[str]:
    wrong = Record.objects.filter(domain=place.domain).exclude(state="right")
    return [f"{one}: {one.state}: {sentence(one.why, one.words)}" for one in wrong]


def test_it_works(place: Place) -> None:
    place.publish()
    place.publish_hosts()
    check(place)
    assert what_is_wrong(place) == []
    of_hosts = Record.objects.filter(domain=None)
    assert {one.state for one in of_hosts} == {"right"}, [sentence(one.why, one.words) for one in of_hosts]
    zone = ZoneCheck.objects.get(domain=place.domain)
    assert (zone.right, zone.broken, zone.others, zone.dnssec) == (len(states(place)), 0, 0, "unsigned")
    assert zone.servers == ["ns1.servers.test", "ns2.servers.test"]
    assert check(place) == 0  # only changes are kept
    assert RecordChange.objects.filter(domain=place.domain).count() == len(states(place))


def without(*words: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [line for line in lines if not any(word in line for word in words)]


def changed(before: str, after: str) -> Callable[[list[str]], list[str]]:
    """In the lines that hold `before`; a line of nothing is no line."""
    return lambda lines: [line.replace(before, after) for line in lines]


def added(*new: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [*lines, *new]


def cut(lines: list[str]) -> list[str]:
    """What a form does that takes one string of 255 characters."""
    return [line[: line.index('" "') + 1] if "_domainkey" in line else line for line in lines]


LIES = [
    (without("_dmarc"), "_dmarc.example.org TXT: missing: There is no such record."),
    (without(" 20 mx2"), "example.org MX: different: No MX record for mx2.example.net."),
    (
        added("@ MX 5 old.example.net."),
        "example.org MX: different: Mail also goes to old.example.net, which the DNS settings do not know.",
    ),
    (
        changed("MX 20", "MX 5"),
        "example.org MX: different: The hosts are right, their order is not: mail goes to mx2.example.net first.",
    ),
    (
        lambda lines: added("@ MX 0 .")(without(" MX ")(lines)),
        "example.org MX: different: This MX record says that the domain takes no mail at all.",
    ),
    (
        changed("ip4:192.0.2.8", "ip4:192.0.2.9"),
        "example.org TXT: different: The record does not name ip4:192.0.2.8. Add it before “all”; what else is there "
        "may stay.",
    ),
    (
        changed("-all", "~all"),
        "example.org TXT: different: Mail from other servers is only suspicious (~all). The settings ask for -all.",
    ),
    (
        changed("-all", "?all"),
        "example.org TXT: different: The record refuses nobody: it does not end with -all or ~all.",
    ),
    (
        added('@ TXT "v=spf1 a -all"'),
        "example.org TXT: several: There are 2 such records. Receivers then take none of them; put them into one.",
    ),
    (
        changed("-all", "ipv4:192.0.2.1 -all"),
        "example.org TXT: different: “ipv4:192.0.2.1” is no term of SPF, so the whole record fails.",
    ),
    (
        changed("-all", "include:_spf..example.net -all"),
        "example.org TXT: different: “include:_spf..example.net” is no term of SPF, so the whole record fails.",
    ),
    (
        lambda lines: added(*(f'i{n} TXT "v=spf1 a mx include:i{n + 1}.example.org -all"' for n in range(9)))(
            changed("-all", "include:i0.example.org -all")(lines)
        ),
        "example.org TXT: different: The record needs > 10 lookups. Receivers stop after 10, and it fails (RFC 7208).",
    ),
    (
        cut,
        "s1._domainkey.example.org TXT: different: Only the first 218 characters of the key are there. Put all strings "
        "into one record.",
    ),
    (
        changed("s=email; p=MII", "s=email; p=MIJ"),
        "s1._domainkey.example.org TXT: different: Another key is published: signatures of ours cannot be verified.",
    ),
    (
        changed("s=email;", "s=email; t=y;"),
        "s1._domainkey.example.org TXT: different: The record has t=y: receivers treat signed mail as if it were not "
        "signed.",
    ),
    (
        changed("k=rsa", "k=ed25519"),
        "s1._domainkey.example.org TXT: different: The tag k=ed25519 does not fit the key.",
    ),
    (
        changed("p=quarantine", "p=none"),
        "_dmarc.example.org TXT: different: The policy is none. The settings ask for quarantine.",
    ),
    (
        changed("p=quarantine", "p=reject"),
        "_dmarc.example.org TXT: different: The policy is reject, stricter than the settings ask for (quarantine).",
    ),
    (
        changed("p=quarantine", "p=quarantine; sp=none"),
        "_dmarc.example.org TXT: different: These tags are not as the settings ask: sp=none.",
    ),
    (
        changed("dmarc@example.net", "other@example.net"),
        "_dmarc.example.org TXT: different: No reports go to dmarc@example.net.",
    ),
    (
        added('s1._domainkey TXT "v=DKIM1; p="'),
        "s1._domainkey.example.org TXT: several: There are 2 such records. Receivers then take none of them; put them "
        "into one.",
    ),
    (
        lambda lines: added('s1._domainkey TXT "v=DKIM1; p="')(without("s1._domainkey")(lines)),
        "s1._domainkey.example.org TXT: different: The record says that the key is revoked: its p= is empty.",
    ),
    (
        added('_dmarc TXT "v=DMARC1; p=none"'),
        "_dmarc.example.org TXT: several: There are 2 such records. Receivers then take none of them; put them into "
        "one.",
    ),
    (
        changed("tls@example.net", "other@example.net"),
        "_smtp._tls.example.org TXT: different: No reports go to tls@example.net.",
    ),
    (
        changed("id=", "id=0"),
        "_mta-sts.example.org TXT: different: The id is an old one, so others keep the policy that they have. Put in "
        "the new id.",
    ),
    (
        changed("CNAME panel", "CNAME imap"),
        "mta-sts.example.org CNAME: different: It leads elsewhere: imap.example.net..",
    ),
    (changed(" 993 ", " 143 "), "_imaps._tcp.example.org SRV: different: It names another server or port."),
]


@pytest.mark.parametrize(("lie", "sentence"), LIES, ids=[sentence for _lie, sentence in LIES])
def test_what_is_wrong(place: Place, lie: Callable[[list[str]], list[str]], sentence: str) -> None:
    place.publish(lie, at=["ns1", "ns2"])
    place.publish_hosts()
    check(place)
    assert sentence in what_is_wrong(place)


def test_what_is_as_good_is_right(place: Place) -> None:
    """Other spellings, more than is asked for, and addresses instead of an alias."""

    def other_words(lines: list[str]) -> list[str]:
        for before, after in (
            ("v=spf1 mx", "v=spf1 +MX a:www.example.org"),
            ("MX 10 ", "MX 1 "),
            ("v=DMARC1; p=quarantine", "v=DMARC1;p=Quarantine;fo=1"),
            ("v=DKIM1; h=sha256; k=rsa; s=email; ", ""),
            ("SRV 0 1", "SRV 10 20"),
            ("CNAME panel.example.net.", "A 192.0.2.80"),
        ):
            lines = changed(before, after)(lines)
        return [*lines, '@ TXT "google-site-verification=abc"']

    place.publish(other_words)
    place.publish_hosts()
    check(place)
    assert what_is_wrong(place) == []


def test_one_server_is_behind(place: Place) -> None:
    place.publish()
    place.publish(without(" MX ", "_dmarc"), at=["ns2"])
    place.publish_hosts()
    check(place)
    assert what_is_wrong(place) == [
        "example.org MX: not_everywhere: ns2.servers.test: not there yet. Others are right already.",
        "_dmarc.example.org TXT: not_everywhere: ns2.servers.test: not there yet. Others are right already.",
    ]


def test_a_server_that_does_not_answer_is_named(place: Place) -> None:
    place.publish(ns=["ns1", "dead"])
    place.publish_hosts()
    check(place)
    assert what_is_wrong(place) == []
    record = Record.objects.get(domain=place.domain, purpose="mx")
    assert sentence(record.why, record.words) == "These servers do not answer: dead.servers.test."
    place.publish(ns=["dead"])
    check(place)
    there = Record.objects.filter(domain=place.domain, name__endswith="example.org")
    assert {one.state for one in there} == {"unknown"}


def test_a_prepared_key_is_not_missed(place: Place) -> None:
    add_dkim_key(place.domain, "s2", generate("ed25519"), by=TESTER)
    place.publish(without("s2._domainkey"))
    place.publish_hosts()
    check(place)
    assert [line.partition(": ")[2] for line in what_is_wrong(place)] == ["waits: "]


def test_changes_of_states_are_kept(place: Place) -> None:
    place.publish()
    place.publish_hosts()
    check(place)
    place.publish(changed("p=quarantine", "p=none"))
    assert check(place) == 1
    place.publish(without("_dmarc"))
    assert check(place) == 1
    assert check(place) == 0
    kept = RecordChange.objects.filter(domain=place.domain, purpose="dmarc").order_by("pk")
    assert [(one.before, one.after) for one in kept] == [
        ("", "right"),
        ("right", "different"),
        ("different", "missing"),
    ]


def test_what_is_wrong_with_mail_hosts(place: Place) -> None:
    place.publish()
    place.servers.zone("example.net", "mx1 CNAME mx2\nmx2 A 192.0.2.66")
    place.servers.zone("2.0.192.in-addr.arpa", "25 PTR other.example.net.")
    check(place)
    said = {f"{one}": sentence(one.why, one.words) for one in Record.objects.filter(domain=None)}
    assert said["mx1.example.net A"] == (
        "The name is an alias (CNAME) of mx2.example.net. Give it the addresses themselves (RFC 2181)."
    )
    assert said["mx2.example.net A"] == "The addresses are 192.0.2.66."
    assert said["25.2.0.192.in-addr.arpa PTR"] == "The address has the name other.example.net.."


def test_tlsa(place: Place, tmp_path: Path) -> None:
    """One record that fits is enough: at a change of the key the old and the new one stand side by side."""
    path = tmp_path / "cert.pem"

    def certify() -> None:
        path.write_text(certificate(generate("rsa-2048"), "mx1.example.net"))

    def said() -> str:
        check(place)
        record = Record.objects.get(purpose="tlsa")
        return sentence(record.why, record.words) or str(record.state)

    certify()
    change_dns_settings(certificates=str(path), by=TESTER)
    place.publish()
    place.publish_hosts()
    assert said() == UNSIGNED
    (old,) = [line for one in expected_of_hosts() for line in one.zone_lines if " TLSA " in line]
    certify()
    assert said() == f"No TLSA record fits the certificate: servers that know DANE do not deliver. {UNSIGNED}"
    (new,) = [line for one in expected_of_hosts() for line in one.zone_lines if " TLSA " in line]
    place.servers.zone("example.net", f"mx1 A 192.0.2.25\n{old}\n{new}")
    assert said() == UNSIGNED
    assert Record.objects.get(purpose="tlsa").state == "right"


UNSIGNED = "While the zone example.net is not signed by DNSSEC, nobody heeds this record (RFC 7672)."


def test_tlsa_needs_a_zone_that_is_signed(place: Place, tmp_path: Path) -> None:
    """Of the host, which is in no domain here."""
    path = tmp_path / "cert.pem"
    path.write_text(certificate(generate("rsa-2048"), "mx.signed.test"))
    change_dns_settings(hosts="mx.signed.test 192.0.2.25", certificates=str(path), by=TESTER)
    lines = "\n".join(line for one in expected_of_hosts() for line in one.zone_lines if "arpa." not in line)
    place.servers.zones({"signed.test": lines}, at=["ns1"], ns=["ns1"], signed=True)
    right = f"signed DS {ds_of('signed.test')}"

    def said(parent: str) -> str:
        place.servers.zone("test", parent)
        check_domains([], timeout=1)
        record = Record.objects.get(purpose="tlsa")
        assert record.state == "right"
        return sentence(record.why, record.words)

    assert said(right) == ""
    assert said("") == UNSIGNED.replace("example.net", "signed.test")
    broken = "The signatures of the zone signed.test are broken: servers that know DANE do not deliver."
    assert said(right[:-8] + "00000000") == broken
    shown = StringIO()
    call_command("dns", "show", "--hosts", stdout=StringIO(), stderr=shown)
    assert f"DANE, _25._tcp.mx.signed.test: {broken}" in shown.getvalue()


def test_a_certificate_that_cannot_be_read(place: Place, tmp_path: Path) -> None:
    """Or that is for others after a renewal. The record stays in sight, and what was right is told as a loss."""
    path = tmp_path / "cert.pem"
    keys = generate("rsa-2048"), generate("rsa-2048")
    path.write_text(certificate(keys[0], "mx1.example.net"))
    change_dns_settings(certificates=str(path), by=TESTER)
    place.publish()
    place.publish_hosts()
    check(place)
    tlsa = "\n".join(line for one in expected_of_hosts() if one.purpose == "tlsa" for line in one.zone_lines)

    def said() -> list[tuple[str, str, bool]]:
        check(place)
        changes = RecordChange.objects.filter(purpose="tlsa", name="_25._tcp.mx1.example.net").order_by("pk")
        return [(one.after, sentence(one.why, one.words), one.is_loss) for one in changes]

    path.unlink()
    unreadable = f"The panel cannot read a certificate from {path}, so it does not know which record is right."
    so_far = [("right", UNSIGNED, False), ("unknown", unreadable, True)]
    assert said() == so_far
    assert said() == so_far
    place.servers.zone("example.net", "", ns=["dead"])
    assert said() == so_far, "told once, also while nobody answers"
    place.servers.zone("example.net", tlsa)
    assert said() == so_far
    path.write_text(certificate(keys[1], "mx.example.net"))
    so_far.append(
        (
            "unknown",
            "A certificate is for mx.example.net. No mail host has such a name, so it is not known which record is "
            "right.",
            True,
        )
    )
    assert said() == so_far
    path.write_text(certificate(keys[1], "mx1.example.net"))
    different = f"No TLSA record fits the certificate: servers that know DANE do not deliver. {UNSIGNED}"
    so_far.append(("different", different, True))
    assert said() == so_far


def test_a_revoked_key(place: Place) -> None:
    before = place.expected()
    place.publish_hosts()
    place.publish()
    move_dkim_key(DkimKey.objects.get(), "revoked", by=TESTER)
    lines = [line for one in before for line in one.zone_lines]
    place.servers.zone("example.org", "\n".join(lines))
    check(place)
    assert "The record still holds the key. Empty its p=, so that nobody trusts it." in what_is_wrong(place)[0]
    place.publish()
    check(place)
    assert what_is_wrong(place) == []


def test_an_spf_record_that_is_there_is_kept_with_what_it_lacks(place: Place) -> None:
    place.publish(changed("v=spf1 mx ip4:192.0.2.8 -all", "v=spf1 a include:_spf.example.net ~all"))
    place.publish_hosts()
    check(place)
    record = Record.objects.get(domain=place.domain, purpose="spf")
    assert record.expected == ["v=spf1 a include:_spf.example.net mx ip4:192.0.2.8 -all"]
    assert record.published == ["v=spf1 a include:_spf.example.net ~all"]


@pytest.mark.parametrize(
    "term",
    ["include:_spf..example.net", f"include:{'a' * 64}.example.net", r"include:sp\195\164\000f.example", r"\000"],
)
def test_what_one_domain_publishes_stops_no_other(place: Place, term: str) -> None:
    """Names that are none, also in what is included, and a NUL, which PostgreSQL does not take."""
    other = add_domain("zother.example", by=TESTER)
    place.publish(
        lambda lines: added(f'deep TXT "v=spf1 {term} -all"')(
            changed("mx ip4:192.0.2.8", f"mx ip4:192.0.2.8 {term} include:deep.example.org")(lines)
        )
    )
    place.publish_hosts()
    job = start_dns_check(by=TESTER)
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.DONE, "")
    assert Record.objects.filter(domain=other).exists()
    record = Record.objects.get(domain=place.domain, purpose="spf")
    assert record.state == "different"
    assert "\0" not in record.published[0]


def test_a_name_that_is_none_is_said(place: Place) -> None:
    """As settings have it that were stored before they were refused."""
    DnsSettings.objects.update(dmarc_reports="dmarc@example..net")
    place.publish(without("_dmarc.example..net"))
    place.publish_hosts()
    check(place)
    assert what_is_wrong(place) == [
        "example.org._report._dmarc.example..net TXT: unknown: The DNS cannot hold this name: a part of it is empty or "
        "longer than 63 characters, or it is longer than 253."
    ]


def test_a_domain_may_be_too_long_for_its_records(place: Place) -> None:
    domain = add_domain(".".join(["a" * 60] * 4 + ["example"]), by=TESTER)
    check_domains([domain], timeout=1)
    kept = Record.objects.filter(domain=domain, why="no name")
    assert "dmarc" in {one.purpose for one in kept}
    assert {one.state for one in kept} == {"unknown"}


def test_what_cannot_be_judged_or_kept_stops_no_other(place: Place) -> None:
    place.publish()
    odd, good = Expected("odd", "example.org", "TXT", ("x",)), place.expected()[0]
    seen = Run().look(place.domain.pk, "example.org", [odd, good])
    assert [verdict.state for _expected, verdict in seen.records] == ["unknown", "right"]
    refused = Seen(add_domain("other.example", by=TESTER).pk, [(good, Verdict("right", published=("\0",)))])
    keep([refused, seen])
    assert [sentence(one.why, one.words) for one in Record.objects.all()] == [
        "The panel could not judge the answer. Its log says why.",
        "",
    ]


@pytest.mark.django_db(transaction=True)
def test_two_checks_at_a_time() -> None:
    """All records are new to both; what the later one saw holds."""
    change_dns_settings(hosts="mx1.example.net 192.0.2.25", by=TESTER)
    domain = add_domain("example.org", by=TESTER)

    def seen(verdict: Verdict) -> list[Seen]:
        return [Seen(domain.pk, [(one, verdict) for one in expected_of(domain)])]

    def second() -> int:
        try:
            return keep(seen(Verdict("missing", "nothing")))
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert keep(seen(RIGHT)) == 3
            other = pool.submit(second)
            eventually(somebody_waits, "the second one to wait")
        assert other.result(timeout=10) == 3
    assert [one.state for one in Record.objects.filter(domain=domain)] == ["missing"] * 3


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None


BIG = "include:big.example.org"  # with its own, ten lookups


@pytest.mark.parametrize(
    ("there", "ours", "is_said"),
    [
        (f'@ TXT "v=spf1 {BIG} -all"', "ip4:192.0.2.8", True),
        (f'@ TXT "v=spf1 {BIG} -all"\n@ TXT "v=spf1 ip4:192.0.2.8 -all"', "ip4:192.0.2.8", True),
        ("", BIG, True),
        ('@ TXT "v=spf1 a -all"', "ip4:192.0.2.8", False),
        ("", "ip4:192.0.2.8", False),
    ],
)
def test_what_is_proposed_has_ten_lookups_at_most(place: Place, there: str, ours: str, is_said: bool) -> None:
    """Or it is said before anybody publishes it."""
    change_dns_settings(spf_senders=ours, by=TESTER)
    big = f'big TXT "v=spf1 {" ".join(f"a:h{number}.example.net" for number in range(9))} -all"'
    place.publish(lambda lines: added(big, there)(without("v=spf1")(lines)))
    place.publish_hosts()
    check(place)
    record = Record.objects.get(domain=place.domain, purpose="spf")
    assert record.state != "right"
    costs = "The expected record would need more than 10 lookups, and fail (RFC 7208): take terms out of it first."
    assert sentence(record.why, record.words).endswith(costs) == is_said


def test_every_night(db: None) -> None:
    """What beat starts is there, and it starts the work."""
    app.loader.import_default_modules()  # as the worker does
    assert all(entry["task"] in app.tasks for entry in settings.CELERY_BEAT_SCHEDULE.values())
    assert settings.CELERY_BEAT_SCHEDULE["check the DNS records"]["task"] == start_nightly_dns_check.name
    start_nightly_dns_check()
    job = Job.objects.get(kind="dns_check")
    assert (job.arguments, job.started_by) == ({}, None)


def test_progress_is_shown(place: Place) -> None:
    place.publish()
    place.publish_hosts()
    job = start_dns_check(by=TESTER)
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.done, job.total, job.percent) == (1, 1, 100)


def test_signatures_that_break(place: Place) -> None:
    """In the history and told as a loss, whatever was seen between; what is seen for the first time is no change."""
    domain = add_domain("signed.test", by=TESTER)
    servers = place.servers

    def said(parent: str) -> list[tuple[str, str, str, bool]]:
        servers.zone("test", parent)
        check_domains([domain], timeout=1)
        changes = RecordChange.objects.filter(purpose="dnssec").order_by("pk")
        return [(str(one), one.before, sentence(one.why, one.words), one.is_loss) for one in changes]

    def is_signed(at: list[str]) -> None:
        servers.zones({"signed.test": "@ TXT hello"}, at=["ns1"], ns=at, signed=True)

    is_signed(["ns1"])
    right = f"signed DS {ds_of('signed.test')}"
    wrong = right[:-8] + "00000000"
    assert said(right) == []
    is_signed(["dead"])
    assert said(wrong) == []
    assert ZoneCheck.objects.get(domain=domain).dnssec == "unknown"
    is_signed(["ns1"])
    broken = (
        "signed.test DS: different",
        "right",
        "Broken: the parent zone has a DS record, but the signatures do not fit it. Validating resolvers refuse all "
        "that this zone says.",
        True,
    )
    assert said(wrong) == [broken]
    assert said(wrong) == [broken]
    mended = ("signed.test DS: right", "different", "", False)
    assert said(right) == [broken, mended]
    gone = ("signed.test DS: missing", "right", "Not signed: the parent zone has no DS record for it.", True)
    assert said("") == [broken, mended, gone]
    assert said(wrong)[3:] == [("signed.test DS: different", "missing", broken[2], True)]


def ds_of(zone: str) -> str:
    """For the key that vouches for the others."""
    asker = Asker()
    (server,) = asker.servers_of(zone)[1]
    keys = asker.message(server, zone, "DNSKEY")
    assert not isinstance(keys, str)
    name = dns.name.from_text(zone)
    return next(dns.dnssec.make_ds(name, key, "SHA256") for key in keys.answer[0] if key.flags == 257).to_text()


def test_dnssec(place: Place) -> None:
    """The parent zone, test, is served as well: with the right DS record, then with one of another key."""
    servers = place.servers
    servers.zones({"signed.test": "@ TXT hello"}, at=["ns1"], ns=["ns1"], signed=True)
    servers.zones({"other.test": "@ TXT hello"}, at=["ns1"], ns=["ns1"], signed=True)
    text = ds_of("signed.test")
    servers.zone("test", f"signed DS {text}\nother DS {text}\nplain NS ns1.servers.test.")
    servers.zone("plain.test", "@ TXT hello", at=["ns1"], ns=["ns1"])
    assert [dnssec_of(zone, Asker()) for zone in ("signed.test", "other.test", "plain.test")] == [
        "signed",
        "broken",
        "unsigned",
    ]
