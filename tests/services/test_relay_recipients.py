"""The recipients of a relay domain."""

import pytest
from django.utils import timezone

from accounts.actors import Actor, Door
from accounts.services import add_user
from domains.models import Domain
from domains.services import add_domain, change_domain
from mailboxes.models import Mailbox, QuarantinedAddress, RelayRecipient
from mailboxes.relay import add_relay_recipients, delete_relay_recipients
from mailboxes.removal import delete_domain
from mailboxes.services import add_alias, delete_alias, delete_mailbox
from tests.services.checks import TESTER, addresses, destinations_of, one_change_set, refusal

pytestmark = pytest.mark.django_db


@pytest.fixture
def relay(db: None) -> Domain:
    return add_domain("relay.example", address_class="relay", by=TESTER)


def test_it_works(relay: Domain) -> None:
    with one_change_set("Added relay recipients: ann@relay.example, bob@relay.example"):
        assert add_relay_recipients(relay, ["Ann", "bob@RELAY.example", "ann@relay.example"], by=TESTER) == 2
    assert addresses() == {"ann@relay.example", "bob@relay.example"}


def test_one_that_is_there_stays(relay: Domain) -> None:
    add_relay_recipients(relay, ["ann"], by=TESTER)
    before = RelayRecipient.objects.get()
    assert add_relay_recipients(relay, ["ann", "bob"], by=TESTER) == 1
    assert RelayRecipient.objects.get(address__local_part="ann") == before


@pytest.mark.parametrize("text", ["", "a b", "ann@example.org", "sales-*", "@relay.example", "ä", "x" * 65, "a\0b"])
def test_what_is_no_recipient_is_refused(relay: Domain, text: str) -> None:
    with refusal(field="recipients"):
        add_relay_recipients(relay, ["bob", text], by=TESTER)


def test_there_is_at_least_one(relay: Domain) -> None:
    with refusal("at least one", field="recipients"):
        add_relay_recipients(relay, [], by=TESTER)


def test_other_classes_have_none(domain: Domain) -> None:
    with refusal("Only a relay domain", field="recipients"):
        add_relay_recipients(domain, ["ann"], by=TESTER)


def test_an_alias_is_no_recipient(relay: Domain) -> None:
    add_relay_recipients(relay, ["ann"], by=TESTER)
    add_alias(relay, "info", ["ann@relay.example"], by=TESTER)
    with refusal("info@relay.example is an alias", field="recipients"):
        add_relay_recipients(relay, ["info"], by=TESTER)
    with refusal("ann@relay.example is a relay recipient", field="local_part"):
        add_alias(relay, "ann", ["someone@elsewhere.example"], by=TESTER)


def test_recipients_keep_a_domain_in_its_class(relay: Domain) -> None:
    add_relay_recipients(relay, ["ann"], by=TESTER)
    with refusal("has relay recipients", field="address_class"):
        change_domain(relay, address_class="virtual_mailbox", by=TESTER)


def test_only_a_relay_domain_takes_any(relay: Domain) -> None:
    with refusal("Only a relay domain"):
        add_domain("other.example", any_recipient=True, by=TESTER)
    change_domain(relay, any_recipient=True, by=TESTER)
    assert not change_domain(relay, address_class="virtual_alias", by=TESTER).any_recipient


def test_where_any_is_taken_a_destination_needs_no_recipient(relay: Domain, domain: Domain) -> None:
    with refusal("Add it first", field="destinations"):
        add_alias(domain, "info", ["whoever@relay.example"], by=TESTER)
    change_domain(relay, any_recipient=True, by=TESTER)
    catch_all = add_alias(relay, "", ["someone@elsewhere.example"], by=TESTER)
    alias = add_alias(domain, "info", ["whoever@relay.example"], by=TESTER)
    delete_alias(catch_all, by=TESTER)
    assert destinations_of(alias) == ["whoever@relay.example"]


def test_a_relay_domain_is_no_target(relay: Domain) -> None:
    with refusal("relay", field="target"):
        add_domain("other.example", address_class="alias_domain", target=relay, by=TESTER)


def test_deleted_ones_take_along_what_pointed_only_at_them(relay: Domain, domain: Domain) -> None:
    add_relay_recipients(relay, ["ann", "bob"], by=TESTER)
    add_alias(domain, "info", ["ann@relay.example"], by=TESTER)
    with one_change_set("Deleted relay recipients: ann@relay.example"):
        delete_relay_recipients(relay, [RelayRecipient.objects.get(address__local_part="ann")], by=TESTER)
    assert addresses() == {"bob@relay.example"}


def test_the_domain_goes_with_its_recipients(relay: Domain) -> None:
    add_relay_recipients(relay, ["ann"], by=TESTER)
    delete_domain(relay, by=TESTER)
    assert not RelayRecipient.objects.exists()


class TestQuarantine:
    """A domain may have had mailboxes before it was a relay domain."""

    @pytest.fixture
    def moved(self, domain: Domain, jean: Mailbox) -> Domain:
        delete_mailbox(jean, by=TESTER)
        return change_domain(domain, address_class="relay", by=TESTER)

    def test_it_holds_here_too(self, moved: Domain) -> None:
        with refusal("jean@example.org belonged to a mailbox that is gone", field="recipients"):
            add_relay_recipients(moved, ["ann", "jean"], by=TESTER)
        QuarantinedAddress.objects.update(until=timezone.now())
        assert add_relay_recipients(moved, ["jean"], by=TESTER) == 1

    def test_a_superuser_takes_it_all_the_same(self, moved: Domain) -> None:
        chef, helper = add_user("chef", is_superuser=True, by=TESTER), add_user("helper", by=TESTER)
        with refusal("Only a superuser gives jean@example.org to somebody else", field="recipients"):
            add_relay_recipients(moved, ["jean"], despite_quarantine=True, by=Actor(user=helper, door=Door.PAGE))
        by = Actor(user=chef, door=Door.PAGE)
        assert add_relay_recipients(moved, ["ann", "jean"], despite_quarantine=True, by=by) == 2
        assert not QuarantinedAddress.objects.exists()
