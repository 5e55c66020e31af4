"""Time per key through the real `postmap -q -`: the panel's functions beside the ideal, the peer, cdb and lmdb.

One chunk of keys is asked of every map in turn, so that whatever else the machine does hits all alike; the start-up of
postmap, measured with no keys in the same turn, is taken off. Only ratios within a turn are kept."""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from bench.data import SIZES, Size, alias_address, counts, load, mailbox_address
from mailadmin.launch.cluster import Cluster

KEYS_A_TURN = 2_000
PEER_LIST = {
    "peer_alias": "SELECT goto FROM peer.alias WHERE address = '%s' AND active = '1'",
    "peer_alias_domain": (
        "SELECT goto FROM peer.alias, peer.alias_domain WHERE alias_domain.alias_domain = '%d'"
        " AND alias.address = '%u' || '@' || alias_domain.target_domain"
        " AND alias.active = '1' AND alias_domain.active = '1'"
    ),
    "peer_alias_domain_catch_all": (
        "SELECT goto FROM peer.alias, peer.alias_domain WHERE alias_domain.alias_domain = '%d'"
        " AND alias.address = '@' || alias_domain.target_domain AND alias.active = '1' AND alias_domain.active = '1'"
    ),
}
QUERIES = {
    "select_1": "SELECT 1 WHERE '%s' <> ''",
    "ideal_routes": "SELECT goto FROM ideal.routes WHERE address = '%s'",
    **PEER_LIST,
}
BASE = "ideal_routes"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/bench maps", description=__doc__)
    parser.add_argument("--sizes", default="10k,200k,1M")
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    sizes = [SIZES[name] for name in options.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as place:  # noqa: S108  other users must reach it
        os.chmod(place, 0o755)  # noqa: S103
        results = measure(Path(place), sizes, options.cycles)
    print_table(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))
    return 0


def measure(place: Path, sizes: list[Size], cycles: int) -> dict[str, Any]:
    run_as = "postgres" if os.geteuid() == 0 else ""
    (place / "state").mkdir(mode=0o755)
    with Cluster(place / "pg", run_as=run_as, fsync=False, options={"shared_buffers": "2GB"}) as cluster:
        entries = {size.name: prepare(place, cluster, size) for size in sizes}
        times, hits = ask_all(entries, sizes, cycles)
    return summed_up(entries, times, hits)


def prepare(place: Path, cluster: Cluster, size: Size) -> dict[str, Any]:
    """A database of this size; returns the maps that answer from it, and its row counts."""
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    database = f"bench_{size.name.lower()}"
    if not settings.configured:
        url = f"postgresql://mailadmin:{cluster.password}@127.0.0.1:{cluster.port}/mailadmin"
        os.environ |= {
            "DATABASE_URL": url,
            "MAILADMIN_STATE": str(place / "state"),
            "DJANGO_SETTINGS_MODULE": "mailadmin.settings",
        }
        django.setup()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {database}")
    connection.close()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = database
    say(f"Loading {size.mailboxes:,} mailboxes and {size.aliases:,} aliases")
    call_command("migrate", verbosity=0)
    load(size)
    directory = place / size.name
    call_command("postfix_config", output=str(directory), stdout=open(os.devnull, "w"))
    (directory / "main.cf").write_text("")
    maps = write_other_maps(directory, size, cluster)
    rows = counts()
    connection.close()
    return {"maps": maps, "rows": rows, "directory": directory}


