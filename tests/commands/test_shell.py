"""The commands as processes of their own: what a shell script, a pipe and a person at a terminal get."""

import contextlib
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from domains.models import Domain
from domains.services import add_domain
from mailboxes.credentials import is_password
from mailboxes.models import Address, Mailbox, MailboxCredential
from mailboxes.services import add_mailbox
from tests.services.checks import TESTER

pytestmark = pytest.mark.django_db(transaction=True)
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def domain(db: None) -> Domain:
    return add_domain("example.org", by=TESTER)


def manage(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    options = {"env": environment(), "input": ""} | options
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=CHECKOUT, capture_output=True, text=True, timeout=60, **options
    )


def environment() -> dict[str, str]:
    """The database of the tests, not that of the panel."""
    name = connection.settings_dict["NAME"]
    return os.environ | {"DATABASE_URL": os.environ["DATABASE_URL"].replace("/mailadmin?", f"/{name}?")}


def test_it_works(domain: Domain) -> None:
    added = manage("mailbox", "add", "jean@example.org", "--password-stdin", input="let me read my mail\n")
    assert (added.returncode, added.stdout, added.stderr) == (0, "Added mailbox jean@example.org.\n", "")
    again = manage("mailbox", "add", "jean@example.org", "--no-password")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == (
        "jean@example.org is a mailbox already. Choose another local part, or change the mailbox.\n"
    )
    nobody_to_ask = manage("mailbox", "delete", "jean@example.org")
    assert (nobody_to_ask.returncode, nobody_to_ask.stdout) == (2, "")
    assert nobody_to_ask.stderr == "There is no terminal to ask whether you are sure. Use --yes.\n"
    no_such_verb = manage("mailbox", "rename", "jean@example.org")
    assert (no_such_verb.returncode, no_such_verb.stdout) == (2, "")
    assert "usage:" in no_such_verb.stderr


def at_a_terminal(answers: list[str], *arguments: str) -> tuple[int, str]:
    """Runs a command with a person who types one answer after the other; returns code and screen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=CHECKOUT,
        env=environment(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,  # without the terminal of whoever runs the tests
    )
    os.close(theirs)
    screen = ""
    waiting = iter(answers)
    deadline = time.monotonic() + 60
    with contextlib.suppress(OSError):  # EIO: the other side has closed
        while time.monotonic() < deadline:
            shown = os.read(ours, 4096).decode()
            if not shown:
                break
            screen += shown
            if screen.rstrip("\r\n") == screen and screen.endswith(": "):
                os.write(ours, f"{next(waiting)}\n".encode())
    os.close(ours)
    return process.wait(10), screen


def test_a_password_is_asked_twice_and_not_shown(domain: Domain) -> None:
    code, screen = at_a_terminal(["my own password"] * 2, "mailbox", "add", "jean@example.org")
    assert code == 0, screen
    assert "my own" not in screen
    assert is_password("my own password", MailboxCredential.objects.get().hash)


def test_two_different_passwords_are_refused(domain: Domain) -> None:
    code, screen = at_a_terminal(["my own password", "my other one"], "mailbox", "add", "jean@example.org")
    assert code == 1
    assert "These were two different passwords. Nothing was changed." in screen
    assert not Mailbox.objects.exists()


def test_a_person_is_asked_before_a_deletion(domain: Domain) -> None:
    add_mailbox(domain, "jean", by=TESTER)
    code, screen = at_a_terminal(["no"], "domain", "delete", "example.org")
    assert code == 1
    assert "1 mailbox goes; the files stay where they are." in screen
    assert Mailbox.objects.exists()
    code, screen = at_a_terminal(["yes"], "domain", "delete", "example.org")
    assert code == 0
    assert not Domain.objects.exists()


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (["mailbox", "list", "--json"], "m00000@example.org"),
        (["lookup", *(f"m{n:05}@example.org" for n in range(50))], "m00000@example.org: "),
    ],
)
def test_whoever_reads_the_list_may_stop(domain: Domain, words: list[str], seen: str) -> None:
    addresses = Address.objects.bulk_create(Address(domain=domain, local_part=f"m{n:05}") for n in range(5000))
    Mailbox.objects.bulk_create(Mailbox(address=address, mail_path=f"{address.local_part}/") for address in addresses)
    script = f"{sys.executable} manage.py {' '.join(words)} | head -2; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=CHECKOUT,
        env=environment() | {"PYTHONUNBUFFERED": "1"},  # as script/manage runs it
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert seen in ended.stdout


def test_without_a_database_it_says_so() -> None:
    unreachable = environment() | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    ended = manage("domain", "list", env=unreachable)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("The database does not answer: ")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("words", [["domain", "list"], ["lookup", "jean@example.org"]])
def test_a_database_without_our_tables(db: None, words: list[str]) -> None:
    name = connection.settings_dict["NAME"]
    elsewhere = environment()["DATABASE_URL"].replace(name, "postgres")
    ended = manage(*words, env=environment() | {"DATABASE_URL": elsewhere})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "The database has not got the tables of this version yet: start script/server, or run “migrate”.\n"
    )


def test_a_refusal_is_the_sentence_alone(domain: Domain) -> None:
    refused = manage("lookup", "no address at all")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "“no address at all” has no domain. Write it as name@example.org.\n"


def test_the_usage_is_what_one_types(db: None) -> None:
    assert manage("lookup", "--help").stdout.startswith("usage: script/manage lookup ")
    assert manage("domain", "add", "--help").stdout.startswith("usage: script/manage domain add ")


class TestDjangosOwn:
    @pytest.mark.parametrize(
        ("words", "ours"),
        [
            (["changepassword", "jean"], "admin password NAME"),
            (["createsuperuser"], "admin add NAME --superuser"),
            (["flush", "--no-input"], "domain delete DOMAIN"),
            (["loaddata", "people.json"], "import_csv"),
            (["dumpdata"], "export_csv"),
            (["pgtrigger", "disable"], "migrate"),
        ],
    )
    def test_what_goes_past_the_history_is_refused(self, domain: Domain, words: list[str], ours: str) -> None:
        refused = manage(*words)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert f"“{words[0]}” goes past the rules and the history of the panel. Use: {ours}" in refused.stderr
        assert refused.stderr.count("\n") == 1
        assert Domain.objects.exists()

    @pytest.mark.parametrize(
        "words",
        [
            ["check"],
            ["migrate", "--check"],
            ["makemigrations", "--check", "--dry-run"],
            ["shell", "-c", "pass"],
            ["dbshell", "--", "-c", "SELECT"],
        ],
    )
    def test_what_is_useful_works(self, domain: Domain, words: list[str]) -> None:
        ended = manage(*words)
        assert ended.returncode == 0, ended.stderr

    def test_the_help_has_ours_with_a_sentence_each(self) -> None:
        asked = manage("--help")
        ours, djangos = asked.stdout.split("And of Django: ")
        rooms = {path.stem for path in CHECKOUT.glob("*/management/commands/[a-z]*.py")}
        assert {line.split()[0] for line in ours.splitlines() if line.startswith("  ")} == rooms
        assert all(line.endswith(".") for line in ours.splitlines() if line.startswith("  "))
        assert djangos == "check, dbshell, makemigrations, migrate, shell, showmigrations\n"
        assert "manage.py" not in asked.stdout
        assert "Type 'script/manage help' for usage." in manage("domains").stderr
