"""An SMTP client that pipelines (RFC 2920): one message a recipient, over several connections at once.

smtp-source(1) cannot take a list of recipients, and a client that waits for each answer measures its own waiting."""

import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

BODY = b"From: <someone@example.net>\r\nSubject: Bench\r\n\r\n" + b"A line of a small message.\r\n" * 10 + b".\r\n"


class Refused(Exception):
    """Says what was not accepted, and why."""


def send(port: int, recipients: Sequence[str], connections: int) -> int:
    """Hands over one message for each recipient; returns how many were accepted."""
    shares = [share for number in range(connections) if (share := recipients[number::connections])]
    with ThreadPoolExecutor(len(shares)) as pool:
        return sum(pool.map(lambda share: _send(port, share), shares))


def _send(port: int, recipients: Sequence[str]) -> int:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection, connection.makefile("rb") as answers:
        _expect(answers, b"220", "the connection")
        connection.sendall(b"EHLO client.example.net\r\n")
        _expect(answers, b"250", "EHLO")
        connection.sendall(_envelope(recipients[0]))
        for number, recipient in enumerate(recipients, start=1):
            for code in (b"250", b"250", b"354"):
                _expect(answers, code, recipient)
            # DATA ends a group of commands; what follows the final dot begins the next one.
            more = _envelope(recipients[number]) if number < len(recipients) else b""
            connection.sendall(BODY + more)
            _expect(answers, b"250", recipient)
        connection.sendall(b"QUIT\r\n")
        return len(recipients)


def _envelope(recipient: str) -> bytes:
    return f"MAIL FROM:<someone@example.net>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode()


def _expect(answers: BinaryIO, code: bytes, what: str) -> None:
    line = answers.readline()
    while line[3:4] == b"-":
        line = answers.readline()
    if not line.startswith(code):
        raise Refused(f"Postfix did not accept {what}: {line.decode(errors='replace').strip() or 'hung up'}")
