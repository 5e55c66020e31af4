"""SQLite and MariaDB hold the same, PostfixAdmin 4 holds more, and what is no PostfixAdmin is said in a sentence."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from domains.dkim_models import DkimKey
from mailboxes.models import Alias, Mailbox
from takeover.kept import secret_of
from takeover.models import ForeignLogEntry, KeptRow
from tests.commands.conftest import Shell
from tests.services.checks import nothing_changes
from tests.takeover.conftest import Foreign
from tests.takeover.postfixadmin import PASSWORD

pytestmark = pytest.mark.django_db


def everything() -> list[Any]:
    mailboxes = Mailbox.objects.with_address().order_by("pk")
    aliases = Alias.objects.with_destinations().order_by("address__domain__name", "address__local_part")
    return [
        sorted((str(one), one.name, one.mail_path, one.quota_bytes, one.active, one.receives) for one in mailboxes),
        [(str(one.address), one.active, [str(to) for to in one.destinations.all()]) for one in aliases],
        sorted(ForeignLogEntry.objects.values_list("action", "what")),
    ]


def test_sqlite_and_mariadb_and_postgresql_say_the_same(
    shell: Shell,
    falcots_postfixadmin: Foreign,
    sqlite_postfixadmin: Path,
    mariadb: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POSTFIXADMIN_PASSWORD", PASSWORD)
    found = []
    for url, *options in (
        (f"sqlite://{sqlite_postfixadmin}",),
        (mariadb, "--table-prefix", "pre_"),
        (falcots_postfixadmin.url,),
    ):
        ended = shell("import_postfixadmin", url, *options)
        assert ended.code == 0, ended
        found.append(everything())
        with nothing_changes():
            assert shell("import_postfixadmin", url, *options).code == 0
        start_anew()
    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) == 4


def start_anew() -> None:
    from tests.conftest import empty_rooms

    empty_rooms()


class TestVersion4:
    """No package has it: tables and columns as upgrade.php of revision 1851 and 1854 makes them."""

    def test_it_works(self, shell: Shell, foreign: Foreign) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        foreign.sql(
            """
            ALTER TABLE mailbox ADD totp_secret varchar(255), ADD smtp_active boolean NOT NULL DEFAULT true;
            ALTER TABLE admin ADD totp_secret varchar(255);
            ALTER TABLE alias ADD description varchar(255) NOT NULL DEFAULT '';
            CREATE TABLE dkim (id serial PRIMARY KEY, domain_name varchar(255), description varchar(255),
                selector varchar(63), private_key text, public_key text, created timestamptz, modified timestamptz);
            CREATE TABLE dkim_signing (id serial PRIMARY KEY, author varchar(255), dkim_id int);
            CREATE TABLE mailbox_app_password (id serial PRIMARY KEY, username varchar(255),
                description varchar(255), password_hash varchar(255));
            CREATE TABLE totp_exception_address (id serial PRIMARY KEY, ip varchar(46), username varchar(255),
                description varchar(255));
            UPDATE config SET value = '1856' WHERE name = 'version';
            UPDATE mailbox SET totp_secret = 'JBSWY3DPEHPK3PXP', smtp_active = false WHERE local_part = 'jean';
            UPDATE alias SET description = 'The desk' WHERE address = 'info@falcot.org';
            INSERT INTO mailbox_app_password (username, description, password_hash)
                VALUES ('jean@falcot.org', 'Phone', '$6$a$hash');
            INSERT INTO totp_exception_address (ip, username) VALUES ('192.0.2.1', 'jean@falcot.org');
            INSERT INTO dkim_signing (author, dkim_id) VALUES ('falcot.org', 1);
            """
        )
        dkim = "INSERT INTO dkim (domain_name, description, selector, private_key, public_key) VALUES %s"
        foreign.sql(dkim, [("falcot.org", "", "one", private, public), ("falcot.org", "", "two", "no key", public)])
        ended = shell("import_postfixadmin", foreign.url, "--json")
        assert ended.code == 0, ended
        assert not Mailbox.objects.get(address__local_part="jean").sends
        assert Alias.objects.get(address__local_part="info").comment == "The desk"
        secrets = {row.kind: secret_of(row) for row in KeptRow.objects.exclude(secret="").exclude(key__contains="two")}
        assert secrets == {"totp": "JBSWY3DPEHPK3PXP", "app_password": "$6$a$hash"}
        stored = "\n".join(str(row) for row in KeptRow.objects.values())
        for secret in (*secrets.values(), private.splitlines()[3], "no key"):
            assert secret not in stored + ended.out
        assert not KeptRow.objects.filter(kind="dkim_signing").exists()
        assert DkimKey.objects.get().signs_by_itself
        sentences = [one["sentence"] for one in ended.json["remarks"]]
        assert "The DKIM key falcot.org two cannot be used: it is no private key. It is kept anyway." in sentences
        with nothing_changes():
            assert shell("import_postfixadmin", foreign.url).code == 0

    def test_a_row_that_changed_there_is_kept_anew(self, shell: Shell, foreign: Foreign) -> None:
        """Such as what a mailbox stored that is gone."""
        foreign.sql("INSERT INTO quota2 (username, bytes, messages) VALUES ('old@falcot.org', 1, 1)")
        assert shell("import_postfixadmin", foreign.url).code == 0
        foreign.sql(
            "DELETE FROM quota2; INSERT INTO quota2 (username, bytes, messages) VALUES ('old@falcot.org', 7, 2)"
        )
        ended = shell("import_postfixadmin", foreign.url, "--json")
        assert ended.json["counts"]["quota_used"]["new"] == 1
        assert KeptRow.objects.get(kind="quota_used").payload == {"bytes": 7, "messages": 2}


def test_a_password_in_a_file_is_never_said(shell: Shell, falcots_postfixadmin: Foreign, tmp_path: Path) -> None:
    path = tmp_path / "password"
    url = falcots_postfixadmin.url.replace(f":{falcots_postfixadmin.cluster.password}@", "@")
    path.write_text(falcots_postfixadmin.cluster.password + "\n")
    ended = shell("import_postfixadmin", url, "--password-file", str(path), "--dry-run")
    assert ended.code == 0, ended
    path.write_text("not the right one")
    said = shell.refused("import_postfixadmin", url, "--password-file", str(path))
    assert said.startswith(f"{url} cannot be read: ")
    assert "not the right one" not in said
    assert "not the right" not in shell.refused(
        "import_postfixadmin", url.replace("mailadmin@", "mailadmin:not the right one@")
    )


def test_what_is_no_postfixadmin(shell: Shell, tmp_path: Path, foreign: Foreign) -> None:
    empty = tmp_path / "empty.db"
    sqlite3.connect(empty).close()
    assert "There is no table domain with a column active" in shell.refused("import_postfixadmin", f"sqlite://{empty}")
    assert "there is no such file" in shell.refused("import_postfixadmin", f"sqlite://{tmp_path}/no.db")
    assert "is no database. Write postgresql://" in shell.refused("import_postfixadmin", "http://127.0.0.1/")
    foreign.sql("ALTER TABLE mailbox RENAME TO boxes")
    assert "There is no table mailbox" in shell.refused("import_postfixadmin", foreign.url)
    assert shell("import_postfixadmin", foreign.url, "--table", "mailbox=boxes", "--dry-run").code == 0
    assert "has no table nothing" in shell.refused("import_postfixadmin", foreign.url, "--table", "nothing=x")


def test_an_old_version_is_remarked(shell: Shell, foreign: Foreign) -> None:
    foreign.sql("UPDATE config SET value = '1835' WHERE name = 'version'")
    ended = shell("import_postfixadmin", foreign.url, "--json")
    assert "old_version" in {one["code"] for one in json.loads(ended.out)["remarks"]}
