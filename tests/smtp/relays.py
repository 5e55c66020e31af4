"""A mail server of somebody else, for tests: it takes everything, offers AUTH, and remembers what it was told."""

import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

from tests.plugins.mail_stack import free_port

HERE = "127.0.0.1"


class Relay:
    """Without a folder it offers no TLS; with one, its certificate is made there."""

    def __init__(self, folder: Path | None = None) -> None:
        self.port = free_port()
        self.heard: list[str] = []
        self.tls = _with_certificate(folder) if folder else None
        self.server = socket.create_server((HERE, self.port))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def nexthop(self) -> str:
        return f"[{HERE}]:{self.port}"

    def _serve(self) -> None:
        with suppress(OSError):  # the test is over
            while True:
                client, _address = self.server.accept()
                with suppress(OSError):  # smtp(8) hangs up without waiting for the answer to QUIT
                    self._talk(client)
                client.close()

    def _talk(self, client: socket.socket) -> None:
        if not isinstance(client, ssl.SSLSocket):
            client.sendall(b"220 relay.example.net ESMTP\r\n")
        in_data = False
        for line in client.makefile("rb"):
            words = line.decode().rstrip("\r\n")
            self.heard.append(words)
            if in_data and words != ".":
                continue
            if in_data or not words.startswith(("EHLO", "AUTH", "DATA", "QUIT", "STARTTLS")):
                in_data, answer = False, "250 2.0.0 well"
            elif words.startswith("EHLO"):
                offers = "250-STARTTLS\r\n" if self.tls and not isinstance(client, ssl.SSLSocket) else ""
                answer = f"250-relay.example.net\r\n{offers}250 AUTH PLAIN"
            elif words.startswith("AUTH"):
                answer = "235 2.7.0 welcome"
            elif words.startswith("STARTTLS"):
                answer = "220 2.0.0 go on"
            else:
                in_data, answer = words == "DATA", "354 go on" if words == "DATA" else "221 bye"
            client.sendall(f"{answer}\r\n".encode())
            if words.startswith("STARTTLS") and self.tls:
                with self.tls.wrap_socket(client, server_side=True) as encrypted:
                    self._talk(encrypted)
                return


def _with_certificate(folder: Path) -> ssl.SSLContext:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    words = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost"]
    words += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *words], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context
