"""The policy of MTA-STS, as the server of a sender asks for it (RFC 8461)."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from dns_records.expected import Expected, expected_of, sts_id
from dns_records.models import DnsSettings, HeldPolicy
from dns_records.services import change_dns_settings
from dns_records.sts import held_by_anybody
from domains.models import Domain
from domains.services import add_domain, change_domain
from tests.plugins.people import words_of
from tests.services.checks import TESTER

pytestmark = pytest.mark.django_db
PATH = "/.well-known/mta-sts.txt"
HOSTS = "mx1.example.net 192.0.2.25\nmx2.example.net 192.0.2.26"


def get(client: Client, host: str) -> tuple[int, str]:
    answer = client.get(PATH, headers={"host": host})
    return answer.status_code, answer.content.decode()


def test_it_works(client: Client) -> None:
    """The name is none of ALLOWED_HOSTS, and nobody is signed in."""
    add_domain("example.org", by=TESTER)
    change_dns_settings(hosts=HOSTS, panel_host="panel.example.net", sts_mode="enforce", by=TESTER)
    text = "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.net\r\nmx: mx2.example.net\r\nmax_age: 604800\r\n"
    assert get(client, "mta-sts.example.org") == (200, text)
    assert get(client, "MTA-STS.Example.org:443") == (200, text)
    assert client.get(PATH, headers={"host": "mta-sts.example.org"})["Content-Type"].startswith("text/plain")


def test_where_there_is_none(client: Client) -> None:
    domain = add_domain("example.org", by=TESTER)
    assert get(client, "mta-sts.example.org")[0] == 404  # no mode
    change_dns_settings(hosts=HOSTS, panel_host="panel.example.net", sts_mode="testing", by=TESTER)
    assert get(client, "mta-sts.example.org")[0] == 200
    for host in ("example.org", "mta-sts.example.com", "localhost", "mta-sts.", ""):
        assert get(client, host)[0] == 404
    change_domain(domain, active=False, by=TESTER)
    assert get(client, "mta-sts.example.org")[0] == 404


def records_of(domain: Domain) -> dict[str, Expected]:
    found = expected_of(Domain.objects.get(pk=domain.pk))
    return {one.purpose: one for one in found if one.purpose in ("sts", "sts_host")}


def test_mode_none(client: Client) -> None:
    domain = add_domain("example.org", by=TESTER)
    change_dns_settings(hosts=HOSTS, panel_host="panel.example.net", sts_mode="none", by=TESTER)
    assert get(client, "mta-sts.example.org") == (200, "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n")
    assert list(records_of(domain)) == ["sts", "sts_host"]
    assert held_by_anybody() is None
    change_dns_settings(sts_mode="", by=TESTER)
    assert get(client, "mta-sts.example.org")[0] == 404  # nobody holds another one


def test_the_way_out(client: Client, alice_client: Client) -> None:
    """RFC 8461, section 8.3: until nobody can hold the old policy any more, the new one says none, with a new id."""
    domain, other = add_domain("example.org", by=TESTER), add_domain("example.com", by=TESTER)
    change_dns_settings(hosts=HOSTS, panel_host="panel.example.net", sts_mode="enforce", sts_days=30, by=TESTER)
    before = records_of(domain)["sts"].values
    asked_at = timezone.now()
    assert "enforce" in get(client, "mta-sts.example.org")[1]
    change_dns_settings(sts_days=1, by=TESTER)
    get(client, "mta-sts.example.org")  # who asks now holds it for a day, the others still for 30
    for mode, hosts in (("", HOSTS), ("enforce", "")):
        change_dns_settings(sts_mode=mode, hosts=hosts, by=TESTER)
        assert get(client, "mta-sts.example.org") == (200, "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n")
        assert records_of(domain)["sts"].values != before
        assert get(client, "mta-sts.example.com")[0] == 404  # nobody has asked for its policy
        assert records_of(other) == {}
    change_dns_settings(sts_mode="", hosts=HOSTS, by=TESTER)
    there = records_of(domain)
    assert list(there) == ["sts", "sts_host"]
    assert there["sts"].reason.startswith("MTA-STS is off, but senders may hold the old policy until ")
    assert "senders may hold the old policy until" in words_of(alice_client.get("/dns/settings/"))
    until = held_by_anybody()
    assert until is not None
    assert timedelta(days=30) <= until - asked_at <= timedelta(days=30, hours=2)
    HeldPolicy.objects.update(until=timezone.now())
    assert get(client, "mta-sts.example.org")[0] == 404
    assert records_of(domain) == {}
    assert held_by_anybody() is None


def test_who_asked_before_the_upgrade_may_hold_it() -> None:
    fill = import_module("dns_records.migrations.0010_policies_held_so_far").fill
    for name in ("example.org", "example.com"):
        add_domain(name, active=name == "example.org", by=TESTER)
    fill(apps, None)
    assert held_by_anybody() is None, "there is no policy"
    change_dns_settings(hosts=HOSTS, panel_host="panel.example.net", sts_mode="testing", sts_days=30, by=TESTER)
    before = timezone.now()
    for _time in ("once", "and again"):
        fill(apps, None)
        (row,) = HeldPolicy.objects.all()
        assert str(row.domain) == "example.org"
        assert timedelta(days=30) <= row.until - before <= timedelta(days=30, hours=1)


def test_a_policy_that_many_ask_for_is_noted_once(client: Client) -> None:
    add_domain("example.org", by=TESTER)
    change_dns_settings(hosts=HOSTS, panel_host="panel.example.net", sts_mode="testing", by=TESTER)
    get(client, "mta-sts.example.org")
    first = HeldPolicy.objects.get().until
    get(client, "mta-sts.example.org")
    assert HeldPolicy.objects.get().until == first
    HeldPolicy.objects.update(until=timezone.now())
    get(client, "mta-sts.example.org")
    assert HeldPolicy.objects.get().until >= first


def test_another_policy_has_another_id() -> None:
    change_dns_settings(hosts=HOSTS, panel_host="panel.example.net", sts_mode="testing", by=TESTER)
    first = sts_id(DnsSettings.current())
    change_dns_settings(dmarc_policy="reject", by=TESTER)
    assert sts_id(DnsSettings.current()) == first
    change_dns_settings(sts_mode="enforce", by=TESTER)
    second = sts_id(DnsSettings.current())
    change_dns_settings(hosts="mx1.example.net 192.0.2.25", by=TESTER)
    assert len({first, second, sts_id(DnsSettings.current())}) == 3
    assert first.isalnum()
    assert len(first) <= 32
