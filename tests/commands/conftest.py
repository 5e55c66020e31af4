"""A shell for the tests: runs a command as manage.py does, and says how it ended."""

import io
import json
from typing import Any, NamedTuple

import pytest
from django.core.management import load_command_class
from django.core.management.base import OutputWrapper

from accounts.models import User
from accounts.services import add_user
from domains.models import Domain
from mailboxes.demo import load_falcot
from tests.services.checks import TESTER, nothing_changes

ROOM_OF = {
    "access": "restrictions",
    "admin": "domains",
    "alias": "mailboxes",
    "app_password": "mailboxes",
    "recovery_address": "mailboxes",
    "password_settings": "mailboxes",
    "domain": "mailboxes",
    "history": "mailboxes",
    "import_csv": "mailboxes",
    "export_csv": "mailboxes",
    "import_local_users": "mailboxes",
    "job": "jobs",
    "dkim": "domains",
    "mail_settings": "domains",
    **dict.fromkeys(["dns", "dns_settings", "update_server"], "dns_records"),
    "lookup": "mailservers",
    "mailbox": "mailboxes",
    **dict.fromkeys(["transport", "tls_policy", "sender_relay", "bcc", "relocated", "canonical"], "lookup_tables"),
    "out_of_office": "mailboxes",
    "server_names": "mailboxes",
    "dovecot_host": "mailboxes",
    **dict.fromkeys(["broadcast", "mailing_settings"], "mailboxes"),
    "relay_recipient": "mailboxes",
    "default_aliases": "mailboxes",
    "api_token": "api",
    **dict.fromkeys(["import_postfixadmin", "takeover"], "takeover"),
    **dict.fromkeys(["restriction", "restriction_class", "check_restrictions"], "restrictions"),
}


class Ended(NamedTuple):
    """What a shell sees of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Terminal(io.StringIO):
    """Standard input with a person before it."""

    def isatty(self) -> bool:
        return True


class Shell:
    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys, self.monkeypatch = capsys, monkeypatch

    def __call__(self, noun: str, *arguments: str, piped: bytes = b"", typed: str | None = None) -> Ended:
        """`piped` comes through a pipe; `typed` by a person at a terminal."""
        stdin = io.TextIOWrapper(io.BytesIO(piped)) if typed is None else Terminal(typed)
        self.monkeypatch.setattr("sys.stdin", stdin)
        command = load_command_class(ROOM_OF[noun], noun)
        command._called_from_command_line = True  # type: ignore[attr-defined]  # argparse then exits, as in a shell
        out, err = io.StringIO(), io.StringIO()
        command.stdout, command.stderr = OutputWrapper(out), OutputWrapper(err)
        try:
            options = vars(command.create_parser("manage.py", noun).parse_args(arguments))
            command.execute(**(options | {"stdout": None, "stderr": None, "force_color": False, "no_color": True}))
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        usage = self.capsys.readouterr()  # argparse prints past Django
        return Ended(code, out.getvalue() + usage.out, err.getvalue() + usage.err)

    def refused(self, noun: str, *arguments: str, **options: Any) -> str:
        """The sentences of a refusal: exit code 1, nothing on standard output, nothing changed."""
        with nothing_changes():
            ended = self(noun, *arguments, **options)
        assert (ended.code, ended.out) == (1, ""), ended
        for sentence in ended.err.splitlines():
            assert sentence.endswith("."), f"This is no sentence: {sentence}"
        return ended.err

    def misused(self, noun: str, *arguments: str, **options: Any) -> str:
        """What is said about wrong usage: exit code 2, nothing on standard output, nothing changed."""
        with nothing_changes():
            ended = self(noun, *arguments, **options)
        assert (ended.code, ended.out) == (2, ""), ended
        return ended.err


@pytest.fixture
def shell(db: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(capsys, monkeypatch)


@pytest.fixture
def falcot(db: None) -> Domain:
    load_falcot(by=TESTER)
    return Domain.objects.get(name="falcot.org")


@pytest.fixture
def chef(db: None) -> User:
    return add_user("chef", is_superuser=True, by=TESTER)
