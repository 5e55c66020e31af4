"""compare_maps over the maps that PostfixAdmin documents: its database says what is to be asked, nobody names keys."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from takeover.comparison_databases import asked_tables, database_of, rows_behind
from takeover.postfix_tools import Table
from tests.plugins.mail_stack import Postfix
from tests.takeover.conftest import Foreign
from tests.takeover.handwritten import Handwritten
from tests.takeover.test_compare_maps import compared, differing, written
from tests.takeover.test_same_answers import DOCUMENTED

Make = Callable[[str], Handwritten]
MAIN = """
virtual_mailbox_base = /srv/vmail
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
virtual_mailbox_domains = proxy:{kind}:$config_directory/domains.cf
relay_domains = proxy:{kind}:$config_directory/relay.cf
virtual_mailbox_maps = proxy:{kind}:$config_directory/mailbox.cf proxy:{kind}:$config_directory/mailbox_of_target.cf
virtual_alias_maps = proxy:{kind}:$config_directory/alias.cf proxy:{kind}:$config_directory/alias_of_target.cf
    proxy:{kind}:$config_directory/catch_all_of_target.cf
alias_maps =
local_recipient_maps =
"""
OF_TARGET = (
    "SELECT maildir FROM mailbox,alias_domain WHERE alias_domain.alias_domain = '%d' AND mailbox.username = '%u' || '@'"
    " || alias_domain.target_domain AND mailbox.active AND alias_domain.active"
)
QUERIES = DOCUMENTED | {"mailbox_of_target": OF_TARGET}


def maps_of(old: Handwritten, kind: str, server: str, queries: dict[str, str] = QUERIES) -> None:
    old.main(MAIN.format(kind=kind))
    for name, query in queries.items():
        (old.directory / f"{name}.cf").write_text(f"{server}query = {query}\n")
    old.back_date()


def server_of(foreign: Foreign, host: str = "") -> str:
    host = host or f"127.0.0.1:{foreign.cluster.port}"
    return f"hosts = {host}\nuser = mailadmin\npassword = {foreign.cluster.password}\ndbname = {foreign.name}\n"


@pytest.fixture(scope="module")
def panel(committed: None, falcots_postfixadmin: Foreign, postfix: Postfix) -> Postfix:
    """Falcot's mail, taken over."""
    call_command("import_postfixadmin", falcots_postfixadmin.url, stdout=StringIO(), stderr=StringIO())
    return postfix


def test_it_works(panel: Postfix, falcots_postfixadmin: Foreign, handwritten: Make, folder: Path) -> None:
    """Every address of both sides is asked, and mail goes the same way."""
    old = handwritten("old")
    maps_of(old, "pgsql", server_of(falcots_postfixadmin))
    found = compared(old.directory, written(folder))
    assert found["differences"] == []
    assert found["explained"]["like_its_base"] > 0  # its alias domain and the catch-all, which loses mail there
    assert not [remark for remark in found["remarks"] if "--keys" in remark]
    assert falcots_postfixadmin.cluster.password not in json.dumps(found)


def test_what_only_the_old_database_knows(panel: Postfix, foreign: Foreign, handwritten: Make, folder: Path) -> None:
    """Added there after the takeover: found, also by the alias domain, and with an extension."""
    foreign.sql("INSERT INTO alias (address, goto, domain) VALUES ('new@falcot.org', 'jean@falcot.org', 'falcot.org')")
    foreign.sql("UPDATE alias SET goto = 'laure@falcot.org' WHERE address = '@falcot.org'")
    old = handwritten("old")
    maps_of(old, "pgsql", server_of(foreign, f"inet:127.0.0.1:{foreign.cluster.port}"))
    keys = {key for key, _old, _new in differing(compared(old.directory, written(folder)))}
    assert {"no-such-person@falcot.org", "no-such-person@falcot.com"} <= keys
    assert "jean@falcot.org" not in keys
    foreign.sql("UPDATE alias SET goto = 'jean@falcot.org' WHERE address = '@falcot.org'")
    foreign.sql("UPDATE alias SET goto = 'laure@falcot.org' WHERE address = 'new@falcot.org'")
    keys = {key for key, _old, _new in differing(compared(old.directory, written(folder)))}
    assert keys == {
        *("new@falcot.org", "NEW@FALCOT.ORG", "new+old@falcot.org"),
        *("new@falcot.com", "NEW@FALCOT.COM"),  # there the catch-all gets new+old, as here
    }


