"""What virtual_alias_maps answers for an address, kept by the database beside it: never stale, whoever writes."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from random import Random
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import ChangeSet
from domains.models import Domain
from mailboxes.counting import recount
from mailboxes.imports import stage_import, write_import
from mailboxes.models import Address, Alias, AliasDestination, Mailbox
from mailboxes.removal import delete_domain
from mailboxes.renaming import rename_address
from mailboxes.services import (
    add_alias,
    add_mailbox,
    change_alias,
    change_mailbox,
    delete_alias,
    delete_mailbox,
    delete_mailboxes,
    set_mailboxes_active,
)
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER, answer_of, stale_answers

pytestmark = pytest.mark.django_db
ELSEWHERE = "someone@elsewhere.example"
HOUR = timedelta(hours=1)


def test_what_is_known(domain: Domain, jean: Mailbox) -> None:
    add_alias(domain, "info", [ELSEWHERE], by=TESTER)
    add_alias(domain, "all", ["jean@example.org", ELSEWHERE], by=TESTER)
    add_alias(domain, "off", [ELSEWHERE], active=False, by=TESTER)
    add_alias(domain, "jean", [ELSEWHERE], by=TESTER)
    assert answer_of("jean@example.org") == f"\n{ELSEWHERE}\njean@example.org"
    assert answer_of("info@example.org") == ELSEWHERE
    assert answer_of("all@example.org") == f"\njean@example.org\n{ELSEWHERE}"
    assert answer_of("off@example.org") == ""


def test_a_mailbox_surely_has_no_alias(domain: Domain, jean: Mailbox) -> None:
    assert answer_of("jean@example.org") == ""


@pytest.mark.parametrize("name", ["first-last", "a+b", '"a"'])
def test_a_name_that_needs_a_look(domain: Domain, name: str) -> None:
    """Postfix may split it at the delimiter, or it looks like one that is quoted."""
    mailbox = Address.objects.create(domain=domain, local_part=name)
    assert answer_of(f"{name}@example.org") == "\n"
    alias = Alias.objects.create(address=mailbox)
    AliasDestination.objects.create(alias=alias, position=0, text=ELSEWHERE)
    assert answer_of(f"{name}@example.org") == f"\n{ELSEWHERE}"


def test_what_is_not_known(domain: Domain, jean: Mailbox) -> None:
    now = timezone.now()
    add_alias(domain, "begins", [ELSEWHERE], starts_at=now - HOUR, by=TESTER)
    add_alias(domain, "ends", [ELSEWHERE], ends_at=now + HOUR, by=TESTER)
    add_alias(domain, "", [ELSEWHERE], by=TESTER)
    add_alias(domain, "long", [f"{'x' * 40}{number}@elsewhere.example" for number in range(20)], by=TESTER)
    add_mailbox(domain, "ann", expires_at=now + HOUR, also_deliver_to=[ELSEWHERE], by=TESTER)
    assert [answer_of(f"{name}@example.org") for name in ("begins", "ends", "", "long", "ann")] == [None] * 5


def test_only_addresses_that_concerns_are_written(domain: Domain, jean: Mailbox) -> None:
    """A mailbox has no part in an answer while no alias is beside it; and what says the same stays as it is."""
    alias = add_alias(domain, "info", [ELSEWHERE], by=TESTER)

    def versions() -> list[Any]:
        return sql("SELECT xmin, xmax, ctid FROM mailboxes_address ORDER BY id")

    before = versions()
    change_mailbox(jean, active=False, quota_bytes=1000, by=TESTER)
    change_alias(alias, comment="not about mail", by=TESTER)
    assert versions() == before


def test_the_history_knows_nothing_of_it(domain: Domain, jean: Mailbox) -> None:
    add_alias(domain, "jean", [ELSEWHERE], by=TESTER)
    history = apps.get_model("mailboxes", "AddressEvent").objects
    assert not history.filter(pgh_label="changed").exists()


def test_typed_by_hand(domain: Domain, jean: Mailbox) -> None:
    add_alias(domain, "info", [ELSEWHERE], by=TESTER)
    sql("UPDATE mailboxes_address SET answer = 'wrong'")
    assert [answer_of("info@example.org"), answer_of("jean@example.org")] == [ELSEWHERE, ""]


def test_what_was_there_before(domain: Domain, jean: Mailbox) -> None:
    add_alias(domain, "info", [ELSEWHERE, "jean@example.org"], by=TESTER)
    add_mailbox(domain, "first-last", by=TESTER)
    past_the_triggers("UPDATE mailboxes_address SET answer = ''")
    sql(import_module("mailboxes.migrations.0020_answers").FILL)
    assert stale_answers() == []
    assert answer_of("info@example.org") == f"\n{ELSEWHERE}\njean@example.org"


def test_recount_mends(domain: Domain, jean: Mailbox) -> None:
    """Somebody has switched triggers off."""
    add_alias(domain, "info", [ELSEWHERE, "jean@example.org"], by=TESTER)
    past_the_triggers("UPDATE mailboxes_address SET answer = NULL WHERE local_part = 'info'")
    past_the_triggers("UPDATE mailboxes_address SET answer = 'wrong' WHERE local_part = 'jean'")
    found = [(one.domain, one.counted, one.was, one.found) for one in recount(Domain.objects.all())]
    assert found == [
        ("example.org", "answer of info", "?", f"{ELSEWHERE}, jean@example.org"),
        ("example.org", "answer of jean", "wrong", ""),
    ]
    assert stale_answers() == []
    assert list(recount(Domain.objects.all())) == []


def sql(text: str, values: list[Any] | None = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return cursor.fetchall() if cursor.description else []


def past_the_triggers(text: str) -> None:
    sql("SET LOCAL session_replication_role = replica")
    sql(text)
    sql("SET LOCAL session_replication_role = origin")


NAMES = ("ann", "bob", "a-b", "j d", "sales*", "")
DOMAINS = ("example.org", "example.com")
TO = (ELSEWHERE, "ann@example.org", "bob@example.com", "a-b@example.org", "ann+x@example.com", "nobody@example.com")


class Doors:
    """Each does something to what is there, as `choose` has it; nothing where there is nothing to do it to."""

    def __init__(self, choose: Callable[[Any], Any]) -> None:
        self.choose = choose

    def domain(self) -> Domain:
        return Domain.objects.get(name=self.choose(DOMAINS))

    def name(self) -> str:
        return str(self.choose(NAMES))

    def several(self, rows: Any) -> list[Any]:
        there = list(rows.order_by("pk"))
        return there[: self.choose((1, 2, 3))] if self.choose((True, False)) else there[-1:]

    def add_a_mailbox(self) -> None:
        also = self.choose(([], [ELSEWHERE], ["ann@example.org"]))
        add_mailbox(self.domain(), self.name(), also_deliver_to=also, active=self.choose((True, False)), by=TESTER)

    def add_an_alias(self) -> None:
        times = self.choose(({}, {}, {"starts_at": timezone.now() - HOUR}, {"ends_at": timezone.now() + HOUR}))
        add_alias(self.domain(), self.name(), [self.choose(TO), self.choose(TO)], by=TESTER, **times)

    def change_aliases(self) -> None:
        for alias in self.several(Alias.objects):
            change_alias(alias, active=self.choose((True, False)), destinations=[self.choose(TO)], by=TESTER)

    def change_mailboxes(self) -> None:
        for mailbox in self.several(Mailbox.objects):
            change_mailbox(mailbox, receives=self.choose((True, False)), by=TESTER)

    def expire(self) -> None:
        for mailbox in self.several(Mailbox.objects):
            change_mailbox(mailbox, expires_at=self.choose((None, timezone.now() + HOUR)), by=TESTER)

    def activate_many(self) -> None:
        if there := self.several(Mailbox.objects.select_related("address__domain")):
            set_mailboxes_active(there, self.choose((True, False)), by=TESTER)

    def rename(self) -> None:
        for address in self.several(Address.objects)[:1]:
            rename_address(address, self.domain(), self.name(), keep_old=self.choose((True, False)), by=TESTER)

    def delete_aliases(self) -> None:
        for alias in self.several(Alias.objects):
            delete_alias(alias, by=TESTER)

    def delete_a_mailbox(self) -> None:
        for mailbox in self.several(Mailbox.objects)[:1]:
            delete_mailbox(mailbox, by=TESTER)

    def delete_many(self) -> None:
        if there := self.several(Mailbox.objects.select_related("address__domain")):
            delete_mailboxes(there, by=TESTER)

    def undo(self) -> None:
        last = ChangeSet.objects.order_by("-created_at", "-pk")[: self.choose((1, 2, 3))]
        for change_set in list(last)[-1:]:
            undo_change_set(change_set, by=TESTER)

    def import_aliases(self) -> None:
        file = io.StringIO()
        rows = csv.writer(file)
        rows.writerow(["address", "destinations"])
        rows.writerow([f"{self.choose(('eva', 'e-f'))}@{self.choose(DOMAINS)}", self.choose(TO)])
        self.write("aliases", file)

    def import_mailboxes(self) -> None:
        file = io.StringIO()
        csv.writer(file).writerows([["address"], [f"{self.choose(('max', 'm-n'))}@{self.choose(DOMAINS)}"]])
        self.write("mailboxes", file)

    def write(self, kind: str, file: io.StringIO) -> None:
        one = stage_import(kind, io.BytesIO(file.getvalue().encode()), label="test", key=b"", by=TESTER)
        write_import(one, key=b"", by=TESTER)

    def sql_activates(self) -> None:
        sql(f"UPDATE {self.choose(('mailboxes_alias', 'mailboxes_mailbox'))} SET active = NOT active")

    def sql_swaps_addresses(self) -> None:
        table = self.choose(("mailboxes_alias", "mailboxes_mailbox"))
        sql("CREATE TEMP TABLE IF NOT EXISTS swapped (old bigint, new bigint)")
        sql("TRUNCATE swapped")
        free = f"SELECT min(id) FROM mailboxes_address WHERE id NOT IN (SELECT address_id FROM {table})"
        sql(f"INSERT INTO swapped SELECT (SELECT min(address_id) FROM {table}), ({free})")
        sql(f"UPDATE {table} SET address_id = new FROM swapped WHERE address_id = old AND new IS NOT NULL")

    def sql_moves_destinations(self) -> None:
        sql("UPDATE mailboxes_aliasdestination SET position = position + 10")
        first = "SELECT min(id) FROM mailboxes_alias"
        sql(f"UPDATE mailboxes_aliasdestination SET alias_id = ({first}), position = 10 + id")

    def sql_renames(self) -> None:
        sql("UPDATE mailboxes_address SET local_part = 'x' || local_part WHERE local_part IN ('ann', 'a-b', 'j d')")

    def sql_deletes(self) -> None:
        sql(f"DELETE FROM mailboxes_aliasdestination {self.choose(('', 'WHERE position > 0', 'WHERE address_id > 0'))}")

    def copy(self) -> None:
        address = Address.objects.create(domain=self.domain(), local_part=f"copied{Address.objects.count()}")
        alias = Alias.objects.create(address=address)
        with connection.cursor() as cursor:
            line = io.StringIO(f"{alias.pk}\t0\t\t{ELSEWHERE}\n")
            cursor.copy_expert("COPY mailboxes_aliasdestination (alias_id, position, extension, text) FROM STDIN", line)

    def truncate(self) -> None:
        sql("SET CONSTRAINTS ALL IMMEDIATE")
        sql(f"TRUNCATE {self.choose(('mailboxes_alias CASCADE', 'mailboxes_aliasdestination'))}")
        sql("SET CONSTRAINTS ALL DEFERRED")

    def delete_a_domain(self) -> None:
        domain = self.domain()
        delete_domain(domain, by=TESTER)
        Domain.objects.create(name=domain.name, address_class="virtual_mailbox")


HELPERS = ("__init__", "domain", "name", "several", "write")
DOORS = sorted(name for name, door in vars(Doors).items() if callable(door) and name not in HELPERS)


@pytest.mark.parametrize("seed", range(30))
def test_random_acts_through_every_door(seed: int) -> None:
    luck = Random(seed)  # noqa: S311  no secret
    for name in DOMAINS:
        Domain.objects.create(name=name, address_class="virtual_mailbox")
    doors = Doors(lambda options: luck.choice(sorted(options, key=str)))
    add_mailbox(Domain.objects.get(name="example.org"), "ann", also_deliver_to=[ELSEWHERE], by=TESTER)
    for _number in range(15):
        door = luck.choice(DOORS)
        try:
            with transaction.atomic():
                getattr(doors, door)()
        except (ValidationError, DatabaseError):
            continue  # refused
        assert stale_answers() == [], door
