"""Who may do what, for every URL: the table of access_table.py, asked row by row."""

import re
from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from accounts import services as accounts
from accounts.models import ChangeSet
from mailboxes.models import Mailbox
from tests.house.access_table import FORMS, NO_FORM, ROWS, Row
from tests.house.api_access_table import ROWS as API_ROWS
from tests.plugins import household as people
from tests.plugins.household import ANONYMOUS, PEOPLE, STRANGER, SUPERUSER, TESTER

# For {job} and the like.
NUMBERS: dict[str, object] = defaultdict(lambda: 1, change_set=UUID(int=1), foreign_change_set=UUID(int=2))
ANSWERS_ANY_METHOD = {"health"}  # it stands before everything that could refuse a method, and changes nothing
AS_FILE = "as a file: "
READS = [row for row in ROWS if row.method == "GET"]
WRITES = [row for row in ROWS if row.method == "POST"]
# These change nothing that a person would miss: they end or begin a sign-in, or set a cookie.
# The last four begin work that has a history of its own.
WITHOUT_HISTORY = {
    "dns_check",
    "dns_check_all",
    "dns_host_check",
    "dns_publish",
    "dkim_list",
    "dkim_look",
    "dkim_rotate",
    "sign_in",
    "sign_out",
    "set_language",
    "alias_report_start",
}
WITHOUT_HISTORY |= {"default_aliases_add", "import_add", "import", "password_strength"}


