"""Puts what the mail servers ask in place: for each a schema with its functions and views, and a role that reaches
these and nothing else.

Functions are code, not history: after `migrate`, in one transaction under an advisory lock, and not at all when
everything is as the files say. A function is never missing meanwhile: Postfix would answer 451 for a minute."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.utils import DatabaseError, ProgrammingError
from django.utils.translation import gettext as _
from psycopg2 import sql
from psycopg2.errors import InvalidFunctionDefinition
from psycopg2.extensions import encrypt_password

from mailservers import mail_servers
from mailservers.mail_servers import MAIL_SERVERS, POSTFIX, MailServer
from mailservers.rights import wrong_rights

SQL_FOLDER = Path(__file__).parent / "sql"
SCHEMAS = ("mail_map", *(server.schema for server in MAIL_SERVERS))  # helpers first
LOCK = 0x4D415053  # "MAPS"
# A lookup finds one row. In a table of a few hundred rows the planner would rather read them all, which takes a third
# longer than an index (docs/performance.md); and so it would in a large one whose statistics are old.
BY_INDEX = "ALTER ROLE {} SET enable_seqscan = off"


def files() -> Iterator[tuple[str, str, str]]:
    """(schema, function, SQL) of every function, helpers first."""
    for schema in SCHEMAS:
        for path in sorted((SQL_FOLDER / schema).glob("*.sql")):
            yield schema, path.stem, path.read_text()


def parameters() -> list[str]:
    """The Postfix parameters that a function answers."""
    return [name for schema, name, _text in files() if schema == "postfix"]


def install_after_migrate(**kwargs: Any) -> None:
    """Receiver of post_migrate. Without the right to make roles the panel still starts, and /health/ says so."""
    if kwargs.get("using", "default") != "default" or not _tables_are_there():
        return
    try:
        install()
    except (DatabaseError, ProgrammingError) as error:
        print(_("The SQL functions for Postfix could not be put in place: %s") % str(error).strip())  # noqa: T201
        print(_("Run “script/manage install_functions”; it says what else is needed."))  # noqa: T201


def install(*, force: bool = False) -> bool:
    """Brings functions, roles and rights to what the files say. False if there was nothing to do."""
    if not force and not outdated() and not wrong_rights():
        return False
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        for server in MAIL_SERVERS:
            _make_roles(cursor, server)
        _make_schemas(cursor)
        kept = _make_functions(cursor)
        _drop_unnamed(cursor, kept)
        for server in MAIL_SERVERS:
            _make_views(cursor, server)
            _grant(cursor, server)
        _run(cursor, "COMMENT ON SCHEMA postfix IS {}", sql.Literal(checksum()))
    return True


def checksum() -> str:
    """Of all that install() depends on."""
    digest = hashlib.sha256()
    for module in (__file__, mail_servers.__file__):
        digest.update(Path(module).read_bytes())
    for server in MAIL_SERVERS:
        for part in (server.role, server.owner, server.password):
            digest.update(part.encode())
    for _schema, _name, text in files():
        digest.update(text.encode())
    for server in MAIL_SERVERS:
        for text in _views(server):
            digest.update(text.encode())
    return f"mailadmin {digest.hexdigest()}"


def outdated() -> list[str]:
    """Sentences about functions that are missing or not what the files say; empty if all is well."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT obj_description(to_regnamespace('postfix'), 'pg_namespace')")
        stored = cursor.fetchone()[0]
        present = set(_functions_in_database(cursor))
    missing = [f"{schema}.{name}" for schema, name, _text in files() if (schema, name) not in present]
    if missing:
        return [
            _("These SQL functions are missing: %(names)s. Run “script/manage install_functions”.")
            % {"names": ", ".join(missing)}
        ]
    if stored != checksum():
        return [_("The SQL functions are of another version. Run “script/manage install_functions”.")]
    return []


