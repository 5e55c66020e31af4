"""What opendkim_sync writes, and in which order: somebody may look, or the power may fail, at any moment."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Generator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from stat import S_IMODE
from threading import Thread
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import ChangeSet
from domains.dkim_hosts import SigningHost, forget_host
from domains.dkim_keys import generate, unsealed
from domains.dkim_models import DkimKey, DkimKeyOnHost, DkimPrivateKey
from domains.dkim_services import add_dkim_key, move_dkim_key
from domains.models import Domain
from domains.services import add_domain
from tests.commands.conftest import Shell
from tests.plugins.mail_stack import eventually
from tests.services.checks import TESTER

HOST = "mx.example.net"


@pytest.fixture
def domain(db: None) -> Domain:
    return add_domain("example.org", by=TESTER)


def sync(directory: Path, *arguments: str) -> str:
    said = StringIO()
    call_command("opendkim_sync", "--directory", str(directory), "--host", HOST, "--user", "", *arguments, stdout=said)
    return said.getvalue()


def signs(domain: Domain, selector: str) -> DkimKey:
    key = add_dkim_key(domain, selector, generate("ed25519"), by=TESTER)
    key = move_dkim_key(key, "published", is_seen=True, by=TESTER)
    return move_dkim_key(key, "signing", reason="Before its file is there", by=TESTER)


def on_host() -> set[str]:
    return set(DkimKeyOnHost.objects.filter(host=HOST).values_list("key__selector", flat=True))


def path_of(directory: Path, key: DkimKey) -> Path:
    return directory / f"mailadmin-{key.pk}.private"


def test_it_works(domain: Domain, tmp_path: Path) -> None:
    key = signs(domain, "s1")
    add_dkim_key(domain, "s2", generate("ed25519"), by=TESTER)  # prepared: no host needs it yet
    path = path_of(tmp_path, key)
    assert sync(tmp_path) == f"Wrote {path.name}.\n"
    assert (path.read_text(), S_IMODE(path.stat().st_mode)) == (unsealed(key.private), 0o600)
    assert S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert on_host() == {"s1"}
    assert sync(tmp_path) == ""
    move_dkim_key(key, "revoked", by=TESTER)
    assert sync(tmp_path) == f"Removed {path.name}.\n"
    assert (list(tmp_path.iterdir()), on_host()) == ([], set())


def test_the_panel_says_which_host_has_which_key(
    domain: Domain, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    signs(domain, "s1")
    shell = Shell(capsys, monkeypatch)
    assert shell("dkim", "show", "example.org", "s1", "--json").json["hosts"] == []
    sync(tmp_path)
    assert shell("dkim", "show", "example.org", "s1", "--json").json["hosts"] == [HOST]


def test_each_run_reports_the_host(domain: Domain, tmp_path: Path) -> None:
    """Also where nothing is new; and a host that was forgotten too early is there again."""
    key = signs(domain, "s1")
    sync(tmp_path)
    SigningHost.objects.filter(name=HOST).update(reported_at=timezone.now() - timedelta(days=1))
    assert SigningHost.objects.get().is_silent
    sync(tmp_path)
    host = SigningHost.objects.get()
    assert not host.is_silent
    assert [one.sentence for one in ChangeSet.objects.filter(metadata__noun="signing_host")] == [
        "Host mx.example.net reported for the first time"
    ]
    forget_host(host, by=TESTER)
    assert on_host() == set()
    sync(tmp_path)
    assert (on_host(), SigningHost.objects.get().name) == ({key.selector}, HOST)


def test_a_file_that_somebody_opened_to_others_is_closed_again(domain: Domain, tmp_path: Path) -> None:
    path = path_of(tmp_path, signs(domain, "s1"))
    sync(tmp_path)
    path.chmod(0o644)
    sync(tmp_path)
    assert S_IMODE(path.stat().st_mode) == 0o600


def test_files_of_others_stay(domain: Domain, tmp_path: Path) -> None:
    """A directory for keys may hold some that the panel knows nothing of; what they are called is up to opendkim-genkey
    and to people."""
    key = signs(domain, "s1")
    others = ["mine.private", f"{key.pk}.private", "2024.s1.example.org.private", "mailadmin.private", "note.txt"]
    for name in others:
        (tmp_path / name).write_text("mine")
    sync(tmp_path)
    move_dkim_key(key, "revoked", by=TESTER)
    assert sync(tmp_path) == f"Removed mailadmin-{key.pk}.private.\n"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(others, "mine")


def test_a_file_by_the_name_that_it_had_at_first_is_replaced(domain: Domain, tmp_path: Path) -> None:
    key = signs(domain, "s1")
    old = tmp_path / f"{key.pk}.s1.example.org.private"
    old.write_text(unsealed(key.private))
    DkimKeyOnHost.objects.create(host=HOST, key=key, path=str(old))
    assert sync(tmp_path) == f"Wrote mailadmin-{key.pk}.private.\nRemoved {old.name}.\n"
    assert DkimKeyOnHost.objects.get().path == str(path_of(tmp_path, key))


class TestOneKeyFails:
    def test_its_file_cannot_be_written(self, domain: Domain, tmp_path: Path) -> None:
        path = path_of(tmp_path, signs(domain, "s1"))
        path.mkdir()
        other = signs(add_domain("example.net", by=TESTER), "s2")
        with pytest.raises(CommandError) as refused:
            sync(tmp_path)
        assert str(refused.value).splitlines() == [
            "The file of s1._domainkey.example.org could not be written: Is a directory.",
            "All else is as it should be.",
        ]
        assert on_host() == {"s2"}
        assert {*tmp_path.iterdir()} == {path, path_of(tmp_path, other)}, "no half of a file is left"

    def test_it_cannot_be_opened(self, domain: Domain, tmp_path: Path) -> None:
        """Its line in dkim_sealing_keys is gone. A host that has its file signs on with that."""
        key = signs(domain, "s1")
        sync(tmp_path)
        foreign = Fernet(Fernet.generate_key()).encrypt(b"key").decode()
        DkimPrivateKey.objects.filter(key=key).update(token=foreign)
        signs(add_domain("example.net", by=TESTER), "s2")
        with pytest.raises(CommandError, match="s1._domainkey.example.org could not be written: A private key"):
            sync(tmp_path)
        assert (on_host(), path_of(tmp_path, key).exists()) == ({"s1", "s2"}, True)
        path_of(tmp_path, key).unlink()
        with pytest.raises(CommandError):
            sync(tmp_path)
        assert on_host() == {"s2"}, "a key without its file would defer the mail"

    def test_its_file_was_damaged(self, domain: Domain, tmp_path: Path) -> None:
        key = signs(domain, "s1")
        path_of(tmp_path, key).write_bytes(b"\xff\xfe")
        sync(tmp_path)
        assert path_of(tmp_path, key).read_text() == unsealed(key.private)


def test_long_names(db: None, tmp_path: Path) -> None:
    """Each label has 63 letters at most, the name 211."""
    domain = add_domain(".".join(["a" * 50] * 4) + ".example", by=TESTER)
    assert len(domain.name) == 211
    key = signs(domain, "s2026-newsletter-of-the-month")
    assert sync(tmp_path) == f"Wrote mailadmin-{key.pk}.private.\n"
    assert on_host() == {key.selector}


@pytest.mark.parametrize("name", ["my keys", "keys:of", "schlüssel", "100%", "k" * 240 + "/" + "k" * 240])
def test_a_directory_that_no_table_can_name(domain: Domain, tmp_path: Path, name: str) -> None:
    signs(domain, "s1")
    with pytest.raises(CommandError, match="cannot name files in"):
        sync(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_host_without_a_name(domain: Domain, tmp_path: Path) -> None:
    signs(domain, "s1")
    for name in ("", "my host", "a" * 254):
        with pytest.raises(CommandError, match="is no name of a host"):
            sync(tmp_path / "keys", "--host", name)
    assert list(tmp_path.iterdir()) == []


class TestOrder:
    """The sync is held up where it writes into the database: what OpenDKIM sees until then has its file."""

    pytestmark = pytest.mark.django_db(transaction=True)

    def hold_up(self, directory: Path, meanwhile: Callable[[], None]) -> None:
        """Runs a sync that stops at the table of hosts, calls this meanwhile, and lets it end."""

        def work() -> None:
            try:
                sync(directory)
            finally:
                connection.close()

        thread = Thread(target=work, daemon=True)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE domains_dkimkeyonhost IN SHARE MODE")
            thread.start()
            eventually(somebody_waits, "the sync to come to the table")
            meanwhile()
        thread.join(20)
        assert not thread.is_alive()

    def test_the_file_is_there_before_its_row(self, domain: Domain, tmp_path: Path) -> None:
        key = signs(domain, "s1")

        def look() -> None:
            assert path_of(tmp_path, key).read_text() == unsealed(key.private)
            assert on_host() == set()

        self.hold_up(tmp_path, look)
        assert on_host() == {"s1"}

    def test_the_file_goes_after_its_row(self, domain: Domain, tmp_path: Path) -> None:
        key = signs(domain, "s1")
        sync(tmp_path)
        move_dkim_key(key, "revoked", by=TESTER)

        def look() -> None:
            assert on_host() == {"s1"}
            assert path_of(tmp_path, key).exists()

        self.hold_up(tmp_path, look)
        assert (on_host(), path_of(tmp_path, key).exists()) == (set(), False)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def test_a_signing_table_never_names_a_key_that_is_not_in_the_key_table(domain: Domain, tmp_path: Path) -> None:
    """Each file is seen as often as it is replaced; a stop in the middle changes nothing about it."""
    old = signs(domain, "old")
    sync(tmp_path, "--tables")
    signs(domain, "new")
    seen: list[str] = []

    def keys(name: str, column: int) -> set[str]:
        path = tmp_path / name
        return {line.split()[column] for line in path.read_text().splitlines()} if path.exists() else set()

    def look(name: str) -> None:
        seen.append(name)
        assert keys("SigningTable.ed25519", 1) | keys("SigningTable", 1) <= keys("KeyTable", 0)

    replace = os.replace

    def watched(source: str, target: Path) -> None:
        replace(source, target)
        look(target.name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.replace", watched)
        sync(tmp_path, "--tables")
        move_dkim_key(old, "revoked", by=TESTER)
        sync(tmp_path, "--tables")
    assert seen.count("KeyTable") == 3
    assert keys("SigningTable.ed25519", 1) == keys("KeyTable", 0)
    assert len(keys("KeyTable", 0)) == 1


def test_a_file_goes_when_no_table_names_it_and_opendkim_was_told(
    domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenDKIM holds its tables in memory until the signal, and reads the file of a key for each message."""
    old = signs(domain, "old")
    sync(tmp_path, "--tables")
    sync(tmp_path, "--tables", "--told")
    move_dkim_key(old, "revoked", by=TESTER)
    unlink = os.unlink

    def watched(path: Path, **options: Any) -> None:
        if str(path).endswith(".private"):
            tables = [table.read_text() for table in (tmp_path / "KeyTable", tmp_path / "SigningTable.ed25519")]
            assert tables == ["", ""]
        unlink(path, **options)

    monkeypatch.setattr("os.unlink", watched)
    wait = "The tables are new. Send OpenDKIM the signal USR1, then run this again with --told.\n"
    assert sync(tmp_path, "--tables") == wait
    assert sync(tmp_path, "--tables") == wait, "nobody has said that OpenDKIM knows"
    assert path_of(tmp_path, old).exists()
    assert sync(tmp_path, "--tables", "--told") == f"Removed {path_of(tmp_path, old).name}.\n"


