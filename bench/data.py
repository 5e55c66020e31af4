"""A hosting company in three sizes, loaded by COPY: one large domain with a tenth of all mailboxes, many small ones."""

import io
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from django.db import connection
from django.db.models import Model
from django.utils import timezone

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Size:
    name: str
    mailboxes: int
    domains: int

    @property
    def aliases(self) -> int:
        return 2 * self.mailboxes

    @property
    def alias_domains(self) -> int:
        return self.domains // 10

    def domain_of(self, number: int, total: int) -> int:
        """The first tenth lives in domain 1, the others take turns."""
        return 1 if number <= total // 10 else number % self.domains + 1


SIZES = {
    size.name: size
    for size in (
        Size("tiny", 200, 10),  # for the test of the bench itself; its times mean nothing
        Size("10k", 10_000, 200),
        Size("200k", 200_000, 4_000),
        Size("1M", 1_000_000, 20_000),
    )
}


def mailbox_address(size: Size, number: int) -> str:
    return f"u{number}@d{size.domain_of(number, size.mailboxes)}.example"


def alias_address(size: Size, number: int) -> str:
    return f"al{number}@d{size.domain_of(number, size.aliases)}.example"


def address_at_alias_domain(size: Size, luck: random.Random) -> str:
    """A mailbox of one of the domains that have an alias domain: domain 1 has a1, and so on."""
    while True:
        number = luck.randint(1, size.mailboxes)
        domain = size.domain_of(number, size.mailboxes)
        if domain <= size.alias_domains:
            return f"u{number}@a{domain}.example"


def load(size: Size) -> None:
    """Fills the panel's tables, without history; then the peer's tables and the ideal one."""
    load_panel(size)
    with connection.cursor() as cursor:
        cursor.execute(OTHERS)
        cursor.execute("VACUUM ANALYZE")


def load_everything(size: Size) -> None:
    """As load(), and what makes main.cf ask more: every tenth mailbox has a row in each flat table, every tenth domain
    a TLS policy; relay and local domains with one address each."""
    from domains.models import Domain
    from lookup_tables.models import Bcc, Canonical, Relocated, SenderRelay, TlsPolicy, Transport
    from mailboxes.models import Address, LocalUser, RelayRecipient

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
    some = [mailbox_address(size, number) for number in range(1, size.mailboxes + 1, 10)]
    for model, result in (
        (Transport, "smtp:[mx.example]"),
        (Relocated, "new@new.example"),
        (SenderRelay, "[mx.example]"),
    ):
        _copy(model, ["key", "result"], ((key, result) for key in some))
    for twofold in (Bcc, Canonical):
        for kind in twofold.AppliesTo.values:
            _copy(twofold, ["applies_to", "key", "result"], ((kind, key, "copy@new.example") for key in some))
    domains = (f"d{number}.example" for number in range(1, size.domains + 1, 10))
    _copy(TlsPolicy, ["key", "result"], ((domain, "encrypt") for domain in domains))
    number = 2 * size.domains  # after all that load() numbers
    _copy(
        Domain,
        ["id", "name", "address_class"],
        [(number + 1, "relay.test", "relay"), (number + 2, "local.test", "local")],
    )
    _copy(Address, ["id", "domain_id", "local_part"], [(4 * size.mailboxes, number + 1, "u1")])
    _copy(RelayRecipient, ["address_id"], [(4 * size.mailboxes,)])
    _copy(LocalUser, ["name", "uid"], [("root", 0)])
    load(size)


def load_panel(size: Size) -> None:
    from domains.models import Domain
    from mailboxes.models import Address, Alias, AliasDestination, Mailbox

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
    boxes, aliases = range(1, size.mailboxes + 1), range(1, size.aliases + 1)
    _copy(Domain, ["id", "name", "address_class", "target_id"], _domains(size))
    _copy(
        Address,
        ["id", "domain_id", "local_part", "answer"],
        chain(
            ((number, size.domain_of(number, size.mailboxes), f"u{number}", "") for number in boxes),
            (
                (
                    size.mailboxes + number,
                    size.domain_of(number, size.aliases),
                    f"al{number}",
                    mailbox_address(size, number % size.mailboxes + 1),
                )
                for number in aliases
            ),
        ),
    )
    _copy(
        Mailbox,
        ["id", "address_id", "name", "mail_path"],
        ((number, number, f"User {number}", _path(size, number)) for number in boxes),
    )
    _copy(Alias, ["id", "address_id"], ((number, size.mailboxes + number) for number in aliases))
    _copy(
        AliasDestination,
        ["id", "alias_id", "position", "address_id", "written"],
        ((number, number, 0, (box := number % size.mailboxes + 1), mailbox_address(size, box)) for number in aliases),
    )


def _path(size: Size, number: int) -> str:
    return f"d{size.domain_of(number, size.mailboxes)}.example/u{number}/"


def _domains(size: Size) -> Iterator[Row]:
    for number in range(1, size.domains + 1):
        yield number, f"d{number}.example", "virtual_mailbox", None
    for number in range(1, size.alias_domains + 1):
        yield size.domains + number, f"a{number}.example", "alias_domain", number


