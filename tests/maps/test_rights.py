"""What the role of Postfix may do: call its functions. Not read a table, and not make them read another one."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from django.db import connection
from psycopg2.extensions import connection as Connection  # noqa: N812

from mailadmin.launch.cluster import Cluster
from mailservers.functions import parameters
from mailservers.mail_servers import POSTFIX
from mailservers.rights import wrong_rights
from tests.plugins.mail_stack import Postfix

DATABASE = "test_mailadmin"
QUESTIONS = {
    "virtual_mailbox_domains": "home.example",
    "virtual_alias_domains": "alias.example",
    "mydestination": "localhost",
    "virtual_mailbox_maps": "alice@home.example",
    "virtual_alias_maps": "team@home.example",
    "alias_maps": "staff",
}

EVERY_RELATION = """
    SELECT relation.oid::regclass::text, relation.relkind
    FROM pg_class AS relation
    WHERE relation.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      AND relation.relkind IN ('r', 'v', 'm', 'p', 'f', 'S')
      AND relation.relnamespace <> 'pg_toast'::regnamespace
"""


@pytest.fixture
def as_postfix(maps: Postfix, cluster: Cluster) -> Generator[Connection, None, None]:
    """A connection as Postfix makes it."""
    with closing_connection(cluster) as session:
        yield session


@contextmanager
def closing_connection(cluster: Cluster) -> Generator[Connection, None, None]:
    session = psycopg2.connect(
        host="127.0.0.1", port=cluster.port, dbname=DATABASE, user=POSTFIX.role, password=POSTFIX.password
    )
    session.autocommit = True
    yield session
    session.close()


def rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def test_no_table_view_or_sequence(maps: Postfix) -> None:
    role, found = POSTFIX.role, rows(EVERY_RELATION)
    assert len(found) > 30
    for name, kind in found:
        if kind == "S":
            assert rows("SELECT has_sequence_privilege(%s, %s, 'USAGE, SELECT, UPDATE')", role, name) == [(False,)], (
                name
            )
            continue
        every = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER"
        assert rows("SELECT has_table_privilege(%s, %s, %s)", role, name, every) == [(False,)], name
        columns = "SELECT, INSERT, UPDATE, REFERENCES"
        assert rows("SELECT has_any_column_privilege(%s, %s, %s)", role, name, columns) == [(False,)], name


def test_no_function_but_its_own(maps: Postfix) -> None:
    ours = rows(
        """
        SELECT function.pronamespace::regnamespace::text, function.proname
        FROM pg_proc AS function
        WHERE function.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
          AND has_schema_privilege(%s, function.pronamespace, 'USAGE')
          AND has_function_privilege(%s, function.oid, 'EXECUTE')
          AND function.prorettype <> 'trigger'::regtype
        """,
        POSTFIX.role,
        POSTFIX.role,
    )
    assert sorted(ours) == [("postfix", name) for name in sorted(parameters())]


def test_nothing_can_be_made(maps: Postfix) -> None:
    role = POSTFIX.role
    schemas = rows("SELECT nspname FROM pg_namespace WHERE has_schema_privilege(%s, oid, 'CREATE')", role)
    assert schemas == []
    assert rows("SELECT has_database_privilege(%s, current_database(), 'CREATE, TEMPORARY')", role) == [(False,)]


def test_it_finds_by_an_index(maps: Postfix) -> None:
    """Also where a table is small, or was never analysed."""
    found = rows("SELECT setconfig FROM pg_db_role_setting WHERE setrole = %s::regrole", POSTFIX.role)
    assert found == [(["enable_seqscan=off"],)]


def test_it_is_nobody_in_particular(maps: Postfix) -> None:
    attributes = "rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
    assert rows(f"SELECT {attributes} FROM pg_roles WHERE rolname = %s", POSTFIX.role) == [(False,) * 5]
    assert rows("SELECT 1 FROM pg_auth_members WHERE member = %s::regrole", POSTFIX.role) == []
    assert rows("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", POSTFIX.owner) == [(False,)]


FORBIDDEN = {
    "read the password hashes": "SELECT hash FROM public.mailboxes_mailboxcredential",
    "list the addresses": "SELECT local_part FROM public.mailboxes_address",
    "read the passwords for relays": "SELECT token FROM public.lookup_tables_relaypassword",
    "read the history": "SELECT * FROM public.pghistory_context",
    "read the people": "SELECT * FROM public.accounts_user",
    "call a helper": "SELECT mail_map.delimiters()",
    "make a temporary table": "CREATE TEMP TABLE domains_domain (id int)",
    "make a temporary view": "CREATE TEMP VIEW mailboxes_mailbox AS SELECT 1",
    "make a temporary function": "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "make a table": "CREATE TABLE public.mine (id int)",
    "make a function": "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "make a schema": "CREATE SCHEMA mine",
    "replace a function": "CREATE OR REPLACE FUNCTION postfix.alias_maps(asked_name text) RETURNS SETOF text"
    " LANGUAGE sql AS 'SELECT 1::text'",
    "become the owner of the functions": "SET ROLE mail_map_owner",
    "become the panel": "SET ROLE mailadmin",
    "read a file": "SELECT pg_read_file('/etc/passwd')",
    "run a program": "COPY (SELECT 1) TO PROGRAM 'id'",
}


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_it_may_not(as_postfix: Connection, statement: str) -> None:
    with as_postfix.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(statement)


def answers(session: Connection) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    with session.cursor() as cursor:
        for parameter, key in QUESTIONS.items():
            given = key.split("@") if parameter in ("virtual_mailbox_maps", "virtual_alias_maps") else [key]
            cursor.execute(f"SELECT * FROM postfix.{parameter}({', '.join(['%s'] * len(given))})", given)
            found[parameter] = cursor.fetchall()
    return found


SHADOWS = [
    "SET search_path = pg_temp, public, postfix",
    *(
        f"CREATE TEMP VIEW {table} AS SELECT * FROM (VALUES {rows}) AS shadow ({columns})"
        for table, columns, rows in (
            ("domains_domain", "id, name, address_class, target_id, active", "(1, 'evil.example', 'local', 1, true)"),
            ("domains_mailsettings", "id, recipient_delimiter", "(1, 'a')"),
            ("mailboxes_address", "id, domain_id, local_part", "(1, 1, 'evil')"),
            ("mailboxes_mailbox", "id, address_id, mail_path, active", "(1, 1, 'evil', true)"),
            ("mailboxes_alias", "id, address_id, active", "(1, 1, true)"),
        )
    ),
    "CREATE FUNCTION pg_temp.unquoted(text) RETURNS text LANGUAGE sql AS $$ SELECT 'evil' $$",
    "CREATE FUNCTION pg_temp.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'evil' $$",
    "CREATE FUNCTION pg_temp.substring(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'evil' $$",
    "CREATE FUNCTION pg_temp.same(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$",
    "CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = text, PROCEDURE = pg_temp.same)",
]


# The same attack on a function as one might write it.
CARELESS = """
    CREATE FUNCTION postfix.careless() RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
    AS 'SELECT name::text FROM domains_domain'
