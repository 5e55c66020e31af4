"""The simulation of restrictions says what a real smtpd does: random policies and sessions, the same replies by the
same rules in the same order; no policy stops smtpd, answers 451 4.3.5 or relays for strangers."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.simulate import Compared, compare

SEED = os.environ.get("SIMULATE_SEED", "luck")  # another one plays other policies
POLICIES, SESSIONS = 25, 20


@pytest.fixture(scope="module")
def compared() -> Iterator[Compared]:
    with tempfile.TemporaryDirectory(prefix="simulate", dir="/tmp") as base:
        yield compare([f"{SEED}/{number}" for number in range(POLICIES)], SESSIONS, Path(base))


def test_every_session_goes_the_same_way(compared: Compared) -> None:
    assert compared.sessions == POLICIES * SESSIONS
    assert not compared.disagreements, compared.disagreements[0]


def test_many_rules_had_something_to_say(compared: Compared) -> None:
    """Otherwise the agreement would mean little."""
    assert len(compared.replies) > 30


def test_smtpd_has_nothing_to_complain_about(compared: Compared) -> None:
    assert not compared.complaints


def test_nobody_relays_for_strangers(compared: Compared) -> None:
    assert not compared.relayed
