"""2,000 rows of every kind for a PostfixAdmin, each in the shape of what its command line writes."""

from collections.abc import Callable
from typing import Any

NUMBER = 2_000
HASH = "$6$xxHzzErrOfK.ROoS$yamAmbZ1sPMzKNlKmKMBMsZpiqovFRsqGDoGuVJbCaQszFRXyJI7Vd7X1pruSkP/s9SDtCzvmhPqy3LT48GZd1"
DEFAULTS = ("abuse", "hostmaster", "postmaster", "webmaster")
ELSEWHERE = "change-this-to-your.domain.tld"

Sql = Callable[[str, list[Any]], None]


def fill(sql: Sql) -> None:
    numbers = range(NUMBER)
    names = [f"d{n:04}.example" for n in numbers]
    others = [f"a{n:04}.example" for n in numbers]
    sql(
        "INSERT INTO domain (domain, description, aliases, mailboxes, maxquota, quota, transport, backupmx, active,"
        " password_expiry) VALUES %s",
        [
            (name, f"Number {n}", 0, 0, 10, 2048, "virtual", False, n % 50 != 7, 365)
            for n, name in enumerate([*names, *others])
        ],
    )
    sql("INSERT INTO domain (domain, description) VALUES ('ALL', '') ON CONFLICT DO NOTHING", [])
    sql(
        "INSERT INTO alias_domain (alias_domain, target_domain, active) VALUES %s",
        [(others[n], names[n], n % 40 != 3) for n in numbers],
    )
    sql(
        "INSERT INTO mailbox (username, password, name, maildir, quota, local_part, domain, active) VALUES %s",
        [
            (f"u@{name}", HASH, f"U {n}", f"{name}/u/", (n % 3) * 1024000, "u", name, n % 20 != 5)
            for n, name in enumerate(names)
        ],
    )
    sql("INSERT INTO alias (address, goto, domain, active) VALUES %s", aliases(names, others))
    sql(
        "INSERT INTO admin (username, password, superadmin, active) VALUES %s",
        [(f"admin@{name}", HASH, n % 500 == 1, n % 30 != 2) for n, name in enumerate(names)],
    )
    sql(
        "INSERT INTO domain_admins (username, domain, active) VALUES %s",
        [(f"admin@{name}", "ALL" if n % 500 == 1 else name, True) for n, name in enumerate(names)],
    )
    sql(
        "INSERT INTO vacation (email, subject, body, domain, active) VALUES %s",
        [(f"u@{name}", "Away", f"Back in {n} days", name, n % 5 == 4) for n, name in enumerate(names)],
    )
    sql("INSERT INTO quota2 (username, bytes, messages) VALUES %s", [(f"u@{one}", 4711, 3) for one in names])
    sql(
        "INSERT INTO fetchmail (domain, mailbox, src_server, src_auth, src_user, src_password, src_folder, protocol,"
        " mda) VALUES %s",
        [(one, f"u@{one}", "imap.example", "password", "u", "c2VjcmV0IG9mIG1pbmU=", "", "IMAP", "") for one in names],
    )
    sql(
        "INSERT INTO log (timestamp, username, domain, action, data) VALUES %s",
        [("2026-03-01 12:00:00+00", "CLI (localhost)", one, "create_mailbox", f"u@{one}") for one in names],
    )


def aliases(names: list[str], others: list[str]) -> list[tuple[str, str, str, bool]]:
    rows = []
    for n, name in enumerate(names):
        box = f"u@{name}"
        away = f"u#{name}@autoreply.example"
        goto = {
            0: box,
            1: f"{box},copy@elsewhere.example",  # forward and keep
            2: f"forward{n}@elsewhere.example",  # forward only
            3: box,
            4: f"{box},{away}",  # on vacation
        }[n % 5]
        rows.append((box, goto, name, n % 20 != 5))
        rows.append((f"team@{name}", f"{box},u@{names[n - 1]}", name, n % 25 != 9))
        if n % 3 == 0:
            rows.append((f"@{name}", box, name, True))
        for one in (name, others[n]):
            rows += [(f"{local}@{one}", f"{local}@{ELSEWHERE}", one, True) for local in DEFAULTS]
    return rows
