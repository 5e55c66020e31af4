"""An import of mailboxes with hashes, beside a plain COPY of the same rows into tables without an index, whose indexes
are built afterwards: as quickly as rows can come into PostgreSQL, without a rule and without a history.

Every round gets new addresses. Only the ratio within a round is kept. The undo of each import is measured as well."""

import argparse
import io
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.database import Database
from bench.figures import ratios, say, shown, spread, table

# Of the password "let me read my mail"; it is taken as it is.
HASH = "{BLF-CRYPT}$2y$11$YpBzYjBeLxuM8AJ8Ex3wiuYzGs7d.YF0.YFvS6dEBkw4lYsbQVdDi"
DOMAINS = 100
COPIED = {
    "mailboxes_address": ("domain_id, local_part", "{domain}\t{local_part}"),
    "mailboxes_mailbox": (
        "address_id, name, mail_path, active, receives, sends, imap, pop, version, created_at, changed_at",
        "{number}\t{name}\t{path}\tt\tt\tt\tt\tt\t1\tnow\tnow",
    ),
    "mailboxes_mailboxcredential": ("mailbox_id, hash, changed_at", "{number}\t{hash}\tnow"),
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/bench import", description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    if options.mailboxes < 1 or options.rounds < 1:
        parser.error("There is nothing to measure without mailboxes and rounds.")
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp")))  # noqa: S108
        place.chmod(0o755)
        database = stack.enter_context(Database(place))
        results = measure(database, options)
    print_table(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


def measure(database: Database, options: argparse.Namespace) -> dict[str, Any]:
    from django.core.management import call_command

    from domains.models import Domain

    call_command("migrate", verbosity=0)
    Domain.objects.bulk_create(Domain(name=f"d{number}.example") for number in range(DOMAINS))
    seconds: dict[str, list[float]] = {"copy": [], "stage": [], "import": [], "undo": []}
    grown: list[float] = []
    grown_by_undo: list[float] = []
    for number in range(options.rounds):
        rows = list(lines(number, options.mailboxes))
        text = "address,name,hash\n" + "".join(f"{address},{name},{HASH}\n" for address, name in rows)
        seconds["copy"].append(copy(rows))
        del rows
        measured, more = import_and_undo(text.encode())
        grown.append(more["import"])
        grown_by_undo.append(more["undo"])
        for name, value in measured.items():
            seconds[name].append(value)
        say(f"Round {number + 1} of {options.rounds}")
    return {
        "mailboxes": options.mailboxes,
        "rounds": options.rounds,
        "megabytes": round(max(grown)),
        "undo_megabytes": round(max(grown_by_undo)),
        "variants": {
            name: {"seconds": spread(found), "ratio_to_copy": spread(ratios(found, seconds["copy"]))}
            for name, found in seconds.items()
        },
    }


def lines(round_number: int, mailboxes: int) -> Iterator[tuple[str, str]]:
    for number in range(mailboxes):
        yield f"u{number}.{round_number}@d{number % DOMAINS}.example", f"User {number}"


def copy(rows: list[tuple[str, str]]) -> float:
    """Seconds for the rows, then for the indexes, into tables of their own."""
    from django.db import connection, transaction

    from domains.models import Domain

    ids = dict(Domain.objects.values_list("name", "pk"))
    texts = {name: io.StringIO() for name in COPIED}
    for number, (address, name) in enumerate(rows, 1):
        local_part, _at, domain = address.partition("@")
        words = {"number": number, "name": name, "local_part": local_part, "domain": ids[domain], "hash": HASH}
        for target, (_columns, line) in COPIED.items():
            texts[target].write(line.format(**words, path=f"{domain}/{local_part}/") + "\n")
    with transaction.atomic(), connection.cursor() as cursor:
        started = time.perf_counter()
        for target, (columns, _line) in COPIED.items():
            cursor.execute(f"CREATE TABLE copied (LIKE {target} INCLUDING DEFAULTS INCLUDING IDENTITY)")
            cursor.copy_expert(f"COPY copied ({columns}) FROM STDIN", io.StringIO(texts[target].getvalue()))
            cursor.execute("SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass", [target])
            for place, (definition,) in enumerate(cursor.fetchall()):
                head, _on, rest = definition.partition(f" ON public.{target} ")
                kind = "CREATE UNIQUE INDEX" if "UNIQUE" in head else "CREATE INDEX"
                cursor.execute(f"{kind} copied_{place} ON copied {rest}")
            cursor.execute("DROP TABLE copied")
        return time.perf_counter() - started


def import_and_undo(content: bytes) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds until the lines are judged, until they are mailboxes, and for taking that back; and how many megabytes
    the import and the undo needed."""
    from accounts.actors import Actor
    from accounts.models import ChangeSet
    from mailboxes.import_passwords import new_key
    from mailboxes.imports import stage_import, write_import
    from mailboxes.undo import undo_change_set

    by, key = Actor.from_task("bench"), new_key()
    forget_peak()
    before = memory("VmRSS")
    started = time.perf_counter()
    one = stage_import("mailboxes", io.BytesIO(content), label="bench", key=key, by=by)
    staged = time.perf_counter()
    change_set = write_import(one, key=key, by=by)
    written, grown = time.perf_counter(), memory("VmHWM") - before
    if one.refused or not change_set:
        raise SystemExit(f"{one.refused} lines were refused.")
    forget_peak()
    before, begun = memory("VmRSS"), time.perf_counter()
    undo_change_set(ChangeSet.objects.get(pk=change_set), by=by)
    undone, grown_by_undo = time.perf_counter(), memory("VmHWM") - before
    seconds = {"stage": staged - started, "import": written - started, "undo": undone - begun}
    return seconds, {"import": grown, "undo": grown_by_undo}


def memory(what: str) -> float:
    """Megabytes that this process holds (VmRSS), or the most that it held since forget_peak() (VmHWM), proc(5)."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{what}:"))
    return int(line.split()[1]) / 1024


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def print_table(results: dict[str, Any]) -> None:
    print(
        f"\n**{results['mailboxes']:,} mailboxes with hashes**, {results['rounds']} rounds; the import needed ", end=""
    )
    print(f"{results['megabytes']} MB of memory at most, its undo {results['undo_megabytes']} MB\n")
    head = ["step", "time to copy"]
    print(table(head, [[name, shown(row["ratio_to_copy"])] for name, row in results["variants"].items()]))
