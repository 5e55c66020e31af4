"""A real Postfix for the test run: private, on loopback, reading the panel's maps, delivering into a folder."""

import contextlib
import mailbox
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from email.message import Message
from grp import getgrnam
from io import StringIO
from pathlib import Path
from pwd import getpwnam
from typing import Any, NamedTuple, TypeVar

import pytest
from django.core.management import call_command

from bench.namespace import Namespace
from mailadmin.launch.cluster import Cluster

NEEDED = ["postfix", "postfix-pgsql", "postfix-pcre", "postfix-lmdb", "postfix-cdb"]
MAIL_USER = 5000  # owner of the delivered mail, as in the usual virtual_uid_maps = static:5000
OUTSIDE = "192.0.2.7"

# What only a private instance needs. Everything about addresses comes from main.cf.mailadmin.
MAIN_CF = """
compatibility_level = 3.6
config_directory = {conf}
queue_directory = {base}/queue
data_directory = {base}/data
# Without syslog: postlogd writes the log, below a prefix that is allowed.
maillog_file_prefixes = {base}
maillog_file = {base}/log
myhostname = mx.example.net
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
# With ipv4 alone XCLIENT refuses an IPv6 address.
inet_protocols = all
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_tls_security_level = none
smtp_dns_support_level = disabled
biff = no
# Mail for elsewhere stays here, and the log still says where it would have gone.
default_transport = discard:left for elsewhere
virtual_transport = virtual
# Stands for /etc/aliases: names that the host keeps beside those of the panel.
alias_database = inline:{{hostmaster=alice@home.example}}
# A daemon that dies at its start is tried again after a second, not a minute.
service_throttle_time = 1s
queue_run_delay = 2s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
"""

# smtpd remembers the class of a domain for as long as its process lives, hence max_use=1 there, and only there:
# proxymap must behave as in production when the database goes away.
MASTER_CF = """
127.0.0.1:{port} inet n - n - - smtpd -o max_use=1
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""

DELIVERY = re.compile(
    r": (?P<id>[0-9A-F]+): to=<(?P<to>.*?)>, (?:orig_to=<(?P<typed>.*?)>, )?relay=(?P<relay>[^,]+), .*?"
    r"status=(?P<status>\w+) \((?P<text>.*)\)$"
)


Found = TypeVar("Found")


class Reply(NamedTuple):
    """What smtpd said to RCPT TO."""

    code: int
    text: str


class Delivery(NamedTuple):
    """One line of the mail log: where a copy of a message went."""

    to: str
    relay: str
    status: str
    text: str


def eventually(look: Callable[[], Found], what: str, seconds: float = 20) -> Found:
    """Look until there is something to see; fail with a sentence when the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"Waited {seconds} s in vain for {what}."
        time.sleep(0.01)
    return found


