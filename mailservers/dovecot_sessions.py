"""Who is signed in to the Dovecot of this host, and the end of sessions that may not go on (doveadm-who(1))."""

import contextlib
import os
import signal
import subprocess
from datetime import datetime
from typing import Protocol

from mailboxes.sessions import OVERLAP, Session, SessionCheck, now_by_the_database, sessions_to_end
from mailservers.root import Root

LONGEST = 60  # seconds that doveadm may take


class Dovecot(Protocol):
    """What is needed of a host; OSError with a sentence if it cannot be had."""

    def who(self) -> str: ...

    def end(self, processes: set[int]) -> None: ...


class DovecotHere:
    """For root."""

    def __init__(self, conf: str | None = None) -> None:
        self.conf = conf

    def who(self) -> str:
        command = ["doveadm", *(["-c", self.conf] if self.conf else []), "-f", "tab", "who", "-1"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)  # noqa: S603
        except subprocess.TimeoutExpired as error:
            raise OSError(f"doveadm took more than {LONGEST} seconds") from error
        if done.returncode:
            raise OSError(done.stderr.strip() or f"doveadm ended with {done.returncode}")
        return done.stdout

    def end(self, processes: set[int]) -> None:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)


class DovecotByRoot:
    """For the system user, whom root answers (mailadmin/launch/sessions.py)."""

    def __init__(self, root: Root) -> None:
        self.root = root

    def who(self) -> str:
        return str(self.root.ask("who"))

    def end(self, processes: set[int]) -> None:
        self.root.ask("end", *sorted(processes))


def end_sessions(*, host: str, dovecot: Dovecot, goes_on: bool = False) -> list[str]:
    """Ends the sessions of all who would not get in now, and says in the panel that this host has looked, and whether
    it goes on to do so. Gives their logins. Raises OSError with a sentence if doveadm cannot do it.

    Looks once more after it has ended some: who signed in while the database changed may only now be seen."""
    looked_at = now_by_the_database()
    before = SessionCheck.objects.filter(host=host).first()
    ended = _end(dovecot, since=before.looked_at - OVERLAP if before else None)
    if ended:
        _end(dovecot, since=looked_at)
    said = {"looked_at": looked_at} | ({"goes_on": True} if goes_on else {})  # who looks once by hand changes nothing
    SessionCheck.objects.update_or_create(host=host, defaults=said)
    return ended


def _end(dovecot: Dovecot, *, since: datetime | None) -> list[str]:
    """By the processes, as doveadm-kick(1) of Dovecot 2.3 does it, but only those: it takes logins as masks, and an
    address may hold * and ?. Whoever lets a process serve several sessions (service_count) ends all of these."""
    processes = _by_session(dovecot.who())
    ended = sessions_to_end(list(processes), since=since)
    if ended:
        dovecot.end({process for session in ended for process in processes[session]})
    return list(dict.fromkeys(session.login for session in ended))


def _by_session(who: str) -> dict[Session, set[int]]:
    """Who is signed in, and the processes that serve them. A login is in small letters, quoted where needed."""
    lines = who.splitlines()
    columns = lines[0].split("\t") if lines else []
    found: dict[Session, set[int]] = {}
    for line in lines[1:]:
        row = dict(zip(columns, line.split("\t"), strict=False))
        session = Session(row["username"], row.get("proto") or row.get("service", ""), row.get("ip", ""))
        found.setdefault(session, set()).add(int(row["pid"]))
    return found
