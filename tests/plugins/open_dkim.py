"""A real OpenDKIM with the keys of the panel, and what its signatures say."""

import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path
from stat import S_IMODE
from typing import Any

import dkim
from django.core.management import call_command

from domains.dkim_models import DkimKey
from domains.dkim_services import move_dkim_key, start_generation
from domains.models import Domain
from jobs.models import Job
from jobs.services import run_job
from mailadmin.launch.cluster import Cluster
from tests.plugins.example_mail import TESTER
from tests.plugins.mail_stack import eventually, free_port

HERE = "127.0.0.1"
HOST = "mx.example.net"
State = DkimKey.State
Dns = Callable[..., bytes | None]


class OpenDkim:
    """One instance for each algorithm, asking the views through dsn:, or reading the files of opendkim_sync."""

    def __init__(self, cluster: Cluster) -> None:
        # OpenDKIM distrusts keys below a directory that others may write to, and /tmp is one (RequireSafeKeys).
        self.base = Path(tempfile.mkdtemp(prefix="mailadmin-dkim-", dir="/run"))
        self.base.chmod(0o755)
        self.keys, self.server = self.base / "keys", f"{HERE}:{cluster.port}"
        self.sockets = {algorithm: f"inet:{free_port()}@{HERE}" for algorithm in ("rsa", "ed25519")}
        self.running: list[subprocess.Popen[bytes]] = []

    def sync(self, *arguments: str) -> str:
        said = StringIO()
        call_command("opendkim_sync", "--directory", str(self.keys), "--host", HOST, *arguments, stdout=said)
        return said.getvalue()

    def file_of(self, key: DkimKey) -> Path:
        return self.keys / f"mailadmin-{key.pk}.private"

    def start(self, *arguments: str) -> None:
        call_command(
            "opendkim_config",
            *("--output", str(self.base), "--host", HOST, "--server", self.server),
            *("--socket", self.sockets["rsa"], "--socket-ed25519", self.sockets["ed25519"]),
            *arguments,
            stdout=StringIO(),
        )
        for algorithm, socket in self.sockets.items():
            path = self.base / ("opendkim.conf" if algorithm == "rsa" else "opendkim-ed25519.conf")
            assert S_IMODE(path.stat().st_mode) == 0o600
            pid_file = self.base / f"{algorithm}.pid"
            with (self.base / f"{algorithm}.log").open("ab") as log:
                command = ["opendkim", "-f", "-x", str(path), "-P", str(pid_file)]
                self.running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
            eventually(partial(self.listens, socket), f"OpenDKIM for {algorithm}. It says:\n{self.log()}")

    def listens(self, socket: str) -> bool:
        assert all(one.poll() is None for one in self.running), self.log()
        kind, _colon, where = socket.partition(":")
        if kind == "local":
            return Path(where).is_socket()
        port = where.partition("@")[0]
        said = subprocess.run(["ss", "-Hltn", f"sport = :{port}"], capture_output=True, text=True).stdout
        return bool(said.strip())

    def log(self) -> str:
        return "".join(path.read_text() for path in self.base.glob("*.log"))

    @property
    def milters(self) -> str:
        """What the lines for main.cf say."""
        lines = dict(line.split(" = ") for line in (self.base / "milters.main.cf").read_text().splitlines()[1:])
        assert lines["non_smtpd_milters"] == "$smtpd_milters"
        return lines["smtpd_milters"]

    def stop(self) -> None:
        for one in self.running:
            one.kill()
            one.wait()
        self.running = []


def generate(selector: str, algorithm: str = "rsa-2048", domain: str = "signed.example", **options: Any) -> DkimKey:
    job = start_generation(Domain.objects.get(name=domain), selector, algorithm, by=TESTER, **options)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error
    return DkimKey.objects.select_related("domain").get(domain__name=domain, selector=selector)


def move(key: DkimKey, *states: str) -> DkimKey:
    for state in states:
        key = move_dkim_key(key, state, reason="the test says so", by=TESTER)
    return key


def records(name: bytes, timeout: int = 5) -> bytes | None:
    """The DNS, as the panel says that it should be."""
    for key in DkimKey.objects.select_related("domain").exclude(state__in=[State.PREPARED, State.GONE]):
        if name.decode() in key.record_names:
            return "".join(key.record_strings).encode()
    return None


def signatures(message: bytes, dns: Dns = records) -> list[str]:
    """d=, s= and a= of each signature, all of them verified by this DNS."""
    found = []
    number = message.count(b"DKIM-Signature:")
    for index in range(number):
        verifier = dkim.DKIM(message)
        assert verifier.verify(idx=index, dnsfunc=dns), message.decode()
        parts = verifier.signature_fields
        found.append(" ".join(parts[name].decode() for name in (b"d", b"s", b"a")))
    return sorted(found)
