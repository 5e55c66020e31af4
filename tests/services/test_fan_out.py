"""Mail to one address becomes mail to 1000 addresses at most: beyond that, Postfix puts it off for ever."""

from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ChangeSet
from domains.models import AddressClass, Domain
from domains.services import add_domain, change_domain
from mailboxes.models import Address, Alias, AliasDestination, Mailbox
from mailboxes.renaming import rename_address
from mailboxes.services import add_alias, add_mailbox, change_alias, change_mailbox, delete_mailbox
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER, refusal

pytestmark = pytest.mark.django_db
ELSEWHERE = "someone@elsewhere.example"


def people(number: int, name: str = "p") -> list[str]:
    return [f"{name}{one}@elsewhere.example" for one in range(number)]


def too_many(address: str, field: str = "destinations") -> AbstractContextManager[None]:
    return refusal(f"Mail to {address} would become mail to more than 1000 addresses", field=field)


@pytest.fixture
def half(domain: Domain) -> Alias:
    """Exactly a half, so that two of them are just not too many."""
    return add_alias(domain, "half", people(500), by=TESTER)


def test_it_works(domain: Domain, half: Alias) -> None:
    """A destination that is reached in two ways counts twice, as cleanup(8) counts."""
    add_alias(domain, "a", ["half@example.org"], by=TESTER)
    add_alias(domain, "both", ["half@example.org", "a@example.org"], by=TESTER)
    with too_many("all@example.org"):
        add_alias(domain, "all", ["half@example.org", "a@example.org", ELSEWHERE], by=TESTER)


def test_what_leads_here_is_counted(domain: Domain, half: Alias) -> None:
    a = add_alias(domain, "a", [ELSEWHERE], by=TESTER)
    add_alias(domain, "b", ["a@example.org"], by=TESTER)
    add_alias(domain, "all", ["half@example.org", "b@example.org"], by=TESTER)
    change_alias(a, destinations=people(500, "q"), by=TESTER)
    with too_many("all@example.org"):
        change_alias(a, destinations=people(501, "q"), by=TESTER)
    with too_many("all@example.org"):
        change_alias(half, destinations=people(501), by=TESTER)


def test_an_inactive_alias_counts_too(domain: Domain, half: Alias) -> None:
    """Whoever activates it must not make too many of it."""
    add_alias(domain, "a", people(501, "q"), active=False, by=TESTER)
    with too_many("all@example.org"):
        add_alias(domain, "all", ["half@example.org", "a@example.org"], by=TESTER)


def test_the_copy_of_a_mailbox_counts(domain: Domain, jean: Mailbox) -> None:
    with too_many("jean@example.org"):
        add_alias(domain, "jean", people(1000), by=TESTER)


def test_an_address_that_expands_into_itself_is_expanded_once(domain: Domain, jean: Mailbox) -> None:
    add_alias(domain, "jean", people(600), by=TESTER)
    add_alias(domain, "a", ["jean@example.org"], by=TESTER)
    add_alias(domain, "all", ["jean@example.org", "a@example.org"], by=TESTER)
    with too_many("all@example.org"):
        change_mailbox(jean, active=False, by=TESTER)
    with too_many("all@example.org"):
        delete_mailbox(jean, by=TESTER)


def test_by_an_alias_domain_a_copy_goes_on_once_more(domain: Domain, jean: Mailbox) -> None:
    alias = add_alias(domain, "jean", people(500), by=TESTER)
    add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    with too_many("jean@example.net"):
        change_alias(alias, destinations=people(501), by=TESTER)


def test_a_catch_all(domain: Domain, other: Domain, half: Alias) -> None:
    catch_all = add_alias(domain, "", [ELSEWHERE], by=TESTER)
    add_alias(other, "all", ["half@example.org", "anybody@example.org"], by=TESTER)
    change_alias(catch_all, destinations=people(500, "q"), by=TESTER)
    with too_many("all@example.com"):
        change_alias(catch_all, destinations=people(501, "q"), by=TESTER)


def test_a_pattern(domain: Domain, other: Domain, half: Alias) -> None:
    pattern = add_alias(domain, "sales-*", [ELSEWHERE], by=TESTER)
    add_alias(domain, "", [ELSEWHERE], by=TESTER)
    add_alias(other, "all", ["half@example.org", "sales-us@example.org"], by=TESTER)
    with too_many("all@example.com"):
        change_alias(pattern, destinations=people(501, "q"), by=TESTER)


@pytest.fixture
def big(domain: Domain) -> Alias:
    """To lists@ it is small, to lists+x@ it is not: big@ goes to one place, big+x@ to 700."""
    big = add_alias(domain, "big+x", people(700), by=TESTER)
    add_alias(domain, "big", [ELSEWHERE], by=TESTER)
    return big


