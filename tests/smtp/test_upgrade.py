"""Mail goes on while the panel is brought up to date: no sender hears "try again later"."""

import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from mailservers import functions
from mailservers.mail_servers import READ_BY_MAPS
from tests.plugins import example_mail
from tests.plugins.mail_stack import Postfix, Reply

EXPECTED = {
    "jean@falcot.org": 250,
    "contact@falcotsbrand.com": 250,
    "laure@falcotsbrand.com": 250,
    "no-such-person@falcot.org": 550,
    "someone@elsewhere.example": 554,
}


class Senders:
    """Others who go on sending; `replies` is what they hear."""

    def __init__(self, postfix: Postfix) -> None:
        self.postfix, self.replies, self.is_over = postfix, list[tuple[str, Reply]](), threading.Event()
        self.thread = threading.Thread(target=self.send)

    def send(self) -> None:
        while not self.is_over.is_set():
            for recipient in EXPECTED:
                self.replies.append((recipient, self.postfix.rcpt(recipient)))

    def heard(self, number: int) -> bool:
        return len(self.replies) >= number


@pytest.fixture
def senders(postfix: Postfix, committed: None) -> Generator[Senders, None, None]:
    example_mail.falcot()
    them = Senders(postfix)
    them.thread.start()
    yield them
    them.is_over.set()
    them.thread.join()
    assert functions.install(force=True)  # what was kept for lookups under way is no longer needed


def migrate() -> None:
    call_command("migrate", verbosity=0)


def install_again() -> None:
    assert functions.install(force=True)


def change_the_tables() -> None:
    """What a migration of a coming release does: Postfix's cached plans are made anew."""
    with connection.cursor() as cursor:
        for table in READ_BY_MAPS:
            cursor.execute(f"ALTER TABLE {table} ADD COLUMN coming text NOT NULL DEFAULT 'new'")
        for table in READ_BY_MAPS:
            cursor.execute(f"ALTER TABLE {table} DROP COLUMN coming")


def install_another_release() -> None:
    """Functions whose arguments have other names, so that these are dropped and made again; then back."""
    ours = functions.SQL_FOLDER
    with tempfile.TemporaryDirectory() as folder:
        theirs = Path(shutil.copytree(ours, folder, dirs_exist_ok=True))
        for path in theirs.glob("*/*.sql"):
            path.write_text(
                re.sub(r"\b(asked_name|domain_name|asked_local_part|asked_domain)\b", r"new_\1", path.read_text())
            )
        try:
            functions.SQL_FOLDER = theirs
            assert functions.install()
        finally:
            functions.SQL_FOLDER = ours
    assert functions.install()


@pytest.mark.parametrize("upgrade", [migrate, install_again, install_another_release, change_the_tables])
def test_no_sender_notices(senders: Senders, upgrade: Callable[[], None]) -> None:
    for _round in range(20):
        before = len(senders.replies)
        upgrade()
        while not senders.heard(before + len(EXPECTED)):
            assert senders.thread.is_alive(), "A sender got no reply at all."
            senders.is_over.wait(0.01)
    unexpected = {(recipient, reply) for recipient, reply in senders.replies if reply.code != EXPECTED[recipient]}
    assert not unexpected
