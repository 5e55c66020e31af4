"""Puts what the mail servers ask in place: for Postfix and Dovecot a schema, a role that may call its functions, and
verifies that it reaches nothing else. Dovecot also has narrow views, for what it writes.

Functions are code, not history: after `migrate`, in one transaction under an advisory lock, and not at all when
everything is as the files say. A function is never missing meanwhile: Postfix would answer 451 for a minute."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.utils import DatabaseError, ProgrammingError
from django.utils.translation import gettext as _
from psycopg2 import sql
from psycopg2.errors import InvalidFunctionDefinition
from psycopg2.extensions import encrypt_password

from mailservers import opendkim_views

SQL_FOLDER = Path(__file__).parent / "sql"
SCHEMAS = ("mail_map", "postfix", "dovecot")  # helpers first
LOCK = 0x4D415053  # "MAPS"

# What the maps may read; the role that owns the functions sees these columns and nothing else.
READ_BY_MAPS = {
    "domains_domain": ["id", "name", "u_label", "address_class", "target_id", "any_recipient", "active", "suspended"],
    "domains_mailsettings": ["id", "recipient_delimiter"],
    "mailboxes_address": ["id", "domain_id", "local_part"],
    "mailboxes_mailbox": ["id", "address_id", "mail_path", "active", "receives", "sends", "expires_at"],
    "mailboxes_localuser": ["id", "name"],
    "mailboxes_permittedsender": ["id", "mailbox_id", "domain_name", "local_part"],
    "mailboxes_relayrecipient": ["id", "address_id"],
    "mailboxes_alias": ["id", "address_id", "active", "starts_at", "ends_at"],
    "mailboxes_aliasdestination": ["id", "alias_id", "position", "domain_id", "text", "written"],
    "lookup_tables_transport": ["id", "key", "result", "active"],
    "lookup_tables_tlspolicy": ["id", "key", "result", "active"],
    "lookup_tables_senderrelay": ["id", "key", "result", "active"],
    "lookup_tables_bcc": ["id", "applies_to", "key", "result", "active"],
    "lookup_tables_relocated": ["id", "key", "result", "active"],
    "lookup_tables_canonical": ["id", "applies_to", "key", "result", "active"],
    "restrictions_restrictionclass": ["id", "name"],
    "restrictions_accesstable": ["id", "name"],
    "restrictions_accessrule": [
        *("id", "applies_to", "table_id", "domain_id", "key", "action", "code", "text", "of_class_id"),
        *("active", "starts_at", "ends_at"),
    ],
    "restrictions_recipientclass": ["id", "address_id", "domain_id", "of_class_id"],
    "restrictions_protectedalias": ["id", "alias_id", "writers"],
    "restrictions_namedwriter": ["id", "protected_id", "key"],
}


# Another owner than that of the maps: only what asks for one address by its name sees a hash.
READ_BY_DOVECOT = {
    "domains_domain": ["id", "name", "u_label", "address_class", "target_id", "active"],
    "domains_mailsettings": ["id", "recipient_delimiter"],
    "mailboxes_address": ["id", "domain_id", "local_part"],
    "mailboxes_mailbox": [
        *("id", "address_id", "mail_path", "quota_bytes", "active", "receives", "sends", "imap", "pop", "expires_at"),
    ],
    "mailboxes_mailboxcredential": ["id", "mailbox_id", "hash"],
    "mailboxes_usage": ["username", "bytes", "messages"],
}


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """A schema, the role that asks there, and the role without login that owns what it asks."""

    schema: str
    owned_by: str
    reads: dict[str, list[str]]
    # View -> (the table below it, its columns, those that may be changed): what the mail server writes.
    views: dict[str, tuple[str, list[str], list[str]]] = field(default_factory=dict)

    @property
    def role(self) -> str:
        return f"{settings.ROLE_PREFIX}{self.schema}"

    @property
    def owner(self) -> str:
        return f"{settings.ROLE_PREFIX}{self.owned_by}"

    @property
    def password(self) -> str:
        """Kept in the state directory, mode 0600; PostgreSQL gets its SCRAM verifier only."""
        return str(getattr(settings, f"{self.schema.upper()}_PASSWORD"))


POSTFIX = MailServer(schema="postfix", owned_by="mail_map_owner", reads=READ_BY_MAPS)
DOVECOT = MailServer(
    schema="dovecot",
    owned_by="dovecot_owner",
    reads=READ_BY_DOVECOT,
    views={"quota": ("mailboxes_usage", ["username", "bytes", "messages"], ["bytes", "messages"])},
)
MAIL_SERVERS = (POSTFIX, DOVECOT)


def postfix_role() -> str:
    return POSTFIX.role


def owner_role() -> str:
    return POSTFIX.owner


def postfix_password() -> str:
    return POSTFIX.password


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
        opendkim_views.make_role(cursor)
        _make_schemas(cursor)
        kept = _make_functions(cursor)
        _drop_unnamed(cursor, kept)
        for server in MAIL_SERVERS:
            _make_views(cursor, server)
            _grant(cursor, server)
        opendkim_views.install_views(cursor, owner_role())
        _run(cursor, "COMMENT ON SCHEMA postfix IS {}", sql.Literal(checksum()))
    return True


def checksum() -> str:
    """Of all that install() depends on."""
    digest = hashlib.sha256()
    digest.update(Path(__file__).read_bytes())
    for server in MAIL_SERVERS:
        for part in (server.role, server.owner, server.password):
            digest.update(part.encode())
    for part in (opendkim_views.opendkim_role(), opendkim_views.opendkim_password()):
        digest.update(part.encode())
    for _schema, _name, text in files():
        digest.update(text.encode())
    for _name, text in opendkim_views.views():
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


def wrong_rights() -> list[str]:
    """Sentences about what the roles of the mail servers may do beyond, or short of, what is theirs."""
    found = [sentence for server in MAIL_SERVERS for sentence in _wrong_rights_of(server)]
    with connection.cursor() as cursor:
        return found + opendkim_views.faults_of_rights(cursor, RIGHTS_QUERY)


def _wrong_rights_of(server: MailServer) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname IN (%s, %s)", [server.role, server.owner])
        if cursor.fetchone()[0] < 2:
            return [
                _("The role %(role)s is missing. Run “script/manage install_functions”; it says what else is needed.")
                % {"role": server.role}
            ]
        places: dict[str, Any] = {"role": server.role, "schema": server.schema, "views": list(server.views)}
        cursor.execute(RIGHTS_QUERY, places)
        found = [row[0] for row in cursor.fetchall()]
    if not found:
        return []
    return [
        _("The role %(role)s has wrong rights: %(rights)s. Run “script/manage install_functions”.")
        % {"role": server.role, "rights": "; ".join(found)}
    ]


RIGHTS_QUERY = """
    SELECT 'may ' || privilege || ' ' || relation.oid::regclass
    FROM pg_class AS relation
    JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace,
    unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS privilege
    WHERE relation.relkind IN ('r', 'v', 'm', 'p', 'f')
      AND schema.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND schema.nspname !~ '^pg_(toast_)?temp_'
      AND NOT (schema.nspname = %(schema)s AND relation.relname = ANY (%(views)s)
               AND privilege IN ('SELECT', 'INSERT', 'UPDATE'))
      AND (has_table_privilege(%(role)s, relation.oid, privilege)
           OR (privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
               AND has_any_column_privilege(%(role)s, relation.oid, privilege)))
    UNION ALL
    SELECT 'may use sequence ' || relation.oid::regclass
    FROM pg_class AS relation
    WHERE CASE relation.relkind
        WHEN 'S' THEN has_sequence_privilege(%(role)s, relation.oid, 'USAGE, SELECT, UPDATE')
    END
    UNION ALL
    SELECT 'may create in schema ' || nspname
    FROM pg_namespace
    WHERE has_schema_privilege(%(role)s, oid, 'CREATE')
    UNION ALL
    SELECT 'may ' || privilege || ' in this database'
    FROM unnest(ARRAY['TEMPORARY', 'CREATE']) AS privilege
    WHERE has_database_privilege(%(role)s, current_database(), privilege)
    UNION ALL
    SELECT 'may call ' || function.oid::regprocedure
    FROM pg_proc AS function
    JOIN pg_namespace AS schema ON schema.oid = function.pronamespace
    WHERE schema.nspname NOT IN ('pg_catalog', 'information_schema', %(schema)s)
      AND function.prorettype <> 'trigger'::regtype
      AND has_schema_privilege(%(role)s, schema.oid, 'USAGE')
      AND has_function_privilege(%(role)s, function.oid, 'EXECUTE')
    UNION ALL
    SELECT 'may not call ' || function.oid::regprocedure
    FROM pg_proc AS function
    JOIN pg_namespace AS schema ON schema.oid = function.pronamespace
    WHERE schema.nspname = %(schema)s
      AND NOT (has_schema_privilege(%(role)s, schema.oid, 'USAGE')
               AND has_function_privilege(%(role)s, function.oid, 'EXECUTE'))
    UNION ALL
    SELECT 'has attributes of an administrator, or is a member of another role'
    FROM pg_roles AS role
    WHERE role.rolname = %(role)s
      AND (role.rolsuper OR role.rolcreaterole OR role.rolcreatedb OR role.rolreplication OR role.rolbypassrls
           OR EXISTS (SELECT FROM pg_auth_members WHERE member = role.oid))
