"""Many mailboxes, aliases and domains through the API: sent, judged, looked at, written by the worker, taken back."""

import csv
import io
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from accounts.models import ChangeSet, User
from domains.models import Domain
from jobs.services import run_job
from mailboxes.columns import COLUMNS, NEEDED
from mailboxes.models import Alias, Import, ImportRow, Mailbox
from mailboxes.removal import delete_domain
from tests.api.conftest import Api, token_for
from tests.plugins.example_mail import TESTER

CSV = {"Content_Type": "text/csv"}
PEOPLE = "address,name,password\nnew.one@falcot.org,New One,her first password\nnew.two@falcot.org,New Two,\n"


def run(api: Api, path: str) -> dict[str, object]:
    answer = api("POST", path)
    assert answer.status == 202, answer
    assert answer.headers["Location"] == f"http://testserver/api/v1/jobs/{answer.json['id']}/"
    run_job(answer.json["id"])
    job: dict[str, object] = api.get(f"jobs/{answer.json['id']}/")
    return job


def test_it_works(api: Api, falcot: Domain) -> None:
    sent = api("POST", "imports/?kind=mailboxes&label=people.csv", PEOPLE.encode(), **CSV)
    assert sent.status == 201
    assert {name: sent.json[name] for name in ("label", "lines", "new", "there", "refused", "job")} == {
        "label": "people.csv",
        "lines": 2,
        "new": 2,
        "there": 0,
        "refused": 0,
        "job": None,
    }
    place = f"imports/{sent.json['id']}/"
    assert sent.headers["Location"].endswith(place)
    assert not Mailbox.objects.filter(address__local_part="new.one").exists()
    job = run(api, f"{place}write/")
    assert (job["state"], job["result"]["new"]) == ("done", 2)  # type: ignore[index]
    assert api.get("mailboxes/new.one@falcot.org/")["has_password"] is True
    number = api.get(place)["change_set"]
    line = api.get(f"history/{number}/")
    assert (line["who"], line["token"], line["door"]) == ("Alice Martin", "test", "api")
    assert api("POST", f"history/{number}/undo/").status == 200
    assert not Mailbox.objects.filter(address__local_part="new.one").exists()


def form(*parts: tuple[str, str, str]) -> tuple[bytes, str]:
    """The body of a form and its media type: name, name of the file ("" for none) and content of each field."""
    body = ""
    for name, filename, content in parts:
        named = f'; filename="{filename}"' if filename else ""
        body += f'--between\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n{content}\r\n'
    return f"{body}--between--\r\n".encode(), "multipart/form-data; boundary=between"


def test_a_file_in_a_form(api: Api, falcot: Domain) -> None:
    """As curl -F file=@people.csv sends it; the import has the name of the file."""
    body, media_type = form(("file", "people.csv", PEOPLE))
    sent = api("POST", "imports/?kind=mailboxes", body, Content_Type=media_type)
    assert (sent.status, sent.json["label"], sent.json["new"]) == (201, "people.csv", 2), sent
    body, media_type = form(("file", "people.json", '[{"address": "new.one@falcot.org"}]'))
    judged = api("POST", "imports/?kind=mailboxes&dry_run=true", body, Content_Type=media_type)
    assert (judged.status, judged.json["lines"], judged.json["refused"]) == (200, 1, 0)


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [("file", "", PEOPLE)],
        [("people", "people.csv", PEOPLE)],
        [("file", "a.csv", PEOPLE), ("file", "b.csv", PEOPLE)],
        [("file", "a.csv", PEOPLE), ("kind", "", "mailboxes")],
    ],
)
def test_a_form_with_anything_else(api: Api, parts: list[tuple[str, str, str]]) -> None:
    body, media_type = form(*parts)
    answer = api("POST", "imports/?kind=mailboxes", body, Content_Type=media_type)
    assert (answer.status, Import.objects.count()) == (400, 0)
    assert "“file”" in answer.json["detail"]


def test_a_form_that_is_none(api: Api) -> None:
    for body, media_type in [(b"nonsense", "multipart/form-data"), (b"--x\r\n", "multipart/form-data; boundary=x")]:
        assert api("POST", "imports/?kind=mailboxes", body, Content_Type=media_type).status == 400


def test_a_form_that_is_too_large(api: Api, settings: Any) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 100
    body, media_type = form(("file", "people.csv", PEOPLE))
    answer = api("POST", "imports/?kind=mailboxes", body, Content_Type=media_type)
    assert (answer.status, Import.objects.count()) == (413, 0)


def test_json_and_a_second_request_to_write(api: Api, falcot: Domain) -> None:
    lines = [{"address": "new@falcot.org", "destinations": ["jean@falcot.org", "x@elsewhere.example"]}]
    place = f"imports/{api('POST', 'imports/?kind=aliases', lines).json['id']}/"
    first = run(api, f"{place}write/")
    again = api("POST", f"{place}write/")
    assert (again.status, again.json["id"], again.json["result"]) == (202, first["id"], first["result"])
    assert Alias.objects.filter(address__local_part="new").count() == 1


