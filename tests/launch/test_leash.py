"""A process on the leash ends with its parent, however busy it is and whichever thread forked it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.launch.panel import CHECKOUT, GONE_WITHIN, until

# A thread forks a child that never rests; the thread ends at once, as those of Celery's pool do.
PARENT = """
import os, threading, time
from mailadmin.launch.leash import watch_parent

def fork():
    child = os.fork()
    if child == 0:
        watch_parent()
        print(os.getpid(), flush=True)
        while True:
            pass

threading.Thread(target=fork).start()
time.sleep(60)
"""

# A child that the kernel signals.
DIRECT = """
import os, signal, subprocess, time
from mailadmin.launch.leash import on_leash
print(subprocess.Popen(["sleep", "60"], preexec_fn=on_leash(signal.SIGKILL)).pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("program", [PARENT, DIRECT], ids=["forked by a thread", "started by Popen"])
def test_it_works(program: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=CHECKOUT, stdout=subprocess.PIPE)
    assert parent.stdout
    child = Path("/proc", parent.stdout.readline().decode().strip())
    assert child.exists()

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    until(lambda: not child.exists() or "Z" in (child / "stat").read_text().split()[2], GONE_WITHIN)
