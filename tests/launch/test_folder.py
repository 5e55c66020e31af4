"""The directory in which root does what opendkim_sync and domain_files ask for."""

import grp
import json
import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from mailadmin.launch import LaunchError
from mailadmin.launch.folder import Keys, Lists
from tests.launch.panel import Panel, free_port, until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Only root writes for mail servers.")

KEY, AT_FIRST = "mailadmin-1.private", "1.s1.example.org.private"
SIGNS = """
from accounts.actors import Actor
from domains.dkim_keys import generate
from domains.dkim_services import add_dkim_key, move_dkim_key
from domains.services import add_domain
by = Actor.from_command()
key = add_dkim_key(add_domain({domain!r}, by=by), "s1", generate("rsa-2048"), by=by)
key = move_dkim_key(key, "published", reason="We look at nothing here", by=by)
move_dkim_key(key, "signing", reason="We look at nothing here", by=by)
print(key.pk)
"""


@pytest.fixture
def base() -> Generator[Path, None, None]:
    """Below a directory where nobody else may write: OpenDKIM distrusts all others."""
    path = Path(tempfile.mkdtemp(prefix="mailadmin-root-", dir="/run"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def keys(directory: Path, *arguments: str) -> Keys:
    return Keys(["--directory", str(directory), *arguments])


def said(folder: Keys | Lists, *words: str) -> Any:
    return folder.answer_to(list(words))["said"]


def rights(path: Path) -> tuple[str, str, int]:
    found = path.lstat()
    return pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid).gr_name, stat.S_IMODE(found.st_mode)


class TestCommands:
    """Through script/manage, by root, with the programs that the documentation names."""

    def test_keys_and_tables_for_a_real_opendkim(self, panel: Panel, base: Path) -> None:
        directory, pid_file, log = base / "etc/keys", base / "opendkim.pid", base / "log"
        port = free_port()
        first = panel.run(SIGNS.format(domain="signed.example"))
        sync = ["opendkim_sync", "--directory", str(directory), "--tables", "--pid-file", str(pid_file)]

        done = panel.manage(*sync)

        assert (done.returncode, done.stdout) == (1, f"Wrote mailadmin-{first}.private.\n"), done.stderr
        assert f"told of its new tables by {pid_file}: No such file or directory." in done.stderr
        assert rights(directory) == ("root", "opendkim", 0o750)
        assert rights(directory / f"mailadmin-{first}.private") == ("opendkim", "opendkim", 0o600)
        assert (
            (directory / "KeyTable").read_text().endswith(f" signed.example:s1:{directory}/mailadmin-{first}.private\n")
        )

        options = ["--tables", str(directory), "--socket", f"inet:{port}@127.0.0.1"]
        done = panel.manage("opendkim_config", "--output", str(base / "conf"), *options)

        assert (done.returncode, done.stdout) == (0, f"Wrote 3 files to {base}/conf.\n"), done.stderr
        assert rights(base / "conf/opendkim.conf") == ("opendkim", "opendkim", 0o600)
        assert rights(base / "conf/milters.main.cf") == ("root", "opendkim", 0o640)
        command = ["opendkim", "-f", "-x", str(base / "conf/opendkim.conf"), "-P", str(pid_file)]
        with log.open("w") as output:
            opendkim = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            until(lambda: is_signed(port, "signed.example"), or_say=log.read_text)
            assert not is_signed(port, "second.example")
            assert panel.manage(*sync).returncode == 0
            assert not (directory / "opendkim-not-told").exists()

            second = panel.run(SIGNS.format(domain="second.example"))
            done = panel.manage(*sync)

            assert (done.returncode, done.stdout) == (0, f"Wrote mailadmin-{second}.private.\n"), done.stderr
            until(lambda: is_signed(port, "second.example"), or_say=log.read_text)
            panel.manage("dkim", "revoke", "signed.example", "s1")
            assert panel.manage(*sync).stdout == ""
            assert panel.manage(*sync).stdout == f"Removed mailadmin-{first}.private.\n"
            until(lambda: not is_signed(port, "signed.example"), or_say=log.read_text)
        finally:
            opendkim.kill()
            opendkim.wait()

    def test_lists_of_domains(self, panel: Panel, tmp_path: Path) -> None:
        directory = tmp_path / "mailadmin"
        panel.manage("domain", "add", "first.example")

        done = panel.manage("postfix_config", "--output", str(directory), "--domains-as", "cdb")

        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith(f"\nTo put them in place, read and run as root: sh {directory}/install-commands\n")
        name = directory / "virtual_mailbox_domains"
        assert f"virtual_mailbox_domains = cdb:{name}\n" in (directory / "main.cf.mailadmin").read_text()
        assert rights(name) == ("root", "postfix", 0o640)
        assert self.found("first.example", f"cdb:{name}") == "here\n"

        again = ["domain_files", "--output", str(directory), "--as", "cdb"]
        assert panel.manage(*again).stdout == "Nothing has changed.\n"
        panel.manage("domain", "add", "third.example")
        done = panel.manage(*again, "--json")
        assert [one["parameter"] for one in json.loads(done.stdout) if one["is_new"]] == ["virtual_mailbox_domains"]
        assert self.found("third.example", f"cdb:{name}") == "here\n"

        assert panel.manage(*again[:-1], "hash").returncode == 0
        assert panel.manage(*again[:-1], "hash").stdout == "Nothing has changed.\n"
        assert self.found("third.example", f"hash:{name}") == "here\n"

    @staticmethod
    def found(key: str, table: str) -> str:
        return subprocess.run(["postmap", "-q", key, table], capture_output=True, text=True).stdout

    def test_a_program_that_is_not_here(self, panel: Panel, tmp_path: Path) -> None:
        done = panel.manage("opendkim_config", "--output", str(tmp_path / "conf"), "--user", "nobody-here")
        assert "This machine has no user nobody-here" in done.stderr
        assert "Install OpenDKIM first" in done.stderr
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "words",
        [["opendkim_sync", "--nonsense"], ["domain_files", "--as", "cdb"], ["opendkim_config", "--tables"]],
        ids=lambda words: words[0],
    )
    def test_wrong_usage_writes_nothing(self, panel: Panel, tmp_path: Path, words: list[str]) -> None:
        directory = tmp_path / "keys"
        option = "--directory" if words[0] == "opendkim_sync" else "--nothing"
        done = panel.manage(words[0], option, str(directory), *words[1:])

        assert done.returncode == 2
        assert list(tmp_path.iterdir()) == []

    def test_where_others_may_write(self, panel: Panel, tmp_path: Path) -> None:
        (tmp_path / "keys").mkdir()
        os.chown(tmp_path / "keys", pwd.getpwnam("mailadmin").pw_uid, 0)
        for command in (["opendkim_sync", "--directory"], ["domain_files", "--as", "cdb", "--output"]):
            done = panel.manage(*command, str(tmp_path / "keys"))
            assert done.returncode == 1
            assert f"others than root may write to {tmp_path}/keys." in done.stderr
        assert list((tmp_path / "keys").iterdir()) == []


