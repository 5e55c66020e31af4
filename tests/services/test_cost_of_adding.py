"""What an addition costs does not depend on how much the domain has: the same rows and blocks are read and written.

Nothing is timed: PostgreSQL counts what the statements, triggers and foreign keys of a transaction touch."""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import pytest
from django.db import connection
from django.utils import timezone

from domains.models import Domain, DomainCount
from domains.services import add_domain
from mailboxes.models import Address, Mailbox
from mailboxes.renaming import rename_address
from mailboxes.services import add_alias, add_mailbox, change_mailbox, delete_mailbox
from tests.services.checks import TESTER

pytestmark = pytest.mark.django_db
FEW, MANY = 10, 100_000
GIB = 2**30
LIMITS = {"max_mailboxes": 200_000, "max_aliases": 200_000, "max_total_quota_bytes": 2**60, "max_quota_bytes": 2**40}

TOUCHED = """
    SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) + n_tup_ins + n_tup_upd + n_tup_del
    FROM pg_stat_xact_user_tables
"""
BLOCKS = """
    SELECT sum(pg_stat_get_xact_blocks_fetched(oid))
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')
"""


def rows_of(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def rows_touched() -> Counter[str]:
    return Counter(dict(rows_of(TOUCHED)))


def blocks_touched() -> int:
    return int(rows_of(BLOCKS)[0][0] or 0)


class Cost(NamedTuple):
    """What was touched: rows of all tables, blocks of all tables and indexes."""

    rows: int
    blocks: int


def cost_of(act: Callable[[], Any]) -> Cost:
    rows, blocks = rows_touched(), blocks_touched()
    act()
    return Cost((rows_touched() - rows).total(), blocks_touched() - blocks)


def copy(table: str, columns: str, lines: Iterator[str]) -> None:
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", io.StringIO("\n".join(lines)))


def load(domain: Domain, first: int, number: int) -> None:
    """That many mailboxes by COPY, one statement for the addresses and one for the mailboxes."""
    ids, now = range(first, first + number), timezone.now()
    copy(Address._meta.db_table, "id, domain_id, local_part", (f"{n}\t{domain.pk}\tm{n}" for n in ids))
    if number == FEW:  # so few rows are read quickest all together; such a plan must not be kept for the many
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {Address._meta.db_table}")
    columns = "address_id, name, quota_bytes, mail_path, active, receives, sends, imap, pop, version"
    rest = f"t\tt\tt\tt\tt\t1\t{now}\t{now}"
    lines = (f"{n}\t\t{GIB}\t{domain.name}/m{n}/\t{rest}" for n in ids)
    copy(Mailbox._meta.db_table, f"{columns}, created_at, changed_at", lines)


@pytest.fixture
def village(db: None) -> Domain:
    return add_domain("village.example", **LIMITS, by=TESTER)  # type: ignore[arg-type]


@pytest.fixture
def town(db: None) -> Domain:
    return add_domain("town.example", **LIMITS, by=TESTER)  # type: ignore[arg-type]


def test_it_costs_the_same_in_a_large_domain(village: Domain, town: Domain) -> None:
    load(village, 1_000_000, FEW)
    before = rows_touched()
    load(town, 2_000_000, MANY)
    assert (rows_touched() - before)["domains_domaincount"] == 2  # a bulk load finds and changes one row
    assert DomainCount.objects.get(domain=town).mailboxes == MANY
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    numbers = count()
    mailboxes: dict[Domain, list[Mailbox]] = {village: [], town: []}

    def add(domain: Domain) -> None:
        new = add_mailbox(domain, f"new{next(numbers)}", quota_bytes=GIB, password="let me in", by=TESTER)
        mailboxes[domain].append(new)

    def last(domain: Domain) -> Mailbox:
        return mailboxes[domain][-1]

    acts: dict[str, Callable[[Domain], Any]] = {
        "add_mailbox": add,
        "change_mailbox": lambda domain: change_mailbox(
            mailboxes[domain][-1], quota_bytes=next(numbers) + 1, by=TESTER
        ),
        "rename_address": lambda domain: rename_address(
            last(domain).address, domain, f"named{next(numbers)}", by=TESTER
        ),
        "add_alias": lambda domain: add_alias(domain, f"to{next(numbers)}", ["a@b.example"], by=TESTER),
        "delete_mailbox": lambda domain: delete_mailbox(mailboxes[domain].pop(), by=TESTER),
    }
    for name, act in acts.items():
        for domain in (village, town):
            act(domain)  # the first of its kind also fills what PostgreSQL keeps for a session
        few, many = cost_of(partial(act, village)), cost_of(partial(act, town))
        # Both domains stand in a table so small that it is read whole, with the versions that this transaction left.
        assert abs(many.rows - few.rows) < 20, f"{name}: {few} {many}"
        assert 0.8 < many.blocks / few.blocks < 1.25, f"{name}: {few} {many}"
        # Some hundred rows of small tables, never a part of the hundred thousand.
        assert many.rows < MANY / 200, f"{name}: {many}"
