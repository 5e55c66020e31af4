"""A real Dovecot beside the private Postfix: it reads what dovecot_config wrote, on ports of its own."""

import contextlib
import imaplib
import os
import poplib
import signal
import smtplib
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Generator, Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from mailadmin.launch.cluster import Cluster
from mailservers.submission import SERVICES, master_cf
from tests.plugins.mail_stack import MAIL_USER, MASTER_CF, Postfix, eventually, free_port

# A Debian with Dovecot 2.4 in a directory, with /tmp and the users dovecot, dovenull and postfix of this machine in it
# (docs/testing.md): the same tests with that.
OTHER_TREE = os.environ.get("TEST_DOVECOT_TREE", "")

# What only a private instance needs. Everything else is as a host gets it.
LOCAL_CONF = """
base_dir = {base}/run
state_dir = {base}/state
instance_name = mailadmin-{name}
log_path = {base}/log
listen = 127.0.0.1
auth_verbose = yes
# No pause after a wrong password, and none that grows.
auth_failure_delay = 0
# Where sendmail(1) would hand answers over; that needs /etc/postfix/main.cf.
submission_host = 127.0.0.1:{smtp}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
"""


class Dovecot:
    """A private instance of Dovecot, and the two services of Postfix behind which it says who may sign in."""

    def __init__(self, base: Path, postfix: Postfix) -> None:
        self.base, self.postfix, self.conf = base, postfix, base / "conf"
        self.ports = {name: free_port() for name in ("imap", "pop3", "submission", "submissions")}
        self.trust = ssl.create_default_context()

    # The instance

    def start(self) -> None:
        for name in ("run", "state", "conf"):
            (self.base / name).mkdir(parents=True)
        certificate, key = self.base / "certificate.pem", self.base / "key.pem"
        words = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost"]
        words += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(["openssl", "req", *words], check=True, capture_output=True)
        self.trust.load_verify_locations(certificate)
        mail = {"mail_base": str(self.postfix.base / "mail"), "mail_uid": MAIL_USER, "mail_gid": MAIL_USER}
        tls = {"certificate": str(certificate), "key": str(key)}
        queue = {"queue_directory": str(self.postfix.base / "queue")}
        which = {"version_of_dovecot": "2.4" if OTHER_TREE else "2.3"}
        call_command("dovecot_config", output=str(self.conf), stdout=StringIO(), **mail, **tls, **queue, **which)
        here = {"base": self.base, "name": self.base.parent.name, "smtp": self.postfix.port}
        private = LOCAL_CONF.format(**here, **self.ports)
        (self.conf / "local.conf").write_text(private)
        self.run("dovecot")
        self.serve_submission(certificate, key)

    def serve_submission(self, certificate: Path, key: Path) -> None:
        """The entries of master.cf as they are written, but at ports that nobody has."""
        entries = master_cf()
        for name in SERVICES:
            entries = entries.replace(f"\n{name} inet", f"\n127.0.0.1:{self.ports[name]} inet")
        self.postfix.write("master.cf", MASTER_CF.format(port=self.postfix.port) + LMTP + entries)
        tls = {"smtpd_tls_cert_file": str(certificate), "smtpd_tls_key_file": str(key)}
        self.postfix.configure(with_dovecot=True, smtpd_tls_security_level="may", **tls)

    def run(self, *command: str) -> str:
        done = self.attempt(*command)
        assert done.returncode == 0, f"{command}: {done.stdout}"
        return done.stdout

    def attempt(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """A command of Dovecot. Not by a pipe: a daemon would keep it open."""
        with (self.base / "said").open("w+") as said:
            words = [*(["chroot", OTHER_TREE] if OTHER_TREE else []), command[0]]
            words += ["-c", str(self.conf / "dovecot.conf"), *command[1:]]
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, timeout=60)
            said.seek(0)
            return subprocess.CompletedProcess(words, done.returncode, said.read())

    def shut_down(self) -> None:
        """As an administrator does."""
        pid = self.pid
        self.run("doveadm", "stop")
        self.until_gone(pid)

    def stop(self) -> None:
        """kill -9 of all its processes."""
        if pid := self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            self.until_gone(pid)

    @property
    def pid(self) -> int:
        file = self.base / "run" / "master.pid"
        return int(file.read_text()) if file.exists() else 0

    def until_gone(self, pid: int) -> None:
        """A zombie still counts: a start would find Dovecot running."""
        eventually(lambda: not Path(f"/proc/{pid}").exists(), "Dovecot to be gone")

    def log(self) -> str:
        return (self.base / "log").read_text(errors="replace")

    # What people do with it

    @contextlib.contextmanager
    def imap(self, login: str, password: str, timeout: float = 30) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4("127.0.0.1", self.ports["imap"], timeout=timeout) as session:
            session.starttls(self.trust)
            session.authenticate("PLAIN", lambda _challenge: plain(login, password))
            yield session

    @contextlib.contextmanager
    def pop(self, login: str, password: str, timeout: float = 30) -> Iterator[poplib.POP3]:
        session = poplib.POP3("127.0.0.1", self.ports["pop3"], timeout=timeout)
        try:
            session.stls(self.trust)
            session.user(login)
            session.pass_(password)
            yield session
        finally:
            session.close()

    @contextlib.contextmanager
    def submission(self, login: str, password: str, timeout: float = 30) -> Iterator[smtplib.SMTP]:
        place = ("127.0.0.1", self.ports["submission"])
        with smtplib.SMTP(*place, local_hostname="laptop.example", timeout=timeout) as session:
            session.starttls(context=self.trust)
            sign_in(session, login, password)
            yield session

    @contextlib.contextmanager
    def submissions(self, login: str, password: str) -> Iterator[smtplib.SMTP]:
        place = ("127.0.0.1", self.ports["submissions"])
        with smtplib.SMTP_SSL(*place, local_hostname="laptop.example", timeout=30, context=self.trust) as session:
            sign_in(session, login, password)
            yield session

    def subjects(self, login: str, password: str) -> list[str]:
        """The subjects of all messages in the INBOX, in order."""
        with self.imap(login, password) as session:
            session.select("INBOX", readonly=True)
            _ok, found = session.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])") if _count(session) else ("", [])
        return [part[1].decode().strip().removeprefix("Subject: ") for part in found if isinstance(part, tuple)]


def plain(login: str, password: str) -> bytes:
    """The words of the mechanism PLAIN (RFC 4616); smtplib and imaplib know none but ASCII."""
    return f"\0{login}\0{password}".encode()


def sign_in(session: smtplib.SMTP, login: str, password: str) -> None:
    session.ehlo()
    code, text = session.docmd("AUTH", f"PLAIN {b64encode(plain(login, password)).decode()}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, text)


LMTP = "lmtp unix - - n - - lmtp\n"


def _count(session: imaplib.IMAP4) -> int:
    found = session.untagged_responses.get("EXISTS", [b"0"])[-1]
    assert isinstance(found, bytes)
    return int(found)


@pytest.fixture(scope="module")
def dovecot(postfix: Postfix, cluster: Cluster, committed: None) -> Generator[Dovecot, None, None]:
    """Dovecot with the panel's users over the test database; Postfix delivers to it while it is there."""
    base = cluster.directory.parent / "dovecot"
    instance = Dovecot(base, postfix)
    try:
        instance.start()
        eventually(postfix.greets, "smtpd with Dovecot behind it")
        yield instance
    finally:
        instance.stop()
        subprocess.run(["rm", "-rf", str(base)], check=True)
        postfix.write("master.cf", MASTER_CF.format(port=postfix.port))
        postfix.configure()
