"""Real name servers (Knot) on loopback addresses, all at one port, one that is dead, and a resolver that knows them.

def test_it_works(name_servers: NameServers) -> None:
    name_servers.zone("example.org", "www A 192.0.2.1")               # at ns1 and ns2, both the same
    name_servers.zone("example.org", "www A 192.0.2.9", at=["ns2"])   # at ns2 something else
"""

import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.query
import pytest

from mailadmin.launch.leash import on_leash
from tests.plugins.mail_stack import eventually

ADDRESSES = {"ns1": "127.0.53.1", "ns2": "127.0.53.2", "resolver": "127.0.53.53", "dead": "127.0.53.66"}
TSIG_NAME, TSIG_SECRET = "panel", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
APEX = """$ORIGIN {zone}.
$TTL 300
@ SOA ns1.servers.test. hostmaster.{zone}. {serial} 3600 600 86400 60
"""
SERVERS_ZONE = "\n".join(f"{name} A {address}" for name, address in ADDRESSES.items())
CONFIGURATION = """
server:
    listen: {address}@{port}
    rundir: {folder}
    pidfile: {folder}/knot.pid
database:
    storage: {folder}
log:
  - target: stderr
    any: warning
key:
  - id: {key}
    algorithm: hmac-sha256
    secret: {secret}
acl:
  - id: panel
    key: {key}
    action: [update, transfer]
template:
  - id: default
    storage: {folder}
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    acl: panel
    semantic-checks: on
"""


class Knot:
    """One server with the zones that a test gives it. It answers all the time while they change."""

    def __init__(self, folder: Path, name: str, port: int) -> None:
        self.folder, self.name, self.address, self.port = folder / name, name, ADDRESSES[name], port
        self.zones: dict[str, str] = {}
        self.signed: set[str] = set()
        self.process: subprocess.Popen[bytes] | None = None
        self.folder.mkdir()

    def load(self, zones: dict[str, str]) -> None:
        """Serves these zones too, or with this content; they are there when this comes back."""
        self.zones |= zones
        text = CONFIGURATION.format(
            address=self.address, port=self.port, folder=self.folder, key=TSIG_NAME, secret=TSIG_SECRET
        )
        text += "zone:\n"
        for zone, records in self.zones.items():
            (self.folder / f"{zone}.zone").write_text(records)
            text += f"  - domain: {zone}\n" + ("    dnssec-signing: on\n" if zone in self.signed else "")
        (self.folder / "knot.conf").write_text(text)
        if self.process:
            self.process.send_signal(signal.SIGHUP)
        else:
            self.start()
        eventually(lambda: self._has(zones), f"knotd to serve {', '.join(zones)}")

    def start(self) -> None:
        self.log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            ["knotd", "-c", str(self.folder / "knot.conf")],
            stdout=self.log,
            stderr=self.log,
            stdin=subprocess.DEVNULL,
            preexec_fn=on_leash(signal.SIGKILL),
        )

    def _has(self, zones: dict[str, str]) -> bool:
        assert self.process, "nobody has started it"
        assert self.process.poll() is None, (self.folder / "log").read_text()
        return all(self._serves(zone, records) for zone, records in zones.items())

    def _serves(self, zone: str, records: str) -> bool:
        """By the serial number, which signing may have raised further."""
        serial = int(records.split("SOA")[1].split()[2])
        try:
            answer = dns.query.udp(dns.message.make_query(zone, "SOA"), self.address, 0.05, self.port)
        except (OSError, dns.exception.DNSException):
            return False
        return any(rdata.serial >= serial for rrset in answer.answer for rdata in rrset)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None
            self.log.close()


class NameServers:
    """ns1 and ns2 serve what `zone` gives them; the resolver serves all zones as ns1 has them, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.port, self.serial = _free_port(), 0
        self.knots = {name: Knot(folder, name, self.port) for name in ("ns1", "ns2", "resolver")}
        # Bound, so that a question is not refused by the kernel, and never read.
        self.dead = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.dead.bind((ADDRESSES["dead"], self.port))
        self.zone("servers.test", SERVERS_ZONE)

    def zone(
        self, zone: str, records: str, *, at: Iterable[str] = ("ns1", "ns2"), ns: Iterable[str] = ("ns1", "ns2")
    ) -> None:
        """Serves a zone, or another content of it, at these servers; `ns` are the names that its NS records give, of
        `ADDRESSES`. Several zones at once: `zones`."""
        self.zones({zone: records}, at=at, ns=ns)

    def zones(
        self,
        zones: dict[str, str],
        *,
        at: Iterable[str] = ("ns1", "ns2"),
        ns: Iterable[str] = ("ns1", "ns2"),
        signed: bool = False,
    ) -> None:
        """The same for several at once; `signed` lets Knot sign them by DNSSEC, each with keys of its own."""
        self.serial += 10
        servers = "".join(f"@ NS {one}.servers.test.\n" for one in ns)
        texts = {zone: f"{APEX.format(zone=zone, serial=self.serial)}{servers}{zones[zone]}\n" for zone in zones}
        resolver = self.knots["resolver"]
        for name in at:
            self.knots[name].signed |= set(zones) if signed else set()
            self.knots[name].load(texts)
        if "ns1" in at or zones.keys() - resolver.zones.keys():
            resolver.load(texts)

    def stop(self) -> None:
        for knot in self.knots.values():
            knot.stop()
        self.dead.close()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def name_servers(settings: Any) -> Generator[NameServers, None, None]:
    """Two empty servers and a resolver, where the panel looks for them."""
    folder = Path(tempfile.mkdtemp(prefix="mailadmin-dns-", dir="/tmp"))
    servers = None
    try:
        servers = NameServers(folder)
        settings.DNS_RESOLVERS = [(ADDRESSES["resolver"], servers.port)]
        settings.DNS_PORT = servers.port
        yield servers
    finally:
        if servers:
            servers.stop()
        shutil.rmtree(folder, ignore_errors=True)
