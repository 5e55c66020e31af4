"""Whatever is typed, pasted or made up: an answer in a sentence, nothing changed, and never an error of our own."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from django.test import Client

from tests.house.access_table import NO_FORM, ROWS, Row
from tests.house.test_access import form_for
from tests.plugins import household as people
from tests.plugins.household import ANONYMOUS, OWNER, SUPERUSER

NUL, LONG, SCRIPT = "a\0b", "x" * 20_000, "<script>alert(1)</script>"
STRANGE = [NUL, LONG, SCRIPT, "", "'", "%", "{domain.__class__}", "-1", "NaN", "9" * 20, "a\r\nX: y", "\u202e🐘é"]
NO_MARKS = [" ", "[", '["a", 1]', "[null, null]", '["a\\u0000", 1]', "1e400", "2026-99-99T99:99:99+99:99", "%ff%fe"]
MUST_BE_REFUSED = {NUL, LONG}
TICKED = re.compile(
    r"active|warn_only|receives|sends|imap|pop|must_change|keeps_copy|is_active|is_superuser|is_catch_all|keep_old|do|next"
    r"|welcome|welcomes|for_all|spf_strict|dmarc_strict|is_checked|for_subdomains|for_alias_domains|signs_by_itself"
)  # whatever is sent, or nothing that is kept
QUESTIONS = [
    "q",
    "class",
    "state",
    "applies_to",
    "sort",
    "after",
    "before",
    "kind",
    "role",
    "domain",
    "local_part",
    "catch_all",
    "next",
]
BIG = b"csrfmiddlewaretoken=%s&name=" + b"x" * 10_000_000

_forms = [row for row in ROWS if row.method == "POST" and row.name not in NO_FORM]
WRITES = list({row.name: row for row in _forms if "200" not in row.expected.values()}.values())
READS = list({row.name: row for row in ROWS if row.method == "GET" and "200" in row.expected.values()}.values())


@pytest.fixture(autouse=True)
def quick_hashes(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of passwords are tried here, and their hashes are not what this is about."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
    monkeypatch.setattr("mailboxes.credentials.ROUNDS", 4)


class FieldNames(HTMLParser):
    """The names of the fields that a page offers."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = dict(attrs).get("name")
        if tag in ("input", "textarea", "select", "button") and name and name not in ("csrfmiddlewaretoken", "q"):
            self.names.append(name)


def welcome_at(row: Row) -> str:
    """Somebody who may do this: a superuser, if that is enough."""
    allowed = ("200", "302") if row.method == "POST" else ("200",)
    return next(person for person in (SUPERUSER, OWNER, ANONYMOUS) if row.expected[person] in allowed)


def is_in_order(response: Any, about: str) -> None:
    assert response.status_code < 500, about
    assert SCRIPT not in people.text_of(response), f"{about}: what was typed came back as a script."


def offered_by(client: Client, url: str) -> list[str]:
    response = client.get(url)
    return FieldNames(people.text_of(response)).names if response.status_code == 200 else []


@pytest.mark.parametrize("row", READS, ids=str)
def test_questions_in_the_url(row: Row, house: dict[str, object]) -> None:
    client, url = people.signed_in(welcome_at(row)), row.url.format_map(house)
    before = people.fingerprint()
    for word in [*STRANGE, *NO_MARKS]:
        asked = quote(word, safe="%") if word == "%ff%fe" else quote(word)
        is_in_order(
            client.get(f"{url}?{'&'.join(f'{name}={asked}' for name in QUESTIONS)}"), f"{url} asked for {word[:30]!r}"
        )
        is_in_order(client.get(f"{url}?before={asked}&q=a&q=twice"), f"{url} before {word[:30]!r}")
    assert not people.changed_tables(before, people.fingerprint())