"""


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
                sql.SQL("GRANT {} TO {} WITH ADMIN OPTION;").format(owner, user),
            ]
        role = sql.Identifier(opendkim_views.opendkim_role())
        statements += [
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {};").format(role, sql.Literal(opendkim_views.verifier(cursor))),
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
            _run(cursor, "GRANT SELECT ({}) ON public.{} TO {}", _listed(columns), sql.Identifier(table), owner)
        for table, columns, changed in server.views.values():
            parts = (_listed(columns), _listed(changed), sql.Identifier(table), owner)
            _run(cursor, "GRANT INSERT ({}), UPDATE ({}) ON public.{} TO {}", *parts)


def _make_views(cursor: Any, server: MailServer) -> None:
    """Plain ones, through which PostgreSQL writes into the table below."""
    _run(cursor, "SET LOCAL ROLE {}", sql.Identifier(server.owner))
    for name, (table, columns, _changed) in server.views.items():
        parts = (sql.Identifier(server.schema, name), _listed(columns), sql.Identifier(table))
        _run(cursor, "CREATE OR REPLACE VIEW {} AS SELECT {} FROM public.{}", *parts)
    cursor.execute("RESET ROLE")


def _listed(columns: list[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _make_functions(cursor: Any) -> set[tuple[str, str]]:
    """As their owner, so that they run with the owner's few rights. Returns what is kept under another name: a function
    with other arguments cannot be replaced, and a lookup that is just running still needs the old one."""
    kept = set()
    cursor.execute("SET LOCAL check_function_bodies = off")  # one may call another that comes later
    for schema, name, text in files():
        _run(cursor, "SET LOCAL ROLE {}", sql.Identifier(_owner_of(schema)))
        try:
            with transaction.atomic():
                cursor.execute(text)
        except ProgrammingError as error:
            if not isinstance(error.__cause__, InvalidFunctionDefinition):
                raise
            former = f"{name}_of_the_release_before"
            _drop(cursor, schema, former)
            for signature in _signatures(cursor, schema, name):
                cursor.execute(f"ALTER FUNCTION {signature} RENAME TO {former}")
            kept.add((schema, former))
            cursor.execute(text)
    cursor.execute("RESET ROLE")
    return kept


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
    for name, (_table, columns, changed) in server.views.items():
        parts = (_listed(columns), _listed(changed), sql.Identifier(server.schema, name), role)
        _run(cursor, "GRANT SELECT, INSERT ({}), UPDATE ({}) ON {} TO {}", *parts)


def _functions_in_database(cursor: Any) -> list[tuple[str, str]]:
    cursor.execute(
        "SELECT schema.nspname, function.proname FROM pg_proc AS function"
        " JOIN pg_namespace AS schema ON schema.oid = function.pronamespace WHERE schema.nspname = ANY (%s)",
        [list(SCHEMAS)],
    )
    return cursor.fetchall()


def _tables_are_there() -> bool:
    read = {table for server in MAIL_SERVERS for table in server.reads} | {*opendkim_views.READ_BY_VIEWS}
    return read <= set(connection.introspection.table_names())


def _run(cursor: Any, statement: str, *parts: sql.Composable) -> None:
    cursor.execute(sql.SQL(re.sub(r"\s+", " ", statement)).format(*parts))
