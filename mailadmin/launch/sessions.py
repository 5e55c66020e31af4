"""The two things that only root does for end_sessions: to ask doveadm-who(1) who is signed in, and to end processes
that it named. Everything else, the database too, is for the system user, who asks for them on its standard input."""

import contextlib
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from mailadmin.launch.options import option
from mailadmin.launch.service_user import become

COMMAND, BY_ROOT = "end_sessions", "--by-root"
LONGEST = 60  # seconds that doveadm may take


def run_with_root_at_hand(
    program: Sequence[str], arguments: Sequence[str], environment: Mapping[str, str], user: pwd.struct_passwd
) -> NoReturn:
    """Runs the command as the user, and answers it until it ends."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(theirs.fileno(), 0)
            become(user)
            os.execve(program[0], [*program, *arguments, BY_ROOT], dict(environment))
        finally:
            os._exit(1)
    theirs.close()
    signal.signal(signal.SIGTERM, lambda _number, _frame: os.kill(child, signal.SIGTERM))
    answer(ours, option(arguments, "--conf"))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.exit(code if code >= 0 else 128 - code)


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
