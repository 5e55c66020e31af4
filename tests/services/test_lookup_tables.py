"""The services of the flat lookup tables: what may stand there, and what a password for a relay leaves behind."""

import re
from importlib import import_module
from stat import S_IMODE
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from pghistory.core import event_models

from domains.services import change_mail_settings
from lookup_tables.loops import MOST_STEPS
from lookup_tables.main_cf import TABLES, parameters_in_use, remark_since, what_is_written
from lookup_tables.models import Bcc, Canonical, Entry, RelayPassword, Relocated, SenderRelay, TlsPolicy, Transport
from lookup_tables.relay_passwords import decrypted, encrypted
from lookup_tables.services import add_entry, change_entry, delete_entry
from tests.services.checks import TESTER, nothing_changes, one_change_set, refusal

pytestmark = pytest.mark.django_db
TABLE = pytest.mark.parametrize("model", TABLES, ids=lambda model: model.noun)
GOOD: dict[type[Entry], tuple[str, str, str]] = {
    Transport: ("example.org", "smtp:[mx.example.org]", "relay:"),
    TlsPolicy: ("[mx.example.org]:587", "may", "encrypt ciphers=high"),
    SenderRelay: ("@example.org", "[mx.example.org]:587", "mx.example.org"),
    Bcc: ("a@example.org", "b@example.org", "c@example.org"),
    Relocated: ("a@example.org", "a@example.net", "the moon"),
    Canonical: ("a@example.org", "b@example.org", "@example.net"),
}


def add(model: type[Any], key: str, result: str, **values: Any) -> Any:
    return add_entry(model, key, result, **values, by=TESTER)


@TABLE
def test_it_works(model: type[Entry]) -> None:
    key, result, other = GOOD[model]
    entry = add(model, key, result, comment="Why")
    assert (entry.key, entry.result, entry.active, entry.version) == (key, result, True, 1)
    entry = change_entry(entry, result=other, active=False, version=1, by=TESTER)
    assert (entry.result, entry.active, entry.version) == (other, False, 2)
    delete_entry(entry, by=TESTER)
    assert not model._default_manager.exists()


def test_each_leaves_one_change_set() -> None:
    with one_change_set("Added transport example.org"):
        transport = add(Transport, "example.org", "smtp:")
    with one_change_set("Changed transport example.org"):
        change_entry(transport, key="example.net", by=TESTER)
    with one_change_set("Deleted transport example.net"):
        delete_entry(Transport.objects.get(), by=TESTER)


@TABLE
def test_a_key_is_there_once(model: type[Entry]) -> None:
    key, result, other = GOOD[model]
    add(model, key, result)
    with refusal("already"):
        add(model, key.upper(), other)


@TABLE
def test_nobody_overwrites_a_colleague(model: type[Entry]) -> None:
    entry = add(model, *GOOD[model][:2])
    change_entry(entry, comment="Mine", by=TESTER)
    with refusal("Somebody else changed this"):
        change_entry(entry, comment="Yours", version=1, by=TESTER)


@pytest.mark.parametrize(
    ("model", "key", "result", "stored"),
    [
        (Transport, " Example.ORG. ", "smtp:[MX.example.org]:25", ("example.org", "smtp:[mx.example.org]:25")),
        (Transport, ".example.org", ":", (".example.org", ":")),
        (Transport, "*", "smtp:mx1.example.org,mx2.example.org", ("*", "smtp:mx1.example.org, mx2.example.org")),
        (Transport, '"A b"@example.org', "lmtp:unix:/run/lmtp", ('"a b"@example.org', "lmtp:unix:/run/lmtp")),
        (Transport, "bücher.example", "lmtp:inet:[::1]:24", ("xn--bcher-kva.example", "lmtp:inet:[::1]:24")),
        (Transport, "example.org", "error: 5.7.1 Not here ", ("example.org", "error:5.7.1 Not here")),
        (Transport, "example.org", "smtp:[192.0.2.1]", ("example.org", "smtp:[192.0.2.1]")),
        (TlsPolicy, "[MX.b.example]:587", " Secure  match=.b.nl ", ("[mx.b.example]:587", "secure match=.b.nl")),
        (TlsPolicy, ".example.org", "encrypt protocols=>=TLSv1.2", (".example.org", "encrypt protocols=>=TLSv1.2")),
        (TlsPolicy, "example.org:25", "dane-only", ("example.org:25", "dane-only")),
        (SenderRelay, "@B.example", "[Relay.b.example]:submission", ("@b.example", "[relay.b.example]:submission")),
        (Bcc, "Ann@example.org", "Archive@example.org", ("ann@example.org", "Archive@example.org")),
        (Relocated, "ann@example.org", " ask +1 555 0100 ", ("ann@example.org", "ask +1 555 0100")),
        (Canonical, "@example.org", "@example.net", ("@example.org", "@example.net")),
        (Canonical, "ann@example.org", "ann@example.org", ("ann@example.org", "ann@example.org")),
    ],
)  # fmt: skip
def test_what_is_taken(model: type[Entry], key: str, result: str, stored: tuple[str, str]) -> None:
    entry = add(model, key, result)
    assert (entry.key, entry.result) == stored