@pytest.mark.parametrize("row", WRITES, ids=str)
def test_fields_of_forms(row: Row, undone: dict[str, object]) -> None:
    """One field at a time is strange, the others as they should be. What is refused, is refused in words; what is taken
    must not break the page that follows."""
    client, url = people.signed_in(welcome_at(row)), row.url.format_map(undone)
    form = form_for(row, undone)
    apart = ("django_session", "axes_accessattempt", "axes_accessfailurelog")
    for field in dict.fromkeys([*form, *offered_by(client, url)]):
        for word in STRANGE:
            about = f"{url} with {field} {word[:30]!r}"
            with transaction.atomic():
                before = people.fingerprint(without=apart)
                response = client.post(url, form | {field: word})
                is_in_order(response, about)
                after = people.fingerprint(without=apart)
                if response.status_code == 200:
                    assert not people.changed_tables(before, after), f"{about} was refused, yet something changed."
                    assert says_what_is_wrong(response), f"{about} was refused without a word."
                elif word in MUST_BE_REFUSED and field in form and not TICKED.fullmatch(field):
                    assert not people.changed_tables(before, after), f"{about} was taken."
                elif response.status_code == 302 and response["Location"].startswith("/"):
                    is_in_order(client.get(response["Location"]), f"{response['Location']} after {about}")
                transaction.set_rollback(True)
            client = people.signed_in(welcome_at(row))


def says_what_is_wrong(response: Any) -> bool:
    """A sentence at the field, above the form, or the question before many things are deleted."""
    page = response.content.decode()
    return any(mark in page for mark in ('class="err"', 'class="summary"', 'class="note note-', 'class="ask-page'))


@pytest.mark.parametrize("row", WRITES, ids=str)
@pytest.mark.parametrize("size", ["ten megabytes", "in parts", "2,000 fields"])
def test_a_form_that_is_too_big(row: Row, size: str, undone: dict[str, object]) -> None:
    client, token = people.signed_in(welcome_at(row), Client(enforce_csrf_checks=True)), "x" * 32
    client.cookies["csrftoken"] = token
    url = row.url.format_map(undone)
    before = people.fingerprint()
    if size == "ten megabytes":
        body = BIG % token.encode()
        response = client.post(url, body, content_type="application/x-www-form-urlencoded")
    elif size == "in parts":
        response = client.post(url, {"csrfmiddlewaretoken": token, "name": "x" * 10_000_000})
    else:
        response = client.post(url, {"csrfmiddlewaretoken": token} | {f"field{n}": "" for n in range(2000)})
    assert response.status_code == 413
    assert "A form may hold 2 MB and 1,000 fields. Nothing was changed." in response.content.decode()
    assert not people.changed_tables(before, people.fingerprint())


@pytest.mark.parametrize("row", WRITES, ids=str)
def test_what_is_no_form(row: Row, undone: dict[str, object]) -> None:
    client, url = people.signed_in(welcome_at(row)), row.url.format_map(undone)
    for body, content_type in [
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"--x\r\n\r\n", "multipart/form-data"),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b'{"name": "x"}', "application/json"),
        (b"<x/>", "text/xml; charset=no-such-charset"),
        (b"name=x", "application/x-www-form-urlencoded; charset=utf-7"),
    ]:
        with transaction.atomic():
            response = client.generic("POST", url, body, content_type=content_type)
            is_in_order(response, f"{url} with {content_type}")
            transaction.set_rollback(True)
        client = people.signed_in(welcome_at(row))


def test_strange_headers(house: dict[str, object]) -> None:
    for headers in [
        {"accept-language": "x" * 5000},
        {"accept-language": "\u202e,;q=é"},
        {"host": "elsewhere.example"},
        {"host": "a b"},
        {"cookie": "sessionid=\x01; csrftoken=%00; django_language=../../etc"},
        {"hx-request": "true", "hx-current-url": "\x01", "hx-target": "<script>"},
        {"referer": "x" * 5000},
    ]:
        for path in ("/sign-in/", "/", "/domains/falcot.org/"):
            response = people.signed_in(SUPERUSER).get(path, headers=headers)
            is_in_order(response, f"{path} with {headers}")
            if "host" in headers:
                assert response.status_code == 400
                assert "This request cannot be understood" in response.content.decode()


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", "\\\\x.y"]
)
def test_nobody_is_sent_elsewhere(elsewhere: str, undone: dict[str, object]) -> None:
    client = Client()
    answers = [
        client.post("/language/", {"language": "ja", "next": elsewhere}),
        client.post(
            "/sign-in/", {"username": "claire", "password": people.PASSWORDS["domain_admin"], "next": elsewhere}
        ),
        client.post("/sign-out/", {"next": elsewhere}),
    ]
    for response in answers:
        assert response.status_code == 302
        assert response["Location"].startswith("/")
        assert not response["Location"].startswith("//")