def test_lines_that_cannot_be(api: Api, falcot: Domain) -> None:
    """They are told page by page, and nothing is written."""
    text = "address\nok@falcot.org\n" + "".join(f"u{number}@no.example\n" for number in range(5))
    sent = api("POST", "imports/?kind=mailboxes", text.encode(), **CSV).json
    assert (sent["refused"], sent["new"]) == (5, 1)
    path, found = f"imports/{sent['id']}/faults/?limit=2", []
    while path:
        page = api.get(path)
        found += page["results"]
        path = (page["next"] or "").removeprefix("http://testserver")
    assert [one["line"] for one in found] == [3, 4, 5, 6, 7]
    assert found[0]["sentences"] == ["no.example is not here. Add it first, or correct the name."]
    refused = api("POST", f"imports/{sent['id']}/write/")
    assert (refused.status, refused.json["detail"]) == (422, "Refused lines: 5 of 6. Nothing was added.")


SLIPPED = ["active", "quota", "expires_at", "mail_format", "allowed_networks", "stopped", "imap", "hash"]


@pytest.mark.parametrize("column", SLIPPED)
def test_a_password_in_the_wrong_column_is_not_kept(api: Api, falcot: Domain, column: str) -> None:
    """Where the columns have slipped. It is neither said back nor stored, in no language."""
    content = f"address,{column},password\nnew@falcot.org,secret-of-ann,\n".encode()
    sent = api("POST", "imports/?kind=mailboxes", content, **CSV).json
    assert sent["refused"] == 1
    assert "secret" not in str(api.get(f"imports/{sent['id']}/faults/"))
    (row,) = ImportRow.objects.values()
    assert "secret" not in str(row)


def test_a_rehearsal_keeps_nothing(api: Api, falcot: Domain) -> None:
    text = b"address\nok@falcot.org\nok@no.example\n"
    answer = api("POST", "imports/?kind=mailboxes&dry_run=true", text, **CSV)
    assert (answer.status, answer.json["new"], answer.json["refused"]) == (200, 1, 1)
    (fault,) = answer.json["faults"]
    assert (fault["line"], fault["thing"]) == (3, "ok@no.example")
    assert not Import.objects.exists()
    assert not ImportRow.objects.exists()


def test_what_is_there_may_stay(api: Api, falcot: Domain) -> None:
    text = b"address\njean@falcot.org\nnew@falcot.org\n"
    assert api("POST", "imports/?kind=mailboxes", text, **CSV).json["refused"] == 1
    sent = api("POST", "imports/?kind=mailboxes&skip_existing=true", text, **CSV).json
    assert (sent["new"], sent["there"], sent["refused"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("imports/", b"address\n", 400),
        ("imports/?kind=people", b"address\n", 400),
        ("imports/?kind=mailboxes", b"", 422),
        ("imports/?kind=mailboxes", b"address\n", 422),
        ("imports/?kind=mailboxes", b"nonsense\nx\n", 422),
        ("imports/?kind=mailboxes", b"address\n\xff\xfe\n", 422),
        ("imports/?kind=mailboxes&skip_existing=1", b"address\na@falcot.org\n", 400),
        ("imports/?kind=mailboxes", b"address\n" + b"x" * (32 * 1024**2), 413),
    ],
)
def test_what_is_no_file(api: Api, path: str, body: bytes, status: int) -> None:
    assert api("POST", path, body, **CSV).status == status
    assert not Import.objects.exists()


def test_a_file_of_another_kind(api: Api) -> None:
    assert api("POST", "imports/?kind=mailboxes", b"x", Content_Type="application/pdf").status == 415


def test_what_is_sent_is_forgotten(api: Api, falcot: Domain) -> None:
    place = f"imports/{api('POST', 'imports/?kind=mailboxes', PEOPLE.encode(), **CSV).json['id']}/"
    waiting = api("POST", f"{place}write/").json["id"]
    assert api("DELETE", place).status == 422
    run_job(waiting)
    assert api("DELETE", place).status == 204
    assert api("GET", place).status == 404
    assert Mailbox.objects.filter(address__local_part="new.one").exists()


@pytest.mark.parametrize("kind", COLUMNS)
def test_the_description_says_which_columns_a_row_may_have(api: Api, falcot: Domain, kind: str) -> None:
    """As the importer takes it and refuses it."""
    asked = api.get("schema/")["paths"]["/api/v1/imports/"]["post"]
    rows = asked["requestBody"]["content"]["application/json"]["schema"]["items"]["anyOf"]
    (row,) = [one for one in rows if one["title"] == f"{kind.capitalize()}Row"]
    assert (list(row["properties"]), row["required"]) == (list(COLUMNS[kind]), list(NEEDED[kind]))
    validator = Draft202012Validator(row)
    for cell, more, status in [(None, {}, 200), ("x", {}, 200), ("x", {"colour": "red"}, 422)]:
        sent = dict.fromkeys(COLUMNS[kind], cell) | more
        assert validator.is_valid(sent) is (status == 200)
        assert api("POST", f"imports/?kind={kind}&dry_run=true", [sent]).status == status
    missing = dict.fromkeys(COLUMNS[kind][1:], "x")
    assert not validator.is_valid(missing)
    assert api("POST", f"imports/?kind={kind}&dry_run=true", [missing]).status == 422
    (words,) = [one["description"] for one in asked["parameters"] if one["name"] == "kind"]
    assert f"{kind}: {', '.join(COLUMNS[kind])}." in words