@pytest.mark.parametrize(
    ("model", "key", "result", "field"),
    [
        (Transport, "", "smtp:", "key"),
        (Transport, "@example.org", "smtp:", "key"),
        (Transport, "a b", "smtp:", "key"),
        (Transport, "example.org", "smtp", "result"),
        (Transport, "example.org", "SMTP:", "result"),
        (Transport, "example.org", "smtp:[mx.example.org", "result"),
        (Transport, "example.org", "smtp:[mx.example.org]:99999", "result"),
        (Transport, "example.org", "smtp:two words", "result"),
        (Transport, "example.org", "error:büro", "result"),
        (Transport, "example.org", "discard:two\nlines", "result"),
        (TlsPolicy, "user@example.org", "may", "key"),
        (TlsPolicy, "example.org", "", "result"),
        (TlsPolicy, "example.org", "sure", "result"),
        (TlsPolicy, "example.org", "may match=example.org", "result"),
        (TlsPolicy, "example.org", "none ciphers=high", "result"),
        (TlsPolicy, "example.org", "fingerprint", "result"),
        (TlsPolicy, "example.org", "encrypt ciphers=best", "result"),
        (TlsPolicy, "example.org", "encrypt protocols=TLS", "result"),
        (TlsPolicy, "example.org", "secure match", "result"),
        (SenderRelay, "example.org", "[mx.example.org]", "key"),
        (SenderRelay, "@example.org", "smtp:[mx.example.org]", "result"),
        (Bcc, "a@example.org", "b@example.org, c@example.org", "result"),
        (Bcc, "a@example.org", "@example.net", "result"),
        (Relocated, "a@example.org", "", "result"),
        (Relocated, "a@example.org", "東京", "result"),
        (Canonical, "a@example.org", "b", "result"),
        (Canonical, "é@example.org", "b@example.org", "key"),
    ],
)  # fmt: skip
def test_what_is_refused(model: type[Entry], key: str, result: str, field: str) -> None:
    with refusal(field=field):
        add(model, key, result)


def test_a_copy_goes_elsewhere() -> None:
    with refusal("Choose another one"):
        add(Bcc, "a@example.org", "a@example.org")


def test_one_address_has_copies_of_both_kinds() -> None:
    for applies_to in ("sender", "recipient"):
        add(Bcc, "a@example.org", "b@example.org", applies_to=applies_to)
    assert parameters_in_use() == ["sender_bcc_maps", "recipient_bcc_maps"]


@pytest.mark.parametrize(
    ("there", "new"),
    [
        (["a@x.example b@x.example"], "b@x.example a@x.example"),
        (["a@x.example b@x.example", "b@x.example c@x.example"], "c@x.example A@x.example"),
        (["@x.example @y.example"], "@y.example @x.example"),
        (["@x.example @y.example"], "a@y.example a@x.example"),
        (["a@y.example a@x.example"], "@x.example @y.example"),
        (["@x.example a@y.example"], "a@y.example b@x.example"),
        (["@x.example @y.example", "a@y.example b@z.example"], "b@z.example a@x.example"),
    ],
)
def test_canonical_addresses_are_no_loop(there: list[str], new: str) -> None:
    for pair in there:
        add(Canonical, *pair.split())
    with refusal("goes round in a circle", field="result"):
        add(Canonical, *new.split())
    add(Canonical, *new.split(), applies_to="sender")  # another table
    asleep = add(Canonical, *new.split(), active=False)
    with refusal("goes round in a circle"):
        change_entry(asleep, active=True, by=TESTER)


