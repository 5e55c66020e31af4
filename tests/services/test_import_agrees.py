"""An import and the services never disagree: the same rows are played through both, one by one, and compared: taken or
refused, in which sentence, and what is stored then."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actors import Actor, Door
from accounts.services import add_user
from domains.models import Domain
from domains.services import add_domain, add_domain_admin
from mailboxes.columns import COLUMNS
from mailboxes.default_aliases import set_default_aliases
from mailboxes.import_passwords import new_key
from mailboxes.imports import faults_of, stage_import, write_import
from mailboxes.parsing import parse_address, written_local_part
from mailboxes.relay import add_relay_recipients
from mailboxes.services import add_alias, add_mailbox, delete_mailbox
from mailboxes.tabular import TEXTS, guarded
from tests.services.checks import TESTER

Row = dict[str, str]
Verdict = tuple[list[str], dict[str, list[str]]]
TABLES = (
    "mailboxes_quarantinedaddress",
    "domains_domain",
    "mailboxes_address",
    "mailboxes_mailbox",
    "mailboxes_alias",
    "mailboxes_aliasdestination",
)
LONG = "x" * 64
NOT_HERE = "is not here"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailboxes.credentials.ROUNDS", 4)


@pytest.fixture
def people(db: None) -> dict[str, Actor]:
    """A small world with one of everything that an address can run into, a superuser and a domain admin."""
    org = add_domain("example.org", by=TESTER)
    add_domain("only-aliases.example", address_class="virtual_alias", by=TESTER)
    add_domain("stands-for.example", address_class="alias_domain", target=org, by=TESTER)
    relay = add_domain("relay.example", address_class="relay", by=TESTER)
    any_relay = add_domain("any-relay.example", address_class="relay", any_recipient=True, by=TESTER)
    local = add_domain("host", address_class="local", by=TESTER)
    add_domain("other-host", address_class="local", by=TESTER)
    add_domain("not-mine.example", by=TESTER)
    add_relay_recipients(relay, ["ann"], by=TESTER)
    add_alias(local, "root", ["someone@elsewhere.example"], by=TESTER)
    add_mailbox(org, "jean", mail_path="example.org/taken/", by=TESTER)
    add_alias(org, "info", ["jean@example.org"], by=TESTER)
    add_alias(org, "sales-*", ["jean@example.org"], by=TESTER)
    add_alias(org, "round", ["later@again.example"], by=TESTER)
    add_alias(org, "typed-early", ["late@late.example"], by=TESTER)
    add_domain("late.example", by=TESTER)
    add_domain("full.example", max_mailboxes=0, max_aliases=0, by=TESTER)
    tight = add_domain("tight.example", max_quota_bytes=1000, max_total_quota_bytes=1500, by=TESTER)
    add_mailbox(tight, "one", quota_bytes=700, by=TESTER)
    delete_mailbox(add_mailbox(org, "gone", by=TESTER), by=TESTER)
    found = {
        "superuser": add_user("chef", is_superuser=True, by=TESTER),
        "domain_admin": add_user("claire", by=TESTER),
    }
    for domain in Domain.objects.exclude(name__in=["not-mine.example", any_relay.name]):
        add_domain_admin(domain, found["domain_admin"], by=TESTER)
    return {name: Actor(user=user, door=Door.PAGE) for name, user in found.items()}


@contextmanager
def taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def stored() -> dict[str, list[str]]:
    """All rows without their numbers and times, with what the numbers stand for where that counts."""
    drop = "'id', 'created_at', 'changed_at', 'alias_id', 'address_id', 'domain_id', 'until', 'written'"
    domain = "(SELECT name FROM domains_domain WHERE id = (to_jsonb(row)->>'domain_id')::bigint)"
    with connection.cursor() as cursor:
        found = {}
        for table in (*TABLES, "mailboxes_quarantinedaddress"):
            cursor.execute(f"SELECT concat(to_jsonb(row) - ARRAY[{drop}], {domain}) FROM {table} AS row ORDER BY 1")  # noqa: S608
            found[table] = [text for (text,) in cursor.fetchall()]
        cursor.execute("SELECT count(*) FROM mailboxes_mailboxcredential")
        found["credentials"] = [str(cursor.fetchone()[0])]
    return found


def by_service(call: Callable[[], object]) -> Verdict:
    with taken_back():
        try:
            with transaction.atomic():
                call()
        except ValidationError as error:
            return error.messages, {}
        return [], stored()


def by_import(kind: str, row: Row, by: Actor, **choices: Any) -> Verdict:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*COLUMNS[kind]])
    writer.writeheader()
    writer.writerow({name: guarded(value) if name in TEXTS else value for name, value in row.items()})
    key = new_key()
    with taken_back():
        one = stage_import(kind, io.BytesIO(text.getvalue().encode()), label="row", key=key, by=by, **choices)
        faults = [fault["sentence"] for fault in faults_of(one)]
        if not faults:
            write_import(one, key=key, by=by)
        assert bool(faults) == bool(one.refused)
        return faults, {} if faults else stored()


def compare(service: Verdict, imported: Verdict, about: object, *, may_differ_in_words: bool = False) -> None:
    assert bool(service[0]) == bool(imported[0]), f"{about}: the service says {service[0]}, the import {imported[0]}"
    if service[0] and NOT_HERE not in service[0][0] and not may_differ_in_words:
        assert set(service[0]) & set(imported[0]), f"{about}: {service[0]} and {imported[0]}"
    assert service[1] == imported[1], about


def place(address: str, by: Actor) -> tuple[Domain, str]:
    """As pages and commands find the domain of a new address."""
    typed = parse_address(address, may_be_whole_domain=True)
    assert by.user
    domain = Domain.objects.visible_to(by.user).filter(name=typed.domain).first()
    if domain is None:
        raise ValidationError(f"{typed.domain} {NOT_HERE}.")
    return domain, written_local_part(typed.local_part)


ADDRESSES = [
    "ann@example.org",
    " Ann@EXAMPLE.org. ",
    "jean@example.org",
    "JEAN@example.org",
    "info@example.org",
    "gone@example.org",
    "sales-ann@example.org",
    "sales-*@example.org",
    "new-*@example.org",
    "*@example.org",
    "@example.org",
    '""@example.org',
    '"two words"@example.org',
    "two words@example.org",
    '"a\\"b"@example.org',
    "a..b@example.org",
    ".a@example.org",
    "-a@example.org",
    "|a@example.org",
    "a/b@example.org",
    "a!b@example.org",
    "a%b@example.org",
    "ä@example.org",
    "\u212a@example.org",
    f"{LONG}@example.org",
    f"{LONG}x@example.org",
    "ann",
    "ann@",
    "ann@only-aliases.example",
    "ann@stands-for.example",
    "ann@relay.example",
    "bob@relay.example",
    "ann@host",
    "@host",
    "root@other-host",
    "ann@not-mine.example",
    "ann@nowhere.example",
    "ann@b\u00fccher.example",
    "a\tb@example.org",
    "a\\b@example.org",
    "ann@example..org",
    "later@again.example",
    "late@late.example",
    "ann@full.example",
    "ann@tight.example",
]


@pytest.mark.parametrize("who", ["superuser", "domain_admin"])
def test_mailboxes(who: str, people: dict[str, Actor]) -> None:
    by = people[who]
    rows: list[tuple[Row, dict[str, Any]]] = [({"address": address}, {}) for address in ADDRESSES]
    cases: list[tuple[Row, dict[str, Any]]] = [
        ({"name": 'Ann \u00c5 \u00abx\u00bb, "y"; \\n'}, {"name": 'Ann \u00c5 \u00abx\u00bb, "y"; \\n'}),
        ({"name": "x" * 201}, {"name": "x" * 201}),
        ({"name": "a\0b"}, {"name": "a\0b"}),
        ({"name": "a\x1b[31m\u202eb"}, {"name": "a\x1b[31m\u202eb"}),
        ({"allowed_networks": "192.0.2.7/24, 2001:db8::1"}, {"allowed_networks": ["192.0.2.7/24", "2001:db8::1"]}),
        ({"quota": "10G"}, {"quota_bytes": 10 * 1024**3}),
        ({"quota": "1.5k"}, {"quota_bytes": 1536}),
        ({"quota": "none"}, {}),
        ({"quota": "0"}, {"quota_bytes": 0}),
        ({"quota": "9999999999999999999"}, {"quota_bytes": 9999999999999999999}),
        ({"mail_path": "elsewhere/ann/"}, {"mail_path": "elsewhere/ann/"}),
        ({"mail_path": "example.org/taken/"}, {"mail_path": "example.org/taken/"}),
        ({"mail_path": "/etc/x"}, {"mail_path": "/etc/x"}),
        ({"mail_path": "a/../b"}, {"mail_path": "a/../b"}),
        ({"mail_path": "a b"}, {"mail_path": "a b"}),
        ({"mail_path": "x" * 501}, {"mail_path": "x" * 501}),
        ({"mail_format": "mbox"}, {"mail_format": "mbox"}),
        ({"active": "no", "imap": "0", "pop": "FALSE"}, {"active": False, "imap": False, "pop": False}),
        ({"receives": "off", "sends": "No"}, {"receives": False, "sends": False}),
        (
            {"expires_at": "2030-01-02T03:04:05+02:00"},
            {"expires_at": datetime(2030, 1, 2, 1, 4, 5, tzinfo=UTC)},
        ),
        ({"expires_at": "2030-01-02"}, {"expires_at": datetime(2030, 1, 2, tzinfo=UTC)}),
        ({"password": "let me read my mail"}, {"password": "let me read my mail"}),
        ({"password": "short"}, {"password": "short"}),
        ({"password": "\u00e4" * 37}, {"password": "\u00e4" * 37}),
    ]
    rows += [({"address": "ann@example.org"} | typed, meant) for typed, meant in cases]
    rows += [
        ({"address": "ann@tight.example", "quota": str(octets)}, {"quota_bytes": octets})
        for octets in (800, 801, 1000, 1001)
    ]
    for row, values in rows:
        service = by_service(lambda: add_mailbox(*place(row["address"], by), **values, by=by))  # noqa: B023
        in_other_words = row["address"].startswith("@")  # the whole address is in the file
        compare(service, by_import("mailboxes", row, by), row, may_differ_in_words=in_other_words)


DESTINATIONS = [
    ["jean@example.org"],
    ["JEAN@example.org", "jean@EXAMPLE.org"],
    ["jean+x@example.org", "Someone@Elsewhere.Example"],
    ["nobody@example.org"],
    ["sales-x@example.org"],
    ["jean@stands-for.example"],
    ["info@example.org"],
    ["ann@example.org"],
    ["@example.org"],
    ["@not-mine.example"],
    ["@elsewhere.example"],
    ["@host"],
    ["user@host"],
    ["x@any-relay.example", "x@relay.example"],
    ["-x@elsewhere.example"],
    ['"|cmd"@elsewhere.example'],
    ["what is this"],
    [],
]


@pytest.mark.parametrize("who", ["superuser", "domain_admin"])
def test_aliases(who: str, people: dict[str, Actor]) -> None:
    by = people[who]
    rows = [(address, ["someone@elsewhere.example"]) for address in ADDRESSES]
    rows += [(address, there) for there in DESTINATIONS for address in ("ann@example.org", "jean@example.org")]
    rows += [("@example.org", there) for there in DESTINATIONS] + [("round@example.org", ["jean@example.org"])]
    for address, there in rows:
        service = by_service(lambda: add_alias(*place(address, by), there, by=by))  # noqa: B023
        row = {"address": address, "destinations": ", ".join(there)}
        compare(service, by_import("aliases", row, by), row)


def test_domains(people: dict[str, Actor]) -> None:
    by = people["superuser"]
    names = ["new.example", "NEW.example.", "example.org", "b\u00fccher.example", "one", "a b.example", "1.2"]
    rows: list[Row] = [{"name": name} for name in names]
    for address_class in ("virtual_mailbox", "virtual_alias", "alias_domain", "relay", "local"):
        for target in ("", "example.org", "relay.example", "new.example", "nowhere.example"):
            rows.append({"name": "new.example", "address_class": address_class, "target": target})
    rows += [{"name": "again.example", "target": "example.org"}, {"name": "one", "address_class": "local"}]
    rows += [{"name": "new.example", "any_recipient": "yes", "address_class": one} for one in ("relay", "local")]
    rows += [{"name": "new.example", "description": text} for text in ("x" * 501, "a\0b", '\u7121\u540d, ;"')]
    rows += [{"name": "new.example", "suspended": "yes", "max_mailboxes": "0", "max_quota": "1K"}]
    rows += [{"name": "new.example", "max_aliases": one} for one in ("7", "-1", "2147483648")]
    set_default_aliases(["abuse", "postmaster"], "info@example.org", by=TESTER)
    for row in rows:
        service = by_service(lambda: _add_domain(row, by))  # noqa: B023
        several = bool(row.get("target")) and row.get("address_class", "alias_domain") != "alias_domain"
        compare(service, by_import("domains", row, by), row, may_differ_in_words=several)


def _add_domain(row: Row, by: Actor) -> None:
    target = Domain.objects.filter(name=row.get("target") or "-").first()
    if row.get("target") and target is None:
        if row["target"] == row["name"]:
            raise ValidationError("A domain cannot be its own target.")
        raise ValidationError(f"{row['target']} {NOT_HERE} yet.")
    values: dict[str, Any] = {
        "address_class": row.get("address_class") or ("alias_domain" if target else "virtual_mailbox")
    }
    values |= {"description": row.get("description", ""), "any_recipient": row.get("any_recipient") == "yes"}
    values |= {"suspended": row.get("suspended") == "yes"}
    values |= {name: int(row[name]) for name in ("max_mailboxes", "max_aliases") if name in row}
    values |= {"max_quota_bytes": 1024} if "max_quota" in row else {}
    add_domain(row["name"], target=target, **values, by=by)


@pytest.mark.parametrize("despite", [False, True])
def test_quarantine(despite: bool, people: dict[str, Actor]) -> None:
    for by in people.values():
        for kind, add in (("mailboxes", add_mailbox), ("aliases", add_alias)):
            more: dict[str, Any] = {} if kind == "mailboxes" else {"destinations": ["jean@example.org"]}
            row = {"address": "gone@example.org"} | {name: ",".join(value) for name, value in more.items()}
            service = by_service(lambda: add(*place("gone@example.org", by), **more, despite_quarantine=despite, by=by))  # type: ignore[operator]  # noqa: B023
            if despite and by is people["domain_admin"]:
                assert service[0]
                with pytest.raises(ValidationError, match="Only a superuser"):
                    by_import(kind, row, by, despite_quarantine=True)
                continue
            compare(service, by_import(kind, row, by, despite_quarantine=despite), row)


TEXT = st.text(st.sampled_from("aA0.-_+*@\"\\ |/!%\u00e4\u3042\t'=,;<>()"), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(local_part=TEXT, domain=st.sampled_from(["example.org", "relay.example", "host", "B\u00fccher.example"]))
def test_any_address(local_part: str, domain: str, people: dict[str, Actor]) -> None:
    by, address = people["superuser"], f"{local_part}@{domain}"
    service = by_service(lambda: add_alias(*place(address, by), ["jean@example.org"], by=by))
    row = {"address": address, "destinations": "jean@example.org"}
    compare(service, by_import("aliases", row, by), row)
    if local_part.strip():
        service = by_service(lambda: add_mailbox(*place(address, by), by=by))
        compare(service, by_import("mailboxes", {"address": address}, by), address)


def test_limits_count_the_lines_before(people: dict[str, Actor]) -> None:
    """One line alone fits."""
    Domain.objects.filter(name="full.example").update(max_mailboxes=2, max_total_quota_bytes=1000)
    rows = [("a", 400), ("b", 500), ("c", 50), ("d", 200)]
    text = "address,quota\n" + "".join(f"{name}@full.example,{octets}\n" for name, octets in rows)
    one = stage_import("mailboxes", io.BytesIO(text.encode()), label="x", key=new_key(), by=people["superuser"])
    assert [(fault["line"], fault["sentence"].partition(".")[0]) for fault in faults_of(one)] == [
        (4, "full"),
        (5, "The quotas of full"),
    ]
