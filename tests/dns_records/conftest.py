"""A domain with what its records need, and the zones that hold all of them."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from dns_records.expected import Expected, expected_of, expected_of_hosts, zone_lines
from dns_records.services import change_dns_settings
from domains.dkim_keys import generate
from domains.dkim_services import add_dkim_key, move_dkim_key
from domains.models import Domain
from domains.services import add_domain
from tests.plugins.name_servers import NameServers
from tests.services.checks import TESTER

HOSTS = "mx1.example.net 192.0.2.25 2001:db8::25\nmx2.example.net 192.0.2.26"
REVERSE = ("2.0.192.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa")


class Place(NamedTuple):
    domain: Domain
    servers: NameServers

    def expected(self) -> list[Expected]:
        return expected_of(Domain.objects.get(pk=self.domain.pk))

    def publish(self, change: Callable[[list[str]], list[str]] = lambda lines: lines, **where: list[str]) -> None:
        """Serves all that is expected, after this change of the lines; the hosts in zones of their own."""
        lines = [line for one in self.expected() for line in one.zone_lines]
        self.servers.zone("example.org", "\n".join(change(lines)), **where)

    def publish_hosts(self) -> None:
        lines = [line for one in expected_of_hosts() for line in one.zone_lines]
        lines += ["panel.example.net. A 192.0.2.80", "imap.example.net. A 192.0.2.81"]
        lines += zone_lines("example.org._report._dmarc.example.net", "TXT", ["v=DMARC1"])
        zones = ("example.net", *REVERSE)
        self.servers.zones({zone: "\n".join(one for one in lines if f"{zone}. " in one) for zone in zones})


@pytest.fixture
def place(db: None, name_servers: NameServers) -> Place:
    domain = add_domain("example.org", by=TESTER)
    change_dns_settings(
        hosts=HOSTS,
        spf_senders="ip4:192.0.2.8",
        dmarc_policy="quarantine",
        dmarc_reports="dmarc@example.net",
        sts_mode="enforce",
        panel_host="panel.example.net",
        client_host="imap.example.net",
        tls_reports="tls@example.net",
        by=TESTER,
    )
    key = add_dkim_key(domain, "s1", generate("rsa-2048"), by=TESTER)
    for state in ("published", "signing"):
        key = move_dkim_key(key, state, is_seen=True, reason="No host runs in this test", by=TESTER)
    return Place(domain, name_servers)
