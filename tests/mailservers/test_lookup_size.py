"""A lookup ends, however the aliases were built: whoever may add aliases must not bring the panel down."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from domains.services import add_domain
from mailboxes.models import Address, Alias, AliasDestination
from mailboxes.services import add_alias, add_mailbox
from mailboxes.ways import LONGEST_CHAIN
from mailservers.lookup import MOST_DESTINATIONS, MOST_STEPS, look_up
from tests.services.checks import TESTER

pytestmark = pytest.mark.django_db
LEVELS, ENOUGH = 30, 20


def test_aliases_that_double_thirty_times() -> None:
    domain = add_domain("fans.example", by=TESTER)
    add_mailbox(domain, "end", by=TESTER)
    for side in "lr":
        add_alias(domain, f"{side}0", ["end@fans.example"], by=TESTER)
    for level in range(1, LEVELS):  # past the services, which refuse more than a thousand
        below = [Address.objects.get(domain=domain, local_part=f"{side}{level - 1}") for side in "lr"]
        for side in "lr":
            alias = Alias.objects.create(address=Address.objects.create(domain=domain, local_part=f"{side}{level}"))
            for position, address in enumerate(below):
                AliasDestination.objects.create(alias=alias, position=position, address=address)
    with CaptureQueriesContext(connection) as asked:
        found = look_up(f"l{LEVELS - 1}@fans.example")
    assert found.tree is not None
    assert {node.end for node in found.destinations} == {"too_many", "mailbox"}
    assert len(list(found.tree.endings())) <= 2 * MOST_DESTINATIONS
    assert len(asked) < LEVELS + ENOUGH


def test_a_thousand_destinations_are_followed() -> None:
    domain = add_domain("fans.example", by=TESTER)
    add_alias(domain, "all", [f"a{number}@elsewhere.example" for number in range(1000)], by=TESTER)
    found = look_up("all@fans.example")
    assert {node.end for node in found.destinations} == {"outside"}
    assert len(found.destinations) == 1000


def test_a_loop_of_local_aliases_that_bulk_work_left() -> None:
    domain = add_domain("mx.example.net", address_class="local", by=TESTER)
    ann = add_alias(domain, "ann", ["elsewhere@elsewhere.example"], by=TESTER)
    ben = add_alias(domain, "ben", ["ann@mx.example.net"], by=TESTER)
    AliasDestination.objects.filter(alias=ann).update(text="", address=ben.address)
    found = look_up("ann@mx.example.net")
    assert {node.end for node in found.destinations} == {"loop"}


def past_the_services(alias: Alias, below: list[Alias]) -> None:
    """These would refuse it."""
    for position, one in enumerate(below[1:], start=1):
        AliasDestination.objects.create(alias=alias, position=position, address=one.address)


def test_a_local_alias_starts_to_count_anew() -> None:
    """Each destination of a local alias is a recipient of a new message."""
    local, domain = add_domain("mx.example.net", address_class="local", by=TESTER), add_domain("a.example", by=TESTER)
    below = [
        add_alias(domain, name, [f"{name}{number}@elsewhere.example" for number in range(600)], by=TESTER)
        for name in ("one", "two")
    ]
    past_the_services(add_alias(local, "all", ["one@a.example"], by=TESTER), below)
    assert {node.end for node in look_up("all@mx.example.net").destinations} == {"outside"}


def test_a_chain_of_local_aliases() -> None:
    domain = add_domain("mx.example.net", address_class="local", by=TESTER)
    below = "end@elsewhere.example"
    for number in range(LONGEST_CHAIN):
        below = str(add_alias(domain, f"a{number}", [below], by=TESTER))
    assert [node.end for node in look_up(below).destinations] == ["outside"]


def test_local_aliases_by_the_million() -> None:
    """Each may have a thousand destinations; Lookup takes a few thousand steps and says so."""
    domain = add_domain("mx.example.net", address_class="local", by=TESTER)
    wide = [f"u{number}@elsewhere.example" for number in range(900)]
    below = [add_alias(domain, f"wide{number}", wide, by=TESTER) for number in range(8)]
    past_the_services(add_alias(domain, "all", ["wide0@mx.example.net"], by=TESTER), below)
    found = look_up("all@mx.example.net")
    assert {node.end for node in found.destinations} == {"outside", "not_followed"}
    assert found.tree is not None
    assert len(list(found.tree.endings())) < MOST_STEPS + ENOUGH


def test_a_wide_alias_takes_few_statements() -> None:
    domain = add_domain("fans.example", by=TESTER)
    for number in range(300):
        add_mailbox(domain, f"u{number}", by=TESTER)
    add_alias(domain, "all", [f"u{number}@fans.example" for number in range(300)], by=TESTER)
    with CaptureQueriesContext(connection) as asked:
        found = look_up("all@fans.example")
    assert len(found.destinations) == 300
    assert len(asked) < ENOUGH


def test_a_loop_that_grows_an_extension() -> None:
    domain = add_domain("fans.example", by=TESTER)
    alias = add_alias(domain, "a", ["end@elsewhere.example"], by=TESTER)
    AliasDestination.objects.filter(alias=alias).update(text="", domain=None, address=alias.address, extension="+x")
    assert {node.end for node in look_up("a@fans.example").destinations} == {"loop"}
