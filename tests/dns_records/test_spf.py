"""SPF records: put together with what is there already, and their lookups counted as receivers do (RFC 7208)."""

import pytest

from dns_records.spf import lookups, merged

WANTED = ["mx", "ip4:192.0.2.8"]
MERGED = [
    ("v=spf1 -all", "v=spf1 mx ip4:192.0.2.8 -all"),
    ("v=spf1 a +MX include:a.example ~all", "v=spf1 a +MX include:a.example ip4:192.0.2.8 -all"),
    ("v=spf1 ip4:192.0.2.8 mx -all", "v=spf1 ip4:192.0.2.8 mx -all"),
    ("v=spf1 a", "v=spf1 a mx ip4:192.0.2.8 -all"),
    ("v=spf1 a ?all exp=why.example", "v=spf1 a mx ip4:192.0.2.8 -all exp=why.example"),
    ("v=spf1 redirect=_spf.example", "v=spf1 mx ip4:192.0.2.8 redirect=_spf.example"),
]


@pytest.mark.parametrize(("there", "whole"), MERGED, ids=[there for there, _whole in MERGED])
def test_a_record_that_is_there_is_merged(there: str, whole: str) -> None:
    assert merged(there, WANTED, "-all") == whole


def test_a_stricter_record_stays_strict() -> None:
    assert merged("v=spf1 a -all", ["mx"], "~all") == "v=spf1 a mx -all"


def ask(name: str) -> list[str]:
    """a.example includes b.example, which needs two; loop.example includes itself."""
    return {
        "a.example": ["other text", "v=spf1 include:b.example ip4:192.0.2.1 -all"],
        "b.example": ["v=spf1 mx a:x.example -all"],
        "loop.example": ["v=spf1 include:loop.example -all"],
    }.get(name, [])


COUNTED = [
    ("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all", 0),
    ("v=spf1 mx a a:x.example/24 ptr exists:%{i}.x.example -all", 5),
    ("v=spf1 include:b.example -all", 3),
    ("v=spf1 include:a.example -all", 4),
    ("v=spf1 redirect=a.example", 4),
    ("v=spf1 -all include:a.example", 0),
    ("v=spf1 include:nowhere.example -all", 1),
    ("v=spf1 " + "mx " * 10 + "-all", 10),
    ("v=spf1 " + "mx " * 11 + "-all", 11),
    ("v=spf1 " + "mx " * 40 + "-all", 11),
    ("v=spf1 include:loop.example -all", 11),
]


@pytest.mark.parametrize(("record", "number"), COUNTED, ids=[record[:60] for record, _number in COUNTED])
def test_lookups_are_counted_with_those_of_includes(record: str, number: int) -> None:
    """Ten are allowed; it stops counting at eleven, so that a loop ends."""
    assert lookups(record, ask) == number
