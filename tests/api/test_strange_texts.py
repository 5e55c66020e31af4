"""Texts and times that something else would read otherwise: refused with a sentence at their field."""

from typing import Any

import pytest

from accounts.lines import in_one_line
from domains.models import Domain
from mailboxes.columns import Reader
from mailboxes.models import Import
from tests.api.conftest import Api

STRANGE = {
    "line break": "a\r\nBcc: x@y",
    "ESC": "a\x1b[31m",
    "direction": "a\u202eb",
    "C1": "a\x9bb",
    "line": "a\u2028b",
}
FIELDS: list[tuple[str, str, dict[str, Any], str]] = [
    ("PATCH", "mailboxes/jean@falcot.org/", {}, "name"),
    ("PATCH", "domains/falcot.org/", {}, "description"),
    ("POST", "aliases/", {"address": "new@falcot.org", "destinations": ["x@elsewhere.example"]}, "comment"),
    ("POST", "people/", {"username": "zoe"}, "name"),
    ("POST", "transports/", {"key": "a.example", "result": "smtp:"}, "comment"),
    ("POST", "restriction-classes/", {"name": "strict", "entries": [{"name": "reject"}]}, "comment"),
]


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize(("method", "path", "body", "field"), FIELDS, ids=lambda one: str(one))
def test_a_text_is_one_line(
    api: Api, falcot: Domain, method: str, path: str, body: dict[str, Any], field: str, text: str
) -> None:
    answer = api(method, f"{path}?dry_run=true", body | {field: text})
    assert answer.status == 422
    assert answer.json["detail"] == "Line breaks and control characters cannot stand here. Remove them."
    assert set(answer.faults()) == {field}
    assert api(method, f"{path}?dry_run=true", body | {field: "Zoë 田中 \u200fאב"}).status == 200


@pytest.mark.parametrize(("kind", "field"), [("mailboxes", "name"), ("aliases", "comment"), ("domains", "description")])
def test_an_import_refuses_it_too(db: None, kind: str, field: str) -> None:
    cells = {"address": "a@falcot.org", "name": "falcot.org", "destinations": "x@elsewhere.example", field: "a\r\nb"}
    faults = Reader(Import(kind=kind))(cells).faults
    assert faults == ["Line breaks and control characters cannot stand here. Remove them."]


def test_what_comes_from_another_panel_becomes_one_line() -> None:
    assert in_one_line(" Jean\tDupont\r\n") == "Jean Dupont"


@pytest.mark.parametrize("text", ["2030-01-01", "2030-01-01T00:00:00", "2030-01-01 00:00:00Z", "1893456000", "soon"])
def test_a_time_has_its_zone(api: Api, falcot: Domain, text: str) -> None:
    answer = api("PATCH", "mailboxes/jean@falcot.org/", {"expires_at": text})
    assert (answer.status, set(answer.faults())) == (422, {"expires_at"})
    assert answer.json["detail"] == "This must be a time as RFC 3339 has it: 2026-01-31T12:00:00Z."


@pytest.mark.parametrize("text", ["2030-01-01T00:00:00z", "2030-01-01T01:00:00.5+01:00", "2030-01-01T00:00:00-00:00"])
def test_each_zone_will_do(api: Api, falcot: Domain, text: str) -> None:
    answer = api("PATCH", "mailboxes/jean@falcot.org/", {"expires_at": text})
    assert answer.json["expires_at"].startswith("2030-01-01T00:00:00")


@pytest.mark.parametrize("text", ["2030-13-01T00:00:00Z", "2030-01-01T00:00:00+99:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none(api: Api, falcot: Domain, text: str) -> None:
    assert api("PATCH", "mailboxes/jean@falcot.org/", {"expires_at": text}).faults().keys() == {"expires_at"}
