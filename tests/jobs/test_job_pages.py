"""Long work on its pages: start, progress, result."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from domains.models import Domain
from jobs.models import Job
from jobs.services import run_job, sweep
from tests.plugins.people import words_of


def test_it_works(alice_client: Client, falcot: Domain) -> None:
    response = alice_client.post("/jobs/alias-report/", follow=True)
    job = Job.objects.get()
    assert response.redirect_chain == [(f"/jobs/{job.pk}/", 302)]
    assert 'hx-trigger="every 2s"' in response.content.decode()
    run_job(job.pk)
    response = alice_client.get(f"/jobs/{job.pk}/")
    assert "Every active alias leads to somewhere that takes mail." in words_of(response)
    assert "hx-trigger" not in response.content.decode()


def test_with_htmx_only_the_progress_comes(alice_client: Client, alice: User) -> None:
    job = Job.objects.create(kind="alias_report", label="Check", state=Job.State.RUNNING, done=30, total=120)
    response = alice_client.get(f"/jobs/{job.pk}/", HTTP_HX_REQUEST="true")
    assert words_of(response).startswith("Running 30 of 120 done")
    assert "<html" not in response.content.decode()


def test_what_failed_says_why(alice_client: Client) -> None:
    words = {"kind": "import", "label": "Import", "finished_at": timezone.now()}
    job = Job.objects.create(state=Job.State.FAILED, error="The file ended early.", **words)
    assert "It failed. The file ended early." in words_of(alice_client.get(f"/jobs/{job.pk}/"))


def test_a_dead_worker_is_said(alice_client: Client) -> None:
    job = Job.objects.create(kind="alias_report", label="Check")
    assert "The worker does not answer." in words_of(alice_client.get(f"/jobs/{job.pk}/"))
    sweep()
    assert "The worker does not answer." not in words_of(alice_client.get(f"/jobs/{job.pk}/"))


def test_running_work_stands_in_the_sidebar(alice_client: Client) -> None:
    Job.objects.create(kind="alias_report", label="Check of all aliases", state=Job.State.RUNNING, done=3, total=4)
    assert "Check of all aliases 3 of 4 done" in words_of(alice_client.get("/domains/"))


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("", ["Two", "One"]),
        ("state=done", ["One"]),
        ("state=unfinished", ["Two"]),
        ("state=nonsense", ["Two", "One"]),
        ("after=x", ["Two", "One"]),
        ("after=99999999999999999999999", ["Two", "One"]),
    ],
)
def test_the_list(alice_client: Client, query: str, labels: list[str]) -> None:
    Job.objects.create(kind="a", label="One", state=Job.State.DONE)
    Job.objects.create(kind="a", label="Two")
    assert [job.label for job in alice_client.get(f"/jobs/?{query}").context["page"].rows] == labels


def test_work_of_others_is_not_there_for_a_domain_admin(bob_client: Client, bob: User, alice: User) -> None:
    foreign = Job.objects.create(kind="a", label="Of Alice", started_by=alice)
    own = Job.objects.create(kind="a", label="Of Bob", started_by=bob)
    assert bob_client.get(f"/jobs/{foreign.pk}/").status_code == 404
    assert bob_client.get(f"/jobs/{own.pk}/").status_code == 200
    assert bob_client.get("/jobs/").status_code == 404
    assert bob_client.post("/jobs/alias-report/").status_code == 404


def test_a_number_that_is_none(alice_client: Client) -> None:
    assert alice_client.get("/jobs/99999999999999999999999/").status_code == 404
