"""Who stands in the history when a command did it."""

import socket

import pytest

from accounts.actors import Actor
from accounts.models import ChangeSet
from tests.commands.conftest import Shell


def test_it_works(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "jean")
    shell("domain", "add", "example.org")
    change_set = ChangeSet.objects.get()
    assert [change_set.value(key) for key in ("who", "door", "host")] == ["jean", "command", socket.gethostname()]


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000)
    assert Actor.from_command().name == "uid 4000000"
