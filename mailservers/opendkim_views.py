"""The two views that OpenDKIM reads, and its role, which may SELECT from them and do nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

SQL_FOLDER = Path(__file__).parent / "sql" / "opendkim"
VIEWS = ("key_table", "signing_table")
READ_BY_VIEWS = {
    "domains_dkimkey": ["id", "domain_id", "selector", "algorithm", "state", "for_subdomains", "for_alias_domains"],
    "domains_dkimkeyonhost": ["id", "host", "key_id", "path"],
}


def opendkim_role() -> str:
    return f"{settings.ROLE_PREFIX}opendkim"


def opendkim_password() -> str:
    """Kept in the state directory, mode 0600; PostgreSQL gets its SCRAM verifier only."""
    return str(settings.OPENDKIM_PASSWORD)


def views() -> Iterator[tuple[str, str]]:
    for name in VIEWS:
        yield name, (SQL_FOLDER / f"{name}.sql").read_text()


def verifier(cursor: Any) -> str:
    found: str = encrypt_password(
        opendkim_password(), opendkim_role(), scope=cursor.connection, algorithm="scram-sha-256"
    )
    return found


def make_role(cursor: Any) -> None:
    role = sql.Identifier(opendkim_role())
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [opendkim_role()])
    if cursor.fetchone() is None:
        _run(cursor, "CREATE ROLE {} LOGIN", role)
    cursor.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
    if cursor.fetchone()[0]:
        _run(cursor, "ALTER ROLE {} PASSWORD {}", role, sql.Literal(verifier(cursor)))


def install_views(cursor: Any, owner: str) -> None:
    """Part of functions.install(), which holds the lock and has made the roles."""
    role, owner_name = sql.Identifier(opendkim_role()), sql.Identifier(owner)
    _run(cursor, "CREATE SCHEMA IF NOT EXISTS opendkim")
    _run(cursor, "GRANT USAGE, CREATE ON SCHEMA opendkim TO {}", owner_name)
    for table, columns in READ_BY_VIEWS.items():
        listed = sql.SQL(", ").join(map(sql.Identifier, columns))
        _run(cursor, "GRANT SELECT ({}) ON public.{} TO {}", listed, sql.Identifier(table), owner_name)
    _run(cursor, "SET LOCAL ROLE {}", owner_name)
    for _name, text in views():
        cursor.execute(text)
    cursor.execute("RESET ROLE")
    _run(cursor, "REVOKE ALL ON SCHEMA opendkim FROM PUBLIC, {}", role)
    _run(cursor, "REVOKE ALL ON ALL TABLES IN SCHEMA opendkim FROM PUBLIC, {}", role)
    _run(cursor, "GRANT USAGE ON SCHEMA opendkim TO {}", role)
    _run(cursor, "GRANT CONNECT ON DATABASE {} TO {}", sql.Identifier(_database(cursor)), role)
    for name in VIEWS:
        _run(cursor, "GRANT SELECT ON opendkim.{} TO {}", sql.Identifier(name), role)


def faults_of_rights(cursor: Any, rights_query: str) -> list[str]:
    """Sentences about what the role may do beyond, or short of, reading its views."""
    cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [opendkim_role()])
    words = {"role": opendkim_role()}
    if not cursor.fetchone()[0]:
        return [
            _("The role %(role)s is missing. Run “script/manage install_functions”; it says what else is needed.")
            % words
        ]
    cursor.execute(rights_query, {**words, "schema": "opendkim", "views": []})
    found = {row[0] for row in cursor.fetchall()}
    wanted = {f"may SELECT opendkim.{name}" for name in VIEWS}
    wrong = sorted(found - wanted) + [f"not: {right}" for right in sorted(wanted - found)]
    if not wrong:
        return []
    sentence = _("The role %(role)s has wrong rights: %(rights)s. Run “script/manage install_functions”.")
    return [sentence % {**words, "rights": "; ".join(wrong)}]


def _database(cursor: Any) -> str:
    cursor.execute("SELECT current_database()")
    return str(cursor.fetchone()[0])


def _run(cursor: Any, statement: str, *parts: sql.Composable) -> None:
    cursor.execute(sql.SQL(re.sub(r"\s+", " ", statement)).format(*parts))
