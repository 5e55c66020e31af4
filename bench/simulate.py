"""Does the simulation of restrictions say what a real smtpd(8) does? Random policies, random sessions, side by side:
the same replies, by the same rules, in the same order. Prints the first disagreement with what is needed to play it
again."""

import argparse
import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import django

from bench import policies
from bench.namespace import Namespace
from bench.policies import Case
from bench.real_smtpd import RealSmtpd, Said, sessions_in, warnings_in, ways_in, ways_of
from restrictions.engine.policy import Assumptions, Session
from restrictions.engine.simulate import simulate
from restrictions.engine.verdict import Verdict

AT_ONCE = 25  # policies, each a service of one Postfix
PATIENCE = 60  # seconds until the log has the end of each session

ASSUMPTIONS = Assumptions(policies.DNS, policies.POLICY_SERVICES, policies.VERIFIED, names_exist=False)


@dataclass
class Compared:
    """How often both agreed, about what, and where they did not."""

    policies: int = 0
    sessions: int = 0
    replies: Counter[str] = field(default_factory=Counter)  # by the rule that decided
    disagreements: list[str] = field(default_factory=list)
    relayed: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def compare(seeds: Sequence[str], sessions: int, base: Path) -> Compared:
    """Plays each random policy for so many sessions."""
    cases = [policies.random_case(seed) for seed in seeds]
    return play([(case, sessions_of(case, sessions)) for case in cases], base)


def play(what: Sequence[tuple[Case, Sequence[Session]]], base: Path) -> Compared:
    """Plays policies, each with its sessions. Raises SystemExit if Postfix does not start."""
    found, cases = Compared(), [case for case, _sessions in what]
    with Namespace(policies.DNS) as network:
        for service, answer in policies.POLICY_SERVICES.items():
            network.serve_policy(int(service.rpartition(":")[2]), partial(_always, answer))
        postfix = RealSmtpd(base, cases, network)
        with postfix:
            played = [
                [(session, postfix.play(number, session)) for session in sessions]
                for number, (_case, sessions) in enumerate(what)
            ]
            _wait_for_log(postfix, [len(sessions) for _case, sessions in what])
            for number, case in enumerate(cases):
                logs = sessions_in(postfix.log_of(number))
                _judge(found, case, played[number], logs)
            found.complaints += [line for line in postfix.log().splitlines() if "fatal:" in line or "panic:" in line]
    return found


def _always(answer: str, _request: dict[str, str]) -> str:
    return answer


def sessions_of(case: Case, number: int) -> list[Session]:
    return [policies.random_session(f"{case.seed} {one}") for one in range(number)]


def _wait_for_log(postfix: RealSmtpd, sessions: Sequence[int]) -> None:
    """Until the log of each service has the end of each session."""
    give_up = time.monotonic() + PATIENCE
    while any(len(sessions_in(postfix.log_of(number))) < wanted for number, wanted in enumerate(sessions)):
        if time.monotonic() > give_up:
            return
        time.sleep(0.05)


def _judge(found: Compared, case: Case, played: list[tuple[Session, list[Said]]], logs: list[str]) -> None:
    found.policies += 1
    if len(logs) != len(played):
        raise SystemExit(f"{case.seed}: of {len(played)} sessions {len(logs)} came to their end in the log.")
    for (session, said), log in zip(played, logs, strict=True):
        found.sessions += 1
        verdict = simulate(case.policy, session, ASSUMPTIONS)
        differences = list(_differences(verdict, said, log))
        if differences:
            found.disagreements.append(_reproduction(case, session, verdict, said, log, differences))
        for answer in verdict.answers:
            rule = answer.decided.place.entry if answer.decided else None
            found.replies[rule.name if rule else answer.decided.place.name if answer.decided else "nobody"] += 1
        accepted = {to for to, one in zip(session.recipients, _replies_to_rcpt(said), strict=False) if one[0] == "2"}
        discarded = any(step.why == "says_discard" for answer in verdict.answers for step in answer.steps)
        if not discarded and accepted & set(policies.strangers_destination(case, session)):
            found.relayed.append(f"{case.seed}: {session}")
        if any("4.3.5" in one.reply for one in said):
            found.complaints.append(f"{case.seed}: {session}: 451 4.3.5")


