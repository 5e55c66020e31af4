"""The SQL functions come into place by themselves, wrong rights are mended, and a panel without rights says so."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.db import connection

from mailservers.functions import files, install, outdated
from mailservers.mail_servers import POSTFIX
from mailservers.rights import wrong_rights

pytestmark = pytest.mark.django_db


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_it_works() -> None:
    assert outdated() == []
    assert wrong_rights() == []
    assert install() is False, "there is nothing to do after migrate"


def test_a_missing_function_is_named_and_comes_back() -> None:
    run("DROP FUNCTION postfix.virtual_alias_maps(text, text)")
    assert "postfix.virtual_alias_maps" in outdated()[0]
    assert install() is True
    assert outdated() == []


def test_a_function_that_no_file_names_goes() -> None:
    run("CREATE FUNCTION postfix.everything() RETURNS text LANGUAGE sql AS 'SELECT 1::text'")
    assert any("everything" in sentence for sentence in wrong_rights()) or install(force=True)
    install(force=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('postfix.everything()')")
        assert cursor.fetchone() == (None,)


def test_another_signature_replaces_the_old_one() -> None:
    run("DROP FUNCTION postfix.mydestination(text)")
    run("CREATE FUNCTION postfix.mydestination(other text) RETURNS SETOF text LANGUAGE sql AS 'SELECT 1::text'")
    run(f'ALTER FUNCTION postfix.mydestination(text) OWNER TO "{POSTFIX.owner}"')
    install(force=True)
    assert outdated() == []


def test_one_with_other_arguments_goes_with_the_next_release() -> None:
    """A lookup that is just running may still call it."""
    run("CREATE FUNCTION mail_map.sends(active boolean) RETURNS boolean LANGUAGE sql AS 'SELECT active'")
    run(f'ALTER FUNCTION mail_map.sends(boolean) OWNER TO "{POSTFIX.owner}"')
    install(force=True)
    assert names_of("sends").count("sends") == 1
    assert "sends_of_the_release_before" in names_of("sends")
    assert wrong_rights() == []
    install(force=True)
    assert names_of("sends") == ["sends"]


def names_of(helper: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'mail_map'::regnamespace AND proname ~ %s",
            [f"^{helper}($|_of_the_release_before)"],
        )
        return [name for (name,) in cursor.fetchall()]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("GRANT SELECT ON mailboxes_mailboxcredential TO {role}", "may SELECT mailboxes_mailboxcredential"),
        ("GRANT SELECT (hash) ON mailboxes_mailboxcredential TO {role}", "may SELECT mailboxes_mailboxcredential"),
        ("GRANT SELECT ON mailboxes_mailbox TO PUBLIC", "may SELECT mailboxes_mailbox"),
        ("GRANT USAGE ON SEQUENCE domains_domain_id_seq TO {role}", "may use sequence domains_domain_id_seq"),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "may create in schema public"),
        ("GRANT TEMPORARY ON DATABASE {database} TO PUBLIC", "may TEMPORARY in this database"),
        ("GRANT EXECUTE ON FUNCTION _pgh_attach_context() TO PUBLIC", "may call _pgh_attach_context()"),
        ("REVOKE EXECUTE ON FUNCTION postfix.alias_maps(text) FROM {role}", "may not call postfix.alias_maps(text)"),
    ],
)
def test_wrong_rights_are_named_and_mended(wrong: str, said: str) -> None:
    names = {"role": f'"{POSTFIX.role}"', "database": connection.ops.quote_name(connection.settings_dict["NAME"])}
    run(wrong.format(**names))
    assert said in " ".join(wrong_rights())
    assert install() is True
    assert wrong_rights() == []


def test_a_role_with_powers_is_named() -> None:
    run(f'GRANT pg_read_all_data TO "{POSTFIX.role}"')
    assert "member of another role" in wrong_rights()[0]


def test_every_function_is_safe_to_run_for_others() -> None:
    """SECURITY DEFINER with a fixed search path, base types only, owned by the role that reads a few columns."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, prosecdef, provolatile, proretset, proconfig, pg_get_userbyid(proowner)"
            " FROM pg_proc WHERE pronamespace = 'postfix'::regnamespace"
        )
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    assert rows == {
        name: (True, "s", True, ["search_path=pg_catalog, pg_temp"], POSTFIX.owner)
        for schema, name, _text in files()
        if schema == "postfix"
    }


@pytest.fixture
def poor_role() -> Iterator[str]:
    """A database whose owner may not make roles; yields its URL."""
    name = f"poor_{uuid.uuid4().hex[:8]}"
    admin = connection.get_connection_params()
    other = psycopg2.connect(
        **{key: admin[key] for key in ("user", "password", "host", "port") if key in admin}, dbname="postgres"
    )
    other.autocommit = True
    cursor = other.cursor()
    cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'poor'")
    cursor.execute(f"CREATE DATABASE {name} OWNER {name}")
    yield name
    cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    roles = ("postfix", "mail_map_owner", "dovecot", "dovecot_owner")
    for role in (*(f"{name}_{role}" for role in roles), name):
        cursor.execute(f"DROP ROLE IF EXISTS {role}")
    other.close()


def manage(name: str, state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    place = connection.settings_dict
    url = f"postgresql://{name}:poor@127.0.0.1:{place['PORT'] or 5432}/{name}"
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "MAILADMIN_STATE": str(state),
        "MAILADMIN_ROLE_PREFIX": f"{name}_",
    }
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_panel_that_may_not_make_roles_says_what_it_needs(poor_role: str, tmp_path: Path) -> None:
    migrated = manage(poor_role, tmp_path, "migrate", "--verbosity=0")
    assert migrated.returncode == 0, migrated.stderr
    assert "permission denied to create role" in migrated.stdout

    refused = manage(poor_role, tmp_path, "install_functions")
    assert refused.returncode == 1
    statements = refused.stderr[refused.stderr.index("CREATE ROLE") :]
    assert (tmp_path / "postfix.password").read_text() not in refused.stderr

    run_as_superuser(poor_role, statements)

    allowed = manage(poor_role, tmp_path, "install_functions")
    assert allowed.returncode == 0, allowed.stderr
    assert manage(poor_role, tmp_path, "install_functions").stdout == "The functions were in place already.\n"


def run_as_superuser(database: str, statements: str) -> None:
    admin = connection.get_connection_params()
    other = psycopg2.connect(
        **{key: admin[key] for key in ("user", "password", "host", "port") if key in admin}, dbname=database
    )
    with other, other.cursor() as cursor:
        cursor.execute(statements)
    other.close()
