"""A private Postfix for each variant: on loopback, its queue in memory, everything thrown away at the end."""

import os
import smtplib
import subprocess
import time
from contextlib import AbstractContextManager, nullcontext
from grp import getgrnam
from pathlib import Path
from pwd import getpwnam

from bench.namespace import Namespace
from mailadmin.launch.cluster import free_port

FIRST_PORT = 21025

MAIN_CF = """
compatibility_level = 3.6
config_directory = {conf}
queue_directory = {base}/queue
data_directory = {base}/data
# Without syslog: postlogd writes the log, below a prefix that is allowed.
maillog_file_prefixes = {base}
maillog_file = {base}/log
myhostname = mx.example.net
mydestination =
alias_maps =
alias_database =
mynetworks = 192.0.2.1
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_relay_restrictions = reject_unauth_destination
smtpd_peername_lookup = no
smtpd_tls_security_level = none
smtp_dns_support_level = disabled
biff = no
# Accepted faster than delivered is what we want to see; cleanup would wait for a second now and then.
in_flow_delay = 0
lmdb_map_size = 4294967296
"""
# Last, so that it wins: nothing is stored.
DISCARD = "virtual_transport = discard:\n"

MASTER_CF = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Started on entry, killed on exit; `parameters` are lines of main.cf about addresses, `services` more lines of
    master.cf. It stands in the network of this machine, or `within` one of its own."""

    def __init__(self, base: Path, parameters: str, *, services: str = "", within: Namespace | None = None) -> None:
        self.base, self.conf, self.parameters = base, base / "conf", parameters
        self.services, self.within, self.port = services, within, 0

    def __enter__(self) -> "Postfix":
        self._make_folders()
        self.port = FIRST_PORT if self.within else free_port(FIRST_PORT)
        self._write("master.cf", MASTER_CF.format(port=self.port) + self.services)
        self._write("main.cf", self._main_cf())
        known = subprocess.run(["postconf", "-d", "-h", "daemon_directory"], capture_output=True, text=True, check=True)
        master = f"{known.stdout.strip()}/master"
        # The shell reads from a pipe of ours: when we are gone, even after kill -9, it ends the whole process group.
        self.group = subprocess.Popen(
            [
                *self._prefix,
                "/bin/sh",
                "-c",
                '"$0" -d -c "$1" </dev/null & read -r _; kill -s KILL 0',
                master,
                str(self.conf),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.base / "queue",
            start_new_session=True,
        )
        give_up = time.monotonic() + 20
        while not self._greets():
            if "fatal:" in self.log() or time.monotonic() > give_up:
                self.__exit__()
                raise SystemExit(f"Postfix does not start. Its log:\n{self.log()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_error: object) -> None:
        self.group.communicate()  # closes the pipe

    def _main_cf(self) -> str:
        """Each parameter once: of a second entry every process warns, and more warnings than the socket of postlogd
        holds stop them all."""
        parameters = self.parameters + DISCARD
        given = {line.partition("=")[0].strip() for line in parameters.splitlines()}
        standard = MAIN_CF.format(base=self.base, conf=self.conf).splitlines()
        return "\n".join([line for line in standard if line.partition("=")[0].strip() not in given] + [parameters])

    def _make_folders(self) -> None:
        owners: dict[str, tuple[str | int, int]] = {"data": ("postfix", 0o700), "queue": (0, 0o755), "conf": (0, 0o755)}
        queues = ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved"]
        owners |= {f"queue/{name}": ("postfix", 0o700) for name in [*queues, "trace"]} | {"queue/pid": (0, 0o755)}
        owners |= {"queue/maildrop": ("postfix", 0o1730), "queue/public": ("postfix", 0o2710)}
        for name, (owner, mode) in owners.items():
            folder = self.base / name
            folder.mkdir(parents=True, exist_ok=True)
            user = getpwnam(owner).pw_uid if isinstance(owner, str) else owner
            os.chown(folder, user, getgrnam("postdrop").gr_gid if name in ("queue/maildrop", "queue/public") else 0)
            folder.chmod(mode)
        self.base.chmod(0o755)

    def _write(self, name: str, text: str) -> None:
        path = self.conf / name
        path.write_text(text)
        # Postfix distrusts a file younger than two seconds: every process sleeps and reads it again.
        os.utime(path, (time.time() - 60, time.time() - 60))

    def _greets(self) -> bool:
        try:
            with self.network(), smtplib.SMTP("127.0.0.1", self.port, timeout=2):
                return True
        except (OSError, smtplib.SMTPException):
            return False

    @property
    def _prefix(self) -> list[str]:
        return self.within.command(self.base / "queue") if self.within else []

    def network(self) -> AbstractContextManager[None]:
        """Connections to it are opened in its network."""
        return self.within.inside() if self.within else nullcontext()

    def log(self) -> str:
        path = self.base / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def forget_log(self) -> None:
        """Empties the log; postlogd appends to it."""
        if (self.base / "log").exists():
            os.truncate(self.base / "log", 0)

    def is_empty(self) -> bool:
        """True if nothing is on its way. In this order: a message goes from incoming to active, or to deferred."""
        return not any(
            entry.is_file() for name in ("incoming", "active") for entry in os.scandir(self.base / "queue" / name)
        )

    def wait_until_empty(self, seconds: float) -> None:
        give_up = time.monotonic() + seconds
        while not self.is_empty():
            if time.monotonic() > give_up:
                raise SystemExit(f"The queue of {self.base.name} was not empty after {seconds:.0f} seconds.")
            time.sleep(0.002)

    def count_sent(self, expected: int) -> int:
        """Messages that discard(8) took, once the log has caught up."""
        give_up = time.monotonic() + 5
        while (sent := self.log().count("status=sent (")) < expected and time.monotonic() < give_up:
            time.sleep(0.02)
        return sent
