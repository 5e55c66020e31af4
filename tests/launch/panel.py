"""A panel of the tests' own: script/server and script/manage on a state directory and ports that nobody else uses."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds, on a machine that is busy with other tests
GONE_WITHIN = 6  # seconds after which nothing of a killed panel may be left


class Process(NamedTuple):
    pid: int
    user: int
    command: str


class Panel:
    """Everything a person does with a panel at the terminal."""

    def __init__(self, checkout: Path = CHECKOUT, **settings: str) -> None:
        # Not pytest's tmp_path: its parents are closed to the user that runs the panel.
        self.directory = Path(tempfile.mkdtemp(prefix="panel-", dir="/tmp"))
        self.directory.chmod(0o755)
        self.state = self.directory / "state"
        self.checkout = checkout
        self.port = free_port()
        self.settings = {"MAILADMIN_VENV": sys.prefix, "MAILADMIN_DATABASE_PORT": str(free_port()), **settings}
        self.started: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Nearly empty, as after `env -i`."""
        always = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "MAILADMIN_STATE": str(self.state)}
        return always | self.settings

    @property
    def server(self) -> "subprocess.Popen[bytes]":
        assert self.started
        return self.started

    # The two commands

    def start(self, *options: str) -> "Panel":
        self.output_file = (self.directory / "output").open("a")
        count = self.output.count("The panel answers at")
        command = [str(self.checkout / "script/server"), "--port", str(self.port), *options]
        self.started = subprocess.Popen(
            command, env=self.environment, stdin=subprocess.DEVNULL, stdout=self.output_file, stderr=self.output_file
        )
        # A first start makes the whole database, which a busy machine takes minutes for.
        until(self.has_said("The panel answers at", count + 1), 5 * PATIENCE, or_say=self.story)
        return self

    def has_said(self, words: str, times: int = 1) -> Callable[[], bool]:
        """Whether the server has said this so often; fails if it ended meanwhile."""

        def ask() -> bool:
            assert self.server.poll() is None, self.story()
            return self.output.count(words) >= times

        return ask

    def story(self) -> str:
        """What the server and its programs wrote, for a test that fails."""
        logs = sorted((self.state / "log").glob("*.log"))
        return "\n".join([self.output, *(f"{log.name}:\n{log.read_text()[-2000:]}" for log in logs)])

    def run_server(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """A server that ends by itself."""
        command = [str(self.checkout / "script/server"), "--port", str(self.port), *options]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE * 3)

    def manage(self, *arguments: str, stdin: str = "", **settings: Any) -> "subprocess.CompletedProcess[str]":
        command = [str(self.checkout / "script/manage"), *arguments]
        given: Mapping[str, Any] = {"input": stdin, "capture_output": True, "text": True, "timeout": PATIENCE}
        return subprocess.run(command, env=self.environment, **{**given, **settings})

    def value(self, expression: str) -> str:
        """What an expression is worth inside the panel's Django."""
        return self.run(f"print({expression})")

    def run(self, code: str) -> str:
        """What this code prints inside the panel's Django."""
        done = self.manage("shell", "--verbosity", "0", "--command", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    # What can be seen from outside

    @property
    def output(self) -> str:
        return (self.directory / "output").read_text()

    def health(self) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", "/health/")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def processes(self) -> list[Process]:
        """All processes of this panel, zombies left out."""
        return [process for process in map(self._look_at, Path("/proc").glob("[0-9]*")) if process]

    def process(self, words: str) -> Process:
        """The oldest process with these words in its command line."""
        return min(process for process in self.processes() if words in process.command)

    def _look_at(self, entry: Path) -> Process | None:
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            traces = [command, os.readlink(entry / "cwd"), (entry / "environ").read_bytes().decode(errors="replace")]
            if command and any(str(self.state) in trace for trace in traces) and int(entry.name) != os.getpid():
                return Process(int(entry.name), entry.stat().st_uid, command)
        except OSError:
            pass  # it ended while we looked, or belongs to somebody whose processes we cannot see
        return None

    # How it ends

    def end(self, number: int = signal.SIGTERM) -> int:
        self.server.send_signal(number)
        return self.server.wait(PATIENCE)

    def remove(self) -> None:
        if self.started and self.started.poll() is None:
            self.started.kill()
            self.started.wait()
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):  # most are dying already
                os.kill(process.pid, signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)


def until(is_so: Callable[[], Any], seconds: float = PATIENCE, or_say: Callable[[], str] = str) -> None:
    """Waits until something is so; fails if it is not in time."""
    give_up = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up, f"It was not so within {seconds} seconds.\n{or_say()}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
