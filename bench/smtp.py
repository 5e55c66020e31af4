"""The whole way of a message through Postfix, from the first byte until the queue is empty, with different maps.

Every variant has a Postfix of its own, and all wait side by side: in each round every one gets the same messages, in an
order thrown anew. The queue is in memory and the mail is thrown away, so that what differs is the lookups. Only ratios
within a round are kept. The SQL statements are counted by pg_stat_statements."""

import argparse
import json
import os
import random
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import client, peer
from bench.data import SIZES, Size, address_at_alias_domain, alias_address, counts, mailbox_address
from bench.database import ROLE, Database
from bench.figures import ratios, say, shown, spread, table
from bench.postfix import Postfix

CONNECTIONS = 10
BASE = "lmdb"
KINDS = ("mailbox", "alias", "alias domain")
SHARES = (45, 45, 10)  # percent of the messages, in the order of KINDS
MESSAGES_A_KIND = 500
# cleanup(8) compares two clocks of the kernel, which may be a tick apart; it does so with any maps.
HARMLESS = ("file system clock is", "resetting file time stamps")
PATIENCE = 120  # seconds until an emptying queue is given up

# The same answers as the panel's functions give, as files. An address at an alias domain stands there with its target.
FILES = {
    "virtual_alias_domains": "SELECT alias_domain, target_domain FROM peer.alias_domain",
    "virtual_mailbox_domains": (
        "SELECT domain, 'here' FROM peer.domain WHERE domain NOT IN (SELECT alias_domain FROM peer.alias_domain)"
    ),
    "virtual_alias_maps": "SELECT address, goto FROM ideal.routes WHERE address <> goto",
    "virtual_mailbox_maps": "SELECT username, maildir FROM peer.mailbox",
}
NOTHING = {
    "virtual_alias_domains": "",
    "virtual_mailbox_domains": "static:here",
    "virtual_alias_maps": "",
    "virtual_mailbox_maps": "static:here",
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/bench smtp", description=__doc__)
    parser.add_argument("--size", default="200k", choices=SIZES)
    parser.add_argument("--messages", type=int, default=5000, help="For each variant in each round.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--socket", action="store_true", help="Reach PostgreSQL by its Unix socket, not by TCP.")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    if os.geteuid() != 0:
        raise SystemExit("Only root can start Postfix. Run: sudo script/bench smtp")
    if options.messages < 1 or options.rounds < 1:
        parser.error("There is nothing to measure without messages and rounds.")
    with ExitStack() as stack:
        # Other users must reach both; the paths of Unix sockets have at most 107 characters.
        place, queues = (
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=parent)))
            for parent in ("/tmp", "/dev/shm")  # noqa: S108
        )
        place.chmod(0o755)
        queues.chmod(0o755)
        database = stack.enter_context(Database(place, options.socket))
        results = measure(stack, database, queues, options)
    print_tables(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


def measure(stack: ExitStack, database: Database, queues: Path, options: argparse.Namespace) -> dict[str, Any]:
    size = SIZES[options.size]
    servers = {
        name: stack.enter_context(Postfix(queues / name, parameters))
        for name, parameters in variants(database, size).items()
    }
    luck = random.Random(1)  # noqa: S311  the same messages each time
    turns: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for number in range(options.rounds):
        recipients = [recipient(size, luck, luck.choices(KINDS, SHARES)[0]) for _each in range(options.messages)]
        for name, server in shuffled(servers, luck):
            turns[name].append(turn(server, recipients))
        say(f"Round {number + 1} of {options.rounds}")
    by_kind: dict[str, dict[str, float]] = defaultdict(dict)
    for kind in KINDS:
        recipients = [recipient(size, luck, kind) for _each in range(min(options.messages, MESSAGES_A_KIND))]
        for name, server in servers.items():
            by_kind[name][kind] = sum(turn(server, recipients)["statements"].values()) / len(recipients)
    return {
        "size": size.name,
        "rows": counts(),
        "connection": "Unix socket" if database.by_socket else "TCP",
        "messages": options.messages,
        "rounds": options.rounds,
        "variants": {name: summed_up(found, turns[BASE], by_kind[name]) for name, found in turns.items()},
    }


def variants(database: Database, size: Size) -> dict[str, str]:
    """Name -> the lines of main.cf about addresses."""
    directory = database.make(size)
    documented = {**peer.DOMAINS, **peer.ALIASES, **peer.MAILBOXES, **peer.RELAY_DOMAINS, **peer.TRANSPORTS}
    for name, query in documented.items():
        database.write_query(directory, name, query)
    for name, select in FILES.items():
        database.export(directory, name, select, ("lmdb",))

    def asked(queries: dict[str, str]) -> str:
        return ", ".join(f"proxy:pgsql:{directory}/{name}.cf" for name in queries)

    of_the_peer = {
        "virtual_mailbox_domains": asked(peer.DOMAINS),
        "virtual_alias_maps": asked(peer.ALIASES),
        "virtual_mailbox_maps": asked(peer.MAILBOXES),
    }
    all_of_the_peer = of_the_peer | {
        "relay_domains": asked(peer.RELAY_DOMAINS),
        "transport_maps": asked(peer.TRANSPORTS),
    }
    # The panel's folder is closed to anybody but root and postfix, which is who reads it here.
    return {
        "ours": (directory / "main.cf.mailadmin").read_text(),
        "ours_domains_as_cdb": database.with_domains_as_cdb(directory),
        "peer": written(of_the_peer),
        "peer_with_transports": written(all_of_the_peer),
        "lmdb": written({name: f"lmdb:{directory}/{name}" for name in FILES}),
        "none": written(NOTHING),
    }


def written(parameters: dict[str, str]) -> str:
    needed = {"recipient_delimiter": "+", "virtual_mailbox_base": "/srv/vmail", "virtual_uid_maps": "static:5000"}
    needed |= {"virtual_gid_maps": "static:5000"}
    return "".join(f"{name} = {value}\n" for name, value in {**needed, **parameters}.items())


def recipient(size: Size, luck: random.Random, kind: str) -> str:
    if kind == "alias":
        return alias_address(size, luck.randint(1, size.aliases))
    if kind == "mailbox":
        return mailbox_address(size, luck.randint(1, size.mailboxes))
    return address_at_alias_domain(size, luck)


def shuffled(servers: dict[str, Postfix], luck: random.Random) -> list[tuple[str, Postfix]]:
    return luck.sample(list(servers.items()), len(servers))


def turn(server: Postfix, recipients: list[str]) -> dict[str, Any]:
    """All messages through one Postfix, after some that wake its processes up."""
    through(server, recipients[: max(CONNECTIONS, len(recipients) // 20)])
    forget_statements()
    return through(server, recipients) | {"statements": count_statements()}


def through(server: Postfix, recipients: list[str]) -> dict[str, Any]:
    server.forget_log()
    started = time.perf_counter()
    try:
        accepted = client.send(server.port, recipients, CONNECTIONS)
    except client.Refused as refused:
        raise SystemExit(f"{server.base.name}: {refused}\nThe end of its log:\n{server.log()[-2000:]}") from refused
    accepting = time.perf_counter() - started
    server.wait_until_empty(PATIENCE)
    seconds = time.perf_counter() - started
    sent = server.count_sent(len(recipients))
    if not accepted == sent == len(recipients):
        raise SystemExit(
            f"{server.base.name}: of {len(recipients)} messages {accepted} were accepted and {sent} delivered. "
            f"The end of its log:\n{server.log()[-2000:]}"
        )
    complaints = [line for line in server.log().splitlines() if "warning:" in line]
    complaints = [line for line in complaints if not any(text in line for text in HARMLESS)]
    if complaints:
        raise SystemExit(f"{server.base.name}: Postfix complained:\n{complaints[0]}")
    return {"seconds": seconds, "accepting": accepting, "accepted": accepted}


def forget_statements() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_statements_reset()")


def count_statements() -> dict[str, int]:
    """What Postfix sent, under the role of the panel's maps or that of the peer's: statement -> how often."""
    from django.db import connection

    from mailservers.mail_servers import POSTFIX

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT statement.query, sum(statement.calls)::bigint FROM pg_stat_statements AS statement"
            " JOIN pg_roles AS role ON role.oid = statement.userid WHERE role.rolname IN (%s, %s) GROUP BY 1",
            [POSTFIX.role, ROLE],
        )
        return dict(cursor.fetchall())


def summed_up(found: list[dict[str, Any]], base: list[dict[str, Any]], by_kind: dict[str, float]) -> dict[str, Any]:
    seconds = [one["seconds"] for one in found]
    accepted = sum(one["accepted"] for one in found)
    statements: Counter[str] = Counter()
    for one in found:
        statements.update(one["statements"])
    return {
        "seconds": spread(seconds),
        "messages_per_second": spread([one["accepted"] / one["seconds"] for one in found]),
        f"ratio_to_{BASE}": spread(ratios(seconds, [one["seconds"] for one in base])),
        "ratio_of_accepting": spread(ratios([o["accepting"] for o in found], [o["accepting"] for o in base])),
        "accepted": accepted,
        "statements_per_message": round(statements.total() / accepted, 3),
        "statements": {query: round(calls / accepted, 3) for query, calls in statements.most_common()},
        "statements_per_message_by_kind": {kind: round(number, 3) for kind, number in by_kind.items()},
    }


def print_tables(results: dict[str, Any]) -> None:
    rows = ", ".join(f"{number:,} {name}" for name, number in results["rows"].items())
    print(f"\n**{results['size']}**, {results['connection']}, {results['rounds']} rounds of {results['messages']:,}")
    print(f"messages: {rows}\n")
    found = sorted(results["variants"].items(), key=lambda item: -item[1][f"ratio_to_{BASE}"]["median"])
    head = [
        "variant",
        f"time to {BASE}",
        "accepting",
        "SQL per message",
        *(f"to: {kind}" for kind in KINDS),
        "accepted",
    ]
    lines = [
        [
            name,
            shown(row[f"ratio_to_{BASE}"]),
            f"{row['ratio_of_accepting']['median']:.2f}",
            f"{row['statements_per_message']:.2f}",
            *(f"{row['statements_per_message_by_kind'][kind]:.2f}" for kind in KINDS),
            f"{row['accepted']:,}",
        ]
        for name, row in found
    ]
    print(table(head, lines))
