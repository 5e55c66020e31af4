"""A job runs once, says how it went, and is found again when its worker died."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg2
import pytest
from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.actors import Actor
from jobs import services
from jobs.models import Job
from jobs.services import job_kind, run_job, show_progress, start_job, sweep, worker_is_alive

pytestmark = pytest.mark.django_db(transaction=True)

BY = Actor.from_task("a test")


@job_kind("test.count")
def count(job: Job) -> dict[str, int]:
    for number in range(job.arguments["to"]):
        show_progress(job, number + 1, job.arguments["to"])
    return {"counted": job.arguments["to"]}


@job_kind("test.fail")
def fail(job: Job) -> None:
    raise ValueError("The disk is full.")


@pytest.fixture
def held_lock() -> Iterator[psycopg2.extensions.connection]:
    """Another worker's connection."""
    dsn = connection.get_connection_params()
    other = psycopg2.connect(**{key: dsn[key] for key in dsn if key not in ("cursor_factory", "context")})
    other.autocommit = True
    yield other
    other.close()


def lock(other: psycopg2.extensions.connection, job: Job) -> None:
    other.cursor().execute("SELECT pg_advisory_lock(%s, %s)", [services.LOCK_CLASS, job.pk])


def test_it_works() -> None:
    job = start_job("test.count", by=BY, label="Count", to=3)
    assert job.state == Job.State.WAITING

    run_job(job.pk)

    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.percent) == (Job.State.DONE, 3, 3, 100)
    assert job.result == {"counted": 3}
    assert job.started_at
    assert job.finished_at


def test_a_failure_is_kept_in_words() -> None:
    job = start_job("test.fail", by=BY, label="Fail")
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.FAILED, "The disk is full.")


def test_it_runs_once_however_often_it_is_sent() -> None:
    job = start_job("test.count", by=BY, label="Count", to=1)
    run_job(job.pk)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.tries == 1


def test_it_is_left_alone_while_another_worker_runs_it(held_lock: psycopg2.extensions.connection) -> None:
    job = start_job("test.count", by=BY, label="Count", to=1)
    lock(held_lock, job)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.WAITING


def test_it_waits_for_its_time() -> None:
    job = start_job("test.count", by=BY, label="Count", to=1)
    Job.objects.filter(pk=job.pk).update(run_after=timezone.now() + timedelta(hours=1))
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.WAITING


def test_the_sweeper_puts_back_what_a_dead_worker_left(held_lock: psycopg2.extensions.connection) -> None:
    job = start_job("test.count", by=BY, label="Count", to=1)
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING)
    lock(held_lock, job)

    sweep()
    job.refresh_from_db()
    assert job.state == Job.State.RUNNING, "its worker still holds the lock"

    held_lock.close()  # what kill -9 of a worker does
    for _try in range(100):
        sweep()
        job.refresh_from_db()
        if job.state == Job.State.WAITING:
            break
    assert job.state == Job.State.WAITING


def test_a_job_that_kills_its_worker_is_given_up() -> None:
    job = start_job("test.count", by=BY, label="Count", to=1)
    Job.objects.filter(pk=job.pk).update(tries=services.MOST_TRIES)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "died" in job.error


def test_the_sweeper_shows_that_the_worker_lives() -> None:
    assert not worker_is_alive()
    sweep()
    assert worker_is_alive()


def test_a_job_is_not_there_when_its_transaction_is_not() -> None:
    def start_and_fail() -> None:
        with transaction.atomic():
            start_job("test.count", by=BY, label="Count", to=1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        start_and_fail()
    assert not Job.objects.exists()


def test_only_the_owner_of_the_broker_folder_sends() -> None:
    """A message of another user would kill worker and beat; without the folder nothing is sent, the sweeper does it."""
    assert settings.CELERY_BROKER_URL == "filesystem://localhost"
    job = start_job("test.count", by=BY, label="Count", to=1)
    job.refresh_from_db()
    assert job.sent_at is None


def test_a_message_is_sent_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with current_app.connection_for_write() as connection:
        connection.info()
    assert caplog.records == []


@job_kind("test.later")
def later(job: Job) -> str:
    show_progress(job, job.done + 1, 10)
    if job.arguments["again"]:
        raise services.Later(60)
    return "done"


def test_what_goes_on_later_waits_and_is_no_failed_try() -> None:
    job = start_job("test.later", by=BY, label="Later", again=True)
    for _run in range(services.MOST_TRIES + 2):
        Job.objects.update(run_after=timezone.now())
        run_job(job.pk)
        run_job(job.pk)  # too early
        job.refresh_from_db()
        assert (job.state, job.tries, job.sent_at, job.error) == (Job.State.WAITING, 0, None, "")
        assert timedelta(seconds=50) < job.run_after - timezone.now() <= timedelta(seconds=60)
    Job.objects.update(run_after=timezone.now(), arguments={"again": False})
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result) == (Job.State.DONE, "done")
