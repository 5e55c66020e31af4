"""How long each server takes to come back, in a file of its own (docs/testing.md)."""

import json
from pathlib import Path

import pytest


class Noted:
    """Seconds, by what was back after what. What a run does not measure stays as the run before left it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self, what: str, seconds: float) -> None:
        known = json.loads(self.file.read_text()) if self.file.exists() else {}
        known[what] = round(seconds, 2)
        self.file.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")


@pytest.fixture(scope="session")
def noted(pytestconfig: pytest.Config) -> Noted:
    assert pytestconfig.cache
    return Noted(pytestconfig.cache.mkdir("coming-back") / "seconds.json")
