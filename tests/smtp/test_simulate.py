"""The simulation of restrictions says what a real smtpd does: random policies and sessions, the same replies by the
same rules in the same order; no policy stops smtpd, answers 451 4.3.5 or relays for strangers."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.policies import HOSTNAME, NETWORKS, Case, World, random_session
from bench.simulate import Compared, compare, play
from restrictions.engine.policy import Entry, Policy, Settings
from restrictions.engine.walk import DEEPEST

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


ANN = "ann@home.example"


def deep(depth: int, *, by_tables: bool = False) -> Case:
    """A refusal in the last of so many classes, each in the one before it, or named by a table that it asks."""
    settings = Settings(mynetworks=NETWORKS, inet_interfaces=("127.0.0.1",), myorigin=HOSTNAME, recipient_delimiter="+")
    classes, rows = {f"class{depth}": (Entry("reject"),)}, {}
    for number in range(1, depth):
        inner = f"class{number + 1}"
        if by_tables:
            rows[f"table{number}"] = {ANN: inner}
            classes[f"class{number}"] = (Entry("check_recipient_access", f"table{number}"),)
        else:
            classes[f"class{number}"] = (Entry(inner),)
    stages = {"relay": (Entry("reject_unauth_destination"),), "recipient": (Entry("class1"),)}
    tables = {name: found.get for name, found in rows.items()}
    return Case(
        f"{depth} by tables" if by_tables else f"{depth}", Policy(stages, World(), classes, tables, settings), rows
    )


def test_only_access_tables_end_what_is_too_deep() -> None:
    """Where a class names a class, generic_checks() of smtpd_check.c counts and does not mind; where a table names one,
    which is two lists more, check_table_result() has a limit."""
    session = replace(random_session("deep"), client="192.0.2.7", helo="mail.good.example", recipients=(ANN,))
    half = DEEPEST // 2
    nested = [deep(105), deep(250), deep(half + 1, by_tables=True), deep(half + 2, by_tables=True)]
    with tempfile.TemporaryDirectory(prefix="simulate", dir="/tmp") as base:
        found = play([(case, [session]) for case in nested], Path(base))
    too_deep = f"{half + 2} by tables"  # smtpd jumps out of all lists then, so its log has no results of theirs
    assert [one for one in found.disagreements if "replies: " in one or f"seed '{too_deep}'" not in one] == []
    assert [line.partition(":")[0] for line in found.complaints if "4.3.5" in line] == [too_deep]
