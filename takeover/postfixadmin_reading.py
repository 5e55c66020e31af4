"""The database of a PostfixAdmin, read in one snapshot and never written: PostgreSQL, MySQL or MariaDB, SQLite.

What is there is asked of the database itself: the number in `config` means different things in different branches."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import psycopg2
import pymysql
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from psycopg2.extensions import parse_dsn

TABLES = (
    *("config", "domain", "alias_domain", "mailbox", "alias", "admin", "domain_admins", "vacation"),
    *("vacation_notification", "quota", "quota2", "fetchmail", "log", "dkim", "dkim_signing"),
    *("mailbox_app_password", "totp_exception_address"),
)
NEEDED = {
    "domain": {"domain", "active"},
    "mailbox": {"username", "password", "maildir", "active"},
    "alias": {"address", "goto", "active"},
}
AT_ONCE = 5_000  # rows that are fetched at a time
ERRORS = (psycopg2.Error, pymysql.MySQLError, sqlite3.Error, UnicodeError, OSError)

Row = dict[str, Any]


class Source:
    """An open database. `label` says which, without its password."""

    quote = '"'
    columns_of_all = """
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = ANY (current_schemas(false))
    """

    def __init__(
        self, connection: Any, label: str, names: Mapping[str, str], needed: Mapping[str, set[str]] = NEEDED
    ) -> None:
        self.connection, self.label, self.names = connection, label, names
        self.columns: dict[str, set[str]] = {}
        found: dict[str, set[str]] = {}
        for table, column in self._all(self.columns_of_all):
            found.setdefault(str(table), set()).add(str(column))
        for table in TABLES:
            self.columns[table] = found.get(names[table], set())
        for table, columns in needed.items():
            if missing := sorted(columns - self.columns[table]):
                sentence = _(
                    "There is no table %(table)s with a column %(column)s in %(source)s. Is this the database of a "
                    "PostfixAdmin? If its tables have other names, use --table-prefix or --table."
                )
                raise ValidationError(sentence % {"table": names[table], "column": missing[0], "source": label})

    def rows(self, table: str, *, order_by: str = "", only: Collection[str] = ()) -> Iterator[Row]:
        """The rows of a table as they come, none where there is no such table. `order_by` is SQL of our own, `only`
        names the columns that are wanted, if not all are."""
        if not self.columns[table]:
            return
        columns = sorted(self.columns[table] & set(only) if only else self.columns[table])
        named = ", ".join(self._quoted(column) for column in columns)
        ordered = f" ORDER BY {order_by}" if order_by else ""
        for row in self._all(f"SELECT {named} FROM {self._quoted(self.names[table])}{ordered}"):  # noqa: S608
            yield dict(zip(columns, row, strict=True))

    def _quoted(self, name: str) -> str:
        return f"{self.quote}{name.replace(self.quote, self.quote * 2)}{self.quote}"

    def _all(self, statement: str) -> Iterator[Any]:
        with closing(self._cursor()) as cursor:
            cursor.execute(statement)
            while some := cursor.fetchmany(AT_ONCE):
                yield from some

    def _cursor(self) -> Any:
        return self.connection.cursor()


class PostgreSQL(Source):
    """Cursors of the server: a million rows are never in memory."""

    _numbers = count()

    def _cursor(self) -> Any:
        return self.connection.cursor(name=f"postfixadmin_{next(self._numbers)}")


class MySQL(Source):
    quote = "`"
    columns_of_all = """
        SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = database()
    """

    def _cursor(self) -> Any:
        return self.connection.cursor(pymysql.cursors.SSCursor)


class SQLite(Source):
    columns_of_all = """
        SELECT master.name, info.name FROM sqlite_master AS master, pragma_table_info(master.name) AS info
        WHERE master.type = 'table'
    """


@contextmanager
def opened(
    url: str,
    *,
    password: str = "",  # noqa: S107
    prefix: str = "",
    tables: Mapping[str, str] | None = None,
    needed: Mapping[str, set[str]] = NEEDED,
) -> Iterator[Any]:
    """`postgresql://`, `mysql://` or `sqlite:///path`; `password` is that of the URL where it has none. Raises
    ValidationError with a sentence, which never holds the password."""
    label = without_password(url)
    names = {table: prefix + table for table in TABLES} | dict(tables or {})
    if unknown := sorted(set(names) - set(TABLES)):
        sentence = _("PostfixAdmin has no table %(name)s. These are: %(known)s.")
        raise ValidationError(sentence % {"name": unknown[0], "known": ", ".join(TABLES)})
    scheme = urlsplit(url).scheme
    doors = {"postgresql": _postgresql, "postgres": _postgresql, "mysql": _mysql, "mariadb": _mysql, "sqlite": _sqlite}
    if scheme not in doors:
        sentence = _("“%(url)s” is no database. Write postgresql://user@host/name, mysql://… or sqlite:///path.")
        raise ValidationError(sentence % {"url": label})
    try:
        kind, connection = doors[scheme](url, password)
        with closing(connection):
            yield kind(connection, label, names, needed)
    except ERRORS as error:
        reason = " ".join(str(error.args[-1] if error.args else error).split())
        for secret in {password, unquote(urlsplit(url).password or "")} - {""}:
            reason = reason.replace(secret, "•••")
        sentence = _("%(source)s cannot be read: %(reason)s. Nothing was changed.")
        raise ValidationError(sentence % {"source": label, "reason": reason.rstrip(".")}) from None


def without_password(url: str) -> str:
    """The URL as it may be shown: no password, neither before the host nor among the options."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    query = "&".join(f"{name}={value}" for name, value in parse_qsl(parts.query) if "pass" not in name.lower())
    shown = parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}", query=query)
    text = urlunsplit(shown)
    return text if parts.netloc or parts.scheme != "sqlite" else f"sqlite://{parts.path}"


