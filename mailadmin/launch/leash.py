"""Ties a process to its parent, so that not even kill -9 of the supervisor leaves one behind."""

import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent(signal_number: int, parent: int) -> None:
    """Asks the kernel for a signal when the parent dies. A change of user clears the wish, so it comes after it."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:  # it died before the kernel knew
        os._exit(1)


def on_leash(signal_number: int) -> Callable[[], None]:
    """The `preexec_fn` of a child that gets the signal when we die; Popen runs it after the change of user."""
    parent = os.getpid()
    return lambda: die_with_parent(signal_number, parent)


def watch_parent() -> None:
    """Ends this process soon after its parent, whichever thread of the parent forked it.

    The kernel's signal comes when the forking *thread* ends, and Celery forks from threads that end before their
    children do.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="leash", daemon=True).start()
