"""Is the panel well: for monitoring, and for whoever starts it."""

import logging
from collections.abc import Callable

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from jobs.services import worker_is_alive
from mailservers import functions

log = logging.getLogger(__name__)


def health(request: HttpRequest) -> HttpResponse:
    """200 when database, worker, SQL functions and rights are well; else 503 with a sentence a fault."""
    sentences = faults()
    text = "\n".join(sentences) if sentences else _("All is well: database, worker, SQL functions and rights.")
    return HttpResponse(f"{text}\n", content_type="text/plain; charset=utf-8", status=503 if sentences else 200)


def faults() -> list[str]:
    checks: list[Callable[[], list[str]]] = [_worker, functions.outdated, functions.wrong_rights]
    try:
        return [sentence for check in checks for sentence in check()]
    except DatabaseError:
        log.exception("The database does not answer")
        return [_("The database does not answer.")]


def _worker() -> list[str]:
    return [] if worker_is_alive() else [_("The worker does not answer. Long work waits until it is back.")]