def is_signed(port: int, domain: str) -> bool:
    """Hands a message to a milter as Postfix does (mfdef.h of libmilter): whether a signature is added."""
    headers = (f"From\0ann@{domain}\0", "Date\0Sat, 28 Nov 2026 12:00:00 +0000\0", "Subject\0Keys\0")
    steps = [
        (b"O", b"\0\0\0\x06" + b"\0\0\x01\xff" + b"\0\0\0\0"),  # version 6, every action, no step left out
        (b"C", b"localhost\x004" + b"\0\x19" + b"127.0.0.1\0"),
        (b"H", b"localhost\0"),
        (b"M", f"<ann@{domain}>\0".encode()),
        (b"R", b"<bob@elsewhere.example>\0"),
        *((b"L", header.encode()) for header in headers),
        (b"N", b""),
        (b"B", b"Text\r\n"),
        (b"E", b""),
    ]
    try:
        milter = socket.create_connection(("127.0.0.1", port), timeout=10)
    except ConnectionRefusedError:
        return False
    with milter, milter.makefile("rb") as stream:
        for kind, data in steps:
            milter.sendall((len(data) + 1).to_bytes(4, "big") + kind + data)
            said = stream.read(int.from_bytes(stream.read(4), "big"))
            if said[:1] not in (b"O", b"c"):  # the first word about the whole message, or no interest in it
                return b"DKIM-Signature" in said and f"d={domain};".encode() in said
    return False


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "../outside",
            "/etc/shadow",
            "a/b",
            ".",
            "",
            "authorized_keys",
            f"{KEY}\n",
            "2.x/../y.private",
            "2..private/x",
        ],
    )
    @pytest.mark.parametrize("operation", ["read", "write", "remove"])
    def test_none_but_its_own(self, tmp_path: Path, operation: str, name: str) -> None:
        folder = keys(tmp_path / "keys")
        said(folder, "open")
        with pytest.raises(LaunchError, match="none of its own"):
            folder.answer_to([operation, name, "text"][: 3 if operation == "write" else 2])
        assert list((tmp_path / "keys").iterdir()) == []

    def test_its_own(self, tmp_path: Path) -> None:
        folder = keys(tmp_path / "keys")
        said(folder, "open")
        tables, others = ["KeyTable", "SigningTable", "SigningTable.ed25519"], [KEY, "opendkim-not-told"]
        for name in tables + others:
            said(folder, "write", name, name)
        assert said(folder, "names") == sorted(tables + others)
        assert [said(folder, "read", name) for name in tables] == tables
        (tmp_path / "keys" / AT_FIRST).touch()
        for name in [*tables, *others, AT_FIRST]:
            said(folder, "remove", name)
        assert said(folder, "names") == []

    @pytest.mark.parametrize("asked", [["read", KEY], ["read", AT_FIRST], ["write", AT_FIRST, "text"]], ids=str)
    def test_no_private_key_is_read(self, tmp_path: Path, asked: list[str]) -> None:
        folder = keys(tmp_path / "keys")
        said(folder, "open")
        (tmp_path / "keys" / asked[1]).write_text("secret")
        with pytest.raises(LaunchError, match="none of its own"):
            folder.answer_to(asked)
        assert (tmp_path / "keys" / asked[1]).read_text() == "secret"

    def test_nothing_that_it_does_not_do(self, tmp_path: Path) -> None:
        folder = keys(tmp_path / "keys")
        for asked in (["write", KEY, "before it is open"], ["run", "true"], ["index", KEY]):
            with pytest.raises(LaunchError, match="which root does not do for it"):
                folder.answer_to(asked)
        assert list(tmp_path.iterdir()) == []

    def test_a_signal_only_by_a_file_that_root_named(self, tmp_path: Path) -> None:
        for name in ("named", "other"):
            (tmp_path / name).write_text("1\n")  # no OpenDKIM
        folder = keys(tmp_path / "keys", "--pid-file", str(tmp_path / "named"))
        said(folder, "open")
        assert said(folder, "tell", str(tmp_path / "named")) is False
        with pytest.raises(LaunchError, match="was not named to root"):
            folder.answer_to(["tell", str(tmp_path / "other")])


