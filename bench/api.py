"""What a request to the API takes, beside a plain Django view that asks the same of the same tables and knows nothing
of tokens, rights, scopes, pages, versions or problems.

Requests go through the whole of Django within this process, without a network. Only the ratio within a round is kept.
An answer that is not 2xx ends the run."""

import argparse
import io
import itertools
import json
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data import SIZES, Size, load_panel, mailbox_address
from bench.database import Database
from bench.figures import ratios, say, shown, spread, table

REQUESTS = {"list": 20, "middle": 20, "search": 20, "one": 20, "create": 10, "bulk of 100": 1}  # in a round
BULK = 100
TABLES = ("domains_domain", "mailboxes_mailbox", "mailboxes_alias")


@dataclass(frozen=True)
class Place:
    """A database that is loaded, and a token of a superuser there."""

    size: Size
    name: str
    token: str
    rows: dict[str, int]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/bench api", description=__doc__)
    parser.add_argument("--sizes", default="10k,1M", help=f"of {', '.join(SIZES)}; usually 10k,1M")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.sizes.split(",") if name not in SIZES]
    if unknown:
        parser.error(f"There is no size {', '.join(unknown)}. Choose from {', '.join(SIZES)}.")
    sizes = [SIZES[name] for name in options.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:  # noqa: S108  other users must reach it
        Path(folder).chmod(0o755)
        with Database(Path(folder)) as database:
            results = measure(database, sizes, options.rounds)
    print_tables(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


def measure(database: Database, sizes: list[Size], rounds: int) -> dict[str, Any]:
    places = [prepare(database, size) for size in sizes]
    prepare_django()
    seconds: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    luck, numbers = random.Random(1), itertools.count()  # noqa: S311  the same requests each time
    for turn in range(-1, rounds):  # the first one only warms up
        for place in places:
            use(place.name)
            acts = list(requests_to(place, luck, numbers))
            luck.shuffle(acts)
            for what, variant, act in acts:
                took = timed(act, REQUESTS[what])
                if turn >= 0:
                    seconds[place.size.name, what, variant].append(took)
        say(f"Round {turn + 1} of {rounds}")
    return summed_up(places, seconds, rounds)


def prepare(database: Database, size: Size) -> Place:
    from django.db import connection

    from accounts.actors import Actor
    from accounts.services import add_user
    from api.scopes import ALL
    from api.services import add_token

    database.make(size, load_for_writes)
    by = Actor.from_task("bench")
    _token, text = add_token(add_user("bench", is_superuser=True, by=by), "bench", scopes=ALL, by=by)
    with connection.cursor() as cursor:
        rows = {}
        for name in TABLES:
            cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608  names from above
            rows[name] = cursor.fetchone()[0]
    return Place(size, connection.settings_dict["NAME"], text, rows)


def load_for_writes(size: Size) -> None:
    """With numbers for new rows, and counts of each domain; afterwards triggers work again."""
    from django.core.management import call_command
    from django.db import connection

    load_panel(size)
    with connection.cursor() as cursor:
        for name in ("domains_domain", *(f"mailboxes_{one}" for one in NUMBERED)):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), 100000000)")
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")
    call_command("domain", "recount", stdout=io.StringIO())


NUMBERED = ("address", "mailbox", "alias", "aliasdestination")


def prepare_django() -> None:
    """The plain views beside the panel's, and no token that is asked to wait."""
    from django.conf import settings

    settings.ROOT_URLCONF = "bench.plain"
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.API_REQUESTS_A_MINUTE = 1_000_000


def use(name: str) -> None:
    from django.conf import settings
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name