"""


def test_shadows_in_a_temporary_schema_change_no_answer(maps: Postfix, cluster: Cluster) -> None:
    """The attack that reads everything where `public` stands in the search_path of a SECURITY DEFINER function.
    Even if somebody grants TEMPORARY to the role by mistake, it finds nothing; and the panel says what was granted."""
    with closing_connection(cluster) as session:
        honest = answers(session)
    assert all(honest.values()), honest
    role, owner = POSTFIX.role, POSTFIX.owner
    rows(f"GRANT TEMPORARY ON DATABASE {DATABASE} TO {role}")
    try:
        assert "TEMPORARY" in " ".join(wrong_rights())
        with closing_connection(cluster) as session:
            with session.cursor() as cursor:
                for statement in SHADOWS:
                    cursor.execute(statement)
                cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA pg_temp TO {owner}, mailadmin")
                rows(CARELESS)
                rows(f"GRANT EXECUTE ON FUNCTION postfix.careless TO {role}")
                cursor.execute("SELECT * FROM postfix.careless()")
                assert cursor.fetchall() == [("evil.example",)], "This attack would not show a careless function."
            assert answers(session) == honest
    finally:
        rows("DROP FUNCTION IF EXISTS postfix.careless")
        rows(f"REVOKE TEMPORARY ON DATABASE {DATABASE} FROM {role}")
    assert wrong_rights() == []


def test_the_panel_sees_a_right_too_many(maps: Postfix) -> None:
    rows(f"GRANT SELECT (hash) ON mailboxes_mailboxcredential TO {POSTFIX.role}")
    try:
        assert "mailboxes_mailboxcredential" in " ".join(wrong_rights())
    finally:
        rows(f"REVOKE SELECT (hash) ON mailboxes_mailboxcredential FROM {POSTFIX.role}")
    assert wrong_rights() == []


def test_the_owner_of_the_functions_reads_no_secret(maps: Postfix) -> None:
    readable = rows(
        """
        SELECT relation.oid::regclass::text
        FROM pg_class AS relation
        WHERE relation.relnamespace = 'public'::regnamespace
          AND relation.relkind IN ('r', 'v', 'm', 'p')
          AND has_any_column_privilege(%s, relation.oid, 'SELECT')
        """,
        POSTFIX.owner,
    )
    assert sorted(name for (name,) in readable) == [
        "domains_domain",
        "domains_mailsettings",
        "lookup_tables_bcc",
        "lookup_tables_canonical",
        "lookup_tables_relocated",
        "lookup_tables_senderrelay",
        "lookup_tables_tlspolicy",
        "lookup_tables_transport",
        "mailboxes_address",
        "mailboxes_alias",
        "mailboxes_aliasdestination",
        "mailboxes_apppassword",  # until when, not by which: the digest is in a table of its own
        "mailboxes_endofsessions",
        "mailboxes_localuser",
        "mailboxes_mailbox",
        "mailboxes_permittedsender",
        "mailboxes_relayrecipient",
        "restrictions_accessrule",
        "restrictions_accesstable",
        "restrictions_namedwriter",
        "restrictions_protectedalias",
        "restrictions_recipientclass",
        "restrictions_restrictionclass",
    ]
