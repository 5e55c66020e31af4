"""manage.py import_local_users"""

import pwd
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from mailboxes.models import LocalUser
from tests.commands.conftest import Shell
from tests.services.checks import nothing_changes

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
ann:x:1000:1000:Ann,,,:/home/ann:/bin/bash
Bob:x:1001:1001::/home/bob:/bin/bash
"""


@pytest.fixture
def passwd(tmp_path: Path) -> Path:
    path = tmp_path / "passwd"
    path.write_text(PASSWD)
    return path


def names() -> list[str]:
    return list(LocalUser.objects.values_list("name", flat=True))


def test_it_works(shell: Shell, passwd: Path) -> None:
    ended = shell("import_local_users", "--file", str(passwd))
    assert ended.lines == ["+ ann", "+ root", "Added 2, changed 0, removed 0 local users."]
    assert "Bob is left out" in ended.err
    assert "postfix_config" in ended.err
    passwd.write_text("\n".join(PASSWD.splitlines()[:3]))
    ended = shell("import_local_users", "--file", str(passwd), "--json")
    assert ended.json == {"added": [], "changed": [], "removed": ["ann"], "skipped": [], "total": 1}
    assert (names(), ended.err) == (["root"], "")


def test_other_users_too(shell: Shell, passwd: Path) -> None:
    shell("import_local_users", "--file", str(passwd), "--also", "daemon", "--min-uid", "2000")
    assert names() == ["daemon", "root"]


def test_a_dry_run_changes_nothing(shell: Shell, passwd: Path) -> None:
    with nothing_changes():
        assert shell("import_local_users", "--file", str(passwd), "--dry-run").lines[:2] == ["+ ann", "+ root"]


def test_the_users_of_this_machine(shell: Shell) -> None:
    assert shell("import_local_users").code == 0
    assert "root" in names()
    assert set(names()) <= {entry.pw_name for entry in pwd.getpwall()}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("root:x:0\n", "not like passwd"),
        ("root:x:zero:0:::\n", "not like passwd"),
        ("", "no user"),
        ("ann:x:5:5:::\n", "no user"),
    ],
)
def test_what_cannot_be_is_refused(db: None, passwd: Path, text: str, words: str) -> None:
    passwd.write_text(text)
    with nothing_changes(), pytest.raises(CommandError, match=words):
        call_command("import_local_users", file=str(passwd))


def test_a_user_who_is_not_there(db: None, passwd: Path) -> None:
    with nothing_changes(), pytest.raises(CommandError, match="There is no user eve"):
        call_command("import_local_users", file=str(passwd), also=["eve"])


def test_a_file_that_is_not_there(db: None, tmp_path: Path) -> None:
    with nothing_changes(), pytest.raises(CommandError, match="cannot be read"):
        call_command("import_local_users", file=str(tmp_path / "none"))
