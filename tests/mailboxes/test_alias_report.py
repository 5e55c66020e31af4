"""The nightly report finds aliases that lead nowhere, and no others."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.actors import Actor
from domains.models import Domain
from domains.services import add_domain, change_domain, change_mail_settings
from jobs.models import Job
from jobs.services import _kinds, run_job
from mailboxes import report as reports
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


def result() -> dict[str, Any]:
    job = start_alias_report(by=BY)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error
    assert job.done == job.total
    assert job.result is not None
    return dict(job.result)


def report() -> list[str]:
    return [sentence_of(finding) for finding in result()["findings"]]


def lay(*ways: tuple[str, list[str]], domain: str = "falcot.org") -> None:
    """Aliases as bulk work leaves them: nobody looked at what they lead to. A name without @ is an alias here."""
    here = Domain.objects.get(name=domain)
    for name, _there in ways:
        address, _is_new = Address.objects.get_or_create(domain=here, local_part=name)
        Alias.objects.get_or_create(address=address)
    for name, there in ways:
        alias = Alias.objects.get(address__domain=here, address__local_part=name)
        for position, destination in enumerate(there):
            row = AliasDestination(alias=alias, position=position, text=destination)
            if "@" not in destination:
                row.text, row.address = "", Address.objects.get(domain=here, local_part=destination)
            row.save()


def people(number: int, name: str = "p") -> list[str]:
    return [f"{name}{one}@elsewhere.example" for one in range(number)]


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


def test_what_leads_into_a_loop_is_none() -> None:
    lay(("one", ["two"]), ("two", ["three"]), ("three", ["two"]), ("zero", ["one", "jean"]))
    assert report() == [
        "two@falcot.org leads back to itself over three@falcot.org. Mail to it never arrives.",
        "three@falcot.org leads back to itself over two@falcot.org. Mail to it never arrives.",
    ]


@pytest.mark.parametrize(
    ("name", "way_back"),
    [("", "anybody@falcot.org"), ("sales-*", "sales-us@falcot.org"), ("", "anybody@falcot.com")],
    ids=["catch-all", "pattern", "alias domain"],
)
def test_it_finds_a_loop_over_a(name: str, way_back: str) -> None:
    """The way back is a text, as typed before the domain was ours."""
    lay((name, ["one"]), ("one", [way_back]))
    assert set(report()) == {
        f"{name}@falcot.org leads back to itself over one@falcot.org. Mail to it never arrives.",
        f"one@falcot.org leads back to itself over {name}@falcot.org. Mail to it never arrives.",
    }


def test_it_finds_a_loop_over_a_catch_all_that_keeps_the_local_part() -> None:
    add_domain("other.example", by=BY)
    lay(("x", ["x@other.example"]))
    lay(("", ["@falcot.org"]), domain="other.example")
    assert report() == ["x@other.example leads back to itself over x@falcot.org. Mail to it never arrives."]


def test_it_finds_a_loop_over_an_extension() -> None:
    lay(("one", ["one+more@falcot.org"]))
    assert report() == ["one@falcot.org leads back to itself over one@falcot.org. Mail to it never arrives."]


def test_it_finds_a_loop_over_an_extension_that_goes_on() -> None:
    """Only sales+x@ goes round: what jean@ would get with another extension, he gets."""
    lay(("sales", ["jean"]), ("jean+x", ["sales+x@falcot.org"]))
    assert report() == [
        "sales+x@falcot.org leads back to itself over jean+x@falcot.org. Mail to it never arrives.",
        "jean+x@falcot.org leads back to itself over sales+x@falcot.org. Mail to it never arrives.",
    ]


def test_it_finds_a_loop_that_only_another_extension_closes() -> None:
    """x+y is Jean's, but x+y+z is the mail of x."""
    lay(("x+y", ["jean"]), ("y", ["x+y"]), ("x", ["y"]))
    assert report() == [
        "x+X@falcot.org leads back to itself over y+X@falcot.org. Mail to it never arrives.",
        "y+X@falcot.org leads back to itself over x+X@falcot.org. Mail to it never arrives.",
    ]


def test_it_finds_a_loop_that_an_inactive_alias_leaves_to_its_base() -> None:
    lay(("x+y", ["jean"]), ("y", ["x+y"]), ("p*", ["y"]), ("x", ["p@falcot.org"]))
    assert report() == []
    Alias.objects.filter(address__local_part="x+y").update(active=False)
    assert "x@falcot.org leads back to itself over p*@falcot.org. Mail to it never arrives." in report()


def test_it_finds_a_loop_over_an_extension_and_a_whole_domain() -> None:
    add_domain("other.example", by=BY)
    lay(("news", ["jean"]), ("sales", ["news@other.example"]), ("news+x", ["sales+x@falcot.org"]))
    lay(("", ["@falcot.org"]), domain="other.example")
    assert report() == ["news+x@other.example leads back to itself over news+x@falcot.org. Mail to it never arrives."]


