"""The real worker with its clock, beside the tests: it reads their database, asks their name servers and sends by their
Postfix."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from mailadmin.launch.leash import on_leash
from tests.plugins.mail_stack import Found, eventually

# The production command, but for a quicker clock. Arguments: the port of the name servers, a resolver, those of celery.
PROGRAM = """
import sys
from datetime import timedelta
import django
django.setup()
from django.conf import settings
settings.DNS_PORT = int(sys.argv[1])
settings.DNS_RESOLVERS = [(sys.argv[2], settings.DNS_PORT)]
quick = (("sweep the jobs", 0.5), ("follow the DKIM keys", 1.0), ("send the welcome mails", 0.5))
for name, seconds in quick:
    settings.CELERY_BEAT_SCHEDULE[name]["schedule"] = seconds
from dns_records import rotation
rotation.SOONEST = timedelta(seconds=1)
from celery.__main__ import main
sys.argv = ["celery", *sys.argv[3:]]
main()
"""
CELERY = "-A mailadmin worker --beat --concurrency 2 --loglevel INFO --without-gossip --without-mingle --pidfile="


class Worker:
    """Has a state directory of its own, with the same keys, since jobs of other tests must not be sent to it."""

    def __init__(self, *, port: int = 53, resolver: str = "127.0.0.1", smtp: int = 25) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="mailadmin-worker-", dir="/tmp"))
        shutil.copytree(settings.STATE, self.state, dirs_exist_ok=True, ignore=shutil.ignore_patterns("static"))
        for name in ("broker", "broker-control"):
            (self.state / name).mkdir(exist_ok=True)
        self.smtp = smtp
        self.arguments = [str(port), resolver, *CELERY.split()]

    def __enter__(self) -> "Worker":
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()
        shutil.rmtree(self.state, ignore_errors=True)

    def start(self) -> None:
        url = os.environ["DATABASE_URL"].replace("/mailadmin?", f"/{connection.settings_dict['NAME']}?")
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "mailadmin.settings", "DATABASE_URL": url}
        environment |= {"MAILADMIN_STATE": str(self.state), "MAILADMIN_SMTP": f"127.0.0.1:{self.smtp}"}
        options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "cwd": settings.BASE_DIR, "env": environment}
        with (self.state / "log").open("ab") as log:
            command = [sys.executable, "-W", "ignore", "-c", PROGRAM, *self.arguments]
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, preexec_fn=on_leash(signal.SIGKILL), **options
            )

    def kill(self) -> None:
        """SIGKILL to all of its processes at once."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def eventually(self, look: Callable[[], Found], what: str, seconds: float = 120) -> Found:
        """As the function of this name. Meanwhile the worker is started anew when it ends, as script/server does: kombu
        gives up when it reads a message of the filesystem broker that is not yet written to its end."""

        def look_again() -> Found:
            if self.process.poll() is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                self.start()
            return look()

        try:
            return eventually(look_again, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error} The worker says:\n{self.log}") from error

    @property
    def log(self) -> str:
        return (self.state / "log").read_text()
