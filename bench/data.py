"""A hosting company in three sizes, loaded by COPY: one large domain with a tenth of all mailboxes, many small ones."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import connection

NOW = "2026-11-20T00:00:00Z"


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
    size.name: size for size in (Size("10k", 10_000, 200), Size("200k", 200_000, 4_000), Size("1M", 1_000_000, 20_000))
}


def mailbox_address(size: Size, number: int) -> str:
    return f"u{number}@d{size.domain_of(number, size.mailboxes)}.example"


def alias_address(size: Size, number: int) -> str:
    return f"al{number}@d{size.domain_of(number, size.aliases)}.example"


def load(size: Size) -> None:
    """Fills the panel's tables, without history; then the peer's tables and the ideal one."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
    _load_panel(size)
    with connection.cursor() as cursor:
        cursor.execute(OTHERS)
        cursor.execute("VACUUM ANALYZE")


def _load_panel(size: Size) -> None:
    boxes, aliases = range(1, size.mailboxes + 1), range(1, size.aliases + 1)
    _copy(
        "domains_domain (id, name, u_label, address_class, target_id, description, active, version, created_at,"
        " changed_at)",
        _domains(size),
    )
    _copy(
        "mailboxes_address (id, domain_id, local_part)",
        (f"{number}\t{size.domain_of(number, size.mailboxes)}\tu{number}" for number in boxes),
    )
    _copy(
        "mailboxes_address (id, domain_id, local_part)",
        (f"{size.mailboxes + number}\t{size.domain_of(number, size.aliases)}\tal{number}" for number in aliases),
    )
    _copy(
        "mailboxes_mailbox (id, address_id, name, mail_path, active, receives, sends, imap, pop, version, created_at,"
        " changed_at)",
        (
            f"{number}\t{number}\tUser {number}\t{_path(size, number)}\tt\tt\tt\tt\tt\t1\t{NOW}\t{NOW}"
            for number in boxes
        ),
    )
    _copy(
        "mailboxes_alias (id, address_id, comment, active, version, created_at, changed_at)",
        (f"{number}\t{size.mailboxes + number}\t\tt\t1\t{NOW}\t{NOW}" for number in aliases),
    )
    _copy(
        "mailboxes_aliasdestination (id, alias_id, position, address_id, extension, domain_id, text)",
        (f"{number}\t{number}\t0\t{number % size.mailboxes + 1}\t\t\\N\t" for number in aliases),
    )


def _path(size: Size, number: int) -> str:
    return f"d{size.domain_of(number, size.mailboxes)}.example/u{number}/"


def _domains(size: Size) -> Iterator[str]:
    for number in range(1, size.domains + 1):
        yield f"{number}\td{number}.example\t\tvirtual_mailbox\t\\N\t\tt\t1\t{NOW}\t{NOW}"
    for number in range(1, size.alias_domains + 1):
        yield f"{size.domains + number}\ta{number}.example\t\talias_domain\t{number}\t\tt\t1\t{NOW}\t{NOW}"


def _copy(target: str, lines: Iterable[str]) -> None:
    """COPY in pieces of some megabytes."""
    with connection.cursor() as cursor:
        piece: list[str] = []
        for line in lines:
            piece.append(line)
            if len(piece) == 50_000:
                cursor.copy_expert(f"COPY {target} FROM STDIN", io.StringIO("\n".join(piece) + "\n"))
                piece.clear()
        if piece:
            cursor.copy_expert(f"COPY {target} FROM STDIN", io.StringIO("\n".join(piece) + "\n"))


# The established peer's own tables with its documented indexes, from the same addresses (each mailbox has an alias row
# to itself), and one table that holds the answer to each address: as little work as SQL can have.
OTHERS = """
CREATE SCHEMA peer;
CREATE TABLE peer.domain AS
    SELECT name::varchar(255) AS domain, true AS active FROM domains_domain;
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
"""


def counts() -> dict[str, int]:
    """Rows as the database has them."""
    tables = (
        "domains_domain",
        "mailboxes_mailbox",
        "mailboxes_alias",
        "mailboxes_aliasdestination",
        "ideal.routes",
        "peer.alias",
    )
    with connection.cursor() as cursor:
        found = {}
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  names from above
            found[table] = cursor.fetchone()[0]
    return found
