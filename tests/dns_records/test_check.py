"""What the authoritative servers say is held against what is expected: real Knots, one after another told to lie."""

from dns_records.checks import check_domains
from dns_records.models import Record, RecordChange, ZoneCheck
from dns_records.words import sentence
from tests.dns_records.conftest import Place


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
