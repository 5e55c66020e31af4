"""What is installed: each package with its hash, from whichever index the machine uses."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


@pytest.mark.parametrize("name", ["requirements", "requirements-dev", "requirements-postgres"])
def test_the_lock_has_what_the_file_asks_for(name: str) -> None:
    asked = set(PINNED.findall((CHECKOUT / f"{name}.txt").read_text()))
    locked = {(package, version) for package, version in PINNED.findall((CHECKOUT / f"{name}.lock").read_text())}

    assert {(package.lower(), version) for package, version in asked} <= locked, "Run script/lock."


@pytest.mark.parametrize("name", ["requirements", "requirements-dev", "requirements-postgres"])
def test_every_package_has_a_hash_and_none_an_address(name: str) -> None:
    text = (CHECKOUT / f"{name}.lock").read_text()

    assert len(PINNED.findall(text)) == len(re.findall(r"^\S+==\S+.*\\\n +--hash=sha256:", text, re.MULTILINE))
    assert "://" not in text