@pytest.mark.parametrize(
    ("there", "new"),
    [
        ([], "a@x.example a+b@x.example"),
        (["c@x.example d+1@x.example"], "d@x.example c@x.example"),
        (["d@x.example c@x.example"], "c@x.example d+1@x.example"),
        (["@x.example a+1@y.example"], "a@y.example b@x.example"),
    ],
)
def test_an_extension_makes_a_loop(there: list[str], new: str) -> None:
    for pair in there:
        add(Canonical, *pair.split())
    with refusal("goes round in a circle", field="result"):
        add(Canonical, *new.split())


@pytest.mark.parametrize(
    ("there", "new"),
    [
        (["a+b@x.example a+b@x.example"], "a@x.example a+b@x.example"),  # it stays itself
        (["a+b@x.example c@x.example"], "a@x.example a+b@x.example"),
        ([], "a@x.example a-b@x.example"),
        ([], '"a+b c"@x.example "a b"@x.example'),
    ],
)
def test_an_extension_that_makes_no_loop(there: list[str], new: str) -> None:
    for pair in there:
        add(Canonical, *pair.split())
    add(Canonical, *new.split(" ") if '"' not in new else re.findall(r'"[^"]*"\S*', new))


def test_another_delimiter_makes_no_loop() -> None:
    add(Canonical, "a@x.example", "a-b@x.example", applies_to="sender")
    with refusal("a@x.example → a-b@x.example → a-b-b@x.example → a-b-b-b@x.example → …", field="recipient_delimiter"):
        change_mail_settings(recipient_delimiter="+-", by=TESTER)


def chain(most: int, *without: int) -> None:
    for number in range(most):
        if number not in without:
            add(Canonical, f"c{number}@x.example", f"c{number + 1}@x.example")


@pytest.mark.parametrize("last", [0, 5, MOST_STEPS])
def test_a_road_that_is_too_long_for_postfix(last: int) -> None:
    """Whichever of its rows comes last; tests/smtp/test_canonical.py asks Postfix itself."""
    chain(MOST_STEPS + 1, last)
    with refusal("rewrites an address 10 times and no more", field="result"):
        add(Canonical, f"c{last}@x.example", f"c{last + 1}@x.example")


def test_a_long_road_by_domains_and_extensions() -> None:
    chain(MOST_STEPS - 2)
    add(Canonical, "@z.example", "@y.example")
    add(Canonical, "@y.example", "c0+list@x.example")
    with refusal("w@x.example → ", "no more"):
        add(Canonical, "w@x.example", "n@z.example")
    add(Canonical, "w@x.example", "n@y.example")


def test_only_a_row_that_has_a_part_in_it_is_refused() -> None:
    """One that was stored before this rule does not lock the table."""
    chain(MOST_STEPS)
    Canonical.objects.create(key="c10@x.example", result="c11@x.example")
    add(Canonical, "other@x.example", "c2@x.example")
    with refusal("no more"):
        add(Canonical, "other2@x.example", "c0@x.example")


def test_an_exception_is_no_loop() -> None:
    """A row that rewrites an address to itself keeps it out of what its whole domain becomes."""
    add(Canonical, "@x.example", "a@x.example")
    add(Canonical, "a@x.example", "a@x.example")
    add(Canonical, "b@x.example", "b@x.example")


# Relays that ask who we are

SIGN_IN = {"username": "us", "password": "only the relay and we"}


def test_a_password_is_stored_encrypted() -> None:
    relay = add(SenderRelay, "@example.org", "[mx.example.net]:587", **SIGN_IN)
    token = RelayPassword.objects.get().token
    assert decrypted(token) == SIGN_IN["password"]
    change_entry(relay, password="another one", by=TESTER)
    assert decrypted(RelayPassword.objects.get().token) == "another one"
    assert S_IMODE((settings.STATE / "relay_password_keys").stat().st_mode) == 0o600
    with connection.cursor() as cursor:
        for table in [model._meta.db_table for model in event_models()] + ["pghistory_context"]:
            cursor.execute(f"SELECT coalesce(string_agg(event::text, ' '), '') FROM {table} AS event")
            stored = cursor.fetchone()[0]
            assert not [word for word in (token, "another one", *SIGN_IN.values()) if len(word) > 2 and word in stored]


def test_a_new_key_on_top_and_the_old_one_still_reads(settings: Any) -> None:
    add(SenderRelay, "@example.org", "[mx.example.net]:587", **SIGN_IN)
    new, old = Fernet.generate_key().decode(), settings.RELAY_PASSWORD_KEYS
    settings.RELAY_PASSWORD_KEYS = f"{new}\n{old}\n"
    assert decrypted(RelayPassword.objects.get().token) == SIGN_IN["password"]
    settings.RELAY_PASSWORD_KEYS = new
    with pytest.raises(ValidationError, match="Type it again"):
        decrypted(RelayPassword.objects.get().token)