def test_an_extension_that_goes_on(domain: Domain, big: Alias) -> None:
    lists = add_alias(domain, "lists", ["big@example.org", *people(300, "q")], by=TESTER)
    with too_many("lists+x@example.org"):
        change_alias(lists, destinations=["big@example.org", *people(301, "q")], by=TESTER)
    with too_many("lists+x@example.org"):
        change_alias(big, destinations=people(701), by=TESTER)
    with too_many("news@example.org"):
        add_alias(domain, "news", ["lists+x@example.org", ELSEWHERE], by=TESTER)


def test_an_extension_that_goes_on_through_a_whole_domain(domain: Domain, other: Domain, big: Alias) -> None:
    add_alias(domain, "lists", ["big@example.org", *people(200, "q")], by=TESTER)
    catch_all = add_alias(other, "", ["@example.org", *people(100, "r")], by=TESTER)
    with too_many("lists+x@example.com"):
        change_alias(catch_all, destinations=["@example.org", *people(101, "r")], by=TESTER)


def test_a_catch_all_that_keeps_the_local_part(domain: Domain, other: Domain, half: Alias) -> None:
    """half@example.com has no address of its own: it becomes half@example.org, and all the others."""
    catch_all = add_alias(other, "", ["@example.org", *people(500, "q")], by=TESTER)
    with too_many("half@example.com"):
        change_alias(catch_all, destinations=["@example.org", *people(501, "q")], by=TESTER)
    with too_many("half@example.com"):
        change_alias(half, destinations=people(501), by=TESTER)


def test_an_alias_domain(domain: Domain, other: Domain, half: Alias) -> None:
    """What ended at the name of another domain goes on when that begins to answer for this one."""
    add_alias(other, "all", ["half@shop.example", *people(501, "q")], by=TESTER)
    values: dict[str, Any] = {"address_class": AddressClass.ALIAS_DOMAIN, "target": domain}
    with too_many("all@example.com", field="target"):
        add_domain("shop.example", **values, by=TESTER)
    shop = add_domain("shop.example", by=TESTER)
    with too_many("all@example.com", field="target"):
        change_domain(shop, **values, by=TESTER)


def test_a_new_name(domain: Domain, other: Domain, half: Alias) -> None:
    add_alias(domain, "", [ELSEWHERE], by=TESTER)
    add_alias(other, "all", ["anybody@example.org", *people(501, "q")], by=TESTER)
    with too_many("all@example.com"):
        rename_address(half.address, domain, "anybody", by=TESTER)


def test_an_undo(domain: Domain, half: Alias) -> None:
    a = add_alias(domain, "a", people(500, "q"), by=TESTER)
    change_alias(a, destinations=[ELSEWHERE], by=TESTER)
    add_alias(domain, "all", ["half@example.org", "a@example.org", ELSEWHERE], by=TESTER)
    with refusal("Mail to all@example.org would become mail to more than 1000 addresses"):
        undo_change_set(ChangeSet.objects.get(metadata__verb="change"), by=TESTER)


@pytest.fixture
def team(domain: Domain, other: Domain) -> Alias:
    """Every customer's abuse@ goes to one team: whoever joins the team does not wait for all of them."""
    team = add_alias(domain, "abuse", people(3), by=TESTER)
    here = Address.objects.bulk_create(Address(domain=other, local_part=f"abuse{n}") for n in range(3000))
    aliases = Alias.objects.bulk_create(Alias(address=address) for address in here)
    AliasDestination.objects.bulk_create(
        AliasDestination(alias=alias, position=0, address=team.address) for alias in aliases
    )
    return team


def test_many_that_lead_here_cost_a_few_statements(team: Alias) -> None:
    with CaptureQueriesContext(connection) as asked:
        change_alias(team, destinations=people(4), by=TESTER)
    assert len(asked) < 40


@pytest.mark.parametrize("pages", [1, 100_000])
def test_many_that_lead_here_are_found_whatever_the_planner_believes(team: Alias, pages: int) -> None:
    """A table that was empty when it was last counted looks empty to the planner: it would read all of it each time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_class SET relpages = %s, reltuples = 0"
            " WHERE relname ~ '^(mailboxes|domains)_' AND relkind = 'r'",
            [pages],
        )
        cursor.execute("SET LOCAL statement_timeout = '20s'")
    change_alias(team, destinations=people(4), by=TESTER)


def test_one_destination_asks_nothing_about_what_leads_here(domain: Domain, jean: Mailbox, laure: Mailbox) -> None:
    """The usual alias, to one mailbox, costs no search; to two, one statement."""

    def searches(*destinations: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            add_alias(domain, f"to-{len(destinations)}", destinations, by=TESTER)
        return sum("WITH RECURSIVE above" in query["sql"] for query in asked)

    assert searches("jean@example.org") == 0
    assert searches("jean@example.org", "laure@example.org") == 1


def test_add_mailbox_with_a_copy(domain: Domain, half: Alias) -> None:
    with too_many("new@example.org"):
        add_mailbox(domain, "new", also_deliver_to=["half@example.org", *people(500, "q")], by=TESTER)
