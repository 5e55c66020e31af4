"""One program under the supervisor: how it starts, comes back when it dies, and ends."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from mailadmin.launch.leash import on_leash

LONGEST_PAUSE = 30  # seconds between two starts of a program that keeps dying
GOOD_RUN = 60  # seconds after which the next start comes at once again
LOG_LIMIT = 20 * 1024 * 1024  # bytes; a longer log makes way


class Child:
    """A program that shall run until the supervisor ends."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        code: Path,
        log: Path,
        when_orphaned: int,
        seconds_to_stop: float,
    ) -> None:
        self.name, self.command, self.environment, self.code, self.log = name, command, environment, code, log
        self.when_orphaned, self.seconds_to_stop = when_orphaned, seconds_to_stop
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.start_at = 0.0
        self.pause = 0.0
        self.asked_at = 0.0

    def start(self) -> None:
        """Starts the program in a session of its own, so that Ctrl-C reaches only the supervisor."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.code,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=on_leash(self.when_orphaned),
            )
        self.started_at = time.monotonic()

    def keep_alive(self) -> str:
        """Starts the program again after a pause if it died; says so in a sentence, once for each death."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.start_at:
                self.start()
            return ""
        code = self.process.poll()
        if code is None:
            return ""
        self.kill_group()
        self.pause = 1 if now - self.started_at > GOOD_RUN else min(max(1, self.pause * 2), LONGEST_PAUSE)
        self.start_at, self.process = now + self.pause, None
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return f"The {self.name} {ended} and starts again in {self.pause:g} s. Its reason may stand in {self.log}."

    def ask_to_stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
        self.asked_at = time.monotonic()

    def stop(self) -> None:
        """Waits for the program to end as asked, and then ends it with everything it has started."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0, self.asked_at + self.seconds_to_stop - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.kill_group()
        self.process = None

    def kill_group(self) -> None:
        """Ends what the program left behind in its session."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


def make_way(log: Path) -> None:
    """A log that became long goes to another name, one generation; its program goes on appending to the empty one."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)
