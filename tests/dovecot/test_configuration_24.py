"""The configuration for Dovecot 2.4, which this Debian does not have: held by files that were tried with 2.4.1
(docs/testing.md says how)."""

from pathlib import Path

from django.db import connection

from mailservers.dovecot_config import DovecotHost, files_for
from mailservers.mail_servers import DOVECOT

GOLDEN = Path(__file__).parent / "golden"
HOST = DovecotHost(
    directory="/etc/dovecot/mailadmin", database="192.0.2.5:5432", mail_base="/srv/100% mail", version="2.4"
)


def test_dovecot_conf_is_what_was_tried() -> None:
    assert files_for(HOST)["dovecot.conf"] == (GOLDEN / "dovecot.conf").read_text()


def test_sql_conf_is_what_was_tried() -> None:
    text = files_for(HOST)["sql.conf"]
    own = {"password": DOVECOT.password, "user": DOVECOT.role, "dbname": connection.settings_dict["NAME"]}
    for name, value in own.items():
        text = text.replace(f'{name} = "{value}"', f'{name} = "{name.upper()}"')
    assert text == (GOLDEN / "sql.conf").read_text()


def test_both_versions_have_the_same_parts() -> None:
    for_24, for_23 = (
        files_for(DovecotHost(directory="/d", database="/run:5432", version=one)) for one in ("2.4", "2.3")
    )
    for part in ("dovecot.iterate()", "dovecot.app_password(", "dovecot.passdb(", "dovecot.userdb(", "vsz_limit = 1G"):
        assert part in "".join(for_24.values())
        assert part in "".join(for_23.values())
