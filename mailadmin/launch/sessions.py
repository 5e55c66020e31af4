"""The two things that only root does for end_sessions: to ask doveadm-who(1) who is signed in, and to end processes
that it named (at_hand.py)."""

import argparse
import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Any

from mailadmin.launch import LaunchError

LONGEST = 60  # seconds that doveadm may take


class Sessions:
    """Those of the Dovecot that root named. Only processes that doveadm named last are ended."""

    def __init__(self, arguments: Sequence[str]) -> None:
        parser = argparse.ArgumentParser(prog="end_sessions", add_help=False)
        parser.add_argument("--conf")
        given, _others = parser.parse_known_args(arguments)
        self.conf: str | None = given.conf
        self.named: set[int] = set()

    def answer_to(self, asked: list[Any]) -> dict[str, Any]:
        match asked:
            case ["who"]:
                return self._who()
            case ["end", *processes]:
                for process in self.named.intersection(processes):
                    with contextlib.suppress(ProcessLookupError):  # its session is over already
                        os.kill(process, signal.SIGTERM)
                return {"said": None}
        raise LaunchError("The command asked root for something that root does not do for it.")

    def _who(self) -> dict[str, Any]:
        command = ["doveadm", *(["-c", self.conf] if self.conf else []), "-f", "tab", "who", "-1"]
        self.named = set()
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONGEST, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return {"fault": [str(error)]}
        if done.returncode:
            return {"fault": [done.stderr.strip() or f"doveadm ended with {done.returncode}"]}
        self.named = _processes(done.stdout)
        return {"said": done.stdout}


def _processes(output: str) -> set[int]:
    rows = [line.split("\t") for line in output.splitlines()]
    if not rows or "pid" not in rows[0]:
        return set()
    place = rows[0].index("pid")
    return {int(row[place]) for row in rows[1:] if len(row) > place and row[place].isdecimal() and int(row[place]) > 1}
