"""Root at hand for a command that runs as the system user: the command asks on its standard input, a line for each of
the few things that only root does. Everything else, the database too, is for the system user."""

import os
import pwd
import signal
import socket
from collections.abc import Callable, Mapping, Sequence

from mailadmin.launch.service_user import become

BY_ROOT = "--by-root"  # tells the command whom it may ask


def run_with_root_at_hand(
    program: Sequence[str],
    environment: Mapping[str, str],
    user: pwd.struct_passwd,
    answer: Callable[[socket.socket], None],
) -> int:
    """Runs the command as the user, and answers it until it ends. Its exit code."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(theirs.fileno(), 0)
            become(user)
            os.execve(program[0], [*program, BY_ROOT], dict(environment))
        finally:
            os._exit(1)
    theirs.close()
    signal.signal(signal.SIGTERM, lambda _number, _frame: os.kill(child, signal.SIGTERM))
    try:
        answer(ours)
    finally:
        ours.close()  # then the command ends too
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code