def names_of_urls(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names_of_urls(pattern.url_patterns)
        else:
            yield pattern.name or f"the nameless {pattern.pattern}"


def ask(row: Row, person: str, house: dict[str, object], client: Client | None = None) -> HttpResponse:
    client = people.signed_in(person, client)
    url = row.url.format_map(house)
    response: Any = client.get(url) if row.method == "GET" else client.post(url, form_for(row, house))
    return response


def form_for(row: Row, house: dict[str, object]) -> dict[str, Any]:
    address = re.search(r"/mailboxes/(\w+)@([\w.]+)/$", row.url)
    path = f"{address[2]}/{address[1]}/" if address else ""
    words = house | {"path": path, "column": "name" if "domains" in row.url else "address"}
    form = {name: value.format_map(words) for name, value in FORMS[row.name].items()}
    return {name: _as_file(value) if value.startswith(AS_FILE) else value for name, value in form.items()}


class File(BytesIO):
    """One that can be sent again and again."""

    name = "people.csv"

    def read(self, *_size: Any) -> bytes:
        return self.getvalue()


def _as_file(value: str) -> Any:
    return File(value.removeprefix(AS_FILE).encode())


def answer_of(response: HttpResponse) -> str:
    leads_to = response.headers.get("Location", "")
    return "in" if response.status_code == 302 and leads_to.startswith("/sign-in/?next=") else str(response.status_code)


def test_every_url_stands_in_the_table() -> None:
    named = {row.name for row in ROWS} | {row.name for row in API_ROWS}
    missing = set(names_of_urls(get_resolver().url_patterns)) - named
    assert not missing, f"Say in tests/house/access_table.py who may do what at: {', '.join(sorted(missing))}."


def test_every_row_is_what_it_says() -> None:
    wrong = [
        f"{row.url} is {resolve(row.url.format_map(NUMBERS).partition('?')[0]).url_name}, not {row.name}."
        for row in ROWS
    ]
    wrong = [sentence for sentence, row in zip(wrong, ROWS, strict=True) if f"is {row.name}," not in sentence]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("row", READS, ids=str)
def test_looking(row: Row, house: dict[str, object]) -> None:
    """Everybody gets what the table says, and looking writes nothing."""
    clients = {person: people.signed_in(person) for person in PEOPLE}
    before = people.fingerprint()
    answers = {person: answer_of(ask_with(clients[person], row, house)) for person in PEOPLE}
    assert answers == row.expected
    assert not people.changed_tables(before, people.fingerprint()), f"GET {row.url} writes."


def ask_with(client: Client, row: Row, house: dict[str, object]) -> HttpResponse:
    response: Any = client.get(row.url.format_map(house))
    return response


@pytest.mark.parametrize("row", WRITES, ids=str)
def test_acting(row: Row, house: dict[str, object]) -> None:
    """Who may, does it, and the history holds exactly one line of it; for anybody else nothing has changed."""
    answers = {}
    for person in PEOPLE:
        with transaction.atomic():
            accounts.add_user("newcomer", by=TESTER)
            client, user = people.signed_in(person), people.user_of(person)
            before, lines = people.fingerprint(), list(ChangeSet.objects.values_list("pk", flat=True))
            answers[person] = answer_of(ask_with_form(client, row, house))
            changed = people.changed_tables(before, people.fingerprint())
            if answers[person] in ("in", "404"):
                assert not changed, f"{person} was refused, yet {row} changed {', '.join(changed)}."
            elif row.name not in WITHOUT_HISTORY and not is_about_nothing(row, house):
                added = [line.metadata["user"] for line in ChangeSet.objects.exclude(pk__in=lines)]
                assert added == [user.pk if user else None], f"{row} by {person} left in the history: {added}."
            transaction.set_rollback(True)
    assert answers == row.expected


def ask_with_form(client: Client, row: Row, house: dict[str, object]) -> HttpResponse:
    response: Any = client.post(row.url.format_map(house), form_for(row, house))
    return response


def is_about_nothing(row: Row, house: dict[str, object]) -> bool:
    """Laure's mailbox and her senders do not belong to foreign.example, Claire is no domain admin there, and Mallory
    neither moves mailboxes to falcot.org nor sends as it."""
    return row.url in (
        "/domains/foreign.example/mailboxes/",
        "/domains/foreign.example/admins/remove/",
        "/mailboxes/mallory@foreign.example/rename/",
        "/domains/relay.foreign.example/recipients/",
        "/mailboxes/mallory@foreign.example/senders/",
        "/mailboxes/mallory@foreign.example/senders/forbid/",
        "/domains/foreign.example/admins/remove/",
    )


def test_a_mailbox_of_another_domain_cannot_be_picked(undone: dict[str, object]) -> None:
    client = people.signed_in(STRANGER)
    for do in ("deactivate", "delete"):
        form = {"do": do, "is_sure": "yes", "pick": str(undone["mailbox"])}
        client.post("/domains/foreign.example/mailboxes/", form)
    assert Mailbox.objects.get(pk=str(undone["mailbox"])).active


@pytest.mark.parametrize("row", [row for row in WRITES if row.name not in NO_FORM], ids=str)
def test_a_form_of_another_site_is_refused(row: Row, undone: dict[str, object]) -> None:
    person = (row.for_whom("302") or row.for_whom("200"))[-1]
    client = people.signed_in(person, Client(enforce_csrf_checks=True))
    before = people.fingerprint()
    response = client.post(row.url.format_map(undone), form_for(row, undone))
    assert response.status_code == 403
    assert "Nothing was changed." in response.content.decode()
    assert not people.changed_tables(before, people.fingerprint())


@pytest.mark.parametrize("url", sorted({row.url for row in ROWS if row.name not in ANSWERS_ANY_METHOD}))
def test_other_methods_are_refused(url: str, undone: dict[str, object]) -> None:
    """Also for those who may do everything else there."""
    rows = [row for row in ROWS if row.url == url]
    allowed = {row.method for row in rows} | ({"HEAD"} if "GET" in {row.method for row in rows} else set())
    welcome = next((p for p in (SUPERUSER, *PEOPLE) if rows[0].expected[p] in ("200", "302")), None)
    if welcome is None:
        return  # there is nothing at this URL, whatever the method
    if {row.name for row in rows} <= {"sign_in"}:
        welcome = ANONYMOUS
    client = people.signed_in(welcome)
    before = people.fingerprint(without=("django_session",))
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed:
        response = client.generic(method, url.format_map(undone))
        assert response.status_code == 405, f"{method} {url} was answered with {response.status_code}."
    assert not people.changed_tables(before, people.fingerprint(without=("django_session",)))


def test_a_damaged_url_is_nothing(house: dict[str, object]) -> None:
    client = people.signed_in(SUPERUSER)
    damaged = ["%00", "a%00b", "%ff%fe", "x" * 900, "-", "..", "a..b", "@", "@@", "'", '"', "%0d%0aX: y", "🐘"]
    roads = ["/domains/{}/", "/domains/{}/mailboxes/", "/mailboxes/{}/", "/mailboxes/{}@falcot.org/", "/aliases/{}/"]
    roads += [
        "/aliases/jean@{}/delete/",
        "/people/{}/",
        "/people/{}/delete/",
        "/jobs/{}/",
        "/{}/",
        "/mail-servers/transports/{}/",
    ]
    for road in [*roads, "/jobs/99999999999999999999{}/"]:
        for piece in damaged:
            response = client.get(road.format(piece))
            assert response.status_code in (301, 404), f"{road.format(piece)}: {response.status_code}"
