"""A PostgreSQL cluster of our own: made once, started as a child, gone with its parent. Standard library only.

The test suite uses it too, without fsync and, as root, as another user.
"""

import errno
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from mailadmin.launch import LaunchError
from mailadmin.launch.leash import on_leash
from mailadmin.launch.programs import major_version, need_programs, system_places

FIRST_PORT = 54320
SOCKET_PATH_LIMIT = 107  # bytes, sun_path of unix(7) without its final NUL
START_LIMIT = 300  # seconds; recovery after a crash may take long
RETRY_LIMIT = 20  # seconds; after kill -9 the old server needs one or two to leave (its postmaster.pid is in the way)


class Cluster:
    """The cluster in `directory`, which holds data/, the password, the port and the Unix socket."""

    def __init__(
        self,
        directory: Path,
        *,
        programs: Path | None = None,
        run_as: str = "",
        first_port: int = FIRST_PORT,
        fsync: bool = True,
        log: Path | None = None,
        options: Mapping[str, str] | None = None,
        database: str = "mailadmin",
    ) -> None:
        self.directory = directory.absolute()
        self.data = self.directory / "data"
        self.log = log or self.directory / "postgres.log"
        self.database = database
        self.owner = pwd.getpwnam(run_as) if run_as else None
        self.programs = programs or need_programs(system_places(), made_by=self.made_by)
        self.first_port = first_port
        self.port = self._remembered_port() or 0
        self.options = {"max_connections": "200", **({} if fsync else {"fsync": "off"}), **(options or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Cluster":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def made_by(self) -> int | None:
        """The major version that made the data directory; None before that."""
        version = self.data / "PG_VERSION"
        return int(version.read_text()) if version.exists() else None

    @property
    def password(self) -> str:
        return (self.directory / "password").read_text()

    @property
    def socket_directory(self) -> Path | None:
        """Where the Unix socket lies; None where its path would be too long for the system."""
        path = f"{self.directory}/.s.PGSQL.65535.lock"
        return self.directory if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT else None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def url(self, database: str = "", *, tcp: bool = False) -> str:
        """A libpq URL: through the Unix socket where there is one, or by TCP."""
        host = "127.0.0.1" if tcp or not self.socket_directory else quote(str(self.socket_directory), safe="")
        return f"postgresql://mailadmin:{self.password}@{host}:{self.port}/{database or self.database}"

    # Make

    def create(self) -> bool:
        """Makes the cluster and its database; False if it is there already. Half of one is never left."""
        if self.made_by:
            return False
        self._make_directory(self.directory)
        unfinished = self.directory / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._write_secret(self.directory / "password", secrets.token_urlsafe(24))
        self._initdb(unfinished)
        create_database = f'CREATE DATABASE "{self.database}"\n'
        self._run("postgres", "--single", "-D", str(unfinished), "postgres", input=create_database.encode())
        unfinished.rename(self.data)
        return True

    def _initdb(self, data: Path) -> None:
        locale = ["--locale=C.UTF-8"]
        if major_version(self.programs) >= 17:  # its own C.UTF-8 sorts alike on every machine
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        reader, writer = os.pipe()  # the password never stands on a command line
        try:
            os.write(writer, self.password.encode() + b"\n")
            os.close(writer)
            if self.owner:
                os.fchown(reader, self.owner.pw_uid, -1)
            password = f"--pwfile=/dev/fd/{reader}"
            given = [
                "-D",
                str(data),
                "-U",
                "mailadmin",
                "-E",
                "UTF8",
                "-A",
                "scram-sha-256",
                "--data-checksums",
                password,
            ]
            self._run("initdb", *given, *locale, pass_fds=(reader,))
        finally:
            os.close(reader)

    # Start and stop

    def start(self, wait: Callable[[float], None] = time.sleep) -> None:
        """Makes the cluster where needed, starts it and waits until it answers; `wait` may raise to give up."""
        self.create()
        give_up = time.monotonic() + RETRY_LIMIT
        while not self._try_start(wait):
            if time.monotonic() > give_up:
                raise LaunchError(f"PostgreSQL does not start. The reason stands at the end of {self.log}.")
            wait(0.2)

    def _try_start(self, wait: Callable[[float], None]) -> bool:
        """One attempt; False if the old server is still leaving, or if its port was taken meanwhile."""
        remembered = self._remembered_port()
        self.port = remembered or free_port(self.first_port)
        if remembered and not port_is_free(remembered) and not self._process_of_pid_file_runs():
            raise LaunchError(
                f"Another program uses port {remembered}, on which Postfix reaches the database of the panel. "
                f"Stop that program; or delete {self.directory / 'port'}, start again for another port, and write "
                "Postfix's configuration again."
            )
        self.process = self._spawn()
        give_up = time.monotonic() + START_LIMIT
        while self.running and time.monotonic() < give_up:
            if self._answers():
                self._write_public(self.directory / "port", str(self.port))
                return True
            wait(0.05)
        return False

    def _spawn(self) -> "subprocess.Popen[bytes]":
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.socket_directory or ""),
            "unix_socket_permissions": "0700",
            **self.options,
        }
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        # A session of its own: Ctrl-C at the terminal must reach only the supervisor, which stops us last.
        # When the supervisor is killed: SIGQUIT, PostgreSQL's immediate shutdown. A proper one first writes all
        # buffers, which takes long on a busy disk. What is committed is in the log, and the next start reads it.
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [self.programs / "postgres", "-D", str(self.data), *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=on_leash(signal.SIGQUIT),
                **self._as_owner(),
            )

    def _answers(self) -> bool:
        """True once the server says `ready` in its postmaster.pid, and it is our child that says so."""
        lines = self._pid_file()
        return bool(
            self.process and len(lines) > 7 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"
        )

    def answers_somebody(self) -> bool:
        """True if the cluster runs, whoever started it."""
        lines = self._pid_file()
        return len(lines) > 7 and lines[7].strip() == "ready" and self._process_of_pid_file_runs()

    def stop(self) -> None:
        """Fast shutdown; after half a minute the hard way, from which PostgreSQL recovers at the next start."""
        for stop_signal in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if not self.process or not self.running:
                return
            self.process.send_signal(stop_signal)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                continue

    # Small things

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _process_of_pid_file_runs(self) -> bool:
        """True while the process that postmaster.pid names runs; perhaps the child of a killed supervisor."""
        lines = self._pid_file()
        try:
            os.kill(int(lines[0]), 0)
        except (IndexError, ValueError, ProcessLookupError):
            return False
        except PermissionError:
            return False  # somebody else's process has that number now
        return True

    def _remembered_port(self) -> int | None:
        try:
            return int((self.directory / "port").read_text())
        except FileNotFoundError:
            return None

    def _as_owner(self) -> dict[str, Any]:
        keep = {name: value for name, value in os.environ.items() if name in ("PATH", "TZ", "LD_LIBRARY_PATH")}
        common: dict[str, Any] = {"cwd": "/", "env": {"LANG": "C.UTF-8", **keep}}
        if self.owner:
            common |= {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []}
        return common

    def _run(self, program: str, *arguments: str, **more: Any) -> None:
        settings: dict[str, Any] = {"preexec_fn": on_leash(signal.SIGKILL), **self._as_owner(), **more}
        done = subprocess.run([self.programs / program, *arguments], capture_output=True, **settings)
        if done.returncode or b"ERROR:" in done.stderr:  # postgres --single ends with 0 whatever happened
            reason = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise LaunchError(f"{program} failed while it made the database in {self.directory}:\n{reason}")

    def _make_directory(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        self._give_to_owner(path)

    def _write_secret(self, path: Path, text: str) -> None:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        self._give_to_owner(path)

    def _write_public(self, path: Path, text: str) -> None:
        path.write_text(text)
        self._give_to_owner(path)

    def _give_to_owner(self, path: Path) -> None:
        if self.owner:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)


def port_is_free(port: int) -> bool:
    """True if a server can listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def free_port(first: int) -> int:
    """The first free port from this one on."""
    for port in range(first, min(first + 1000, 65536)):
        if port_is_free(port):
            return port
    raise LaunchError(f"Not one of the ports {first} to {first + 999} of 127.0.0.1 is free for PostgreSQL.")