class TestLinks:
    """Somebody got into the directory, for example OpenDKIM, whom it belonged to."""

    @pytest.fixture
    def elsewhere(self, tmp_path: Path) -> Path:
        path = tmp_path / "elsewhere"
        path.write_text("untouched")
        path.chmod(0o644)
        return path

    def test_in_the_way_of_a_file(self, tmp_path: Path, elsewhere: Path) -> None:
        folder = keys(tmp_path / "keys")
        said(folder, "open")
        for name in (KEY, "KeyTable"):
            (tmp_path / "keys" / name).symlink_to(elsewhere)
        assert (said(folder, "names"), said(folder, "read", "KeyTable")) == ([], None)
        (tmp_path / "keys/KeyTable").unlink()
        assert said(folder, "write", KEY, "untouched") is True
        assert rights(elsewhere) == ("root", "root", 0o644)
        assert rights(tmp_path / "keys" / KEY) == ("opendkim", "opendkim", 0o600)
        (tmp_path / "keys" / KEY).unlink()
        (tmp_path / "keys" / KEY).symlink_to(elsewhere)
        said(folder, "remove", KEY)
        assert (elsewhere.read_text(), list((tmp_path / "keys").iterdir())) == ("untouched", [])

    def test_what_is_no_file(self, tmp_path: Path) -> None:
        folder = keys(tmp_path / "keys")
        said(folder, "open")
        os.mkfifo(tmp_path / "keys/KeyTable")
        assert said(folder, "read", "KeyTable") is None, "and nobody waits for somebody who writes"
        (tmp_path / "keys" / KEY).mkdir()
        assert folder.answer_to(["write", KEY, "text"]) == {"fault": [21, "Is a directory"]}
        assert {path.name for path in (tmp_path / "keys").iterdir()} == {KEY, "KeyTable"}

    def test_on_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "way").symlink_to(tmp_path / "real")
        for folder in (keys(tmp_path / "way"), keys(tmp_path / "way/keys"), Lists(str(tmp_path / "way"), "cdb")):
            (_number, sentence) = folder.answer_to(["open"])["fault"]
            assert sentence == f"{tmp_path}/way: no directory, or a link"
        assert list((tmp_path / "real").iterdir()) == []


