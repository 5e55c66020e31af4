"""Mail through the real Postfix is signed by a real OpenDKIM, and dkimpy verifies it with the record of the panel."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator
from functools import partial
from io import StringIO
from pathlib import Path
from stat import S_IMODE

import dkim
import psycopg2
import pytest
from django.core.management import call_command

from domains.dkim_models import DkimKey, DkimKeyOnHost
from domains.dkim_services import delete_dkim_key, move_dkim_key, start_generation
from domains.models import Domain
from jobs.models import Job
from jobs.services import run_job
from mailadmin.launch.cluster import Cluster
from mailservers.mail_servers import OPENDKIM
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix, eventually, free_port

HERE = "127.0.0.1"
HOST = "mx.example.net"
State = DkimKey.State


class OpenDkim:
    """One instance for each algorithm, asking the views through dsn:, or reading the files of opendkim_sync."""

    def __init__(self, cluster: Cluster) -> None:
        # OpenDKIM distrusts keys below a directory that others may write to, and /tmp is one (RequireSafeKeys).
        self.base = Path(tempfile.mkdtemp(prefix="mailadmin-dkim-", dir="/run"))
        self.base.chmod(0o755)
        self.keys, self.server = self.base / "keys", f"{HERE}:{cluster.port}"
        self.ports = {"rsa": free_port(), "ed25519": free_port()}
        self.running: list[subprocess.Popen[bytes]] = []

    def sync(self, *arguments: str) -> str:
        said = StringIO()
        call_command("opendkim_sync", "--directory", str(self.keys), "--host", HOST, *arguments, stdout=said)
        return said.getvalue()

    def start(self, *arguments: str) -> None:
        call_command(
            "opendkim_config",
            *("--output", str(self.base), "--host", HOST, "--server", self.server),
            *(
                "--socket",
                f"inet:{self.ports['rsa']}@{HERE}",
                "--socket-ed25519",
                f"inet:{self.ports['ed25519']}@{HERE}",
            ),
            *arguments,
            stdout=StringIO(),
        )
        for algorithm, port in self.ports.items():
            path = self.base / ("opendkim.conf" if algorithm == "rsa" else "opendkim-ed25519.conf")
            assert S_IMODE(path.stat().st_mode) == 0o600
            pid_file = self.base / f"{algorithm}.pid"
            with (self.base / f"{algorithm}.log").open("ab") as log:
                command = ["opendkim", "-f", "-x", str(path), "-P", str(pid_file)]
                self.running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
            eventually(partial(self.listens, port), f"OpenDKIM for {algorithm}. It says:\n{self.log()}")

    def listens(self, port: int) -> bool:
        assert all(one.poll() is None for one in self.running), self.log()
        said = subprocess.run(["ss", "-Hltn", f"sport = :{port}"], capture_output=True, text=True).stdout
        return bool(said.strip())

    def log(self) -> str:
        return "".join(path.read_text() for path in self.base.glob("*.log"))

    @property
    def milters(self) -> str:
        return ", ".join(f"inet:{HERE}:{port}" for port in self.ports.values())

    def stop(self) -> None:
        for one in self.running:
            one.kill()
            one.wait()
        self.running = []


@pytest.fixture(scope="module")
def opendkim(postfix: Postfix, committed: None, cluster: Cluster) -> Generator[OpenDkim, None, None]:
    instance = OpenDkim(cluster)
    try:
        postfix.empty_mail()
        add_domain("home.example")
        add_mailbox("alice@home.example")
        add_domain("signed.example")
        add_domain("brand.example", "alias_domain", target="signed.example")
        instance.sync()
        instance.start()
        postfix.configure(smtpd_milters=instance.milters, milter_default_action="tempfail")
        yield instance
    finally:
        instance.stop()
        shutil.rmtree(instance.base)
        postfix.configure()


def generate(selector: str, algorithm: str = "rsa-2048", domain: str = "signed.example", **options: bool) -> DkimKey:
    job = start_generation(Domain.objects.get(name=domain), selector, algorithm, by=TESTER, **options)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error
    return DkimKey.objects.select_related("domain").get(domain__name=domain, selector=selector)


def move(key: DkimKey, *states: str) -> DkimKey:
    for state in states:
        key = move_dkim_key(key, state, reason="the test says so", by=TESTER)
    return key


@pytest.fixture
def send(postfix: Postfix, opendkim: OpenDkim) -> Callable[[str], bytes]:
    """A message from an address to alice, as it was delivered."""

    def deliver(sender: str) -> bytes:
        postfix.empty_mail()
        postfix.send("alice@home.example", sender=sender, client=HERE)
        (path,) = (postfix.base / "mail/home.example/alice/new").iterdir()
        return path.read_bytes()

    return deliver


def records(name: bytes, timeout: int = 5) -> bytes | None:
    """The DNS, as the panel says that it should be."""
    for key in DkimKey.objects.select_related("domain").exclude(state__in=[State.PREPARED, State.GONE]):
        names = [key.record_name]
        if key.for_alias_domains:
            names += [f"{key.selector}._domainkey.{one.name}." for one in key.domain.alias_domains.all()]
        if name.decode() in names:
            return "".join(key.record_strings).encode()
    return None


def signatures(message: bytes) -> list[str]:
    """d=, s= and a= of each signature, all of them verified."""
    found = []
    number = message.count(b"DKIM-Signature:")
    for index in range(number):
        verifier = dkim.DKIM(message)
        assert verifier.verify(idx=index, dnsfunc=records), message.decode()
        parts = verifier.signature_fields
        found.append(" ".join(parts[name].decode() for name in (b"d", b"s", b"a")))
    return sorted(found)


def test_it_works(opendkim: OpenDkim, send: Callable[[str], bytes]) -> None:
    key = generate("first")
    assert signatures(send("ann@signed.example")) == []

    key = move(key, State.PUBLISHED)
    opendkim.sync()
    assert signatures(send("ann@signed.example")) == []

    move(key, State.SIGNING)
    message = send("ann@signed.example")
    assert signatures(message) == ["signed.example first rsa-sha256"]
    assert not dkim.verify(message.replace(b"Hello", b"Hallo"), dnsfunc=records)
    (path,) = opendkim.keys.glob("*.first.*")
    assert S_IMODE(path.stat().st_mode) == 0o600
    assert path.owner() == "opendkim"


def test_rotation_needs_no_signal(opendkim: OpenDkim, send: Callable[[str], bytes]) -> None:
    move(generate("second", "rsa-1024"), State.PUBLISHED)
    second = DkimKey.objects.get(selector="second")
    move(second, State.SIGNING)
    assert DkimKey.objects.get(selector="first").state == State.RETIRING
    assert signatures(send("ann@signed.example")) == [], "this host has no file of it yet, and nothing is deferred"
    opendkim.sync()
    assert signatures(send("ann@signed.example")) == ["signed.example second rsa-sha256"]


def test_rsa_and_ed25519_side_by_side(opendkim: OpenDkim, send: Callable[[str], bytes]) -> None:
    move(generate("edward", "ed25519"), State.PUBLISHED, State.SIGNING)
    opendkim.sync()
    assert signatures(send("ann@signed.example")) == [
        "signed.example edward ed25519-sha256",
        "signed.example second rsa-sha256",
    ]


def test_subdomains_and_alias_domains(opendkim: OpenDkim, send: Callable[[str], bytes]) -> None:
    assert signatures(send("ann@brand.example")) == []
    assert signatures(send("ann@sub.signed.example")) == []
    wide = generate("wide", "rsa-2048", for_subdomains=True, for_alias_domains=True)
    move(wide, State.PUBLISHED, State.SIGNING)
    opendkim.sync()
    assert signatures(send("ann@brand.example")) == ["brand.example wide rsa-sha256"]
    assert signatures(send("ann@deep.sub.signed.example")) == ["signed.example wide rsa-sha256"]
    assert signatures(send("ann@elsewhere.example")) == []


def test_what_is_revoked_or_deleted_signs_nothing(opendkim: OpenDkim, send: Callable[[str], bytes]) -> None:
    move(DkimKey.objects.get(selector="edward"), State.REVOKED)
    wide = move(DkimKey.objects.get(selector="wide"), State.REVOKED)
    assert wide.record_text.endswith("; p=")
    assert signatures(send("ann@signed.example")) == []
    assert "Removed" in opendkim.sync()
    assert not list(opendkim.keys.glob("*.wide.*"))
    delete_dkim_key(move(wide, State.GONE), by=TESTER)
    assert signatures(send("ann@signed.example")) == []
    assert not DkimKeyOnHost.objects.filter(key_id=wide.pk).exists()


def test_no_private_key_by_sql(opendkim: OpenDkim, cluster: Cluster) -> None:
    login = {"user": OPENDKIM.role, "password": OPENDKIM.password}
    session = psycopg2.connect(host=HERE, port=cluster.port, dbname="test_mailadmin", **login)
    session.autocommit = True
    cursor = session.cursor()
    for view in ("key_table", "signing_table"):
        cursor.execute(f"SELECT * FROM opendkim.{view}")
        assert "PRIVATE" not in str(cursor.fetchall())
    for table in ("domains_dkimprivatekey", "domains_dkimkey", "domains_dkimkeyevent", "domains_domain"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(f"SELECT * FROM public.{table}")
    session.close()


def test_files_instead_of_sql(opendkim: OpenDkim, send: Callable[[str], bytes]) -> None:
    opendkim.stop()
    opendkim.sync("--tables")
    opendkim.start("--tables", str(opendkim.keys))
    pids = [part for algorithm in opendkim.ports for part in ("--pid-file", str(opendkim.base / f"{algorithm}.pid"))]
    assert signatures(send("ann@signed.example")) == []
    move(DkimKey.objects.get(selector="first"), State.SIGNING)
    opendkim.sync("--tables", *pids)
    eventually(
        lambda: signatures(send("ann@signed.example")) == ["signed.example first rsa-sha256"],
        "OpenDKIM to read its tables again",
    )
    key = move(DkimKey.objects.get(selector="first"), State.REVOKED)
    opendkim.sync("--tables", *pids)
    eventually(lambda: signatures(send("ann@signed.example")) == [], f"{key} to sign no longer")