class Postfix:
    """A private instance of Postfix, to be asked, spoken to and sent mail through."""

    def __init__(self, base: Path, *, within: Namespace | None = None, database: str = "") -> None:
        """`within` a network of its own the database, HOST:PORT, is there by a Unix socket only."""
        self.base, self.conf, self.maps, self.port = base, base / "conf", base / "conf" / "mailadmin", free_port()
        self.within, self.database = within, database
        self.group: subprocess.Popen[bytes] | None = None

    # The instance

    def start(self) -> None:
        self.make_folders()
        self.write("master.cf", MASTER_CF.format(port=self.port))
        self.configure()
        folder = subprocess.run(["postconf", "-d", "-h", "daemon_directory"], capture_output=True, text=True).stdout
        master = f"{folder.strip()}/master"
        prefix = self.within.command(self.base / "queue") if self.within else []
        # master changes its user back and forth, so it loses a signal asked for from the kernel (prctl(2)). A shell
        # reads from a pipe of ours instead: when we are gone, even after kill -9, it ends the whole process group.
        # The daemons get no pipe, they would keep it open.
        self.group = subprocess.Popen(
            [
                *prefix,
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
        eventually(self.greets_at_first, f"the greeting of smtpd on port {self.port}")

    def make_folders(self) -> None:
        owners: dict[str, tuple[str | int, int]] = {
            "data": ("postfix", 0o700),
            "mail": (MAIL_USER, 0o755),
            "queue": (0, 0o755),
            "conf": (0, 0o755),
        }
        queues = ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved"]
        owners |= {f"queue/{name}": ("postfix", 0o700) for name in [*queues, "trace"]} | {"queue/pid": (0, 0o755)}
        owners |= {"queue/maildrop": ("postfix", 0o1730), "queue/public": ("postfix", 0o2710)}
        for name, (owner, mode) in owners.items():
            folder = self.base / name
            folder.mkdir(parents=True, exist_ok=True)
            user = getpwnam(owner).pw_uid if isinstance(owner, str) else owner
            group = getgrnam("postdrop").gr_gid if name in ("queue/maildrop", "queue/public") else 0
            os.chown(folder, user, group)
            folder.chmod(mode)
        self.base.chmod(0o755)

    def configure(self, *, domains_as: str = "", with_dovecot: bool = False, **parameters: str) -> None:
        """Write the panel's configuration as it is now, and let a running instance read it; see override()."""
        options = {"mail_base": str(self.base / "mail"), "mail_uid": MAIL_USER, "mail_gid": MAIL_USER}
        options |= {"domains_as": domains_as, "with_local": True, "with_relay": True, "with_dovecot": with_dovecot}
        options |= {"host": [self.database]} if self.database else {}
        call_command("postfix_config", output=str(self.maps), stdout=StringIO(), **options)
        self.override(**parameters)

    def override(self, **parameters: str) -> None:
        """Change parameters of main.cf until the next time."""
        if self.group:
            self.settle()  # by what main.cf says so far
        panel = (self.maps / "main.cf.mailadmin").read_text()
        private = MAIN_CF.format(base=self.base, conf=self.conf)
        # Each once: of a second entry every process warns, and more warnings than a socket holds stop master(8) at a
        # reload, in which postlogd reads nothing.
        written = {line.partition("=")[0].strip() for line in panel.splitlines() if not line.startswith("#")}
        kept = [line for line in private.splitlines() if line.partition("=")[0].strip() not in written]
        kept = [line for line in [*kept, *panel.splitlines()] if line.partition("=")[0].strip() not in parameters]
        more = [f"{name} = {value}" for name, value in parameters.items()]
        self.write("main.cf", "\n".join([*kept, *more, ""]))
        if self.group:
            self.reload()

    def install(self) -> str:
        """Runs `install-commands` as root does on a mail host; what main.cf says then."""
        # Commands log through postlogd too. While master(8) is about to start it anew, all wait for each other.
        eventually(self.greets, "smtpd after the last reload")
        reloads = self.log().count("reload -- version")
        options = {"host": [self.database]} if self.database else {}
        call_command("postfix_config", output=str(self.maps), stdout=StringIO(), **options)
        environment = {"MAIL_CONFIG": str(self.conf), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        commands = ["sh", str(self.maps / "install-commands")]
        subprocess.run(commands, env=environment, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        eventually(lambda: self.log().count("reload -- version") > reloads, "Postfix to read its configuration again")
        eventually(self.greets, "smtpd after the reload")
        return (self.conf / "main.cf").read_text()

    def write(self, name: str, text: str) -> None:
        path = self.conf / name
        path.write_text(text)
        # Postfix distrusts a file younger than two seconds: every process sleeps and reads it again.
        os.utime(path, (time.time() - 60, time.time() - 60))

    def reload(self) -> None:
        """`postfix reload`, which also begins with new processes for the maps."""
        before, asked_at = self.log().count("reload -- version"), 0.0

        def is_reloaded() -> bool:
            # master(8) forgets a signal that comes just after it has logged the one before.
            nonlocal asked_at
            if time.monotonic() > asked_at + 2:
                os.kill(int((self.base / "queue/pid/master.pid").read_text()), signal.SIGHUP)
                asked_at = time.monotonic()
            return self.log().count("reload -- version") > before

        eventually(is_reloaded, "Postfix to read its configuration again")

    def settle(self) -> None:
        """Waits until postlogd is there again after the last reload: while master(8) has to start it, and logs to it
        itself, a second reload lets all wait for each other for ever. Not for long: a test may have broken smtpd."""
        deadline = time.monotonic() + 5
        while not self.greets() and time.monotonic() < deadline:
            time.sleep(0.05)

    def flush(self) -> None:
        """`postqueue -f`: try everything in the queue now."""
        subprocess.run(["postqueue", "-c", str(self.conf), "-f"], check=True, stdin=subprocess.DEVNULL)

    def stop(self) -> None:
        if self.group:
            os.killpg(self.group.pid, signal.SIGKILL)
            self.group.communicate()
            self.group = None

    def greets_at_first(self) -> bool:
        assert "fatal:" not in self.log(), f"Postfix cannot work:\n{self.log()}"
        return self.greets()

    def greets(self) -> bool:
        with contextlib.suppress(OSError, smtplib.SMTPException), self.session(timeout=2):
            return True
        return False

    def log(self) -> str:
        path = self.base / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    # The maps, through the real postmap

    def ask(self, parameter: str, key: str) -> str | None:
        """The answer of one map, None where it has none. An error is no answer: it fails."""
        result = self.postmap("-q", key, f"pgsql:{self.maps}/{parameter}.cf")
        return result.stdout.removesuffix("\n") if result.returncode == 0 else None

    def ask_many(self, parameter: str, keys: Iterable[str]) -> dict[str, str | None]:
        """The answers of one map for many keys, in one go."""
        keys = list(keys)
        result = self.postmap("-q", "-", f"pgsql:{self.maps}/{parameter}.cf", input="".join(f"{key}\n" for key in keys))
        found = dict(line.split("\t", 1) for line in result.stdout.splitlines())
        return {key: found.get(key) for key in keys}

    def postmap(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        command = ["postmap", "-c", str(self.conf), *arguments]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, **options)
        # Exit 1 means both "not found" and "error"; only an error has something to say.
        assert not result.stderr, f"postmap complained: {result.stderr}"
        return result

    # Mail, through the real smtpd

    def connection(self, timeout: float = 30) -> smtplib.SMTP:
        """Just connected, within its network."""
        with self.within.inside() if self.within else contextlib.nullcontext():
            return smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.example.net", timeout=timeout)

    @contextlib.contextmanager
    def session(self, client: str = OUTSIDE, timeout: float = 30) -> Iterator[smtplib.SMTP]:
        """A conversation in which Postfix believes that the other side is `client` (an address)."""
        with self.connection(timeout) as smtp:
            smtp.ehlo()
            address = f"IPV6:{client}" if ":" in client else client
            code, text = smtp.docmd("XCLIENT", f"NAME=[UNAVAILABLE] ADDR={address}")
            assert code == 220, text
            smtp.ehlo()
            yield smtp

    def rcpt(self, recipient: str, *, sender: str = "someone@example.net", client: str = OUTSIDE) -> Reply:
        """What smtpd answers to one recipient."""
        with self.session(client) as smtp:
            code, text = smtp.docmd("MAIL", f"FROM:<{sender}>")
            assert code == 250, text
            return Reply(*decoded(smtp.docmd("RCPT", f"TO:<{recipient}>")))

    def accept(self, *recipients: str, sender: str = "someone@example.net", text: str = "Hello", client: str) -> str:
        """Hand over a message that must be accepted; returns its queue id."""
        with self.session(client) as smtp:
            for command in [f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{recipient}>" for recipient in recipients)]:
                code, answer = decoded(smtp.docmd(command))
                assert code == 250, f"{command}: {code} {answer}"
            code, answer = decoded(smtp.data(f"From: <{sender}>\r\nSubject: {text}\r\n\r\n{text}\r\n"))
            assert code == 250, answer
        return answer.rsplit(" ", 1)[1]

    def send(self, *recipients: str, client: str = OUTSIDE, **message: Any) -> list[Delivery]:
        """Send one message and wait until Postfix is done with it: every copy, sorted by address."""
        return self.deliveries(self.accept(*recipients, client=client, **message))

    def deliveries(self, queue_id: str) -> list[Delivery]:
        """Every copy of a message, once it has left the queue or Postfix has given up for now."""

        def is_settled() -> bool:
            log = self.log()
            wanted = re.search(rf": {queue_id}: from=<.*>, size=\d+, nrcpt=(\d+) ", log)
            return f" {queue_id}: removed" in log or bool(
                wanted and len(re.findall(rf": {queue_id}: to=<.* status=", log)) >= int(wanted[1])
            )

        eventually(is_settled, f"message {queue_id} to be delivered. The log:\n{self.log()[-4000:]}")
        found = [match for line in self.log().splitlines() if (match := DELIVERY.search(line))]
        return sorted(
            Delivery(match["to"], match["relay"], match["status"], match["text"])
            for match in found
            if match["id"] == queue_id
        )

    # What was delivered

    def maildir(self, path: str) -> list[Message]:
        """The messages of a maildir below the mail folder, whose path ends in a slash."""
        assert path.endswith("/"), path
        folder = self.base / "mail" / path
        is_made = all((folder / name).is_dir() for name in ("cur", "new", "tmp"))  # Dovecot makes one after the other
        return list(mailbox.Maildir(folder, create=False)) if is_made else []

    def mbox(self, path: str) -> list[Message]:
        """The messages of an mbox below the mail folder."""
        file = self.base / "mail" / path
        return list(mailbox.mbox(file, create=False)) if file.is_file() else []

    def make_folder(self, path: str) -> None:
        """A folder for mbox files: virtual(8) makes those of a maildir, but not these."""
        folder = self.base / "mail" / path
        folder.mkdir(exist_ok=True)
        os.chown(folder, MAIL_USER, MAIL_USER)

    def empty_mail(self) -> None:
        """Throw away everything delivered so far."""
        for path in (self.base / "mail").iterdir():
            gone = path.rename(Path(tempfile.mkdtemp(dir=self.base)) / "gone")
            shutil.rmtree(gone.parent, ignore_errors=True)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def decoded(answer: tuple[int, bytes]) -> tuple[int, str]:
    return answer[0], answer[1].decode("ascii", "replace")


@pytest.fixture(scope="session")
def postfix(django_db_setup: None, cluster: Cluster, django_db_blocker: Any) -> Generator[Postfix, None, None]:
    """Postfix with the panel's maps over the test database; it sees what is committed."""
    if os.geteuid() != 0 or not shutil.which("postmap", path=f"{os.environ['PATH']}:/usr/sbin"):
        pytest.fail(f"These tests need root and a real Postfix: apt-get install {' '.join(NEEDED)}", pytrace=False)
    instance = Postfix(cluster.directory.parent / "postfix")
    try:
        with django_db_blocker.unblock():
            instance.start()
        yield instance
    finally:
        instance.stop()
