"""A process that makes a DKIM key dies in the middle: nothing is lost, nothing is there twice."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings
from django.db import connection

from domains.dkim_models import DkimKey, DkimPrivateKey
from domains.dkim_services import start_generation
from domains.services import add_domain
from jobs.models import Job
from jobs.services import run_job, sweep
from tests.plugins.mail_stack import eventually
from tests.plugins.worker import Worker
from tests.services.checks import TESTER

pytestmark = pytest.mark.django_db(transaction=True)

# The worker's own function, which stops where asked: when the key is made, or when it is stored but not committed.
WORKER = """
import sys, time
import django
django.setup()
from django.db import connection
from domains import dkim_services
connection.settings_dict["NAME"] = sys.argv[2]
from jobs.services import run_job
before = getattr(dkim_services, sys.argv[3])
def stop(*arguments, **options):
    before(*arguments, **options)
    print("here", flush=True)
    time.sleep(60)
setattr(dkim_services, sys.argv[3], stop)
run_job(int(sys.argv[1]))
"""


@pytest.mark.parametrize("place", ["generate", "save_checked", "add_dkim_key"])
def test_a_worker_is_killed_while_it_makes_a_key(place: str) -> None:
    job = start_generation(add_domain("example.org", by=TESTER), "s1", "ed25519", by=TESTER)
    name = connection.settings_dict["NAME"]
    command = [sys.executable, "-W", "ignore", "-c", WORKER, str(job.pk), name, place]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "mailadmin.settings"}
    worker = subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=settings.BASE_DIR, env=environment
    )
    assert worker.stdout
    assert worker.stdout.readline() == b"here\n"
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert DkimKey.objects.count() == (1 if place == "add_dkim_key" else 0)

    def waits_again() -> bool:
        sweep()
        job.refresh_from_db()
        return job.state == Job.State.WAITING

    eventually(waits_again, "the sweeper to find the job")
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.tries) == (Job.State.DONE, 2), job.error
    assert DkimKey.objects.count() == DkimPrivateKey.objects.count() == 1


@pytest.mark.parametrize("pause", [0.0, 0.2, 0.6])
def test_the_real_worker_is_killed_in_the_middle_of_rsa_4096(pause: float) -> None:
    """All of its processes, at some moment of the work."""
    job = start_generation(add_domain("example.org", by=TESTER), "s1", "rsa-4096", by=TESTER)

    def is_(state: str) -> bool:
        job.refresh_from_db()
        return job.state == state

    with Worker() as worker:
        worker.eventually(lambda: is_(Job.State.RUNNING) or is_(Job.State.DONE), "the work to begin")
        time.sleep(pause)
        worker.kill()
        there = DkimKey.objects.count()
        assert there == DkimPrivateKey.objects.count() <= 1
        worker.start()
        worker.eventually(lambda: is_(Job.State.DONE), "the next worker to do it")
    assert DkimKey.objects.count() == DkimPrivateKey.objects.count() == 1
    assert DkimKey.objects.get().algorithm == "rsa-4096"
    assert job.tries == 2 or there
