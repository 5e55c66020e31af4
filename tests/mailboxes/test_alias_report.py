"""The nightly report finds aliases that lead nowhere, and no others."""

import pytest
from django.core.management import CommandError, call_command

from accounts.actors import Actor
from domains.models import Domain
from domains.services import add_domain, change_domain
from jobs.models import Job
from jobs.services import _kinds, run_job
from mailboxes.demo import load_falcot
from mailboxes.jobs import ALIAS_REPORT, start_alias_report
from mailboxes.models import Address, Alias, AliasDestination, Mailbox
from mailboxes.report import sentence_of
from mailboxes.services import add_alias, change_alias, change_mailbox

pytestmark = pytest.mark.django_db(transaction=True)

BY = Actor.from_task("a test")


@pytest.fixture(autouse=True)
def falcot() -> None:
    load_falcot(by=BY)


def report() -> list[str]:
    job = start_alias_report(by=BY)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error
    assert job.done == job.total
    assert job.result is not None
    return [sentence_of(finding) for finding in job.result["findings"]]


def mailbox(local_part: str) -> Mailbox:
    return Mailbox.objects.with_address().get(address__local_part=local_part)


def test_it_works() -> None:
    assert report() == []


def test_it_finds_a_mailbox_that_is_inactive() -> None:
    change_mailbox(mailbox("sophie"), active=False, by=BY)
    assert report() == [
        "contact@falcotsbrand.com delivers to sophie@falcot.org, which is inactive. Activate it, or change the alias."
    ]


def test_it_finds_an_alias_to_an_inactive_alias() -> None:
    falcot_org = Domain.objects.get(name="falcot.org")
    sales = add_alias(falcot_org, "sales", ["jean@falcot.org"], by=BY)
    add_alias(falcot_org, "shop", ["sales@falcot.org"], by=BY)
    change_alias(sales, active=False, by=BY)
    assert report() == [
        "shop@falcot.org delivers to sales@falcot.org, which is inactive. Activate it, or change the alias."
    ]


def test_it_finds_an_inactive_domain() -> None:
    other = add_domain("other.example", by=BY)
    add_alias(other, "ann", ["jean@falcot.org"], by=BY)
    change_domain(Domain.objects.get(name="falcot.org"), active=False, by=BY)
    assert "ann@other.example delivers to jean@falcot.org, but that domain is inactive." in report()


def test_it_finds_what_only_a_catch_all_knew() -> None:
    other = add_domain("other.example", by=BY)
    catch_all = add_alias(other, "", ["jean@falcot.org"], by=BY)
    add_alias(Domain.objects.get(name="falcot.org"), "team", ["anybody@other.example"], by=BY)
    assert report() == []
    change_alias(catch_all, active=False, by=BY)
    assert report() == [
        "team@falcot.org delivers to anybody@other.example, which does not exist. Add it, or change the alias."
    ]


def test_it_finds_a_loop_that_bulk_work_left() -> None:
    falcot_org = Domain.objects.get(name="falcot.org")
    aliases = [
        Alias.objects.create(address=Address.objects.create(domain=falcot_org, local_part=name))
        for name in ("one", "two")
    ]
    for alias, other in (aliases, aliases[::-1]):
        AliasDestination.objects.create(alias=alias, position=0, address=other.address)
    assert report() == [
        "one@falcot.org leads back to itself over two@falcot.org. Mail to it never arrives.",
        "two@falcot.org leads back to itself over one@falcot.org. Mail to it never arrives.",
    ]


def test_colleagues_who_send_each_other_copies_are_no_loop() -> None:
    falcot_org = Domain.objects.get(name="falcot.org")
    add_alias(falcot_org, "jean", ["laure@falcot.org"], by=BY)
    add_alias(falcot_org, "laure", ["jean@falcot.org"], by=BY)
    assert report() == []


def test_inactive_aliases_are_left_out() -> None:
    change_mailbox(mailbox("sophie"), active=False, by=BY)
    Alias.objects.update(active=False)
    assert report() == []


def test_a_check_that_failed_is_no_good_news_in_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(job: Job) -> None:
        raise RuntimeError("The disk is full.")

    monkeypatch.setitem(_kinds, ALIAS_REPORT, fail)
    with pytest.raises(CommandError, match="The disk is full."):
        call_command("alias_report", wait=True)
