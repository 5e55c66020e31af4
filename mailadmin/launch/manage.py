"""`script/manage`: one management command with the environment, the user and the database of the panel."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mailadmin.launch.database import borrowed
from mailadmin.launch.leash import on_leash
from mailadmin.launch.state import State


def manage(state: State, code: Path, arguments: Sequence[str]) -> int:
    """Runs the command; standard input, output and exit code are the command's own."""
    command = [sys.executable, "-P", str(code / "manage.py"), *arguments]
    if "DATABASE_URL" in os.environ:
        os.execv(command[0], command)
    with borrowed(state, code) as (url, we_run_the_cluster):
        os.environ["DATABASE_URL"] = url
        if not we_run_the_cluster:
            os.execv(command[0], command)
        return _run(command)


def _run(command: Sequence[str]) -> int:
    """Waits for the command. Ctrl-C reaches it from the terminal; other wishes to end are passed on."""
    signal.signal(signal.SIGINT, lambda number, frame: None)
    child = subprocess.Popen(command, preexec_fn=on_leash(signal.SIGTERM))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: child.send_signal(number))
    code = child.wait()
    return code if code >= 0 else 128 - code
