"""The two things that only root does for end_sessions: to ask doveadm-who(1) who is signed in, and to end processes
that it named (at_hand.py)."""

import contextlib
import json
import os
import signal
import socket
import subprocess

LONGEST = 60  # seconds that doveadm may take


def answer(asked_by: socket.socket, conf: str | None) -> None:
    """A line of JSON for each line, until nobody asks any more: null is who is signed in, a list is processes to end.
    Only those that doveadm named last are ended."""
    named: set[int] = set()
    with asked_by, asked_by.makefile("r", encoding="utf-8") as lines:
        for line in lines:
            asked = json.loads(line)
            if asked is None:
                said = _who(conf)
                named = _processes(said["output"])
            else:
                said = {"output": "", "fault": ""}
                for process in named.intersection(asked):
                    with contextlib.suppress(ProcessLookupError):  # its session is over already
                        os.kill(process, signal.SIGTERM)
            asked_by.sendall(json.dumps(said).encode() + b"\n")


def _who(conf: str | None) -> dict[str, str]:
    command = ["doveadm", *(["-c", conf] if conf else []), "-f", "tab", "who", "-1"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"output": "", "fault": str(error)}
    fault = (done.stderr.strip() or f"doveadm ended with {done.returncode}") if done.returncode else ""
    return {"output": done.stdout, "fault": fault}


def _processes(output: str) -> set[int]:
    rows = [line.split("\t") for line in output.splitlines()]
    if not rows or "pid" not in rows[0]:
        return set()
    place = rows[0].index("pid")
    return {int(row[place]) for row in rows[1:] if len(row) > place and row[place].isdecimal() and int(row[place]) > 1}