def write_other_maps(directory: Path, size: Size, cluster: Cluster) -> dict[str, list[str]]:
    """Entry -> the maps that are asked one after the other until one answers."""
    password = cluster.password
    for name, query in QUERIES.items():
        (directory / f"{name}.cf").write_text(
            f"hosts = postgresql://mailadmin:{password}@127.0.0.1:{cluster.port}/bench_{size.name.lower()}?sslmode=disable\n"
            f"dbname = bench_{size.name.lower()}\nquery = {query}\n"
        )
    text = directory / "routes"
    dump_routes(text)
    for kind in ("cdb", "lmdb"):
        run(directory, "-o", f"{kind}:{text}", limit=str(4 * 2**30)) if kind == "lmdb" else run(
            directory, f"{kind}:{text}"
        )
    ours = ("virtual_alias_maps", "virtual_mailbox_maps", "virtual_mailbox_domains", "virtual_alias_domains")
    return {
        **{name: [f"pgsql:{directory}/{name}.cf"] for name in ("select_1", "ideal_routes", "peer_alias")},
        **{name: [f"pgsql:{directory}/{name}.cf"] for name in ours},
        "peer_list_of_3": [f"pgsql:{directory}/{name}.cf" for name in PEER_LIST],
        "cdb": [f"cdb:{text}"],
        "lmdb": [f"lmdb:{text}"],
    }


def dump_routes(path: Path) -> None:
    from django.db import connection

    with connection.cursor() as cursor, path.open("w") as file:
        cursor.copy_expert("COPY ideal.routes TO STDOUT", file)


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
            number = luck.randint(1, size.mailboxes)
            key = f"u{number}@a{luck.randint(1, size.alias_domains)}.example"
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
    result = run(directory, "-q", "-", one, text="\n".join(keys) + "\n" if keys else "")
    return time.perf_counter() - started, {line.split("\t")[0] for line in result.splitlines()}


def run(directory: Path, *words: str, text: str = "", limit: str = "") -> str:
    """postmap, which must not say anything on stderr: exit 1 means both "not found" and "error"."""
    if limit:
        (directory / "main.cf").write_text(f"lmdb_map_size = {limit}\n")
        words = words[1:]
    result = subprocess.run(
        ["postmap", "-c", str(directory), *words], input=text, capture_output=True, text=True, check=False
    )
    if result.stderr:
        raise SystemExit(f"postmap {' '.join(words)} said: {result.stderr}")
    return result.stdout


def summed_up(entries: dict[str, Any], times: dict[Any, list[float]], hits: dict[Any, int]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    smallest = next(iter(entries))
    for (size, name), found in times.items():
        to_base = ratios(found, times[size, BASE])
        growth = ratios(found, times[smallest, name])
        results.setdefault(size, {"rows": entries[size]["rows"], "maps": {}})["maps"][name] = {
            "microseconds_per_key": spread(found),
            "ratio_to_ideal": spread(to_base),
            f"ratio_to_{smallest}": spread(growth),
            "hit_rate": hits[size, name] / (len(found) * KEYS_A_TURN),
        }
    return results


def ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def spread(found: list[float]) -> dict[str, float]:
    if len(found) < 2:
        return {"median": round(found[0], 3), "p10": round(found[0], 3), "p90": round(found[0], 3)}
    tenths = statistics.quantiles(found, n=10, method="inclusive")
    return {"median": round(statistics.median(found), 3), "p10": round(tenths[0], 3), "p90": round(tenths[-1], 3)}


def print_table(results: dict[str, Any]) -> None:
    smallest = next(iter(results))
    for size, result in results.items():
        print(f"\n{size}: {', '.join(f'{rows:,} {table}' for table, rows in result['rows'].items())}")
        print(f"{'map':26}{'µs/key':>9}{'to ideal':>10}{'p10':>7}{'p90':>7}{f'to {smallest}':>9}{'hits':>7}")
        for name, row in sorted(result["maps"].items(), key=lambda item: item[1]["ratio_to_ideal"]["median"]):
            ratio = row["ratio_to_ideal"]
            print(
                f"{name:26}{row['microseconds_per_key']['median']:9.1f}{ratio['median']:10.2f}{ratio['p10']:7.2f}"
                f"{ratio['p90']:7.2f}{row[f'ratio_to_{smallest}']['median']:9.2f}{row['hit_rate']:7.0%}"
            )


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