def _copy(model: type[Model], columns: list[str], rows: Iterable[Row]) -> None:
    """COPY in pieces of some megabytes. A column that is not named here gets what the model gives to a new row."""
    rest = _others(model, columns)
    target = f"{model._meta.db_table} ({', '.join([*columns, *rest])})"
    end = "".join(f"\t{_written(value)}" for value in rest.values())
    lines = ("\t".join(map(_written, row)) + end for row in rows)
    with connection.cursor() as cursor:
        while piece := list(islice(lines, 50_000)):
            cursor.copy_expert(f"COPY {target} FROM STDIN", io.StringIO("\n".join(piece) + "\n"))


def _others(model: type[Model], columns: list[str]) -> dict[str, Any]:
    """The columns that must be filled and that the database does not fill by itself: column -> value."""
    with connection.cursor() as cursor:
        cursor.execute(MUST_BE_FILLED, [model._meta.db_table])
        needed = {row[0] for row in cursor.fetchall()} - set(columns)
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.column and field.column in needed:
            is_now = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
            values[field.column] = timezone.now() if is_now else field.get_default()
    unknown = {column for column in needed if values.get(column) is None}
    if unknown:
        raise SystemExit(
            f"{model._meta.db_table} has columns without a default: {', '.join(sorted(unknown))}. "
            "Say in bench/data.py what stands in them."
        )
    return values


MUST_BE_FILLED = """
    SELECT column_name
    FROM information_schema.columns
    WHERE table_schema = 'public'
      AND table_name = %s
      AND is_nullable = 'NO'
      AND column_default IS NULL
      AND is_identity = 'NO'
      AND is_generated = 'NEVER'
"""


def _written(value: Any) -> str:
    """A value in the text format of COPY. Nothing here holds a backslash or a tab."""
    if value is None:
        return r"\N"
    return str(value)


# The established peer's own tables with its documented indexes, from the same addresses (each mailbox has an alias row
# to itself), and one table that holds the answer to each address: as little work as SQL can have.
OTHERS = """
CREATE SCHEMA peer;
CREATE TABLE peer.domain AS
    SELECT name::varchar(255) AS domain, 'discard:'::varchar(255) AS transport, true AS active FROM domains_domain;
CREATE TABLE peer.alias_domain AS
    SELECT a.name::varchar(255) AS alias_domain, t.name::varchar(255) AS target_domain, true AS active
    FROM domains_domain a JOIN domains_domain t ON t.id = a.target_id;
CREATE TABLE peer.mailbox AS
    SELECT (a.local_part || '@' || d.name)::varchar(255) AS username, m.mail_path::varchar(255) AS maildir,
           true AS active
    FROM mailboxes_mailbox m
    JOIN mailboxes_address a ON a.id = m.address_id JOIN domains_domain d ON d.id = a.domain_id;
CREATE TABLE peer.alias AS
    SELECT (a.local_part || '@' || d.name)::varchar(255) AS address, (ta.local_part || '@' || td.name) AS goto,
           true AS active
    FROM mailboxes_alias al
    JOIN mailboxes_address a ON a.id = al.address_id JOIN domains_domain d ON d.id = a.domain_id
    JOIN mailboxes_aliasdestination de ON de.alias_id = al.id
    JOIN mailboxes_address ta ON ta.id = de.address_id JOIN domains_domain td ON td.id = ta.domain_id
    UNION ALL SELECT username, username, true FROM peer.mailbox;
ALTER TABLE peer.domain ADD PRIMARY KEY (domain);
ALTER TABLE peer.alias_domain ADD PRIMARY KEY (alias_domain);
ALTER TABLE peer.mailbox ADD PRIMARY KEY (username);
ALTER TABLE peer.alias ADD PRIMARY KEY (address);
CREATE INDEX ON peer.alias (address, active);
CREATE INDEX ON peer.mailbox (username, active);
CREATE INDEX ON peer.domain (domain, active);
CREATE SCHEMA ideal;
CREATE TABLE ideal.routes (address text COLLATE "C", goto text);
INSERT INTO ideal.routes SELECT address, goto FROM peer.alias;
INSERT INTO ideal.routes
    SELECT split_part(username, '@', 1) || '@' || alias_domain, username
    FROM peer.mailbox JOIN peer.alias_domain ON target_domain = split_part(username, '@', 2);
CREATE UNIQUE INDEX ON ideal.routes (address) INCLUDE (goto);
GRANT USAGE ON SCHEMA peer, ideal TO bench;
GRANT SELECT ON ALL TABLES IN SCHEMA peer, ideal TO bench;
"""


def counts() -> dict[str, int]:
    """Rows as the database has them."""
    tables = (
        "domains_domain",
        "mailboxes_address",
        "mailboxes_mailbox",
        "mailboxes_alias",
        "mailboxes_aliasdestination",
        "ideal.routes",
        "peer.domain",
        "peer.alias_domain",
        "peer.mailbox",
        "peer.alias",
    )
    with connection.cursor() as cursor:
        found = {}
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  names from above
            found[table] = cursor.fetchone()[0]
    return found