def _replies_to_rcpt(said: list[Said]) -> list[str]:
    return [one.reply for one in said if one.command == "RCPT"]


def _differences(verdict: Verdict, said: list[Said], log: str) -> list[str]:
    found = []
    expected = [(answer.command, _comparable(answer.reply)) for answer in verdict.answers]
    real = [(one.command, _comparable(one.reply)) for one in said]
    if expected != real:
        found.append(f"replies: {expected} != {real}")
    if (ours := ways_of(verdict)) != (theirs := ways_in(log)):
        found.append(f"ways:\n  ours:   {ours}\n  theirs: {theirs}")
    warned = [step.reply for answer in verdict.answers for step in answer.warnings]
    if warned != (logged := warnings_in(log)):
        found.append(f"warnings: {warned} != {logged}")
    return found


def _comparable(reply: str) -> str:
    """What is said when all is well is of no interest."""
    return reply if reply[0] in "45" else reply[:3]


def _reproduction(
    case: Case, session: Session, verdict: Verdict, said: list[Said], log: str, differences: list[str]
) -> str:
    lists = {**case.policy.stages, **case.policy.classes}
    lines = [f"seed {case.seed!r}", *differences, str(session), str(case.policy.settings)]
    lines += [f"  {name} = {', '.join(map(str, entries))}" for name, entries in lists.items()]
    lines += [f"  {name}: {rows}" for name, rows in case.rows.items()]
    lines += [line for line in log.splitlines() if "warning:" in line or "reject" in line and "NOQUEUE" in line][-10:]
    return "\n".join(lines)


def main(words: list[str]) -> int:
    arguments = _parser().parse_args(words)
    if os.geteuid():
        raise SystemExit("Only root can start Postfix in a network of its own.")
    os.environ["DJANGO_SETTINGS_MODULE"] = "mailadmin.settings"
    django.setup()  # the judge of the policies speaks of rows, although none is saved
    seed, started = arguments.seed or str(random.SystemRandom().randrange(10**6)), time.monotonic()
    total = Compared()
    seeds = [f"{seed}/{number}" for number in range(arguments.policies)]
    for first in range(0, len(seeds), AT_ONCE):
        with tempfile.TemporaryDirectory(prefix="simulate", dir="/tmp") as base:  # noqa: S108  short, and 0755 above
            found = compare(seeds[first : first + AT_ONCE], arguments.sessions, Path(base))
        _add(total, found)
    _show(total, seed, time.monotonic() - started)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(_as_json(total, seed)))
    return 1 if total.disagreements or total.relayed or total.complaints else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="script/bench simulate", description=__doc__)
    parser.add_argument("--policies", type=int, default=200, help="how many random policies; 200 if not said")
    parser.add_argument("--sessions", type=int, default=20, help="how many sessions with each; 20 if not said")
    parser.add_argument("--seed", help="makes the same policies and sessions again")
    parser.add_argument("--json", metavar="FILE", help="also write the figures there")
    return parser


def _add(total: Compared, found: Compared) -> None:
    total.policies += found.policies
    total.sessions += found.sessions
    total.replies += found.replies
    total.disagreements += found.disagreements
    total.relayed += found.relayed
    total.complaints += found.complaints


def _show(total: Compared, seed: str, seconds: float) -> None:
    agreed = total.sessions - len(total.disagreements)
    print(f"Seed {seed}: {total.policies} policies, {total.sessions} sessions, {seconds:.0f} s")
    print("| sessions | agreed | relayed for strangers | complaints of smtpd |")
    print("|---|---|---|---|")
    print(f"| {total.sessions} | {agreed} | {len(total.relayed)} | {len(total.complaints)} |")
    for name, number in total.replies.most_common():
        print(f"  {number:6} {name}")
    for title, lines in (("Disagreement", total.disagreements), ("Relayed", total.relayed), ("Said", total.complaints)):
        if lines:
            print(f"\n{title}: {lines[0]}")


def _as_json(total: Compared, seed: str) -> dict[str, Any]:
    return {
        "seed": seed,
        "policies": total.policies,
        "sessions": total.sessions,
        "agreed": total.sessions - len(total.disagreements),
        "relayed": len(total.relayed),
        "complaints": total.complaints,
        "decided": dict(total.replies),
    }
