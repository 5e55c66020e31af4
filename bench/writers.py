"""What protected aliases cost: each is a class of main.cf with a map of its own, and so a connection of proxymap(8).

Every number of them has a Postfix of its own. Mail goes to all of them, several at the same time; meanwhile the
processes of proxymap(8) and the connections of the role of Postfix are counted."""

import argparse
import os
import random
import smtplib
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from bench.data import Size
from bench.database import Database
from bench.figures import say, table
from bench.postfix import Postfix

DOMAIN, WRITER = "protected.example", "boss@elsewhere.example"
CLIENTS = 10  # sessions at the same time


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/bench writers", description=__doc__)
    parser.add_argument("--aliases", type=int, nargs="+", default=[0, 10, 50, 200])
    parser.add_argument("--messages", type=int, default=600, help="For each number of aliases.")
    options = parser.parse_args(arguments)
    if os.geteuid() != 0:
        raise SystemExit("Only root can start Postfix. Run: sudo script/bench writers")
    with ExitStack() as stack:
        place, queues = (
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=parent)))
            for parent in ("/tmp", "/dev/shm")  # noqa: S108
        )
        place.chmod(0o755)
        queues.chmod(0o755)
        database = stack.enter_context(Database(place))
        rows = [measured(database, queues, number, options.messages) for number in options.aliases]
    head = ["protected aliases", "connections", "proxymap processes", "seconds a recipient", "first recipient"]
    print(table(head, rows))
    return 0


def measured(database: Database, queues: Path, number: int, messages: int) -> list[str]:
    directory = database.make(Size(f"w{number}", 0, 0), lambda _size: None)
    recipients = _protect(number)
    _write(database, directory)
    with Postfix(queues / f"w{number}", (directory / "main.cf.mailadmin").read_text()) as server:
        first = _rcpt(server.port, recipients[:1])
        _all_at_once(server.port, recipients, messages)  # opens what there is to open
        most, seconds = _watched(server, recipients, messages)
    say(f"{number} protected aliases: done")
    return [str(number), str(most["connections"]), str(most["processes"]), f"{median(seconds):.4f}", f"{first[0]:.3f}"]


def _protect(number: int) -> list[str]:
    """Mail to each is taken of one sender; without any, of everybody."""
    from accounts.actors import Actor
    from domains.services import add_domain
    from mailboxes.services import add_alias
    from restrictions.access_services import protect_alias

    by = Actor.from_command()
    domain = add_domain(DOMAIN, by=by)
    for one in range(max(number, 10)):
        alias = add_alias(domain, f"list{one}", [f"somebody{one}@{DOMAIN}.invalid.example"], by=by)
        if one < number:
            protect_alias(alias, "named", [WRITER], by=by)
    return [f"list{one}@{DOMAIN}" for one in range(max(number, 10))]


def _write(database: Database, directory: Path) -> None:
    from django.core.management import call_command

    with open(os.devnull, "w") as nowhere:
        call_command("postfix_config", output=str(directory), host=[database.host], stdout=nowhere)


def _watched(server: Postfix, recipients: list[str], messages: int) -> tuple[dict[str, int], list[float]]:
    most = {"connections": 0, "processes": 0}
    seconds: list[float] = []
    work = threading.Thread(target=lambda: seconds.extend(_all_at_once(server.port, recipients, messages)))
    work.start()
    while work.is_alive():
        for name, now in (("connections", _connections()), ("processes", _processes(server))):
            most[name] = max(most[name], now)
        work.join(0.05)
    return most, seconds


def _connections() -> int:
    from django.db import connection

    from mailservers.mail_servers import POSTFIX

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [POSTFIX.role])
        return int(cursor.fetchone()[0])


def _processes(server: Postfix) -> int:
    """Of this Postfix: master(8) is the leader of their group."""
    found = subprocess.run(["pgrep", "-g", str(server.group.pid), "-c", "proxymap"], capture_output=True, text=True)
    return int(found.stdout or 0)


def _all_at_once(port: int, recipients: list[str], messages: int) -> list[float]:
    luck, seconds = random.Random(1), []  # noqa: S311  the same messages each time
    chosen = [luck.choice(recipients) for _number in range(messages)]
    parts = [chosen[number::CLIENTS] for number in range(CLIENTS)]
    threads = [threading.Thread(target=lambda part=part: seconds.extend(_rcpt(port, part))) for part in parts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return seconds


def _rcpt(port: int, recipients: list[str]) -> list[float]:
    """Seconds until smtpd has answered about each."""
    seconds: list[Any] = []
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as smtp:
        smtp.ehlo("client.elsewhere.example")
        for recipient in recipients:
            smtp.mail(WRITER)
            started = time.perf_counter()
            code, text = smtp.rcpt(recipient)
            seconds.append(time.perf_counter() - started)
            if code != 250:
                raise SystemExit(f"{recipient}: {code} {text.decode()}")
            smtp.rset()
    return seconds
