"""Many domains are checked in one run, a dead name server among theirs, in the time that one time-out allows.
`TEST_DOMAINS=1000 script/test tests/dns_records/test_many.py -s` for a thousand."""

import os
import time

import pytest

from dns_records.checks import check_domains
from dns_records.expected import expected_by_domain
from dns_records.record_models import Record, ZoneCheck
from dns_records.services import change_dns_settings
from domains.models import Domain
from tests.plugins.name_servers import NameServers
from tests.services.checks import TESTER

MANY = int(os.environ.get("TEST_DOMAINS", "60"))
TIMEOUT = 2.0  # seconds


@pytest.mark.django_db
def test_many_domains_with_a_dead_server_among_theirs(name_servers: NameServers) -> None:
    domains = Domain.objects.bulk_create(Domain(name=f"d{number}.example") for number in range(MANY))
    change_dns_settings(hosts="mx1.example.net 192.0.2.25", dmarc_reports="a@example.net", by=TESTER)
    expected = expected_by_domain(domains)
    texts = {one.name: "\n".join(line for each in expected[one.pk] for line in each.zone_lines) for one in domains}
    texts = {zone: "\n".join(x for x in text.split("\n") if "_report" not in x) for zone, text in texts.items()}
    name_servers.zones(texts, at=["ns1"], ns=["ns1", "dead"])
    name_servers.zone("example.net", "mx1 A 192.0.2.25\n*._report._dmarc TXT v=DMARC1")
    begin = time.monotonic()
    check_domains(domains, timeout=TIMEOUT)
    took = time.monotonic() - begin
    print(f"{MANY} domains, {sum(map(len, expected.values()))} records: {took:.1f} s")  # noqa: T201  with -s
    assert set(Record.objects.filter(domain__in=domains).values_list("state", flat=True)) == {"right"}
    assert ZoneCheck.objects.filter(domain__in=domains, broken=0, others=0).count() == MANY
    # Each of the threads that run beside each other may meet the dead server once; one after the other they would take
    # a time-out for each question, four of each domain.
    assert took < 4 * TIMEOUT + MANY * 0.2, f"{took:.1f} s for {MANY} domains"
