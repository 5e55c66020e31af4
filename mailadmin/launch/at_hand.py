"""Root at hand for a command that runs as the system user: the command asks on its standard input, a line for each of
the few things that only root does. Everything else, the database too, is for the system user."""

import contextlib
import json
import os
import pwd
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mailadmin.launch.leash import die_with_parent
from mailadmin.launch.service_user import become

BY_ROOT = "--by-root"  # tells the command whom it may ask


def run_with_root_at_hand(
    program: Sequence[str],
    environment: Mapping[str, str],
    user: pwd.struct_passwd,
    answer_to: Callable[[list[Any]], dict[str, Any]],
) -> int:
    """Runs the command as the user, and answers it until it ends. Its exit code."""
    ours, theirs = socket.socketpair()
    root, child = os.getpid(), os.fork()
    if child == 0:
        try:
            os.dup2(theirs.fileno(), 0)
            become(user)
            die_with_parent(signal.SIGTERM, root)
            os.execve(program[0], [*program, BY_ROOT], dict(environment))
        finally:
            os._exit(1)
    theirs.close()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: os.kill(child, number))
    try:
        answer_lines(ours, answer_to)
    finally:
        ours.close()  # then the command ends too, when it next asks
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def answer_lines(asked_by: socket.socket, answer_to: Callable[[list[Any]], dict[str, Any]]) -> None:
    """A line of JSON for each line, until nobody asks any more: the operation and its words."""
    with asked_by.makefile("r", encoding="utf-8") as lines, contextlib.suppress(ConnectionError):
        for line in lines:
            asked_by.sendall(json.dumps(answer_to(json.loads(line))).encode() + b"\n")
