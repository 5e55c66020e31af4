"""Passwords and their hashes stay where they belong: in no page, no history, no log, no output of a command."""

import logging
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from pghistory.core import event_models

from accounts.models import User
from api.models import KeptAnswer, Token
from api.scopes import ALL
from api.services import add_token, revoke_token
from dns_records.models import UpdateSecret
from domains.dkim_keys import unsealed
from domains.dkim_models import DkimPrivateKey
from jobs.services import run_job
from lookup_tables.models import RelayPassword
from mailboxes.jobs import start_alias_report
from mailboxes.models import AppPasswordSecret, Mailbox, MailboxCredential
from mailboxes.services import delete_mailbox, set_mailbox_password
from takeover.models import KeptRow
from tests.api.conftest import Api
from tests.house.access_table import FORMS, ROWS, Row
from tests.house.test_access import form_for
from tests.plugins import household as people
from tests.plugins.household import PASSWORD_OF_RELAY, PASSWORDS, PEOPLE, SEED, SUPERUSER, TESTER, TSIG_SECRET

TYPED = "typed by somebody in a hurry"
READS = [row for row in ROWS if row.method == "GET"]
ASKS_FOR_A_PASSWORD = [
    row for row in ROWS if row.method == "POST" and row.name in FORMS and "password" in FORMS[row.name]
]


def secrets() -> list[str]:
    """Every hash that is stored, every private key, and every password that was typed."""
    hashes = [
        *MailboxCredential.objects.values_list("hash", flat=True),
        *User.objects.values_list("password", flat=True),
    ]
    assert any(one.startswith("{BLF-CRYPT}") for one in hashes)
    assert any(one.startswith("argon2") for one in hashes)
    digests = [one.partition("}")[2] for one in hashes if one.startswith("{")]
    tokens = [*RelayPassword.objects.values_list("token", flat=True), *Token.objects.values_list("digest", flat=True)]
    tokens += AppPasswordSecret.objects.values_list("digest", flat=True)
    tokens += UpdateSecret.objects.values_list("token", flat=True)
    privates = list(DkimPrivateKey.objects.all())
    assert privates
    tokens += [private.token for private in privates]
    tokens += [unsealed(private).splitlines()[-3] for private in privates]  # a line of the PEM text, of the primes
    tokens += KeptRow.objects.exclude(secret="").values_list("secret", flat=True)
    return [*hashes, *digests, *tokens, *PASSWORDS.values(), PASSWORD_OF_RELAY, SEED, TSIG_SECRET, TYPED]


def leaks_into(text: str) -> list[str]:
    return [secret for secret in secrets() if secret in text]


@pytest.mark.parametrize("row", READS, ids=str)
def test_no_page_shows_one(row: Row, house: dict[str, object]) -> None:
    for person in PEOPLE:
        page = people.text_of(people.signed_in(person).get(row.url.format_map(house)))
        assert not leaks_into(page), f"{row.url} for {person}"


@pytest.mark.parametrize("row", ASKS_FOR_A_PASSWORD, ids=str)
def test_no_form_sends_back_what_was_typed(row: Row, undone: dict[str, object]) -> None:
    """Also when something else about the form is wrong."""
    person = (row.for_whom("302") or row.for_whom("200"))[-1 if row.name != "sign_in" else 0]
    form = form_for(row, undone) | {
        "password": TYPED,
        "again": "something else",
        "username": "\0",
        "current": "wrong one",
    }
    page = people.signed_in(person).post(row.url.format_map(undone), form).content.decode()
    assert not leaks_into(page)


def test_the_history_holds_none(undone: dict[str, object]) -> None:
    """After passwords were set, changed, typed wrongly, and a mailbox with one was deleted."""
    laure = Mailbox.objects.with_address().get(address__local_part="laure")
    set_mailbox_password(laure, TYPED, by=TESTER)
    before = secrets()
    delete_mailbox(laure, by=TESTER)
    people.signed_in("anonymous").post("/sign-in/", {"username": "claire", "password": TYPED})
    people.signed_in("owner").post("/my-mailbox/app-passwords/add/", {"name": "Laptop", "imap": "on", "current": TYPED})
    form = {"current": "wrong one", "password": TYPED, "again": TYPED}
    people.signed_in("owner").post("/my-mailbox/password/", form)
    tables = {model._meta.db_table for model in event_models()} | {
        table
        for table in connection.introspection.table_names()
        if table.startswith(("pghistory_", "axes_", "jobs_", "django_session"))
    }
    with connection.cursor() as cursor:
        for table in sorted(tables):
            cursor.execute(f"SELECT coalesce(string_agg(row::text, chr(10)), '') FROM \"{table}\" AS row")
            stored = cursor.fetchone()[0]
            assert not [secret for secret in before if secret in stored], table


