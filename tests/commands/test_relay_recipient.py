"""manage.py relay_recipient"""

import pytest

from domains.models import Domain
from domains.services import add_domain
from tests.commands.conftest import Shell
from tests.services.checks import TESTER


@pytest.fixture
def relay(db: None) -> Domain:
    return add_domain("relay.example", address_class="relay", by=TESTER)


def test_it_works(shell: Shell, relay: Domain) -> None:
    assert shell("relay_recipient", "add", "ann@relay.example", "bob@relay.example").out == (
        "Added 2 relay recipients.\n"
    )
    assert shell("relay_recipient", "add", "--stdin", "--json", piped=b"eve@relay.example\n\n").json == {"added": 1}
    assert shell("relay_recipient", "delete", "ann@relay.example", "--yes").out == "Deleted 1 relay recipients.\n"
    assert shell("relay_recipient", "list", "--domain", "relay.example").lines == [
        "bob@relay.example",
        "eve@relay.example",
    ]
    listed = shell("relay_recipient", "list", "--json", "--after", "bob@relay.example").json
    assert [row["address"] for row in listed] == ["eve@relay.example"]


def test_any_recipient(shell: Shell, relay: Domain) -> None:
    assert shell("domain", "change", "relay.example", "--any-recipient", "yes", "--json").json["any_recipient"]
    assert shell.refused("domain", "add", "b.example", "--any-recipient", "yes")


@pytest.mark.parametrize("address", ["ann@falcot.org", "ann@elsewhere.example", "a b@relay.example"])
def test_what_cannot_be_is_refused(shell: Shell, relay: Domain, falcot: Domain, address: str) -> None:
    assert shell.refused("relay_recipient", "add", address)
    assert shell.refused("relay_recipient", "delete", address, "--yes")