def test_another_table_beside_them(panel: Postfix, foreign: Foreign, handwritten: Make, folder: Path) -> None:
    """Nobody knows the keys of a table of one's own: it is named, the others are not."""
    foreign.sql("CREATE TABLE mine (address text, goto text)")
    old = handwritten("old")
    queries = QUERIES | {"catch_all_of_target": "SELECT goto FROM mine WHERE address = '%s'"}
    maps_of(old, "pgsql", server_of(foreign), queries)
    (remark,) = (one for one in compared(old.directory, written(folder))["remarks"] if "--keys" in one)
    assert "catch_all_of_target.cf" in remark


def test_a_database_that_is_no_postfixadmin(panel: Postfix, foreign: Foreign, handwritten: Make, folder: Path) -> None:
    """It says so, and what cannot be listed is named as ever."""
    foreign.sql("ALTER TABLE mailbox RENAME TO mailboxes")
    foreign.sql("CREATE VIEW mailbox AS SELECT username AS name, username, maildir, active FROM mailboxes")
    foreign.sql("ALTER VIEW mailbox RENAME COLUMN username TO login")
    old = handwritten("old")
    queries = {
        name: query.replace("mailbox.username", "login").replace("username=", "login=")
        for name, query in QUERIES.items()
    }
    maps_of(old, "pgsql", server_of(foreign), queries)
    remarks = " ".join(compared(old.directory, written(folder))["remarks"])
    assert "There is no table mailbox with a column username" in remarks
    assert "--keys" in remarks


def test_keys_of_an_sqlite(sqlite_postfixadmin: Path) -> None:
    rows = list(rows_behind(f"sqlite://{sqlite_postfixadmin}", ""))
    assert ("alias_domain", "falcot.com", "falcot.org") in rows
    assert {("mailbox", "jean@falcot.org", ""), ("alias", "@falcot.org", ""), ("domain", "falcot.org", "")} <= set(rows)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ValidationError, match="there is no such file"):
        list(rows_behind("sqlite:///nowhere.db", ""))


@pytest.mark.parametrize(
    ("kind", "text", "url"),
    [
        (
            "pgsql",
            "hosts = unix:/run/postgresql\nuser = a b\ndbname = pfa",
            "postgresql:///pfa?host=%2Frun%2Fpostgresql&user=a+b",
        ),
        ("pgsql", "hosts = unix:/tmp/.s.PGSQL.5433\ndbname = pfa", "postgresql:///pfa?host=%2Ftmp&port=5433"),
        ("pgsql", "hosts = db1.example, db2.example\ndbname = pfa", "postgresql:///pfa?host=db1.example"),
        ("pgsql", "hosts = postgresql://u@db/pfa", "postgresql://u@db/pfa"),
        (
            "mysql",
            "hosts = unix:/run/my.sock\nuser = u\ndbname = pfa",
            "mysql://u@localhost/pfa?unix_socket=%2Frun%2Fmy.sock",
        ),
        ("mysql", "hosts = inet:db.example:3307\nuser = u\ndbname = pfa", "mysql://u@db.example:3307/pfa"),
        ("mysql", "user = u\ndbname = pfa", "mysql://u@localhost/pfa"),
        ("sqlite", "dbpath = /srv/a b.db", "sqlite:///srv/a%20b.db"),
    ],
)
def test_how_a_map_names_its_database(tmp_path: Path, kind: str, text: str, url: str) -> None:
    path = tmp_path / "map.cf"
    path.write_text(f"{text}\npassword = secret\nquery = SELECT goto FROM alias WHERE address = '%s'\n")
    assert database_of(Table(kind, str(path))) == (url, "" if kind == "sqlite" else "secret")


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("SELECT goto FROM alias WHERE address='%s'", {"alias"}),
        ("SELECT goto FROM alias,alias_domain WHERE a", {"alias", "alias_domain"}),
        ("select a.goto from alias a left join public.alias_domain as d on d.x = a.x", {"alias", "alias_domain"}),
        ("SELECT domain FROM domain", {"domain"}),
        ("SELECT 1 FROM `mailbox` WHERE x IN (SELECT y FROM other)", {"mailbox", "other"}),
        ("SELECT f('%s')", {""}),
    ],
)
def test_which_tables_a_query_asks(query: str, tables: set[str]) -> None:
    assert asked_tables({"query": query}) == tables
