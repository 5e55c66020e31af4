"""A lookup ends, however the aliases were built: whoever may add aliases must not bring the panel down."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from domains.services import add_domain
from mailboxes.models import Address, Alias, AliasDestination
from mailboxes.services import add_alias, add_mailbox
from mailservers.lookup import MOST_DESTINATIONS, look_up
from tests.services.checks import TESTER

pytestmark = pytest.mark.django_db
LEVELS = 30


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
    assert len(asked) < 500


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