def _postgresql(url: str, password: str) -> tuple[type[Source], Any]:
    has_its_own = "password" in parse_dsn(url)
    given = {"password": password} if password and not has_its_own else {}
    connection = psycopg2.connect(url, client_encoding="UTF8", connect_timeout=30, **given)
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    return PostgreSQL, connection


def _mysql(url: str, password: str) -> tuple[type[Source], Any]:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    connection = pymysql.connect(
        host=parts.hostname or "localhost",
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or "") or password,
        database=unquote(parts.path.lstrip("/")),
        unix_socket=options.get("unix_socket"),
        ssl_ca=options.get("ssl_ca"),
        charset="utf8mb4",
        connect_timeout=30,
        conv=pymysql.converters.conversions,
    )
    with closing(connection.cursor()) as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    return MySQL, connection


def _sqlite(url: str, password: str) -> tuple[type[Source], Any]:
    path = Path(unquote(urlsplit(url).path))
    if not path.is_file():
        raise OSError(_("there is no such file"))
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    connection.execute("BEGIN")
    return SQLite, connection


# What the three kinds of databases say in different ways


def is_true(value: Any) -> bool:
    """boolean, tinyint(1), and what older versions wrote as text."""
    return value in (True, 1, "1", "t", "true", b"\x01")


def whole(value: Any) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        return 0


NO_EXPIRY = 2000  # the year of password_expiry by default


def moment(value: Any) -> datetime | None:
    """A time with its zone: where the database knows none, that of the panel. None for 0000-00-00 and the like."""
    try:
        found = value if isinstance(value, datetime) else parse_datetime(str(value or ""))
        return timezone.make_aware(found) if found and timezone.is_naive(found) else found
    except (ValueError, OverflowError):
        return None


def text(value: Any) -> str:
    """Text without NUL, which PostgreSQL does not hold."""
    found = value.decode(errors="replace") if isinstance(value, bytes) else "" if value is None else str(value)
    return found.replace("\0", "")