def test_the_history_has_no_place_for_one() -> None:
    columns = {f"{model.__name__}.{field.name}" for model in event_models() for field in model._meta.get_fields()}
    assert not {name for name in columns if name.endswith((".password", ".hash", ".secret", ".credential"))}
    assert not any("credential" in model.__name__.lower() for model in event_models())


def test_an_object_in_an_error_report_says_nothing(house: dict[str, object]) -> None:
    for row in [*MailboxCredential.objects.all(), *User.objects.all()]:
        assert not leaks_into(f"{row} {row!r}")


@pytest.mark.parametrize(
    "command",
    [
        ["mailbox", "show", "jean@falcot.org", "--json"],
        ["mailbox", "show", "jean@falcot.org"],
        ["mailbox", "list", "--json"],
        ["mailbox", "list"],
        ["alias", "list", "--json"],
        ["domain", "show", "falcot.org", "--json"],
        ["sender_relay", "show", "@falcot.org", "--json"],
        ["sender_relay", "list"],
        ["admin", "show", "claire", "--json"],
        ["admin", "list", "--json"],
        ["history", "list", "--json"],
        ["job", "list", "--json"],
        ["export_csv", "mailboxes"],
        ["export_csv", "mailboxes", "--json"],
        ["api_token", "list", "--json"],
        ["api_token", "list"],
        ["app_password", "list", "jean@falcot.org", "--json"],
    ],
    ids=" ".join,
)
def test_no_command_prints_one(command: list[str], house: dict[str, object]) -> None:
    said, complained = StringIO(), StringIO()
    call_command(*command, stdout=said, stderr=complained)
    assert said.getvalue()
    assert not leaks_into(said.getvalue() + complained.getvalue())


def test_no_log_holds_one(undone: dict[str, object], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = people.signed_in(SUPERUSER)
    client.post("/sign-in/", {"username": "ada@example.net", "password": TYPED})
    client.post("/people/add/", {"username": "ben", "password": TYPED})
    client.post("/mailboxes/laure@falcot.org/password/", {"password": TYPED, "again": TYPED})
    client.post("/mailboxes/laure@falcot.org/password/", {"password": TYPED, "again": TYPED[:-1]})
    run_job(start_alias_report(by=TESTER).pk)
    assert caplog.records
    sql = [record for record in caplog.records if record.name == "django.db.backends"]  # only with DEBUG
    assert not leaks_into("\n".join(record.getMessage() for record in caplog.records if record not in sql))


def test_an_api_token_stands_nowhere(undone: dict[str, object], caplog: pytest.LogCaptureFixture) -> None:
    """Not the token, and not what was sent with an Idempotency-Key: neither in a table nor in a log."""
    caplog.set_level(logging.DEBUG)
    ada = people.user_of(SUPERUSER)
    assert ada is not None
    token, text = add_token(ada, "leaky", scopes=ALL, by=TESTER)
    api = Api(text, Idempotency_Key="one")
    body = {"address": "new@falcot.org", "password": TYPED}
    assert api("POST", "mailboxes/", body).status == 201
    assert api("POST", "mailboxes/", body).headers["Idempotency-Replayed"] == "true"
    kept: Any = KeptAnswer.objects.get().body
    assert kept["has_password"] is True
    api("POST", "mailboxes/", body | {"address": "nonsense"})
    revoke_token(token, by=TESTER)
    api("GET", "mailboxes/")
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT coalesce(string_agg(row::text, chr(10)), '') FROM \"{table}\" AS row")
            stored = cursor.fetchone()[0]
            assert text not in stored, table
            assert TYPED not in stored, table
    said = "\n".join(record.getMessage() for record in caplog.records if record.name != "django.db.backends")
    assert text not in said
    assert TYPED not in said
