"""Who is signed in to the Dovecot of this host, and the end of sessions that may not go on (doveadm-who(1),
doveadm-kick(1))."""

import subprocess

from django.utils import timezone

from mailboxes.sessions import SessionCheck, sessions_to_end

LONGEST = 60  # seconds that doveadm may take
NOBODY = 68  # doveadm-kick(1): EX_NOHOST, nobody was signed in any more


def end_sessions(*, host: str, conf: str | None = None) -> list[str]:
    """Ends the sessions of all who would not get in now, and says in the panel that this host has looked. Gives their
    logins. Raises OSError with a sentence if doveadm cannot do it.

    Looks once more after it has ended some: who signed in while the database changed may only now be seen."""
    looked_at = timezone.now()
    ended = _end(conf)
    if ended:
        _end(conf)
    SessionCheck.objects.update_or_create(host=host, defaults={"looked_at": looked_at})
    return ended


def _end(conf: str | None) -> list[str]:
    logins = list(dict.fromkeys(login for login, _service in sessions_to_end(_who(conf))))
    for login in logins:
        _doveadm(conf, "kick", "--", login, may_say=(0, NOBODY))
    return logins


def _who(conf: str | None) -> list[tuple[str, str]]:
    """(login, service) of each session. The login is as passdb wrote it: in small letters, quoted where needed."""
    lines = _doveadm(conf, "-f", "tab", "who", "-1").splitlines()
    columns = lines[0].split("\t") if lines else []
    rows = [dict(zip(columns, line.split("\t"), strict=False)) for line in lines[1:]]
    return [(row["username"], row.get("proto") or row.get("service", "")) for row in rows]


def _doveadm(conf: str | None, *words: str, may_say: tuple[int, ...] = (0,)) -> str:
    command = ["doveadm", *(["-c", conf] if conf else []), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise OSError(f"doveadm took more than {LONGEST} seconds") from error
    if done.returncode not in may_say:
        raise OSError(done.stderr.strip() or f"doveadm ended with {done.returncode}")
    return done.stdout