def test_it_finds_a_loop_over_local_domains() -> None:
    for name in ("here.example", "there.example"):
        add_domain(name, address_class="local", by=BY)
    lay(("box", ["BOX+x@there.example"]), ("ann", ["box@here.example"]), domain="here.example")
    assert report() == ["box@here.example leads back to itself over box@here.example. Mail to it never arrives."]


def test_it_counts_what_an_extension_that_goes_on_leads_to() -> None:
    lay(("big+x", people(700)), ("big", people(1)))
    lay(("lists", ["big", *people(300, "q")]), ("news", ["lists+x@falcot.org", *people(1, "r")]))
    assert report() == [
        "Mail to news@falcot.org becomes mail to more than 1000 addresses. Postfix does not deliver it.",
        "Mail to lists+x@falcot.org becomes mail to 1000 addresses. Postfix delivers to 1000 at most.",
    ]


def test_it_counts_destinations() -> None:
    lay(
        ("half", people(500)),
        ("a", ["half"]),
        ("both", ["half", "a"]),
        ("all", ["both", "jean"]),
        ("near", people(801)),
    )
    assert report() == [
        "Mail to all@falcot.org becomes mail to more than 1000 addresses. Postfix does not deliver it.",
        "Mail to both@falcot.org becomes mail to 1000 addresses. Postfix delivers to 1000 at most.",
        "Mail to near@falcot.org becomes mail to 801 addresses. Postfix delivers to 1000 at most.",
    ]


def test_a_mailbox_that_keeps_a_copy_is_expanded_once() -> None:
    lay(("jean", people(700)), ("a", ["jean"]), ("both", ["jean", "a"]))
    assert report() == []
    lay(("c", ["jean", *people(120, "q")]))
    assert report() == ["Mail to c@falcot.org becomes mail to 821 addresses. Postfix delivers to 1000 at most."]


def test_copies_that_are_exchanged_are_counted_too() -> None:
    lay(("jean", ["laure", *people(600)]), ("laure", ["jean", *people(600, "q")]))
    assert sorted(report()) == [
        f"Mail to {address} becomes mail to more than 1000 addresses. Postfix does not deliver it."
        for address in ("contact@falcotsbrand.com", "jean@falcot.org", "laure@falcot.org", "webmaster@falcotsbrand.com")
    ]


def test_a_catch_all_that_keeps_the_local_part_is_counted_by_the_widest() -> None:
    lay(("wide", people(600)))
    add_domain("other.example", by=BY)
    lay(("", ["@falcot.org", *people(600, "q")]), domain="other.example")
    assert report() == [
        "Mail to wide@other.example becomes mail to more than 1000 addresses. Postfix does not deliver it."
    ]


def test_it_finds_long_chains() -> None:
    names = [f"step{number}" for number in range(12)]
    lay(*((name, [there]) for name, there in zip(names, [*names[1:], "jean"], strict=True)))
    assert report() == ["step0@falcot.org leads over 11 other aliases in a row. Let it deliver where they end."]


def test_it_finds_what_was_typed_before_the_domain_was_ours() -> None:
    falcot_org = Domain.objects.get(name="falcot.org")
    add_alias(falcot_org, "team", ["Ann@other.example", '"B C"@other.example'], by=BY)
    assert report() == []
    other = add_domain("other.example", by=BY)
    assert report() == [
        "team@falcot.org delivers to Ann@other.example, which does not exist. Add it, or change the alias.",
        'team@falcot.org delivers to "B C"@other.example, which does not exist. Add it, or change the alias.',
    ]
    add_alias(other, "", ["jean@falcot.org"], by=BY)
    assert report() == []
    change_domain(other, active=False, by=BY)
    assert len(report()) == 2


def test_another_delimiter_leaves_dead_ends() -> None:
    falcot_org = Domain.objects.get(name="falcot.org")
    add_alias(falcot_org, "team", ["jean+lists@falcot.org"], by=BY)
    assert report() == []
    change_mail_settings(recipient_delimiter="-", by=BY)
    assert report() == [
        "team@falcot.org delivers to jean+lists@falcot.org, which does not exist. Add it, or change the alias."
    ]


def test_it_counts_what_leaves_the_house() -> None:
    falcot_org = Domain.objects.get(name="falcot.org")
    add_alias(falcot_org, "a", ["x@b.example", "y@B.example", "x@c.example"], by=BY)
    add_alias(falcot_org, "b", ["z@b.example", "n@later.example"], by=BY)
    add_domain("later.example", by=BY)
    assert result()["outside"] == {
        "destinations": 4,
        "domains": 2,
        "top": [{"domain": "b.example", "number": 3}, {"domain": "c.example", "number": 1}],
    }


def test_progress_goes_through_the_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int | None]] = []
    show = reports.show_progress

    def note(job: Job, done: int, total: int | None = None) -> None:
        show(job, done, total)
        seen.append(Job.objects.values_list("done", "total").get(pk=job.pk))

    monkeypatch.setattr(reports, "show_progress", note)
    report()
    assert seen == [(number, 7) for number in range(8)]


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
