"""The policy of MTA-STS, as the server of a sender asks for it (RFC 8461)."""

import pytest
from django.test import Client

from dns_records.expected import sts_id
from dns_records.models import DnsSettings
from dns_records.services import change_dns_settings
from domains.services import add_domain, change_domain
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
