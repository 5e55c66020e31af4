"""What root accepts from the system user's archive."""

import grp
import io
import os
import pwd
import stat
import tarfile
from pathlib import Path

import pytest

from mailadmin.launch import LaunchError
from mailadmin.launch.unpack import unpack

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Only root can give files to Postfix.")


def archive(*members: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member in members:
            member.size = 4 if member.isfile() else 0
            tar.addfile(member, io.BytesIO(b"text"))
    return buffer.getvalue()


def file_named(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mtime = 1_700_000_000
    return member


def link_to(target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo("main.cf")
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


def test_it_works(tmp_path: Path) -> None:
    group = grp.getgrnam("postfix").gr_gid
    assert unpack(archive(file_named("main.cf"), file_named("a.cf")), tmp_path / "new", group) == 2

    found = (tmp_path / "new/main.cf").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode), found.st_mtime) == (0, group, 0o640, 1_700_000_000)


def test_a_password_is_for_postfix_alone(tmp_path: Path) -> None:
    member = file_named("password")
    member.uname, member.mode = "postfix", 0o400
    unpack(archive(member), tmp_path / "new", grp.getgrnam("postfix").gr_gid)

    found = (tmp_path / "new/password").stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (pwd.getpwnam("postfix").pw_uid, 0o400)


def test_the_passwords_for_relays_are_for_root_alone(tmp_path: Path) -> None:
    member = file_named("sasl_passwd")
    member.uname = member.gname = "root"
    unpack(archive(member), tmp_path / "new", grp.getgrnam("postfix").gr_gid)

    found = (tmp_path / "new/sasl_passwd").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 0, 0o600)


@pytest.mark.parametrize(
    "member",
    [
        file_named("../outside"),
        file_named("/etc/outside"),
        file_named("a/b"),
        file_named(".hidden"),
        link_to("/etc/passwd"),
    ],
    ids=lambda member: member.name,
)
def test_nothing_but_plain_files(tmp_path: Path, member: tarfile.TarInfo) -> None:
    with pytest.raises(LaunchError, match="not a plain file name. Nothing was written"):
        unpack(archive(file_named("first"), member), tmp_path / "new", 0)

    assert not (tmp_path / "new").exists()


def test_a_link_in_the_way_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("untouched")
    (tmp_path / "main.cf").symlink_to(tmp_path / "elsewhere")
    (tmp_path / ".main.cf.unfinished").symlink_to(tmp_path / "elsewhere")

    unpack(archive(file_named("main.cf")), tmp_path, 0)

    assert (tmp_path / "elsewhere").read_text() == "untouched"
    assert (tmp_path / "main.cf").read_text() == "text"


def test_no_archive(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="did not give an archive"):
        unpack(b"Traceback", tmp_path, 0)