class TestRights:
    def test_a_domain_admin_within_the_own_domain(self, api: Api, bob_api: Api) -> None:
        api("PUT", "domains/foreign.example/", {})
        text = b"address\nnew@falcot.org\nnew@foreign.example\n"
        sent = bob_api("POST", "imports/?kind=mailboxes", text, **CSV).json
        assert (sent["new"], sent["refused"]) == (1, 1)
        assert api("GET", f"imports/{sent['id']}/").status == 404
        assert bob_api("POST", "imports/?kind=domains", b"name\nnew.example\n", **CSV).status == 422

    def test_the_scope_of_what_is_imported(self, alice: User) -> None:
        limited = Api(token_for(alice, "aliases:write", "mailboxes:read"))
        assert limited("POST", "imports/?kind=mailboxes", PEOPLE.encode(), **CSV).status == 403
        assert limited("GET", "imports/?kind=mailboxes").status == 200
        assert limited("GET", "exports/domains/").status == 403

    def test_a_token_for_some_domains(self, alice: User, falcot: Domain) -> None:
        """The worker has no token, so it would do more than this one may."""
        limited = Api(token_for(alice, domains=["falcot.org"]))
        assert limited("POST", "imports/?kind=mailboxes", PEOPLE.encode(), **CSV).status == 403
        addresses = {row["address"].rpartition("@")[2] for row in limited.get("exports/mailboxes/")}
        assert addresses == {"falcot.org"}


class TestExports:
    @pytest.mark.parametrize("kind", ["mailboxes", "aliases", "domains"])
    def test_what_is_exported_can_be_imported(self, api: Api, falcot: Domain, kind: str) -> None:
        as_csv = api("GET", f"exports/{kind}/?format=csv")
        assert as_csv.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert as_csv.json == api("GET", f"exports/{kind}/", Accept="text/csv").json
        assert as_csv.json == api("GET", f"exports/{kind}/?format=csv", Accept="application/json").json
        assert not as_csv.json.startswith("\ufeff")
        rows = api.get(f"exports/{kind}/")
        assert len(list(csv.reader(io.StringIO(as_csv.json)))) == len(rows) + 1 > 2
        for body, headers in [(as_csv.json.encode(), CSV), (rows, {})]:
            sent = api("POST", f"imports/?kind={kind}&skip_existing=true", body, **headers).json
            assert (sent["there"], sent["refused"]) == (len(rows), 0)

    @pytest.mark.parametrize("form", ["csv", "json"])
    def test_all_that_was_there_is_there_again(self, api: Api, falcot: Domain, form: str) -> None:
        kinds = ("domains", "mailboxes", "aliases")
        before = {kind: api("GET", f"exports/{kind}/?format={form}").json for kind in kinds}
        for domain in [*Domain.objects.filter(target__isnull=False), *Domain.objects.filter(target__isnull=True)]:
            delete_domain(domain, by=TESTER)
        for kind, rows in before.items():
            body, headers = (rows.encode(), CSV) if form == "csv" else (rows, {})
            options = "" if kind == "domains" else "&despite_quarantine=true"
            sent = api("POST", f"imports/?kind={kind}{options}", body, **headers).json
            assert (sent["there"], sent["refused"]) == (0, 0), sent
            assert run(api, f"imports/{sent['id']}/write/")["state"] == "done"
        assert {kind: api("GET", f"exports/{kind}/?format={form}").json for kind in kinds} == before

    def test_of_one_domain(self, api: Api, falcot: Domain) -> None:
        found = api.get("exports/aliases/?domain=falcotsbrand.com")
        assert {row["address"].rpartition("@")[2] for row in found} == {"falcotsbrand.com"}
        assert api("GET", "exports/aliases/?domain=no.example").status == 400

    def test_what_there_is_not(self, api: Api, falcot: Domain) -> None:
        assert api("GET", "exports/people/").status == 404
        assert api("GET", "exports/mailboxes/?format=").status == 400
        assert api("GET", "exports/mailboxes/", Accept="application/pdf").status == 406


def test_nothing_is_left_in_the_history_until_it_is_written(api: Api, falcot: Domain) -> None:
    before = ChangeSet.objects.count()
    api("POST", "imports/?kind=mailboxes", PEOPLE.encode(), **CSV)
    assert ChangeSet.objects.count() == before