def sql_for_superuser() -> str:
    """What a superuser runs once where the panel's own role may not make roles. It holds the verifier of a password,
    not the password: for the terminal of an operator, not for a page."""
    with connection.cursor() as cursor:
        user, database = sql.Identifier(_current_user(cursor)), sql.Identifier(connection.settings_dict["NAME"])
        statements = []
        for server in MAIL_SERVERS:
            role, owner = sql.Identifier(server.role), sql.Identifier(server.owner)
            statements += [
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {};").format(role, sql.Literal(_verifier(cursor, server))),
                sql.SQL("CREATE ROLE {} NOLOGIN;").format(owner),
                *([sql.SQL(f"{BY_INDEX};").format(role)] if server is POSTFIX else []),
                sql.SQL("GRANT {} TO {} WITH ADMIN OPTION;").format(owner, user),
            ]
        statements += [
            sql.SQL("GRANT CREATE, CONNECT, TEMPORARY ON DATABASE {} TO {} WITH GRANT OPTION;").format(database, user),
            sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC;").format(database),
            sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC;"),
        ]
        return "\n".join(statement.as_string(cursor.connection) for statement in statements)


def _verifier(cursor: Any, server: MailServer) -> str:
    """What PostgreSQL keeps of the password (SCRAM-SHA-256); the password itself is never sent."""
    verifier: str = encrypt_password(server.password, server.role, scope=cursor.connection, algorithm="scram-sha-256")
    return verifier


def _current_user(cursor: Any) -> str:
    cursor.execute("SELECT current_user")
    return str(cursor.fetchone()[0])


def _make_roles(cursor: Any, server: MailServer) -> None:
    for role, kind in ((server.role, "LOGIN"), (server.owner, "NOLOGIN")):
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            _run(cursor, f"CREATE ROLE {{}} {kind}", sql.Identifier(role))
    cursor.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
    if cursor.fetchone()[0]:
        verifier = sql.Literal(_verifier(cursor, server))
        _run(cursor, "ALTER ROLE {} PASSWORD {}", sql.Identifier(server.role), verifier)
        if server is POSTFIX:
            _run(cursor, BY_INDEX, sql.Identifier(server.role))
    cursor.execute("SELECT pg_has_role(current_user, %s, 'MEMBER')", [server.owner])
    if not cursor.fetchone()[0]:
        _run(cursor, "GRANT {} TO CURRENT_USER", sql.Identifier(server.owner))


def _owner_of(schema: str) -> str:
    """Helpers belong to the owner of the maps, and run with the rights of whoever calls them."""
    return next((server.owner for server in MAIL_SERVERS if server.schema == schema), POSTFIX.owner)


def _make_schemas(cursor: Any) -> None:
    for schema in SCHEMAS:
        owner = sql.Identifier(_owner_of(schema))
        _run(cursor, "CREATE SCHEMA IF NOT EXISTS {}", sql.Identifier(schema))
        _run(cursor, "GRANT USAGE, CREATE ON SCHEMA {} TO {}", sql.Identifier(schema), owner)
    for server in MAIL_SERVERS:
        owner = sql.Identifier(server.owner)
        for schema in ("public", "mail_map"):
            _run(cursor, "GRANT USAGE ON SCHEMA {} TO {}", sql.Identifier(schema), owner)
        for table, columns in server.reads.items():
            of_columns = sql.SQL("({})").format(_listed(columns)) if columns else sql.SQL("")
            _run(cursor, "GRANT SELECT {} ON public.{} TO {}", of_columns, sql.Identifier(table), owner)
        for table, columns in server.notes.items():
            _run(cursor, "GRANT UPDATE ({}) ON public.{} TO {}", _listed(columns), sql.Identifier(table), owner)
        for view in server.views:
            if view.table:
                parts = (_listed(view.columns), _listed(view.changed), sql.Identifier(view.table), owner)
                _run(cursor, "GRANT INSERT ({}), UPDATE ({}) ON public.{} TO {}", *parts)


def _views(server: MailServer) -> list[str]:
    return [(SQL_FOLDER / server.schema / "views" / f"{view.name}.sql").read_text() for view in server.views]


def _make_views(cursor: Any, server: MailServer) -> None:
    _run(cursor, "SET LOCAL ROLE {}", sql.Identifier(server.owner))
    for text in _views(server):
        cursor.execute(text)
    cursor.execute("RESET ROLE")


