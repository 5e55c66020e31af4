"""The overview: what needs a person comes first."""

from django.test import Client
from django.utils import timezone

from domains.models import Domain
from jobs.models import Job
from jobs.services import run_job, sweep
from mailboxes.jobs import start_alias_report
from mailboxes.services import add_alias, change_mailbox
from mailservers.functions import install
from tests.plugins.example_mail import TESTER
from tests.plugins.people import mailbox_of, words_of


def test_it_works(alice_client: Client, falcot: Domain) -> None:
    install()
    sweep()
    words = words_of(alice_client.get("/"))
    assert "Nothing needs attention." in words
    assert "Domains 3 Mailboxes 3 Aliases 3" in words
    assert "Loaded the demonstration data" in words


def test_a_dead_worker_needs_a_person(alice_client: Client, falcot: Domain) -> None:
    assert "The worker does not answer." in words_of(alice_client.get("/"))


def test_failed_work_needs_a_person_until_it_goes_well(alice_client: Client, falcot: Domain) -> None:
    words = {"kind": "import", "label": "Import", "finished_at": timezone.now()}
    Job.objects.create(state=Job.State.FAILED, error="The file ended in the middle of a line.", **words)
    assert "“Import” failed. The file ended in the middle of a line." in words_of(alice_client.get("/"))
    Job.objects.create(state=Job.State.DONE, **words)
    assert "“Import” failed." not in words_of(alice_client.get("/"))


def test_an_alias_that_leads_nowhere_needs_a_person(alice_client: Client, falcot: Domain) -> None:
    add_alias(falcot, "desk", ["laure@falcot.org"], by=TESTER)
    change_mailbox(mailbox_of("laure@falcot.org"), active=False, by=TESTER)
    run_job(start_alias_report(by=TESTER).pk)
    words = words_of(alice_client.get("/"))
    assert "2 destinations take no mail." in words
    assert "which is inactive. Activate it, or change the alias." in words


def test_an_empty_panel_shows_the_way(alice_client: Client) -> None:
    assert "From nothing to the first mail" in words_of(alice_client.get("/"))


def test_a_domain_admin_sees_the_own_domains(bob_client: Client, falcot: Domain) -> None:
    words = words_of(bob_client.get("/"))
    assert "falcot.org virtual mailbox Falcot Corp 3 0 Active" in words
    assert "falcotsbrand.com" not in words
    assert "The worker does not answer." not in words


def test_the_sidebar_shows_only_what_one_may_do(alice_client: Client, bob_client: Client, falcot: Domain) -> None:
    for_superusers = {"Restrictions", "Mail servers", "Work", "People", "Settings"}
    rooms_of_alice = {room.label for room in alice_client.get("/").context["house"]["rooms"]}
    rooms_of_bob = {room.label for room in bob_client.get("/").context["house"]["rooms"]}
    assert for_superusers < rooms_of_alice
    assert rooms_of_bob == rooms_of_alice - for_superusers
    for url in ("/", "/domains/", "/addresses/", "/jobs/", "/history/", "/people/", "/settings/", "/account/"):
        assert alice_client.get(url).status_code == 200
