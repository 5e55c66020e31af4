"""Seconds of the check of all aliases, stage by stage, and of saves on which many aliases depend, beside a sequential
scan of the two tables that are read, before and after."""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.data import SIZES, Size, load_panel, mailbox_address
from bench.database import Database
from bench.figures import say, table

TEAM = 5  # the number of the alias to which every hundredth leads


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/bench aliases", description=__doc__)
    parser.add_argument("--sizes", default="10k", help=f"Of {', '.join(SIZES)}, with commas.")
    parser.add_argument("--json", type=Path, help="write the results here too")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.sizes.split(",") if name not in SIZES]
    if unknown:
        parser.error(f"There is no size {', '.join(unknown)}. Choose from {', '.join(SIZES)}.")
    sizes = [SIZES[name] for name in options.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as place:  # noqa: S108  other users must reach it
        os.chmod(place, 0o755)  # noqa: S103
        with Database(Path(place)) as database:
            results = {size.name: measure(database, size) for size in sizes}
    for name, result in results.items():
        print(f"\n**{name}**: {', '.join(f'{number:,} {rows}' for rows, number in result['rows'].items())}\n")
        scan = min(result["seconds"]["sequential scan"])
        lines = [(what, f"{min(times):.2f}", f"{min(times) / scan:.1f}") for what, times in result["seconds"].items()]
        print(table(["what", "seconds", "to a scan"], lines))
        print(f"\nFound: {', '.join(f'{number:,} {kind}' for kind, number in sorted(result['found'].items()))}.")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


def measure(database: Database, size: Size) -> dict[str, Any]:
    database.make(size, load_with_chains)
    seconds: dict[str, list[float]] = {}
    found: dict[str, int] = {}
    for _turn in range(2):
        _timed(seconds, "sequential scan", _scan)
        found = _check(seconds)
        _timed(seconds, "sequential scan", _scan)
    rows = _rows()
    say("Saving")
    for turn in range(3):
        _save(seconds, size, turn)
    return {"rows": rows, "seconds": seconds, "found": found}


def load_with_chains(size: Size) -> None:
    """A tenth of the aliases leaves the house, a tenth leads to another alias, some to many; the rest to mailboxes."""
    from django.db import connection

    load_panel(size)
    say("Tying aliases to aliases")
    with connection.cursor() as cursor:
        cursor.execute(CHAINS, {"mailboxes": size.mailboxes, "domains": size.domains, "team": size.mailboxes + TEAM})
        for name in ("address", "mailbox", "alias", "aliasdestination"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('mailboxes_{name}', 'id'), 100000000)")
        cursor.execute("VACUUM FULL mailboxes_aliasdestination")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SET session_replication_role = origin")


CHAINS = """
    UPDATE mailboxes_aliasdestination
    SET address_id = NULL, text = 'p' || id || '@e' || id / 10 %% 5000 || '.example.net'
    WHERE id %% 10 = 1;
    UPDATE mailboxes_aliasdestination SET address_id = %(mailboxes)s + id + 1, text = ''
    WHERE id %% 10 = 2 OR id %% 1000 BETWEEN 510 AND 524;
    UPDATE mailboxes_aliasdestination SET address_id = %(team)s, text = '' WHERE id %% 100 = 7;
    UPDATE mailboxes_aliasdestination SET extension = '+lists' WHERE id %% 50 = 4 AND address_id IS NOT NULL;
    UPDATE mailboxes_aliasdestination
    SET address_id = NULL, domain_id = 1 + id %% %(domains)s, text = 'x' || id, extension = ''
    WHERE id %% 100 = 9;
    INSERT INTO mailboxes_aliasdestination (id, alias_id, position, address_id, extension, text)
    SELECT 10000000 + alias_id, alias_id, 1, 1 + alias_id / 2, '', ''
    FROM mailboxes_aliasdestination WHERE alias_id %% 5 = 0;
    INSERT INTO mailboxes_aliasdestination (id, alias_id, position, address_id, extension, text)
    SELECT 20000000 + alias_id * 1000 + number, alias_id, 1 + number, number, '', ''
    FROM generate_series(14, 194, 10) AS alias_id, generate_series(1, 100) AS number;
    INSERT INTO mailboxes_address (id, domain_id, local_part)
    SELECT 50000000 + id, id, ''
    FROM domains_domain WHERE target_id IS NULL AND id %% 4 = 0;
    INSERT INTO mailboxes_alias (id, address_id, comment, active, version, created_at, changed_at)
    SELECT id, id, '', true, 1, now(), now() FROM mailboxes_address WHERE id > 50000000;
    INSERT INTO mailboxes_aliasdestination (id, alias_id, position, domain_id, extension, text)
    SELECT id, id, 0, id - 50000000 - 3, '', '' FROM mailboxes_alias WHERE id > 50000000 AND id %% 40 = 0;
    INSERT INTO mailboxes_aliasdestination (id, alias_id, position, address_id, extension, text)
    SELECT id, id, 0, 1, '', '' FROM mailboxes_alias WHERE id > 50000000 AND id %% 40 <> 0;
    INSERT INTO mailboxes_address (id, domain_id, local_part)
    SELECT 60000000 + alias.id, address.domain_id, address.local_part || '+news'
    FROM mailboxes_alias AS alias
    JOIN mailboxes_address AS address ON address.id = alias.address_id
    WHERE alias.id %% 100 = 13 AND address.local_part <> '';
    INSERT INTO mailboxes_alias (id, address_id, comment, active, version, created_at, changed_at)
    SELECT id, id, '', true, 1, now(), now() FROM mailboxes_address WHERE id > 60000000;
    INSERT INTO mailboxes_aliasdestination (id, alias_id, position, address_id, extension, text)
    SELECT id, id, 0, 1 + id %% 1000, '', '' FROM mailboxes_alias WHERE id > 60000000;
    UPDATE mailboxes_mailbox SET active = false WHERE id %% 500 = 0;
"""


def _timed(seconds: dict[str, list[float]], what: str, act: Callable[[], Any]) -> Any:
    start = time.monotonic()
    found = act()
    seconds.setdefault(what, []).append(time.monotonic() - start)
    return found


def _scan() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET enable_indexonlyscan = off")
        for name in ("mailboxes_alias", "mailboxes_aliasdestination"):
            cursor.execute(f"SELECT count(*), sum(id) FROM {name}")  # noqa: S608  names from above
        cursor.execute("RESET enable_indexonlyscan")


def _check(seconds: dict[str, list[float]]) -> dict[str, int]:
    """Runs the job as the worker does; each stage ends with its progress."""
    from accounts.actors import Actor
    from jobs import services as jobs
    from mailboxes import report
    from mailboxes.jobs import start_alias_report

    last = time.monotonic()
    names = iter(["", "count", "ways", "dead ends", "outside", "ends", "loops", "whole domains"])

    def note(_job: Any, _done: int, _total: int | None = None) -> None:
        nonlocal last
        name, now = next(names), time.monotonic()
        if name:
            seconds.setdefault(f"check: {name}", []).append(now - last)
        last = now

    job = start_alias_report(by=Actor.from_task("bench"))
    with patch.object(report, "show_progress", note):
        _timed(seconds, "check: all", lambda: jobs.run_job(job.pk))
    job.refresh_from_db()
    if job.error:
        raise SystemExit(job.error)
    return dict((job.result or {})["counts"])


def _save(seconds: dict[str, list[float]], size: Size, turn: int) -> None:
    from accounts.actors import Actor
    from mailboxes.models import Alias
    from mailboxes.services import add_mailbox, change_alias

    by = Actor.from_task("bench")
    aliases = Alias.objects.select_related("address__domain")
    few, team = aliases.get(pk=13), aliases.get(pk=TEAM)
    there = [mailbox_address(size, 1 + number + turn) for number in (0, 10, 20)]
    _timed(seconds, "save: to one mailbox", lambda: change_alias(few, destinations=there[:1], by=by))
    _timed(seconds, "save: to two mailboxes", lambda: change_alias(few, destinations=there[:2], by=by))
    _timed(seconds, "save: to three, a hundredth leads there", lambda: change_alias(team, destinations=there, by=by))
    _timed(seconds, "save: a new mailbox", lambda: add_mailbox(few.address.domain, f"new{turn}", by=by))


def _rows() -> dict[str, int]:
    from django.db import connection

    found = {}
    with connection.cursor() as cursor:
        for name in ("mailboxes_mailbox", "mailboxes_alias", "mailboxes_aliasdestination"):
            cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608  names from above
            found[name] = cursor.fetchone()[0]
    return found
