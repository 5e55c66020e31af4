"""A network of its own for Postfix: only loopback, with a DNS server and policy services of ours, so that nothing asks
the world and nothing leaks out. For root; needs unshare(1), nsenter(1) and ip(8)."""

import contextlib
import ctypes
import os
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from restrictions.engine.policy import Records

CLONE_NEWNET = 0x40000000
NAMESERVER = "127.0.0.1"
A, NS, PTR, MX, TXT, AAAA = 1, 2, 12, 15, 16, 28
SERVER_FAILS, NO_SUCH_NAME = 2, 3

BEGIN = 'ip link set lo up && mount --bind "$0" /etc/resolv.conf && echo ready && read -r _'


class Namespace:
    """`dns` is what the DNS knows, and may change meanwhile."""

    def __init__(self, dns: Mapping[str, Records] | None = None) -> None:
        self.dns = dict(dns or {})
        self.sockets: list[socket.socket] = []

    def __enter__(self) -> "Namespace":
        self.resolver = tempfile.NamedTemporaryFile("w", prefix="resolv")  # noqa: SIM115  lives as long as the network
        self.resolver.write(f"nameserver {NAMESERVER}\noptions timeout:5 attempts:3\n")
        self.resolver.flush()
        os.chmod(self.resolver.name, 0o644)  # noqa: S103
        # It ends when our end of the pipe is closed, even after kill -9.
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "sh", "-c", BEGIN, self.resolver.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.holder.stdout
        if self.holder.stdout.readline() != b"ready\n":
            raise SystemExit("A network namespace needs root and the packages util-linux and iproute2.")
        self._serve_dns()
        return self

    def __exit__(self, *_error: object) -> None:
        for one in self.sockets:
            one.close()
        self.holder.communicate()
        self.resolver.close()

    def command(self, folder: Path) -> list[str]:
        """Goes before a command that is to run inside, and in this folder: another view of the files begins at /."""
        namespaces = f"/proc/{self.holder.pid}/ns"
        return ["nsenter", f"--net={namespaces}/net", f"--mount={namespaces}/mnt", "env", "-C", str(folder)]

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """What this thread opens meanwhile belongs to the network, and stays there."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY)
        try:
            _enter(there)
            try:
                yield
            finally:
                _enter(here)
        finally:
            os.close(here)
            os.close(there)

    def _serve_dns(self) -> None:
        with self.inside():
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.bind((NAMESERVER, 53))
        self._keep(server, self._answer_dns)

    def _answer_dns(self, server: socket.socket) -> None:
        query, client = server.recvfrom(4096)
        server.sendto(dns_answer(query, self.dns), client)

    def serve_policy(self, port: int, answer: Callable[[dict[str, str]], str]) -> None:
        """A policy service (SMTPD_POLICY_README) on loopback; `answer` turns a request into an action."""
        with self.inside():
            server = socket.create_server(("127.0.0.1", port))

        def accept(server: socket.socket) -> None:
            connection, _client = server.accept()
            threading.Thread(target=_answer_policy, args=(connection, answer), daemon=True).start()

        self._keep(server, accept)

    def _keep(self, server: socket.socket, handle: Callable[[socket.socket], None]) -> None:
        self.sockets.append(server)

        def work() -> None:
            with contextlib.suppress(OSError):  # closed at the end
                while True:
                    handle(server)

        threading.Thread(target=work, daemon=True).start()


def _enter(descriptor: int) -> None:
    libc: Any = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _answer_policy(connection: socket.socket, answer: Callable[[dict[str, str]], str]) -> None:
    with connection, connection.makefile("rw") as stream:
        request: dict[str, str] = {}
        for line in stream:
            name, equals, value = line.rstrip("\n").partition("=")
            if equals:
                request[name] = value
                continue
            stream.write(f"action={answer(request)}\n\n")
            stream.flush()
            request = {}


def dns_answer(query: bytes, dns: Mapping[str, Records]) -> bytes:
    """The answer to a query of one question (RFC 1035, 4.1); names without records do not exist."""
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    kind = struct.unpack(">H", query[at + 1 : at + 3])[0]
    question = query[12 : at + 5]
    found = dns.get(".".join(labels).lower())
    code = NO_SUCH_NAME if found is None else SERVER_FAILS if found.is_down else 0
    records = _records(found, kind) if found and not code else []
    # 0xC00C: the name of the question again.
    answers = [struct.pack(">HHHIH", 0xC00C, kind, 1, 60, len(one)) + one for one in records]
    header = query[:2] + struct.pack(">HHHHH", 0x8580 | code, 1, len(answers), 0, 0)
    return header + question + b"".join(answers)


def _records(found: Records, kind: int) -> list[bytes]:
    if kind in (A, AAAA):
        size = 4 if kind == A else 16
        return [packed for one in found.addresses if len(packed := ip_address(one).packed) == size]
    if kind == MX:
        preferred = [(0 if name == "." else 10 * number, name) for number, name in enumerate(found.mail_servers, 1)]
        return [struct.pack(">H", preference) + _name(name) for preference, name in preferred]
    if kind == NS:
        return [_name(name) for name in found.name_servers]
    if kind == TXT and found.words:
        strings = [found.words[at : at + 255] for at in range(0, len(found.words), 255)]
        return [b"".join(bytes([len(one)]) + one.encode() for one in strings)]
    return []


def _name(name: str) -> bytes:
    labels = [label for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
