"""What is too large to be taken back within a request, the worker takes back: asked for through API and page."""

import pytest
from django.test import Client

from accounts.models import ChangeSet, User
from domains.models import Domain
from domains.services import add_domain
from jobs.models import Job
from jobs.services import run_job
from mailboxes.models import RelayRecipient
from mailboxes.relay import add_relay_recipients
from mailboxes.undo import MOST_AT_ONCE
from tests.api.conftest import Api, token_for
from tests.plugins.example_mail import TESTER
from tests.plugins.people import signed_in, words_of

RECIPIENTS = MOST_AT_ONCE // 2 + 1  # two rows each


@pytest.fixture
def relay(alice: User) -> Domain:
    return add_domain("relay.example", address_class="relay", by=TESTER)


@pytest.fixture
def large(relay: Domain) -> ChangeSet:
    add_relay_recipients(relay, [f"u{number}" for number in range(RECIPIENTS)], by=TESTER)
    return ChangeSet.objects.get(metadata__noun="relay_recipients")


def test_it_is_a_job(api: Api, large: ChangeSet) -> None:
    started = api("POST", f"history/{large.pk}/undo/")
    assert (started.status, started.change_set) == (202, None)
    assert started.headers["Location"].endswith(f"/api/v1/jobs/{started.json['id']}/")
    assert api("POST", f"history/{large.pk}/undo/").json["id"] == started.json["id"]
    assert RelayRecipient.objects.count() == RECIPIENTS
    run_job(started.json["id"])
    job = api.get(f"jobs/{started.json['id']}/")
    assert (job["state"], job["error"], job["result"]["undid"]) == ("done", "", str(large.pk))
    assert not RelayRecipient.objects.exists()
    undo = ChangeSet.objects.get(pk=job["result"]["change_set"])
    assert (undo.value("who"), undo.value("token"), undo.value("door")) == ("Alice Martin", "test", "api")
    back = api("POST", f"history/{undo.pk}/undo/")
    assert back.status == 202
    run_job(back.json["id"])
    assert RelayRecipient.objects.count() == RECIPIENTS


def test_a_worker_that_died_after_it_does_it_once(api: Api, large: ChangeSet) -> None:
    number = api("POST", f"history/{large.pk}/undo/").json["id"]
    run_job(number)
    result = Job.objects.get(pk=number).result
    Job.objects.filter(pk=number).update(state=Job.State.WAITING)
    run_job(number)
    job = Job.objects.get(pk=number)
    assert (job.state, job.error, job.result) == (Job.State.DONE, "", result)


def test_what_stands_in_the_way_is_said_by_the_job(api: Api, large: ChangeSet) -> None:
    first = api("POST", f"history/{large.pk}/undo/").json["id"]
    run_job(first)
    second = api("POST", f"history/{large.pk}/undo/").json["id"]
    run_job(second)
    job = api.get(f"jobs/{second}/")
    assert job["state"] == "failed"
    assert job["error"]


def test_it_is_not_rehearsed(api: Api, large: ChangeSet) -> None:
    answer = api("POST", f"history/{large.pk}/undo/?dry_run=true")
    assert answer.status == 422
    assert f"history undo {large.pk} --dry-run" in answer.json["detail"]
    assert not Job.objects.exists()


def test_a_token_for_some_domains_starts_none(alice: User, large: ChangeSet) -> None:
    few = Api(token_for(alice, name="few", domains=["relay.example"]))
    assert few("POST", f"history/{large.pk}/undo/").status == 403
    assert not Job.objects.exists()


def test_rights_that_went_meanwhile(alice: User, large: ChangeSet, relay: Domain) -> None:
    number = Api(token_for(alice))("POST", f"history/{large.pk}/undo/").json["id"]
    User.objects.filter(pk=alice.pk).update(is_active=False)
    run_job(number)
    assert Job.objects.get(pk=number).state == Job.State.FAILED
    assert RelayRecipient.objects.count() == RECIPIENTS


def test_the_page(alice: User, large: ChangeSet) -> None:
    client: Client = signed_in(alice)
    page = client.get(f"/history/{large.pk}/undo/")
    assert "the worker does it" in words_of(page)
    answer = client.post(f"/history/{large.pk}/undo/")
    (job,) = Job.objects.all()
    assert answer.headers["Location"] == job.get_absolute_url()
    run_job(job.pk)
    assert not RelayRecipient.objects.exists()
    page = client.get(job.get_absolute_url())
    assert "Undid: Added relay recipients" in words_of(page)
    job.refresh_from_db()
    assert job.result is not None
    assert f"/history/{job.result['change_set']}/undo/" in page.content.decode()