def requests_to(
    place: Place, luck: random.Random, numbers: Iterator[int]
) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """(what, api or plain, one request) for each thing that is measured."""
    from django.test import Client

    client = Client()

    def get(path: str) -> Any:
        return asked(client.get(path, headers={"Authorization": f"Bearer {place.token}"}))

    def post(path: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {place.token}"}
        return asked(client.post(path, json.dumps(body), content_type="application/json", headers=headers))

    def new(domain: int) -> dict[str, str]:
        return {"address": f"n{next(numbers)}@d{domain}.example", "name": "New"}

    some, middle = luck.randint(1, place.size.mailboxes), place.size.mailboxes // 2
    address, begins = mailbox_address(place.size, some), f"u{some}"
    cursor = cursor_behind(middle)
    domain = luck.randint(2, place.size.domains)
    yield "list", "api", lambda: get("/api/v1/mailboxes/")
    yield "list", "plain", lambda: get("/plain/mailboxes/?after=0")
    yield "middle", "api", lambda: get(f"/api/v1/mailboxes/?cursor={cursor}")
    yield "middle", "plain", lambda: get(f"/plain/mailboxes/?after={middle}")
    yield "search", "api", lambda: get(f"/api/v1/mailboxes/?search={begins}")
    yield "search", "plain", lambda: get(f"/plain/mailboxes/?after=0&begins={begins}")
    yield "one", "api", lambda: get(f"/api/v1/mailboxes/{address}/")
    yield "one", "plain", lambda: get(f"/plain/mailbox/?address={address}")
    yield "create", "api", lambda: post("/api/v1/mailboxes/", new(domain))
    yield "create", "plain", lambda: post("/plain/mailboxes/", [new(domain)])
    yield (
        "bulk of 100",
        "api",
        lambda: post(
            "/api/v1/changes/",
            {"operations": [{"method": "POST", "noun": "mailboxes", "body": new(domain)} for _number in range(BULK)]},
        ),
    )
    yield "bulk of 100", "plain", lambda: post("/plain/mailboxes/", [new(domain) for _number in range(BULK)])


def cursor_behind(number: int) -> str:
    """As `next` would name it."""
    from api.questions import cursor_of

    return cursor_of("added", [number])


def asked(response: Any) -> Any:
    if not 200 <= response.status_code < 300:
        raise SystemExit(f"{response.request['PATH_INFO']} answered {response.status_code}: {response.content[:500]!r}")
    return response


def timed(act: Callable[[], Any], number: int) -> float:
    """Seconds for one request."""
    started = time.perf_counter()
    for _number in range(number):
        act()
    return (time.perf_counter() - started) / number


def summed_up(places: list[Place], seconds: dict[tuple[str, str, str], list[float]], rounds: int) -> dict[str, Any]:
    smallest = places[0].size.name
    return {
        place.size.name: {
            "rows": place.rows,
            "rounds": rounds,
            "requests": {
                what: {
                    "milliseconds": spread([second * 1000 for second in seconds[place.size.name, what, "api"]]),
                    "plain_milliseconds": spread([second * 1000 for second in seconds[place.size.name, what, "plain"]]),
                    "ratio_to_plain": spread(
                        ratios(seconds[place.size.name, what, "api"], seconds[place.size.name, what, "plain"])
                    ),
                    "ratio_to_smallest": spread(
                        ratios(seconds[place.size.name, what, "api"], seconds[smallest, what, "api"])
                    ),
                    "plain_to_smallest": spread(
                        ratios(seconds[place.size.name, what, "plain"], seconds[smallest, what, "plain"])
                    ),
                }
                for what in REQUESTS
            },
        }
        for place in places
    }


def print_tables(results: dict[str, Any]) -> None:
    smallest = next(iter(results))
    head = ["request", "time to plain", f"to itself at {smallest}", f"plain to itself at {smallest}"]
    for size, result in results.items():
        print(f"\n**{size}**: {', '.join(f'{number:,} {name}' for name, number in result['rows'].items())}\n")
        columns = ("ratio_to_plain", "ratio_to_smallest", "plain_to_smallest")
        rows = [[what, *(shown(row[name]) for name in columns)] for what, row in result["requests"].items()]
        print(table(head, rows))
