"""Starts a PostgreSQL cluster for this run alone before Django reads its settings, and stops it at the end."""

import atexit
import contextlib
import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

FAST = """
# Nothing in this cluster outlives the run.
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 64MB
log_line_prefix = '%m [%p] %u@%d '
"""


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def dies_with_us(with_signal: signal.Signals) -> Callable[[], None]:
    """What a child runs before it becomes its program: the kernel ends it when we are gone, even after kill -9."""
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def before_the_program() -> None:
        prctl(1, int(with_signal))  # PR_SET_PDEATHSIG; cleared by a change of user, so it stands after it
        if os.getppid() != parent:
            os._exit(1)

    return before_the_program


def newest_binaries() -> Path:
    """The folder of the newest PostgreSQL of this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise pytest.UsageError("PostgreSQL is not installed. Run: apt-get install postgresql")
    return found[-1].parent


class TestCluster:
    """A private cluster, over TCP on 127.0.0.1 and over a Unix socket that Postfix may reach."""

    __test__ = False  # not a class of tests

    def __init__(self, base: Path) -> None:
        self.base, self.data, self.sockets = base, base / "postgres", base / "sockets"
        self.port, self.password, self.binaries = free_port(), secrets.token_urlsafe(), newest_binaries()
        self.process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root.
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.as_user: dict[str, Any] = {"cwd": "/", "stdin": subprocess.DEVNULL}
        if os.geteuid() == 0:
            self.as_user |= {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def url(self, database: str = "mailadmin") -> str:
        return f"postgresql://mailadmin:{self.password}@/{database}?host={self.sockets}&port={self.port}"

    def create(self) -> None:
        for folder, mode in ((self.data, 0o700), (self.sockets, 0o755)):
            folder.mkdir()
            folder.chmod(mode)
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
        password_file = self.base / "password"
        password_file.write_text(self.password)
        os.chown(password_file, self.user.pw_uid, self.user.pw_gid)
        options = ["-U", "mailadmin", "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-sync"]
        self.run("initdb", "-D", self.data, *options, f"--pwfile={password_file}")
        password_file.unlink()
        with open(self.data / "postgresql.conf", "a") as file:
            file.write(FAST)

    def run(self, program: str, *arguments: object) -> None:
        command = [self.binaries / program, *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, **self.as_user)
        if result.returncode:
            raise pytest.UsageError(f"{program} failed: {result.stderr}")

    def start(self) -> None:
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.sockets}
        command: list[object] = [self.binaries / "postgres", "-D", self.data]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with open(self.base / "postgres.log", "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with_us(signal.SIGINT),  # "fast shutdown"  # noqa: PLW1509
                **self.as_user,
            )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        ready = [str(self.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + 30
        while subprocess.run(ready, **self.as_user).returncode:
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                raise pytest.UsageError(f"PostgreSQL did not start:\n{(self.base / 'postgres.log').read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
        self.process = None


running: TestCluster | None = None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """A wrapper, so that it stands before pytest-django, which reads the settings in the same hook."""
    global running  # noqa: PLW0603
    if running is None:
        running = start_for_this_run()
    return (yield)


def start_for_this_run() -> TestCluster:
    # Not pytest's tmp_path, whose parents are 0700: PostgreSQL and Postfix run as users of their own. Short, because
    # the path of a Unix socket has at most 107 characters.
    base = Path(tempfile.mkdtemp(prefix="mailadmin-", dir="/tmp"))
    base.chmod(0o755)
    state = base / "state"
    state.mkdir(mode=0o755)
    cluster = TestCluster(base)
    atexit.register(put_away, cluster)
    cluster.create()
    cluster.start()
    for name in [name for name in os.environ if name.startswith(("MAILADMIN_", "CELERY_", "PG"))]:
        del os.environ[name]
    os.environ["DATABASE_URL"] = cluster.url()
    os.environ["MAILADMIN_STATE"] = str(state)
    os.environ["MAILADMIN_TEST"] = "1"
    os.environ["MAILADMIN_ROLE_PREFIX"] = ""
    return cluster


def put_away(cluster: TestCluster) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        cluster.stop()
    shutil.rmtree(cluster.base, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster() -> TestCluster:
    """The running PostgreSQL; a test may stop it and must start it again."""
    assert running is not None
    return running