class TestDirectory:
    def test_of_somebody_else(self, tmp_path: Path) -> None:
        for number, (user, mode) in enumerate([(12345, 0o755), (0, 0o775), (0, 0o757)]):
            above = tmp_path / str(number)
            above.mkdir()
            os.chown(above, user, 12345)
            above.chmod(mode)
            for folder in (keys(above), keys(above / "keys"), Lists(str(above), "cdb")):
                (_number, sentence) = folder.answer_to(["open"])["fault"]
                assert sentence == f"others than root may write to {above}"
            assert list(above.iterdir()) == []

    def test_debian_gives_the_one_above_to_opendkim(self, tmp_path: Path) -> None:
        above, old = tmp_path / "dkimkeys", tmp_path / "dkimkeys/mailadmin"
        old.mkdir(parents=True)
        for path in (above, old):
            shutil.chown(path, "opendkim", "opendkim")
            path.chmod(0o700)
        said(keys(old), "open")
        assert rights(old) == ("root", "opendkim", 0o750)

    def test_lists_make_none(self, tmp_path: Path) -> None:
        path = tmp_path / "none"
        assert Lists(str(path), "cdb").answer_to(["open"]) == {"fault": [2, f"{path}: No such file or directory"]}

    def test_a_user_who_is_not_here(self, tmp_path: Path) -> None:
        answer = keys(tmp_path / "keys", "--user", "nobody-of-this-name").answer_to(["open"])
        assert answer == {"fault": [2, "this machine has no user nobody-of-this-name"]}


def test_the_same_file_is_not_written_again(tmp_path: Path) -> None:
    folder = keys(tmp_path / "keys")
    said(folder, "open")
    assert [said(folder, "write", KEY, text) for text in ("a", "a", "b")] == [True, False, True]
    (tmp_path / "keys" / KEY).chmod(0o644)
    said(folder, "write", KEY, "b")
    assert rights(tmp_path / "keys" / KEY) == ("opendkim", "opendkim", 0o600)