def _listed(columns: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _make_functions(cursor: Any) -> set[tuple[str, str]]:
    """As their owner, so that they run with the owner's few rights. Returns what is kept under another name: a function
    with other arguments or another result is not replaced, and a lookup that runs just now needs the old one."""
    kept = set()
    cursor.execute("SET LOCAL check_function_bodies = off")  # one may call another that comes later
    for schema, name, text in files():
        _run(cursor, "SET LOCAL ROLE {}", sql.Identifier(_owner_of(schema)))
        if not _is_replaced(cursor, schema, name, text):
            former = f"{name}_of_the_release_before"
            _drop(cursor, schema, former)
            for signature in _signatures(cursor, schema, name):
                cursor.execute(f"ALTER FUNCTION {signature} RENAME TO {former}")
            kept.add((schema, former))
            cursor.execute(text)
    cursor.execute("RESET ROLE")
    return kept


def _is_replaced(cursor: Any, schema: str, name: str, text: str) -> bool:
    """Makes the function, unless that needs another result or leaves one of its name with other arguments."""
    try:
        with transaction.atomic():
            cursor.execute(text)
            is_only_one = len(_signatures(cursor, schema, name)) == 1
            transaction.set_rollback(not is_only_one)
    except ProgrammingError as error:
        if not isinstance(error.__cause__, InvalidFunctionDefinition):
            raise
        return False
    return is_only_one


def _drop_unnamed(cursor: Any, kept: set[tuple[str, str]]) -> None:
    named = {(schema, name) for schema, name, _text in files()} | kept
    for schema, name in _functions_in_database(cursor):
        if (schema, name) not in named:
            _drop(cursor, schema, name)


def _drop(cursor: Any, schema: str, name: str) -> None:
    for signature in _signatures(cursor, schema, name):
        cursor.execute(f"DROP FUNCTION {signature}")


def _signatures(cursor: Any, schema: str, name: str) -> list[str]:
    cursor.execute(
        "SELECT function.oid::regprocedure::text FROM pg_proc AS function"
        " WHERE function.pronamespace = to_regnamespace(%s) AND function.proname = %s",
        [schema, name],
    )
    return [row[0] for row in cursor.fetchall()]


def _grant(cursor: Any, server: MailServer) -> None:
    role, own = sql.Identifier(server.role), sql.Identifier(server.schema)
    database = sql.Identifier(connection.settings_dict["NAME"])
    for schema in map(sql.Identifier, (*SCHEMAS, "public")):
        _run(cursor, "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA {} FROM PUBLIC, {}", schema, role)
        for kind in ("TABLES", "SEQUENCES"):
            _run(cursor, f"REVOKE ALL ON ALL {kind} IN SCHEMA {{}} FROM PUBLIC, {{}}", schema, role)
        _run(cursor, "REVOKE ALL ON SCHEMA {} FROM {}", schema, role)
    _run(cursor, "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
    _run(cursor, "GRANT TEMPORARY ON DATABASE {} TO CURRENT_USER", database)
    _run(cursor, "REVOKE CREATE, TEMPORARY ON DATABASE {} FROM PUBLIC, {}", database, role)
    _run(cursor, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    _run(cursor, "GRANT CONNECT ON DATABASE {} TO {}", database, role)
    _run(cursor, "GRANT USAGE ON SCHEMA {} TO {}", own, role)
    _run(cursor, "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {} TO {}", own, role)
    _run(cursor, "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA mail_map TO {}", sql.Identifier(server.owner))
    for view in server.views:
        name = sql.Identifier(server.schema, view.name)
        _run(cursor, "GRANT SELECT ON {} TO {}", name, role)
        if view.table:
            parts = (_listed(view.columns), _listed(view.changed), name, role)
            _run(cursor, "GRANT INSERT ({}), UPDATE ({}) ON {} TO {}", *parts)


def _functions_in_database(cursor: Any) -> list[tuple[str, str]]:
    cursor.execute(
        "SELECT schema.nspname, function.proname FROM pg_proc AS function"
        " JOIN pg_namespace AS schema ON schema.oid = function.pronamespace WHERE schema.nspname = ANY (%s)",
        [list(SCHEMAS)],
    )
    return cursor.fetchall()


def _tables_are_there() -> bool:
    return {table for server in MAIL_SERVERS for table in server.reads} <= set(connection.introspection.table_names())


def _run(cursor: Any, statement: str, *parts: sql.Composable) -> None:
    cursor.execute(sql.SQL(re.sub(r"\s+", " ", statement)).format(*parts))
