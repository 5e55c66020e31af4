"""Starting, running and sweeping jobs.

The row is written in the caller's transaction; the broker is told after the commit. Whatever the broker loses, the
sweeper finds: a job that waits is sent again, and a job that says it is running while nobody holds its lock (a session
advisory lock, gone with the worker's connection) waits again. So every kind of job must be safe to run twice.
"""

import logging
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor, Door
from jobs.models import Job, WorkerBeat

log = logging.getLogger(__name__)

LOCK_CLASS = 0x4A4F42  # "JOB", the first key of the advisory locks of jobs
MOST_TRIES = 5
WORKER_IS_LATE = timedelta(seconds=30)
TELL_AGAIN = timedelta(seconds=60)

Work = Callable[[Job], Any]
_kinds: dict[str, Work] = {}


class Later(Exception):
    """Raised by the work itself, which goes on in so many seconds: the worker is free for others meanwhile."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.pause = timedelta(seconds=seconds)


def job_kind(name: str) -> Callable[[Work], Work]:
    """Registers the plain function that does the work of a kind of job; what it returns becomes `job.result`."""

    def register(work: Work) -> Work:
        _kinds[name] = work
        return work

    return register


def start_job(kind: str, *, by: Actor, label: str, **arguments: Any) -> Job:
    job = Job.objects.create(kind=kind, label=label, arguments=arguments, started_by=by.user)
    transaction.on_commit(lambda: wake_worker(job.pk))
    return job


def in_the_name_of(job: Job) -> Actor:
    """Of the person who started it; of nobody in the panel, then its argument `who` says of whom."""
    return Actor(user=job.started_by, door=Door.TASK, name="" if job.started_by else job.arguments["who"])


def wake_worker(job_id: int) -> None:
    """Tells the worker. If that cannot be done here, the sweeper does it within seconds."""
    if not _may_send():
        return
    try:
        current_app.send_task("jobs.run", args=[job_id], expires=3600, retry=False)
        Job.objects.filter(pk=job_id).update(sent_at=timezone.now())
    except Exception:  # any broker's own kind of error; the row is what counts
        log.warning("The worker could not be woken for job %s; the sweeper will find it.", job_id, exc_info=True)


def run_job(job_id: int) -> None:
    """Runs a due job, unless somebody else is running it."""
    if not _take_lock(job_id):
        return
    try:
        job = _begin(job_id)
        if job:
            _work(job)
    finally:
        _free_lock(job_id)


def sweep() -> None:
    """Every few seconds: notes that the worker lives, sends what waits, and what was running when its worker died."""
    WorkerBeat.objects.update_or_create(id=1, defaults={"at": timezone.now()})
    for job in Job.objects.filter(state=Job.State.RUNNING):
        if _take_lock(job.pk):
            try:
                Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).update(state=Job.State.WAITING, sent_at=None)
            finally:
                _free_lock(job.pk)
    untold = Q(sent_at=None) | Q(sent_at__lt=timezone.now() - TELL_AGAIN)
    for job in Job.objects.due().filter(untold).order_by("run_after")[:100]:
        wake_worker(job.pk)


def worker_is_alive() -> bool:
    return WorkerBeat.objects.filter(at__gt=timezone.now() - WORKER_IS_LATE).exists()


def show_progress(job: Job, done: int, total: int | None = None) -> None:
    """Written at once, outside any transaction of the work, so that people can watch."""
    job.done, job.total = done, total if total is not None else job.total
    Job.objects.filter(pk=job.pk).update(done=job.done, total=job.total)


def _begin(job_id: int) -> Job | None:
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None or job.is_finished or job.run_after > timezone.now():
            return None
        job.state, job.started_at, job.tries, job.done = Job.State.RUNNING, timezone.now(), job.tries + 1, 0
        job.save()
    return job


def _work(job: Job) -> None:
    try:
        if job.tries > MOST_TRIES:
            raise RuntimeError(_("The worker died %(times)d times while it did this.") % {"times": MOST_TRIES})
        job.result = _kinds[job.kind](job)
        job.state = Job.State.DONE
    except Later as later:
        job.state, job.sent_at, job.tries = Job.State.WAITING, None, 0
        job.run_after = timezone.now() + later.pause
        job.save(update_fields=["state", "sent_at", "tries", "run_after"])
        return
    except Exception as error:  # whatever went wrong must be shown to the person who waits for this job
        log.exception("Job %s (%s) failed", job.pk, job.kind)
        said = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        job.state, job.error = Job.State.FAILED, said or type(error).__name__
    job.finished_at = timezone.now()
    job.save(update_fields=["state", "result", "error", "finished_at"])


def _take_lock(job_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, job_id])
        return bool(cursor.fetchone()[0])


def _free_lock(job_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, job_id])


def _may_send() -> bool:
    """With the filesystem broker only its owner sends: a message of another user would kill worker and beat."""
    if not settings.CELERY_BROKER_URL.startswith("filesystem://"):
        return True
    folder = Path(str(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_in"]))
    return folder.is_dir() and folder.stat().st_uid == os.geteuid()
