"""What the role of Dovecot may do: ask for one address, and write what it counts. Nothing else is within its reach."""

from collections.abc import Generator
from typing import Any

import psycopg2
import pytest
from django.db import connection
from psycopg2.extensions import connection as Connection  # noqa: N812

from mailadmin.launch.cluster import Cluster
from mailservers.functions import install
from mailservers.mail_servers import DOVECOT, OPENDKIM, POSTFIX, MailServer
from mailservers.rights import wrong_rights
from tests.plugins.mail_stack import Postfix

ALLOWED = {
    "ask who signs in": "SELECT * FROM dovecot.passdb('alice@home.example', 'imap', '/srv/vmail')",
    "ask where mail is": "SELECT * FROM dovecot.userdb('alice@home.example', 'lmtp', '/srv/vmail')",
    "ask whose app password it is": "SELECT * FROM dovecot.app_password('a@home.example', 'imap', 'abc', '/srv/vmail')",
    "list the logins": "SELECT * FROM dovecot.iterate()",
    "say what is used": "INSERT INTO dovecot.quota (bytes, messages, username) VALUES (1, 1, 'alice@home.example')"
    " ON CONFLICT (username) DO UPDATE SET bytes = 1, messages = 1",
    "say who signed in": "INSERT INTO dovecot.last_sign_in (username, service, remote_ip, seconds)"
    " VALUES ('alice@home.example', 'imap', '192.0.2.7', 1)"
    " ON CONFLICT (username, service, remote_ip) DO UPDATE SET seconds = 1",
    "read the answers": "SELECT id, username, script FROM dovecot.sieve",
}
FORBIDDEN = {
    "read the hashes": "SELECT hash FROM public.mailboxes_mailboxcredential",
    "read the digests of app passwords": "SELECT digest FROM public.mailboxes_apppasswordsecret",
    "say when one was used": "UPDATE public.mailboxes_apppasswordsecret SET used_at = now()",
    "list the addresses": "SELECT local_part FROM public.mailboxes_address",
    "read the people": "SELECT * FROM public.accounts_user",
    "read the history": "SELECT * FROM public.pghistory_context",
    "write beside the view": "INSERT INTO public.mailboxes_usage (username) VALUES ('x')",
    "take the words of another": "UPDATE dovecot.quota SET username = 'x'",
    "forget": "DELETE FROM dovecot.quota",
    "say that another signed in": "UPDATE dovecot.last_sign_in SET username = 'x'",
    "say from elsewhere": "UPDATE dovecot.last_sign_in SET remote_ip = '192.0.2.8'",
    "forget a sign-in": "DELETE FROM dovecot.last_sign_in",
    "sign in beside the view": "INSERT INTO public.mailboxes_signin (username) VALUES ('x')",
    "let sessions go on": "DELETE FROM public.mailboxes_endofsessions",
    "answer for another": "UPDATE public.mailboxes_outofoffice SET text = 'x'",
    "take an answer away": "DELETE FROM public.mailboxes_outofoffice",
    "read the answers as they were typed": "SELECT text FROM public.mailboxes_outofoffice",
    "call a function of Postfix": "SELECT postfix.virtual_alias_maps('a', 'b')",
    "call a helper": "SELECT mail_map.delimiters()",
    "make a temporary table": "CREATE TEMP TABLE domains_domain (id int)",
    "make a table": "CREATE TABLE public.mine (id int)",
    "become the owner of the functions": "SET ROLE dovecot_owner",
}


@pytest.fixture
def as_dovecot(maps: Postfix, cluster: Cluster) -> Generator[Connection, None, None]:
    place = {"host": "127.0.0.1", "port": cluster.port, "dbname": connection.settings_dict["NAME"]}
    session = psycopg2.connect(**place, user=DOVECOT.role, password=DOVECOT.password)
    session.autocommit = True
    yield session
    session.close()


@pytest.mark.parametrize("statement", ALLOWED.values(), ids=ALLOWED.keys())
def test_it_may(as_dovecot: Connection, statement: str) -> None:
    with as_dovecot.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_it_may_not(as_dovecot: Connection, statement: str) -> None:
    with as_dovecot.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(statement)


def test_a_right_too_many_is_named_and_mended(maps: Postfix) -> None:
    assert wrong_rights() == []
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT SELECT (hash) ON mailboxes_mailboxcredential TO {DOVECOT.role}")
        cursor.execute(f"GRANT EXECUTE ON FUNCTION dovecot.iterate() TO {POSTFIX.role}")
        cursor.execute(f"GRANT USAGE ON SCHEMA dovecot TO {POSTFIX.role}")
        cursor.execute("REVOKE EXECUTE ON FUNCTION dovecot.iterate() FROM dovecot")
    said = " ".join(wrong_rights())
    for right in (
        "may SELECT mailboxes_mailboxcredential",
        "may call dovecot.iterate()",
        "may not call dovecot.iterate",
    ):
        assert right in said
    assert install() is True
    assert wrong_rights() == []


def test_no_hash_without_the_right_service(as_dovecot: Connection) -> None:
    with as_dovecot.cursor() as cursor:
        for service in ("lmtp", "doveadm", "sieve"):
            cursor.execute("SELECT * FROM dovecot.passdb('alice@home.example', %s, '/srv/vmail')", [service])
            assert cursor.fetchall() == []


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("dovecot.passdb('', '', '/srv/vmail')", [(None,) * 6] * 2),
        ("dovecot.passdb('', 'imap', '/srv/vmail')", [(None,) * 6] * 2),
        ("dovecot.passdb('alice@home.example', '', '/srv/vmail')", [(None,) * 6] * 2),
        ("dovecot.app_password('alice@home.example', 'imap', '', '/srv/vmail')", [(None,) * 6] * 2),
        ("dovecot.userdb('', '', '/srv/vmail')", [(None,) * 5 + ("yes",)]),
        ("dovecot.userdb('', 'lmtp', '/srv/vmail')", [(None,) * 5 + ("yes",)]),
    ],
)
def test_nothing_is_said_to_a_question_without_words(as_dovecot: Connection, question: str, rows: list[Any]) -> None:
    """Two rows of passdb are an error to Dovecot, `tempfail` of userdb a failure for now: no word on any mailbox."""
    with as_dovecot.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {question}")
        assert cursor.fetchall() == rows


@pytest.mark.parametrize(("server", "view"), [(DOVECOT, "quota"), (OPENDKIM, "key_table")])
def test_a_right_too_few_is_named_and_mended(maps: Postfix, server: MailServer, view: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"REVOKE SELECT ON {server.schema}.{view} FROM {server.role}")
    assert f"may not SELECT {server.schema}.{view}" in " ".join(wrong_rights())
    install()
    assert wrong_rights() == []
