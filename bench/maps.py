"""Time per key through the real `postmap -q -`: the panel's functions beside the ideal, the peer, cdb and lmdb.

One chunk of keys is asked of every map in turn, so that whatever else the machine does hits all alike; the start-up of
postmap, measured with no keys in the same turn, is taken off. Only ratios within a turn are kept."""

import argparse
import json
import os
import random
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from bench import peer
from bench.data import SIZES, Size, address_at_alias_domain, alias_address, counts, mailbox_address
from bench.database import Database, postmap
from bench.figures import ratios, say, shown, spread, table

KEYS_A_TURN = 2_000
QUERIES = {
    "select_1": "SELECT 1 WHERE '%s' <> ''",
    "ideal_routes": "SELECT goto FROM ideal.routes WHERE address = '%s'",
    **peer.ALIASES,
    **peer.MAILBOXES,
    **peer.DOMAINS,
}
OURS = ("virtual_alias_maps", "virtual_mailbox_maps", "virtual_mailbox_domains", "virtual_alias_domains")
BASE, PEER = "ideal_routes", "peer_alias_maps"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/bench maps", description=__doc__)
    parser.add_argument("--sizes", default="10k,200k,1M", help=f"Of {', '.join(SIZES)}, with commas.")
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--socket", action="store_true", help="Reach PostgreSQL by its Unix socket, not by TCP.")
    parser.add_argument("--one-cpu", action="store_true", help="postmap and PostgreSQL share one CPU: steadier.")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.sizes.split(",") if name not in SIZES]
    if unknown:
        parser.error(f"There is no size {', '.join(unknown)}. Choose from {', '.join(SIZES)}.")
    sizes = [SIZES[name] for name in options.sizes.split(",")]
    if options.one_cpu:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as place:  # noqa: S108  other users must reach it
        os.chmod(place, 0o755)  # noqa: S103
        results = measure(Path(place), sizes, options.cycles, options.socket)
    print_tables(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


def measure(place: Path, sizes: list[Size], cycles: int, by_socket: bool) -> dict[str, Any]:
    with Database(place, by_socket) as database:
        entries = {size.name: prepare(database, size) for size in sizes}
        times, hits = ask_all(entries, sizes, cycles)
    return summed_up(entries, times, hits)


def prepare(database: Database, size: Size) -> dict[str, Any]:
    """A database of this size; returns the maps that answer from it, and its row counts."""
    directory = database.make(size)
    for name, query in QUERIES.items():
        database.write_query(directory, name, query)
    database.export(directory, "routes", "SELECT address, goto FROM ideal.routes", ("cdb", "lmdb"))

    def pgsql(*names: str) -> list[str]:
        """Asked one after the other until one answers."""
        return [f"pgsql:{directory}/{name}.cf" for name in names]

    maps = {name: pgsql(name) for name in ("select_1", "ideal_routes", "peer_alias", "peer_mailbox", *OURS)}
    maps |= {"peer_virtual_mailbox_domains": pgsql(*peer.DOMAINS)}
    maps |= {PEER: pgsql(*peer.ALIASES), "peer_mailbox_maps": pgsql(*peer.MAILBOXES)}
    maps |= {kind: [f"{kind}:{directory}/routes"] for kind in ("cdb", "lmdb")}
    return {"maps": maps, "rows": counts(), "directory": directory}


def keys_for(size: Size, luck: random.Random, by_domain: bool) -> list[str]:
    """80 % exist (mailboxes, aliases, a few at alias domains), 10 % unknown people, 10 % unknown domains."""
    keys = []
    for _number in range(KEYS_A_TURN):
        chance = luck.random()
        if chance < 0.40:
            key = mailbox_address(size, luck.randint(1, size.mailboxes))
        elif chance < 0.76:
            key = alias_address(size, luck.randint(1, size.aliases))
        elif chance < 0.80:
            key = address_at_alias_domain(size, luck)
        elif chance < 0.90:
            key = f"nobody{luck.random()}@d{luck.randint(1, size.domains)}.example"
        else:
            key = f"somebody@x{luck.random()}.example"
        keys.append(key.rpartition("@")[2] if by_domain else key)
    return keys


def ask_all(entries: dict[str, Any], sizes: list[Size], cycles: int) -> tuple[dict[Any, list[float]], dict[Any, int]]:
    """Microseconds per key of each turn, and hits in all, by (size, entry)."""
    times: dict[Any, list[float]] = defaultdict(list)
    hits: dict[Any, int] = defaultdict(int)
    luck = random.Random(1)  # noqa: S311  the same keys each time
    for cycle in range(-1, cycles):  # the first turn only warms up
        for size in sizes:
            addresses, domains = keys_for(size, luck, False), keys_for(size, luck, True)
            chosen = list(entries[size.name]["maps"].items())
            luck.shuffle(chosen)
            for name, maps in chosen:
                keys = domains if name.endswith("_domains") else addresses
                seconds, found = ask(entries[size.name]["directory"], maps, keys)
                if cycle >= 0:
                    times[size.name, name].append(seconds / len(keys) * 1e6)
                    hits[size.name, name] += found
        say(f"Turn {cycle + 1} of {cycles}")
    return times, hits


def ask(directory: Path, maps: list[str], keys: list[str]) -> tuple[float, int]:
    """Seconds without start-up, and how many keys were found. Postfix goes on to the next map with what is left."""
    seconds, found = 0.0, 0
    for one in maps:
        idle = timed(directory, one, [])[0]
        took, answered = timed(directory, one, keys)
        seconds += max(took - idle, 1e-6)
        left = [key for key in keys if key not in answered]
        found, keys = found + len(keys) - len(left), left
    return seconds, found


def timed(directory: Path, one: str, keys: list[str]) -> tuple[float, set[str]]:
    started = time.perf_counter()
    result = postmap(directory, "-q", "-", one, text="\n".join(keys) + "\n" if keys else "")
    return time.perf_counter() - started, {line.split("\t")[0] for line in result.splitlines()}


def summed_up(entries: dict[str, Any], times: dict[Any, list[float]], hits: dict[Any, int]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    smallest = next(iter(entries))
    for (size, name), found in times.items():
        results.setdefault(size, {"rows": entries[size]["rows"], "maps": {}})["maps"][name] = {
            "microseconds_per_key": spread(found),
            "ratio_to_ideal": spread(ratios(found, times[size, BASE])),
            "ratio_to_peer": spread(ratios(found, times[size, PEER])),
            "ratio_to_smallest": spread(ratios(found, times[smallest, name])),
            "hit_rate": hits[size, name] / (len(found) * KEYS_A_TURN),
        }
    return results


def print_tables(results: dict[str, Any]) -> None:
    smallest = next(iter(results))
    head = ["map", "time to ideal", f"to {PEER}", f"to itself at {smallest}", "keys found"]
    for size, result in results.items():
        rows = sorted(result["maps"].items(), key=lambda item: item[1]["ratio_to_ideal"]["median"])
        print(f"\n**{size}**: {', '.join(f'{number:,} {name}' for name, number in result['rows'].items())}\n")
        print(
            table(
                head,
                [
                    [
                        name,
                        shown(row["ratio_to_ideal"]),
                        shown(row["ratio_to_peer"]),
                        shown(row["ratio_to_smallest"]),
                        f"{row['hit_rate']:.0%}",
                    ]
                    for name, row in rows
                ],
            )
        )