@pytest.fixture
def named_opendkim(tmp_path: Path) -> Generator[subprocess.Popen[bytes], None, None]:
    """A program of that name, which SIGUSR1 ends."""
    shutil.copy("/bin/sleep", tmp_path / "opendkim")
    process = subprocess.Popen([tmp_path / "opendkim", "600"])
    yield process
    process.kill()
    process.wait()


class TestSignal:
    def test_what_failed_is_done_by_the_next_run(
        self, domain: Domain, tmp_path: Path, named_opendkim: subprocess.Popen[bytes]
    ) -> None:
        keys, pid_file = tmp_path / "keys", tmp_path / "opendkim.pid"
        signs(domain, "s1")
        for _run in (1, 2):
            with pytest.raises(CommandError, match="opendkim.pid: No such file or directory. The next run tells it"):
                sync(keys, "--tables", "--pid-file", str(pid_file))
        assert named_opendkim.poll() is None
        pid_file.write_text(f"{named_opendkim.pid}\n")
        sync(keys, "--tables", "--pid-file", str(pid_file))
        assert named_opendkim.wait(10) == -signal.SIGUSR1
        sync(keys, "--tables", "--pid-file", str(pid_file))  # nothing is new, so nobody is told

    def test_one_of_two(self, domain: Domain, tmp_path: Path, named_opendkim: subprocess.Popen[bytes]) -> None:
        keys, pid_file = tmp_path / "keys", tmp_path / "opendkim.pid"
        pid_file.write_text(str(named_opendkim.pid))
        signs(domain, "s1")
        with pytest.raises(CommandError, match="by /none: No such file"):
            sync(keys, "--tables", "--pid-file", "/none", "--pid-file", str(pid_file))
        assert named_opendkim.wait(10) == -signal.SIGUSR1

    @pytest.mark.parametrize("text", ["", "opendkim", "-1", "0", "{other}"])
    def test_no_other_program_gets_it(self, domain: Domain, tmp_path: Path, text: str) -> None:
        """It would end it: a number is given to another program some day, and -1 is all of them."""
        signs(domain, "s1")
        other = subprocess.Popen(["sleep", "600"])
        (tmp_path / "pid").write_text(text.format(other=other.pid))
        with pytest.raises(CommandError, match="It names no OpenDKIM that runs"):
            sync(tmp_path / "keys", "--tables", "--pid-file", str(tmp_path / "pid"))
        assert other.poll() is None
        other.kill()
        other.wait()

    def test_it_goes_with_tables(self, domain: Domain, tmp_path: Path) -> None:
        for option in (["--told"], ["--pid-file", "/none"]):
            with pytest.raises(CommandError, match="go with --tables"):
                sync(tmp_path, *option)
