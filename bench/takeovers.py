"""A takeover from PostfixAdmin, from PostgreSQL and from SQLite, in two sizes: what a row costs must not grow with the
number of rows. A run that finds everything there already is measured as well.

The tables are those of PostfixAdmin 3.3, with as many mailboxes as aliases, and each mailbox with its own row among the
aliases, as PostfixAdmin has it."""

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from bench.database import Database
from bench.figures import say, table
from bench.imports import HASH, forget_peak, memory

IN_A_DOMAIN = 1_000  # mailboxes
RELAYED = 20  # of so many mailboxes one belongs to a domain that is only relayed
FORWARDS = 10  # of so many mailboxes one forwards and keeps a copy

TABLES = {
    "config": "id integer, name varchar(20), value varchar(20)",
    "domain": "domain varchar(255) PRIMARY KEY, description varchar(255), aliases integer, mailboxes integer,"
    " maxquota bigint, quota bigint, transport varchar(255), backupmx {boolean}, active {boolean}",
    "alias_domain": "alias_domain varchar(255) PRIMARY KEY, target_domain varchar(255), active {boolean}",
    "mailbox": "username varchar(255) PRIMARY KEY, password varchar(255), name varchar(255), maildir varchar(255),"
    " quota bigint, domain varchar(255), local_part varchar(255), active {boolean}",
    "alias": "address varchar(255) PRIMARY KEY, goto text, domain varchar(255), active {boolean}",
    "quota2": "username varchar(100) PRIMARY KEY, bytes bigint, messages integer",
    "vacation": "email varchar(255) PRIMARY KEY, subject varchar(255), body text, domain varchar(255),"
    " active {boolean}",
    "log": "id integer, timestamp {time}, username varchar(255), domain varchar(255), action varchar(255), data text",
}
Rows = dict[str, Iterator[tuple[Any, ...]]]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/bench takeover", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], metavar="MAILBOXES")
    parser.add_argument("--sources", nargs="+", choices=["postgresql", "sqlite"], default=["postgresql", "sqlite"])
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    if min(options.sizes) < RELAYED:
        parser.error(f"Less than {RELAYED} mailboxes say nothing.")
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp")))  # noqa: S108
        place.chmod(0o755)
        database = stack.enter_context(Database(place))
        results = measure(database, place, options)
    print_table(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


def measure(database: Database, place: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    found = []
    for kind in options.sources:
        for size in options.sizes:
            url = FILL[kind](database, place, size)
            say(f"{size:,} mailboxes in {kind}")
            first = take_over(url)
            say(f"Taken over in {first['seconds']:.0f} seconds")
            again = take_over(url)
            if again["new"]:
                raise SystemExit(f"The second run brought {again['new']} rows.")
            found.append({"source": kind, "mailboxes": size, "first": first, "again": again})
    return found


def take_over(url: str) -> dict[str, Any]:
    """What one run took: seconds, those of this process alone, megabytes, and the blocks that PostgreSQL looked at."""
    from accounts.actors import Actor
    from takeover.postfixadmin_import import import_postfixadmin
    from takeover.postfixadmin_meaning import Choices
    from takeover.postfixadmin_reading import opened

    blocks = blocks_looked_at()
    forget_peak()
    before, started, cpu = memory("VmRSS"), time.perf_counter(), time.process_time()
    with opened(url) as source:
        outcome = import_postfixadmin(source, choices=Choices(), by=Actor.from_task("bench"))
    if not outcome.is_written:
        raise SystemExit(f"{len(outcome.report.refusals)} rows were refused: {outcome.report.refusals[:3]}")
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "megabytes": round(memory("VmHWM") - before),
        "blocks": blocks_looked_at() - blocks,
        "new": outcome.new,
    }


def blocks_looked_at() -> int:
    """Since the server began, in the panel's database: the same however busy the machine is."""
    from django.db import connection

    connection.close()  # a session hands in its figures at its end
    with connection.cursor() as cursor:
        cursor.execute("SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


# What a PostfixAdmin holds


def rows(size: int, prefix: str) -> Rows:
    names = [f"d{number}.{prefix}.example" for number in range(max(1, size // IN_A_DOMAIN))]
    relay = f"relay.{prefix}.example"

    def place(number: int) -> tuple[str, str]:
        domain = names[number % len(names)] if number % RELAYED else relay
        return f"u{number}@{domain}", domain

    def mailboxes() -> Iterator[tuple[Any, ...]]:
        for number in range(size):
            address, domain = place(number)
            yield address, HASH, f"User {number}", f"{domain}/u{number}/", 0, domain, f"u{number}", True

    def aliases() -> Iterator[tuple[Any, ...]]:
        for number in range(size):
            address, domain = place(number)
            forwards = number % RELAYED and number % FORWARDS == 1
            yield address, f"{address},x{number}@elsewhere.example" if forwards else address, domain, True
            own = names[number % len(names)]
            yield f"a{number}@{own}", f"{address},y{number}@elsewhere.example", own, True

    return {
        "config": iter([(1, "version", "1847")]),
        "domain": iter([(name, "", 0, 0, 0, 0, "virtual", name == relay, True) for name in [*names, relay]]),
        "alias_domain": iter([(f"also.{name}", name, True) for name in names]),
        "mailbox": mailboxes(),
        "alias": aliases(),
        "quota2": ((place(number)[0], number, 1) for number in range(size)),
        "vacation": ((place(number)[0], "Away", "Later", place(number)[1], False) for number in range(0, size, 10)),
        "log": (
            (number, "2026-01-01 00:00:00", "ada (192.0.2.1)", names[0], "create_mailbox", f"u{number}")
            for number in range(size)
        ),
    }


def fill_postgresql(database: Database, place: Path, size: int) -> str:
    import psycopg2
    from psycopg2.extras import execute_values

    name = f"postfixadmin_{size}"
    url = database.cluster.url(tcp=True)
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name}")
    there = url.rpartition("/")[0] + f"/{name}"
    with closing(psycopg2.connect(there)) as connection, connection, connection.cursor() as cursor:
        for table_name, columns in TABLES.items():
            words = {"boolean": "boolean", "time": "timestamptz"}
            cursor.execute(f"CREATE TABLE {table_name} ({columns.format(**words)})")
        for table_name, values in rows(size, f"pg{size}").items():
            execute_values(cursor, f"INSERT INTO {table_name} VALUES %s", values, page_size=5_000)  # noqa: S608
    return there


def fill_sqlite(database: Database, place: Path, size: int) -> str:
    path = place / f"postfixadmin-{size}.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        for table_name, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {table_name} ({columns.format(boolean='tinyint', time='datetime')})")
        for table_name, values in rows(size, f"lite{size}").items():
            places = ", ".join("?" * len(TABLES[table_name].split(",")))
            connection.executemany(f"INSERT INTO {table_name} VALUES ({places})", values)  # noqa: S608
    return f"sqlite://{path}"


FILL: dict[str, Callable[[Database, Path, int], str]] = {"postgresql": fill_postgresql, "sqlite": fill_sqlite}


def print_table(results: list[dict[str, Any]]) -> None:
    head = ["source", "mailboxes", "run", "seconds", "ms of CPU a mailbox", "blocks a mailbox", "MB"]
    lines = []
    for row in results:
        size = row["mailboxes"]
        for name in ("first", "again"):
            run = row[name]
            cells = [row["source"], f"{size:,}", name, f"{run['seconds']:.0f}"]
            cells += [f"{run['cpu_seconds'] * 1000 / size:.2f}", f"{run['blocks'] / size:.0f}", str(run["megabytes"])]
            lines.append(cells)
    print("\nAs many aliases as mailboxes, and the mailboxes' own rows among the aliases\n")
    print(table(head, lines))
