"""postfix_config: what it writes works on a mail host, and keeps its password to itself."""

import io
import os
import subprocess
import tarfile
import time
from collections.abc import Generator
from pathlib import Path
from pwd import getpwnam
from stat import S_IMODE
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from domains.services import change_mail_settings
from mailadmin.launch.cluster import Cluster
from mailservers.mail_servers import POSTFIX
from tests.plugins.example_mail import TESTER, add_domain, falcot
from tests.plugins.mail_stack import Postfix

ALIAS, ANSWER = "webmaster@falcotsbrand.com", "jean@falcot.org"


@pytest.fixture(scope="module")
def mail(postfix: Postfix, committed: None) -> Postfix:
    falcot()
    return postfix


@pytest.fixture
def folder() -> Generator[Path, None, None]:
    """A place that Postfix can reach, unlike pytest's own."""
    with TemporaryDirectory(dir="/tmp") as base:
        Path(base).chmod(0o755)
        yield Path(base) / "mailadmin"


def write(folder: Path, **options: Any) -> list[str]:
    call_command("postfix_config", output=str(folder), stdout=io.StringIO(), **options)
    return sorted(path.name for path in folder.iterdir())


def postmap(mail: Postfix, folder: Path, key: str = ALIAS) -> "subprocess.CompletedProcess[str]":
    command = ["postmap", "-c", str(mail.conf), "-q", key, f"pgsql:{folder}/virtual_alias_maps.cf"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


MAPS = [
    "smtpd_sender_login_maps.cf",
    "suspended_domains.cf",
    "virtual_alias_domains.cf",
    "virtual_alias_maps.cf",
    "virtual_mailbox_domains.cf",
    "virtual_mailbox_maps.cf",
]
OTHERS = ["install-commands", "main.cf.mailadmin"]
PASSWORD = "password"
RELAYS = "sasl_passwd"  # for root alone: tests/smtp/test_lookup_tables.py


def test_a_file_for_each_map(mail: Postfix, folder: Path) -> None:
    assert write(folder) == sorted([*MAPS, *OTHERS, PASSWORD, RELAYS])
    assert postmap(mail, folder).stdout == f"{ANSWER}\n"


def test_only_postfix_reads_the_files(mail: Postfix, folder: Path) -> None:
    write(folder)
    postfix = getpwnam("postfix")
    assert S_IMODE(folder.stat().st_mode) == 0o750
    for path in (folder / name for name in (*MAPS, *OTHERS)):
        assert (path.stat().st_uid, path.stat().st_gid, S_IMODE(path.stat().st_mode)) == (0, postfix.pw_gid, 0o640)
    password = (folder / PASSWORD).stat()
    assert (password.st_uid, S_IMODE(password.st_mode)) == (postfix.pw_uid, 0o400)


def test_the_password_stands_in_one_file(mail: Postfix, folder: Path) -> None:
    """Postfix writes what stands in a .cf into the mail log."""
    write(folder)
    assert [path.name for path in folder.iterdir() if POSTFIX.password in path.read_text()] == [PASSWORD]


def test_postfix_trusts_the_files_at_once(mail: Postfix, folder: Path) -> None:
    """It sleeps over a file that changed within the last two seconds."""
    write(folder)
    assert all(path.stat().st_mtime < time.time() - 2 for path in folder.iterdir())


def test_writing_again_changes_nothing_but_the_delimiter(mail: Postfix, folder: Path) -> None:
    write(folder)
    before = {path.name: path.read_text() for path in folder.iterdir()}
    change_mail_settings(recipient_delimiter="-", by=TESTER)
    try:
        write(folder)
        after = {path.name: path.read_text() for path in folder.iterdir()}
    finally:
        change_mail_settings(recipient_delimiter="+", by=TESTER)
    assert {name for name in before if before[name] != after[name]} == set(OTHERS)
    assert "recipient_delimiter = -\n" in after["main.cf.mailadmin"]


def test_the_commands_put_it_into_main_cf(mail: Postfix) -> None:
    private = "\n".join(
        line
        for line in (mail.conf / "main.cf").read_text().splitlines()
        if "virtual_" not in line and "mydest" not in line
    )
    mail.write("main.cf", private + "\n")
    mail.reload()
    assert mail.rcpt("jean@falcot.org").code == 554
    try:
        mail.install()
        assert mail.rcpt("jean@falcot.org").code == 250
        assert mail.rcpt("no-such-person@falcot.org").code == 550
    finally:
        mail.configure()


def test_what_the_host_restricts_stays_behind_what_is_ours(mail: Postfix) -> None:
    theirs = "reject_non_fqdn_recipient, permit_mynetworks"
    lines = (mail.conf / "main.cf").read_text().splitlines()
    private = [line for line in lines if not line.startswith("smtpd_recipient_restrictions")]
    environment = {**os.environ, "MAIL_CONFIG": str(mail.conf)}
    asked = ["postconf", "-h", "smtpd_recipient_restrictions"]
    ours = f"check_recipient_access proxy:pgsql:{mail.maps}/suspended_domains.cf"
    # Without the reload at the end: one that follows another too soon waits for postlogd(8), which waits for it.
    command = ["sh", "-c", (mail.maps / "install-commands").read_text().partition("postfix check")[0]]
    try:
        for there, wanted in (
            ([], ours),
            ([f"smtpd_recipient_restrictions = {theirs}"], f"{ours}, {theirs}"),
            ([f"smtpd_recipient_restrictions = {ours.replace(str(mail.maps), '/old')} {theirs}"], f"{ours}, {theirs}"),
        ):
            mail.write("main.cf", "\n".join([*private, *there, ""]))
            for _time in range(2):
                subprocess.run(command, env=environment, check=True, stdin=subprocess.DEVNULL, capture_output=True)
                found = subprocess.run(asked, env=environment, check=True, capture_output=True, text=True).stdout
                assert found.strip() == wanted
    finally:
        mail.configure()


def test_a_unix_socket(mail: Postfix, folder: Path, cluster: Cluster) -> None:
    sockets = cluster.directory.parent / "sockets"
    write(folder, host=[f"{sockets}:{cluster.port}"])
    assert postmap(mail, folder).stdout == f"{ANSWER}\n"


def test_a_server_that_is_away_and_one_that_is_there(mail: Postfix, folder: Path, cluster: Cluster) -> None:
    write(folder, host=["127.0.0.1:9", f"127.0.0.1:{cluster.port}"])
    assert {postmap(mail, folder).stdout for _try in range(6)} == {f"{ANSWER}\n"}


def test_a_lookup_that_takes_too_long_is_given_up(mail: Postfix, folder: Path) -> None:
    write(folder, statement_timeout=200)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE domains_domain IN ACCESS EXCLUSIVE MODE")
        result = postmap(mail, folder)
    assert result.returncode == 1
    assert "statement timeout" in result.stderr


def test_encryption_where_the_server_has_none_is_an_error(mail: Postfix, folder: Path) -> None:
    write(folder, tls_mode="require")
    result = postmap(mail, folder)
    assert result.returncode == 1
    assert "does not support SSL" in result.stderr


@pytest.fixture
def encrypted(cluster: Cluster) -> Generator[Path, None, None]:
    """The server speaks TLS for a while; yields its certificate."""
    certificate, key = cluster.data / "server.crt", cluster.data / "server.key"
    words = [
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-keyout",
        key,
        "-out",
        certificate,
    ]
    subprocess.run(["openssl", "req", *map(str, words)], check=True, capture_output=True)
    for path in (certificate, key):
        path.chmod(0o600)
        os.chown(path, cluster.data.stat().st_uid, cluster.data.stat().st_gid)
    copy = cluster.directory.parent / "server.crt"
    copy.write_bytes(certificate.read_bytes())
    set_tls("on")
    yield copy
    set_tls("off")


def set_tls(state: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SYSTEM SET ssl = {state}")
        cursor.execute("SELECT pg_reload_conf()")
        for _try in range(100):
            cursor.execute("SHOW ssl")
            if cursor.fetchone()[0] == state:
                return
            time.sleep(0.05)
    pytest.fail(f"PostgreSQL did not turn TLS {state}.")


@pytest.mark.parametrize("tls_mode", ["require", "verify-ca", "verify-full"])
def test_encryption(mail: Postfix, folder: Path, cluster: Cluster, encrypted: Path, tls_mode: str) -> None:
    write(folder, tls_mode=tls_mode, tls_root=str(encrypted), host=[f"localhost:{cluster.port}"])
    assert postmap(mail, folder).stdout == f"{ANSWER}\n"


def test_a_certificate_for_another_name_is_an_error(
    mail: Postfix, folder: Path, cluster: Cluster, encrypted: Path
) -> None:
    write(folder, tls_mode="verify-full", tls_root=str(encrypted), host=[f"127.0.0.1:{cluster.port}"])
    result = postmap(mail, folder)
    assert result.returncode == 1
    assert "does not match host name" in result.stderr


def test_another_machine_is_asked_for_encryption(mail: Postfix, folder: Path) -> None:
    write(folder, host=["db.example.net:5432"])
    assert "sslmode=require" in (folder / "virtual_alias_maps.cf").read_text()


def test_local_maps_only_where_there_is_a_local_domain(mail: Postfix, folder: Path) -> None:
    assert "alias_maps" not in {path.removesuffix(".cf") for path in write(folder)}
    add_domain("mx.example.net", "local")
    assert {"alias_maps.cf", "mydestination.cf"} <= set(write(folder))
    assert "mydestination = $myhostname, localhost" in (folder / "main.cf.mailadmin").read_text()


def test_a_tar_archive_for_another_host(mail: Postfix, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    call_command("postfix_config", output="-")
    with tarfile.open(fileobj=io.BytesIO(capfdbinary.readouterr().out)) as archive:
        members = archive.getmembers()
        fragment = archive.extractfile("main.cf.mailadmin")
        assert fragment is not None
        assert b"proxy:pgsql:/etc/postfix/mailadmin/virtual_alias_maps.cf" in fragment.read()
    owners = {member.name: (member.uname, member.gname, member.mode) for member in members}
    assert owners.pop(PASSWORD) == ("postfix", "postfix", 0o400)
    assert owners.pop(RELAYS) == ("root", "root", 0o600)
    assert set(owners) >= {*MAPS, *OTHERS}
    assert set(owners.values()) == {("root", "postfix", 0o640)}


@pytest.mark.parametrize("server", ["db.example.net:many", ":5432", "two hosts:5432", "a,b:5432"])
def test_what_is_no_server_is_refused(mail: Postfix, folder: Path, server: str) -> None:
    with pytest.raises(CommandError, match="is not a database server"):
        write(folder, host=[server])
    assert not folder.exists()


def test_a_place_where_nothing_can_be_written(mail: Postfix) -> None:
    with pytest.raises(CommandError, match="Nothing could be written to /proc/mailadmin"):
        write(Path("/proc/mailadmin"))
