"""The keys behind the SQL maps of a PostfixAdmin. postmap cannot list such a map, but its .cf says which database
Postfix asks; with the same rights that one is asked for all addresses and domains, and only read."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

from takeover.postfix_tools import Table, logical_lines
from takeover.postfixadmin_reading import Source, opened, text

# Where each of these tables has its keys. What else a map asks, nobody here can list.
KEYS = {"alias_domain": "alias_domain", "domain": "domain", "alias": "address", "mailbox": "username"}
ASKED = re.compile(
    r"\b(?:from|join)\s+([\w.`\", ]+?)\s*(?=\b(?:where|on|using|left|inner|join|order|limit)\b|[;()]|$)", re.I
)


def database_of(table: Table) -> tuple[str, str] | None:
    """The URL of the database behind a map, and its password; None if it is of no such kind, or asks tables whose keys
    nobody here knows (pgsql_table(5), mysql_table(5), sqlite_table(5))."""
    try:
        said = dict(_settings(Path(table.name)))
    except (OSError, UnicodeError):
        return None
    if table.type not in ("pgsql", "mysql", "sqlite") or not asked_tables(said) <= set(KEYS):
        return None
    if table.type == "sqlite":
        return f"sqlite://{quote(said.get('dbpath', ''))}", ""
    url = (_postgresql if table.type == "pgsql" else _mysql)(said)
    return url, said.get("password", "")


def asked_tables(said: Mapping[str, str]) -> set[str]:
    """The names of the tables in a query; one without any is of another kind."""
    if "query" not in said:
        return {said.get("table", "")}
    found = {
        name.strip().split(" ")[0].rpartition(".")[2].strip('`"').lower()
        for names in ASKED.findall(said["query"])
        for name in names.split(",")
    }
    return found or {""}


def rows_behind(url: str, password: str) -> Iterator[tuple[str, str, str]]:
    """(table, key, target of an alias domain or "") of all that a PostfixAdmin knows, alias domains first. Raises
    ValidationError where it cannot be read."""
    needed = {table: {column} for table, column in KEYS.items() if table != "alias_domain"}
    with opened(url, password=password, needed=needed) as source:
        yield from _rows(source)


def _rows(source: Source) -> Iterator[tuple[str, str, str]]:
    for table, column in KEYS.items():
        for row in source.rows(table, only=(column, "target_domain")):
            yield table, text(row[column]), text(row.get("target_domain"))


def _settings(path: Path) -> Iterator[tuple[str, str]]:
    for _number, line in logical_lines(path):
        name, equals, value = line.partition("=")
        if equals:
            yield name.strip(), value.strip()


def _postgresql(said: Mapping[str, str]) -> str:
    """The first host, as dict_pgsql.c reads it: `unix:/directory`, `inet:name:port`, `name`, or a URI of libpq."""
    host = _first_host(said)
    if host.startswith(("postgresql://", "postgres://")):
        return host
    name, port = _name_and_port(host)
    options = {"host": name, "port": port, "user": said.get("user", "")}
    return f"postgresql:///{quote(said.get('dbname', ''))}?{urlencode({k: v for k, v in options.items() if v})}"


def _mysql(said: Mapping[str, str]) -> str:
    host = _first_host(said)
    user, database = quote(said.get("user", ""), safe=""), quote(said.get("dbname", ""))
    if host.startswith("unix:"):
        return f"mysql://{user}@localhost/{database}?{urlencode({'unix_socket': host.removeprefix('unix:')})}"
    name, port = _name_and_port(host)
    return f"mysql://{user}@{name}{f':{port}' if port else ''}/{database}"


def _first_host(said: Mapping[str, str]) -> str:
    return (said.get("hosts", "").replace(",", " ").split() or ["localhost"])[0]


def _name_and_port(host: str) -> tuple[str, str]:
    if host.startswith("unix:"):
        path = host.removeprefix("unix:")
        directory, _slash, port = path.rpartition("/.s.PGSQL.")
        return (directory, port) if directory else (path, "")
    name, colon, port = host.removeprefix("inet:").rpartition(":")
    return (name.strip("[]"), port) if colon and port.isdigit() else (host.removeprefix("inet:"), "")
