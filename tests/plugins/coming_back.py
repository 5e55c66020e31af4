"""How long each server takes to come back, in a file of its own (docs/testing.md)."""

import fcntl
import json
from pathlib import Path

import pytest


class Noted:
    """Seconds, by what was back after what. What a run does not measure stays as the run before left it, or the one
    beside it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self, what: str, seconds: float) -> None:
        with self.file.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            known = json.loads(file.read() or "{}")
            known[what] = round(seconds, 2)
            file.truncate(0)
            file.write(json.dumps(known, indent=2, sort_keys=True) + "\n")


@pytest.fixture(scope="session")
def noted(pytestconfig: pytest.Config) -> Noted:
    assert pytestconfig.cache
    return Noted(pytestconfig.cache.mkdir("coming-back") / "seconds.json")