def test_a_user_name_and_a_password_belong_together() -> None:
    with refusal("password that belongs", field="password"):
        add(SenderRelay, "@example.org", "[mx.example.net]", username="us")
    with refusal("user name that belongs", field="username"):
        add(SenderRelay, "@example.org", "[mx.example.net]", password="only the relay and we")
    relay = add(SenderRelay, "@example.org", "[mx.example.net]", **SIGN_IN)
    change_entry(relay, username="", by=TESTER)
    assert not RelayPassword.objects.filter(retired_at=None).exists()
    with refusal("password that belongs", field="password"):
        change_entry(relay, username="us", by=TESTER)


@pytest.mark.parametrize("password", ["two\nlines", " blank", "é", "x" * 256])
def test_a_password_that_postfix_could_not_read_is_refused(password: str) -> None:
    with refusal(field="password"):
        add(SenderRelay, "@example.org", "[mx.example.net]", username="us", password=password)


def test_a_user_name_has_no_colon() -> None:
    with refusal("without a colon"):
        add(SenderRelay, "@example.org", "[mx.example.net]", username="u:s", password="only the relay and we")


def test_a_sender_that_postfix_takes_for_a_comment_does_not_sign_in() -> None:
    relay = add(SenderRelay, "#1@example.org", "[mx.example.net]:587")
    with refusal("begins with #"):
        change_entry(relay, username="us", password="only the relay and we", by=TESTER)
    add(SenderRelay, "a#1@example.org", "[mx.example.net]:587", **SIGN_IN)


def test_an_upgrade_takes_away_what_postfix_never_read() -> None:
    add(SenderRelay, "@example.org", "[mx.example.net]:587", **SIGN_IN)
    migration = import_module("lookup_tables.migrations.0005_senders_that_are_comments").Migration
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE lookup_tables_senderrelay DROP CONSTRAINT a_relay_password_is_no_comment")
        old = SenderRelay.objects.create(key="#1@example.org", result="[mx.example.net]:587", username="us")
        RelayPassword.objects.create(relay=old, token=encrypted("never read"))
        for statement in migration.operations[0].sql:
            cursor.execute(statement)
    old.refresh_from_db()
    assert (old.username, RelayPassword.objects.get().relay.key) == ("", "@example.org")


def test_no_relay_sees_the_password_for_another() -> None:
    add(SenderRelay, "@example.org", "[one.example.net]", **SIGN_IN)
    add(SenderRelay, "a@example.org", "[one.example.net]")
    with refusal("a@example.org", "[two.example.net]"):
        change_entry(SenderRelay.objects.get(key="a@example.org"), result="[two.example.net]", by=TESTER)
    own = add(SenderRelay, "b@example.org", "[two.example.net]", **SIGN_IN)
    with refusal("b@example.org"):
        change_entry(own, username="", by=TESTER)


# What main.cf must say


@TABLE
def test_the_first_and_the_last_row_ask_for_a_new_configuration(model: type[Entry]) -> None:
    key, result, other = GOOD[model]
    before = what_is_written()
    entry = add(model, key, result)
    assert "postfix_config" in remark_since(before)
    before = what_is_written()
    change_entry(entry, active=False, result=other, by=TESTER)
    assert remark_since(before) == ""
    delete_entry(entry, by=TESTER)
    assert "postfix_config" in remark_since(before)


def test_a_new_password_asks_for_a_new_configuration() -> None:
    relay = add(SenderRelay, "@example.org", "[mx.example.net]", **SIGN_IN)
    before = what_is_written()
    change_entry(relay, password="another one", by=TESTER)
    assert "postfix_config" in remark_since(before)


def test_dane_asks_for_a_new_configuration() -> None:
    first = add(TlsPolicy, "example.org", "may")
    before = what_is_written()
    second = add(TlsPolicy, "example.net", "dane-only")
    assert "postfix_config" in remark_since(before)
    before = what_is_written()
    change_entry(first, result="dane", by=TESTER)
    assert remark_since(before) == ""
    delete_entry(first, by=TESTER)
    assert remark_since(before) == ""
    change_entry(second, active=False, by=TESTER)
    assert "postfix_config" in remark_since(before)


def test_a_password_is_not_for_other_tables() -> None:
    with nothing_changes(), pytest.raises(TypeError, match="has no"):
        add(Transport, "example.org", "smtp:", password="what for")
