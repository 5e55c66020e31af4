"""`script/server`: sets the panel up, runs its programs, and stops them in reverse order. One process, one thread."""

import argparse
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from mailadmin.launch import LaunchError
from mailadmin.launch.address import address_for_people, ask_health, names_of_this_host, port_is_taken, will_stay_taken
from mailadmin.launch.children import Child, make_way
from mailadmin.launch.cluster import Cluster
from mailadmin.launch.database import claim, own_cluster
from mailadmin.launch.leash import on_leash
from mailadmin.launch.options import read_password
from mailadmin.launch.state import State, environment

HEALTHY_WITHIN = 60  # seconds after which the reason is printed instead of waiting silently
PORT_PATIENCE = 6  # seconds in which the programs of a killed supervisor leave the port


class Stopped(Exception):
    """Somebody asked the supervisor to end."""


class Supervisor:
    """Everything that runs while the panel runs."""

    def __init__(self, state: State, code: Path, options: argparse.Namespace) -> None:
        self.state, self.code, self.options = state, code, options
        self.environment = environment(state, code)
        self.password = read_password(options.admin_password_file) if options.admin_password_file else ""
        self.cluster: Cluster | None = None
        self.children: list[Child] = []
        self.asked_to_stop = False

    # Signals arrive as bytes in a pipe, so that no moment of waiting misses one.

    def listen(self) -> None:
        self.wake_up, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup says: go on
                signal.signal(number, self.ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def ask_to_stop(self, number: int, frame: object) -> None:
        if self.asked_to_stop and number == signal.SIGINT:
            print("Still stopping: open requests and the running job get a few seconds.", file=sys.stderr, flush=True)
        self.asked_to_stop = True

    def wait(self, seconds: float) -> None:
        """Waits until something happens, at most this long; raises Stopped when asked to end."""
        if not self.asked_to_stop and select.select([self.wake_up], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):
                os.read(self.wake_up, 1024)
        if self.asked_to_stop:
            raise Stopped

    # From nothing to a running panel

    def start_database(self) -> None:
        """Starts the own cluster where DATABASE_URL names no other; waits for a command that uses it."""
        if "DATABASE_URL" in self.environment:
            return
        if claim(self.state) is None:  # the descriptor stays open, and with it the lock, until we die
            say("Waiting for script/manage, which is using the database.")
            while claim(self.state) is None:
                self.wait(0.2)
        self.cluster = own_cluster(self.state, self.code)
        if not self.cluster.made_by:
            say("Making the database.")
        self.cluster.start(self.wait)
        self.environment["DATABASE_URL"] = self.cluster.url()

    def set_up(self) -> None:
        """Migrations, functions for the mail servers, static files, first superuser: in a process that then goes."""
        asked = {"admin": self.options.admin, "password": self.password, "demo": self.options.demo}
        setup = subprocess.Popen(
            [sys.executable, "-P", "-m", "mailadmin.set_up"],
            cwd=self.code,
            env=self.environment,
            stdin=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=on_leash(signal.SIGKILL),
        )
        with contextlib.suppress(BrokenPipeError), setup.stdin:  # type: ignore[union-attr]
            setup.stdin.write(json.dumps(asked).encode())  # type: ignore[union-attr]
        try:
            while setup.poll() is None:
                self.wait(0.5)
        except Stopped:
            setup.terminate()
            setup.wait()
            raise
        if setup.returncode:
            raise LaunchError("The panel is not set up: the reason stands above.")

    def start_children(self) -> None:
        address = f"[{self.options.host}]" if ":" in self.options.host else self.options.host
        web = f"gunicorn --config python:mailadmin.launch.web --bind {address}:{self.options.port}".split()
        worker = "celery -A mailadmin worker --concurrency 2 --loglevel INFO --include mailadmin.launch.worker_leash"
        alone = "--without-gossip --without-mingle --without-heartbeat"
        beat = "celery -A mailadmin beat --loglevel INFO --pidfile="
        self.add("web server", "web", web, when_orphaned=signal.SIGKILL)
        self.add("worker", "worker", [*worker.split(), *alone.split()], when_orphaned=signal.SIGKILL)
        self.add("clock of the worker", "beat", beat.split(), when_orphaned=signal.SIGTERM)

    def add(self, name: str, log: str, command: list[str], *, when_orphaned: int) -> None:
        child = Child(
            name,
            [sys.executable, "-m", *command],
            environment=self.environment,
            code=self.code,
            log=self.state / f"log/{log}.log",
            when_orphaned=when_orphaned,
            seconds_to_stop=10,
        )
        child.start()
        self.children.append(child)

    # While it runs

    def watch(self) -> None:
        """Prints the address when the panel is healthy, and brings back what dies, until somebody asks to end."""
        address = address_for_people(self.options.host, self.options.port)
        started, announced, complained = time.monotonic(), False, False
        while True:
            self.wait(1.0 if announced else 0.3)
            self.keep_alive()
            if announced:
                continue
            is_healthy, reason = ask_health(self.options.host, self.options.port)
            if is_healthy:
                say(f"The panel answers at {address}")
                announced = True
            elif not complained and time.monotonic() - started > HEALTHY_WITHIN:
                say(f"The panel runs at {address} but is not healthy: {reason} See also {self.state / 'log'}.")
                complained = True

    def keep_alive(self) -> None:
        if self.cluster and not self.cluster.running:
            say(f"PostgreSQL ended and starts again. Its reason may stand in {self.cluster.log}.")
            self.cluster.start(self.wait)
        for log in self.state.logs():
            make_way(log)
        for child in self.children:
            if sentence := child.keep_alive():
                say(sentence)

    def stop(self) -> None:
        for child in reversed(self.children):
            child.ask_to_stop()
        for child in reversed(self.children):
            child.stop()
        if self.cluster:
            self.cluster.stop()


def say(sentence: str) -> None:
    print(sentence, flush=True)


def serve(state: State, code: Path, options: argparse.Namespace) -> int:
    """Runs the panel until it is asked to end."""
    with only_supervisor(state):
        state.remember(state.settings())
        tidy(state, code)
        supervisor = Supervisor(state, code, options)
        supervisor.listen()
        allow_address(supervisor.environment, options.host)
        try:
            if not options.setup_only:
                need_port(supervisor)
            supervisor.start_database()
            supervisor.set_up()
            if options.setup_only:
                say("Everything is set up. Start the panel with script/server.")
                return 0
            supervisor.start_children()
            supervisor.watch()
        except Stopped:
            say("Stopping.")
        finally:
            supervisor.stop()
    return 0


@contextlib.contextmanager
def only_supervisor(state: State) -> Iterator[None]:
    """Two supervisors on one state directory would fight about the database."""
    lock = state.try_lock("server.lock")
    if lock is None:
        number = (state / "server.lock").read_text().strip() or "unknown"
        raise LaunchError(
            f"The panel of {state.path} is running already (process {number}). Stop that process first, "
            "or name another directory in MAILADMIN_STATE."
        )
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    try:
        yield
    finally:
        os.close(lock)


def tidy(state: State, code: Path) -> None:
    """Removes the packages and the code of earlier versions."""
    if state / "venv" in Path(sys.prefix).parents:
        state.keep_only("venv", Path(sys.prefix))
    if state / "code" in code.parents:
        state.keep_only("code", code)


def allow_address(environment: dict[str, str], host: str) -> None:
    """The panel answers to the names of this host and to the address it listens on, unless told otherwise."""
    if "MAILADMIN_ALLOWED_HOSTS" not in environment:
        environment["MAILADMIN_ALLOWED_HOSTS"] = ",".join(names_of_this_host(host))


def need_port(supervisor: Supervisor) -> None:
    """Ends with a sentence if another program has the port; waits a little for a killed predecessor."""
    host, port = supervisor.options.host, supervisor.options.port
    give_up = time.monotonic() + PORT_PATIENCE
    while error := port_is_taken(host, port):
        if will_stay_taken(error) or time.monotonic() > give_up:
            raise LaunchError(
                f"The panel cannot listen on port {port} of {host}: {error.strerror}. Choose another --port."
            )
        supervisor.wait(0.2)
