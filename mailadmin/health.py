"""/health/: whether the panel can do its work, in sentences. It answers when everything else is down."""

import functools
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

PATH = "/health/"
PATIENCE = 2.5  # seconds; a database that hangs must not hang the answer
AT_ONCE = threading.BoundedSemaphore(2)  # hanging questions at a time, in one process
OK = "ok"

Check = Callable[[], list[str]]


def answer_first(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """The first middleware: health needs no session, no person and no host name, all of which may be what is broken."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return health(request) if request.path == PATH else get_response(request)

    return middleware


def health(request: HttpRequest) -> HttpResponse:
    """200 with the status ok, or 503 with the reasons."""
    with translation.override(settings.LANGUAGE_CODE):
        checks = ask()
    reasons = [answer for answer in checks.values() if answer != OK]
    answer = JsonResponse({"status": " ".join(reasons) or OK, "checks": checks}, status=503 if reasons else 200)
    add_never_cache_headers(answer)
    answer._has_been_logged = True  # type: ignore[attr-defined]  # a probe a second would fill the log
    return answer


def ask() -> dict[str, str]:
    """The answer to each check: ok, or sentences."""
    answers: dict[str, str] = {}
    give_up = time.monotonic() + PATIENCE
    if AT_ONCE.acquire(timeout=PATIENCE):
        questioner = threading.Thread(target=_ask_and_leave, args=(answers,), daemon=True)
        questioner.start()
        questioner.join(max(0, give_up - time.monotonic()))
    asked = dict(answers)  # the thread may still be adding to it
    for name in CHECKS:
        silence = _("The database does not answer.") if name == "database" else _("Not checked: no answer in time.")
        asked.setdefault(name, silence)
    return {name: asked[name] for name in CHECKS}


def _ask_and_leave(answers: dict[str, str]) -> None:
    """Runs in a thread of its own with a connection of its own."""
    try:
        with translation.override(settings.LANGUAGE_CODE):
            for name, check in CHECKS.items():
                answers[name] = _answer(check)
                if name == "database" and answers[name] != OK:
                    answers |= dict.fromkeys(list(CHECKS)[1:], _("Not checked, because of the database."))
                    return
    finally:
        connections.close_all()
        AT_ONCE.release()


def _answer(check: Check) -> str:
    try:
        return " ".join(check()) or OK
    except (DatabaseError, InterfaceError):
        return _("The database does not answer.")
    except Exception as error:  # a broken check is a reason too, and never a page of its own
        return _("A check failed with %(error)s.") % {"error": type(error).__name__}


# The checks, in the order in which one needs the other


@functools.cache
def expected_migrations() -> frozenset[tuple[str, str]]:
    """All migrations of this version; they change only with the program."""
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    return frozenset(loader.disk_migrations)


def database() -> list[str]:
    """The database answers and has every table and column of this version."""
    applied = MigrationRecorder(connections[DEFAULT_DB_ALIAS]).applied_migrations()
    missing = sorted(f"{room}.{name}" for room, name in expected_migrations() - set(applied))
    if missing:
        return [_("The database is older than the program: %(missing)s.") % {"missing": ", ".join(missing)}]
    return []


def worker() -> list[str]:
    """The worker gave a sign of life within the last half-minute."""
    from jobs.services import worker_is_alive

    if worker_is_alive():
        return []
    return [_("The worker gave no sign of life for more than 30 seconds, so jobs wait.")]


def functions() -> list[str]:
    """The functions that Postfix calls are those of this version."""
    from mailservers.functions import outdated

    return list(outdated())


def rights() -> list[str]:
    """The role of Postfix may call its functions, and nothing else."""
    from mailservers.rights import wrong_rights

    return list(wrong_rights())


def sessions() -> list[str]:
    """Each host with Dovecot that ended sessions again and again (--every) goes on to do so."""
    from mailboxes.sessions import silent_hosts

    sentence = _(
        "On %(host)s no session is ended: end_sessions has not looked for ten minutes. If the host is gone, run "
        "“script/manage dovecot_host forget %(host)s”."
    )
    return [sentence % {"host": check.host} for check in silent_hosts()]


CHECKS: dict[str, Check] = {
    "database": database,
    "worker": worker,
    "functions": functions,
    "rights": rights,
    "sessions": sessions,
}
