"""Mail must never be handed round: a loop of aliases is refused when it would be closed."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ChangeSet
from domains.models import AddressClass, Domain
from domains.services import add_domain, change_domain
from mailboxes.models import Address, Alias, AliasDestination, Mailbox
from mailboxes.renaming import rename_address
from mailboxes.services import (
    add_alias,
    add_mailbox,
    change_alias,
    change_mailbox,
    delete_alias,
    delete_mailbox,
    delete_mailboxes,
    set_mailboxes_active,
)
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER, addresses, refusal

pytestmark = pytest.mark.django_db
ELSEWHERE = "someone@elsewhere.example"


def test_it_works(domain: Domain) -> None:
    """A chain is no loop, and two ways to the same place are none."""
    for name, *destinations in (["d", ELSEWHERE], ["c", "d"], ["b", "c", "d"], ["a", "b", "c", "d"]):
        typed = [text if "@" in text else f"{text}@example.org" for text in destinations]
        add_alias(domain, name, typed, by=TESTER)


def test_one_hop(domain: Domain) -> None:
    with refusal("loop: a@example.org → a@example.org", field="destinations"):
        add_alias(domain, "a", ["a@example.org", ELSEWHERE], by=TESTER)


def test_two_hops(domain: Domain) -> None:
    a = add_alias(domain, "a", [ELSEWHERE], by=TESTER)
    add_alias(domain, "b", [ELSEWHERE, "a@example.org"], by=TESTER)
    with refusal("loop: a@example.org → b@example.org → a@example.org", field="destinations"):
        change_alias(a, destinations=["b@example.org"], by=TESTER)


def test_three_hops_over_two_domains(domain: Domain, other: Domain) -> None:
    a = add_alias(domain, "a", [ELSEWHERE], by=TESTER)
    add_alias(other, "c", ["a@example.org"], by=TESTER)
    add_alias(domain, "b", ["c@example.com"], by=TESTER)
    with refusal("a@example.org → b@example.org → c@example.com → a@example.org", field="destinations"):
        change_alias(a, destinations=[ELSEWHERE, "b@example.org"], by=TESTER)


def test_by_an_extension(domain: Domain) -> None:
    a = add_alias(domain, "a", [ELSEWHERE], by=TESTER)
    with refusal("loop", field="destinations"):
        change_alias(a, destinations=["a+more@example.org"], by=TESTER)


class TestExtension:
    """What the base of an address delivers to gets the extension too (propagate_unmatched_extensions, postconf(5))."""

    def test_it_works(self, domain: Domain, jean: Mailbox) -> None:
        add_alias(domain, "sales", ["jean@example.org"], by=TESTER)
        with refusal("jean+x@example.org → sales+x@example.org → jean+x@example.org", field="destinations"):
            add_alias(domain, "jean+x", ["sales+x@example.org"], by=TESTER)

    def test_the_other_half_last(self, domain: Domain, jean: Mailbox) -> None:
        sales = add_alias(domain, "sales", [ELSEWHERE], by=TESTER)
        add_alias(domain, "jean+x", ["sales+x@example.org"], by=TESTER)
        with refusal("sales+x@example.org → jean+x@example.org → sales+x@example.org", field="destinations"):
            change_alias(sales, destinations=["jean@example.org"], by=TESTER)

    def test_through_an_alias_domain(self, domain: Domain, jean: Mailbox) -> None:
        add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
        add_alias(domain, "sales", ["jean@example.net"], by=TESTER)
        with refusal("loop", field="destinations"):
            add_alias(domain, "jean+x", ["sales+x@example.net"], by=TESTER)

    def test_a_pattern(self, domain: Domain) -> None:
        add_alias(domain, "", [ELSEWHERE], by=TESTER)
        add_alias(domain, "sales", ["news@example.org"], by=TESTER)
        with refusal("loop", field="destinations"):
            add_alias(domain, "news+*", ["sales+x@example.org"], by=TESTER)

    def test_a_whole_domain(self, domain: Domain, other: Domain) -> None:
        catch_all = add_alias(domain, "", [ELSEWHERE], by=TESTER)
        sales = add_alias(other, "sales", ["news@example.org"], by=TESTER)
        add_alias(other, "news+x", ["sales+x@example.com"], by=TESTER)
        with refusal("news+x@example.com", field="destinations"):
            change_alias(catch_all, destinations=["@example.com"], by=TESTER)
        change_alias(sales, destinations=[ELSEWHERE], by=TESTER)
        change_alias(catch_all, destinations=["@example.com"], by=TESTER)
        with refusal("news+x@example.com", field="destinations"):
            change_alias(sales, destinations=["news@example.org"], by=TESTER)

    def test_one_that_grows_and_grows(self, domain: Domain) -> None:
        sales = add_alias(domain, "sales", [ELSEWHERE], by=TESTER)
        add_alias(domain, "a", ["sales+x@example.org"], by=TESTER)
        with refusal("sales@example.org → a@example.org → sales@example.org", field="destinations"):
            change_alias(sales, destinations=["a+y@example.org"], by=TESTER)

    def test_an_address_of_its_own_ends_it(self, domain: Domain, jean: Mailbox) -> None:
        """jean+x is a mailbox here, so the extension of sales+x comes no further."""
        add_mailbox(domain, "jean+x", by=TESTER)
        add_alias(domain, "sales", ["jean@example.org"], by=TESTER)
        add_alias(domain, "news", ["sales+x@example.org"], by=TESTER)

    def test_a_mailbox_keeps_its_copy(self, domain: Domain, jean: Mailbox, laure: Mailbox) -> None:
        """jean+x expands into itself, so cleanup(8) does not expand it again."""
        add_alias(domain, "jean", ["laure@example.org"], by=TESTER)
        add_alias(domain, "laure+x", ["jean+x@example.org"], by=TESTER)

    def test_a_name_with_another_extension_is_its_base(self, domain: Domain) -> None:
        """x+y goes elsewhere, but x+y+z is the mail of x."""
        add_alias(domain, "x+y", [ELSEWHERE], by=TESTER)
        add_alias(domain, "y", ["x+y@example.org"], by=TESTER)
        with refusal("x@example.org → y@example.org → x@example.org", field="destinations"):
            add_alias(domain, "x", ["y@example.org"], by=TESTER)

    @pytest.fixture
    def awake(self, domain: Domain) -> Alias:
        """y → x+y, which goes elsewhere. If not, its base takes its mail: x+y → p+y → y."""
        awake = add_alias(domain, "x+y", [ELSEWHERE], by=TESTER)
        add_alias(domain, "y", ["x+y@example.org", ELSEWHERE], by=TESTER)
        add_alias(domain, "p*", ["y@example.org"], by=TESTER)
        add_alias(domain, "x", ["p@example.org"], by=TESTER)
        return awake

    def test_its_base_takes_its_mail_while_it_sleeps(self, awake: Alias) -> None:
        with refusal("y@example.org → x+y@example.org", field="destinations"):
            change_alias(awake, active=False, by=TESTER)
        with refusal("y@example.org → x+y@example.org", field="destinations"):
            change_alias(awake, ends_at=timezone.now() + timedelta(days=1), by=TESTER)

    def test_its_base_takes_its_mail_once_it_is_gone(self, domain: Domain) -> None:
        """s → q+y → x+y, which goes elsewhere. Without that its base takes it: x+y → p+y → s."""
        gone = add_alias(domain, "x+y", [ELSEWHERE], by=TESTER)
        x = add_alias(domain, "x", [ELSEWHERE], by=TESTER)
        add_alias(domain, "q", ["x@example.org"], by=TESTER)
        add_alias(domain, "s", ["q+y@example.org"], by=TESTER)
        add_alias(domain, "p*", ["s@example.org"], by=TESTER)
        change_alias(x, destinations=["p@example.org"], by=TESTER)
        added = ChangeSet.objects.filter(metadata__verb="add").order_by("pk")
        with refusal("loop", field="destinations"):
            delete_alias(gone, by=TESTER)
        with refusal("loop", field="destinations"):
            rename_address(gone.address, domain, "other", by=TESTER)
        with refusal("loop"):
            undo_change_set(added.get(metadata__label="x+y@example.org"), by=TESTER)


class TestLocal:
    """local(8) asks for names without a domain: they are the same in all local domains."""

    @pytest.fixture
    def here(self) -> Domain:
        add_domain("there.example", address_class=AddressClass.LOCAL, by=TESTER)
        return add_domain("here.example", address_class=AddressClass.LOCAL, by=TESTER)

    def test_it_works(self, here: Domain) -> None:
        with refusal("box@there.example → box@there.example", field="destinations"):
            add_alias(here, "box", ["box@there.example"], by=TESTER)

    def test_two_hops(self, here: Domain, domain: Domain) -> None:
        sales = add_alias(domain, "sales", [ELSEWHERE], by=TESTER)
        add_alias(here, "box", ["sales@example.org"], by=TESTER)
        with refusal("sales@example.org → box@there.example → sales@example.org", field="destinations"):
            change_alias(sales, destinations=["box@there.example"], by=TESTER)

    def test_an_extension_is_dropped(self, here: Domain, domain: Domain) -> None:
        sales = add_alias(domain, "sales", [ELSEWHERE], by=TESTER)
        add_alias(here, "box", ["sales@example.org"], by=TESTER)
        with refusal("sales@example.org → box+x@there.example → sales@example.org", field="destinations"):
            change_alias(sales, destinations=["box+x@there.example"], by=TESTER)

    def test_a_new_local_domain(self, here: Domain) -> None:
        add_alias(here, "box", ["box@later.example"], by=TESTER)
        with refusal("loop", field="target"):
            add_domain("later.example", address_class=AddressClass.LOCAL, by=TESTER)


def test_by_a_catch_all(domain: Domain, other: Domain) -> None:
    catch_all = add_alias(domain, "", [ELSEWHERE], by=TESTER)
    add_alias(other, "b", ["anybody@example.org"], by=TESTER)
    with refusal("loop", field="destinations"):
        change_alias(catch_all, destinations=["b@example.com"], by=TESTER)


def test_by_a_catch_all_and_the_other_half_last(domain: Domain, other: Domain) -> None:
    b = add_alias(other, "b", [ELSEWHERE], by=TESTER)
    add_alias(domain, "", ["b@example.com"], by=TESTER)
    with refusal("b@example.com → anybody@example.org → b@example.com", field="destinations"):
        change_alias(b, destinations=["anybody@example.org"], by=TESTER)


def test_by_two_catch_alls(domain: Domain, other: Domain) -> None:
    add_alias(domain, "", ["@example.com"], by=TESTER)
    with refusal("@example.com → @example.org → @example.com", field="destinations"):
        add_alias(other, "", ["@example.org"], by=TESTER)


def test_by_a_catch_all_that_keeps_the_local_part(domain: Domain, other: Domain) -> None:
    add_alias(domain, "", ["@example.com"], by=TESTER)
    with refusal("x@example.com → x@example.org → x@example.com", field="destinations"):
        add_alias(other, "x", ["x@example.org"], by=TESTER)


def test_by_a_catch_all_that_keeps_the_local_part_last(domain: Domain, other: Domain) -> None:
    catch_all = add_alias(domain, "", [ELSEWHERE], by=TESTER)
    add_alias(other, "x", ["x@example.org"], by=TESTER)
    with refusal("x@example.org → x@example.com → x@example.org", field="destinations"):
        change_alias(catch_all, destinations=["@example.com"], by=TESTER)


def test_by_catch_alls_in_a_row(domain: Domain, other: Domain) -> None:
    third = add_domain("example.net", by=TESTER)
    add_alias(domain, "", ["@example.com"], by=TESTER)
    second = add_alias(other, "", [ELSEWHERE], by=TESTER)
    add_alias(third, "x", ["x@example.org"], by=TESTER)
    with refusal("x@example.net", field="destinations"):
        change_alias(second, destinations=["@example.net"], by=TESTER)


def test_a_pattern_comes_before_the_catch_all(domain: Domain, other: Domain) -> None:
    """sales-us@example.org is the pattern's, so the catch-all's way back is never taken."""
    add_alias(domain, "sales-*", [ELSEWHERE], by=TESTER)
    add_alias(other, "b", ["sales-us@example.org"], by=TESTER)
    add_alias(domain, "", ["b@example.com"], by=TESTER)


def test_another_local_part_is_no_loop(domain: Domain, other: Domain) -> None:
    """x@example.com → y@example.org → y@example.com, a mailbox."""
    add_mailbox(other, "y", by=TESTER)
    add_alias(domain, "", ["@example.com"], by=TESTER)
    add_alias(other, "x", ["y@example.org"], by=TESTER)


def test_an_address_of_its_own_is_no_loop(domain: Domain, other: Domain, jean: Mailbox) -> None:
    """jean@example.com → jean@example.org is a mailbox; the catch-all never hears of it."""
    add_alias(domain, "", ["@example.com"], by=TESTER)
    add_alias(other, "jean", ["jean@example.org"], by=TESTER)


def test_through_an_alias_domain(domain: Domain) -> None:
    add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    a = add_alias(domain, "a", [ELSEWHERE], by=TESTER)
    add_alias(domain, "b", ["a@example.net"], by=TESTER)
    with refusal("a@example.org → b@example.org → a@example.org", field="destinations"):
        change_alias(a, destinations=["b@example.net"], by=TESTER)


def test_a_catch_all_to_its_own_alias_domain(domain: Domain) -> None:
    add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    for whole in ("@example.net", "@example.org"):
        with refusal("deliver to itself", field="destinations"):
            add_alias(domain, "", [whole], by=TESTER)


def test_through_an_alias_domain_of_another(domain: Domain, other: Domain) -> None:
    add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=other, by=TESTER)
    add_alias(domain, "", ["@example.net"], by=TESTER)
    with refusal("loop", field="destinations"):
        add_alias(other, "", ["@example.org"], by=TESTER)


def test_over_a_domain_that_was_elsewhere_when_it_was_typed(domain: Domain) -> None:
    add_alias(domain, "a", ["B@example.com"], by=TESTER)
    other = add_domain("example.com", by=TESTER)
    with refusal("b@example.com → a@example.org → b@example.com", field="destinations"):
        add_alias(other, "b", ["a@example.org"], by=TESTER)


def test_over_a_whole_domain_that_was_elsewhere(domain: Domain) -> None:
    add_alias(domain, "", ["@example.com"], by=TESTER)
    other = add_domain("example.com", by=TESTER)
    with refusal("loop", field="destinations"):
        add_alias(other, "x", ["x@example.org"], by=TESTER)


def test_a_catch_all_is_told_of_texts_that_were_elsewhere(domain: Domain) -> None:
    add_alias(domain, "x", ["x@example.com"], by=TESTER)
    other = add_domain("example.com", by=TESTER)
    third = add_domain("example.net", by=TESTER)
    add_alias(third, "", ["@example.org"], by=TESTER)
    with refusal("loop", field="destinations"):
        add_alias(other, "", ["@example.net"], by=TESTER)


def test_one_that_is_inactive_counts_too(domain: Domain) -> None:
    """Whoever activates it must not close a loop."""
    add_alias(domain, "a", [ELSEWHERE], by=TESTER)
    b = add_alias(domain, "b", ["a@example.org"], active=False, by=TESTER)
    with refusal("loop", field="destinations"):
        change_alias(b, destinations=["b@example.org"], by=TESTER)


def test_a_loop_can_be_opened_and_closed_elsewhere(domain: Domain) -> None:
    a = add_alias(domain, "a", [ELSEWHERE], by=TESTER)
    b = add_alias(domain, "b", ["a@example.org"], by=TESTER)
    change_alias(b, destinations=[ELSEWHERE], by=TESTER)
    change_alias(a, destinations=["b@example.org"], by=TESTER)


class TestCopies:
    """cleanup(8) does not expand an address again that expanded into itself: both get the mail, once."""

    @pytest.fixture
    def exchange(self, domain: Domain, jean: Mailbox, laure: Mailbox) -> None:
        add_alias(domain, "jean", ["laure@example.org"], by=TESTER)
        add_alias(domain, "laure", ["jean@example.org"], by=TESTER)

    def test_it_works(self, exchange: None) -> None:
        assert addresses() == {"jean@example.org", "laure@example.org"}

    def test_one_mailbox_is_enough(self, domain: Domain, exchange: None, laure: Mailbox) -> None:
        delete_mailbox(laure, by=TESTER)

    def test_the_last_one_stays(self, exchange: None, jean: Mailbox, laure: Mailbox) -> None:
        delete_mailbox(laure, by=TESTER)
        with refusal("jean@example.org → laure@example.org → jean@example.org", field="destinations"):
            delete_mailbox(jean, by=TESTER)

    def test_the_last_one_stays_active(self, exchange: None, jean: Mailbox, laure: Mailbox) -> None:
        change_mailbox(laure, active=False, by=TESTER)
        with refusal("loop", field="destinations"):
            change_mailbox(jean, active=False, by=TESTER)

    def test_both_go_together(self, exchange: None, jean: Mailbox, laure: Mailbox) -> None:
        with refusal("loop", field="destinations"):
            set_mailboxes_active([jean, laure], False, by=TESTER)
        with refusal("loop", field="destinations"):
            delete_mailboxes([jean, laure], by=TESTER)

    def test_an_inactive_mailbox_stops_nothing(self, domain: Domain, jean: Mailbox) -> None:
        change_mailbox(jean, active=False, by=TESTER)
        add_alias(domain, "jean", [ELSEWHERE], by=TESTER)
        with refusal("loop", field="destinations"):
            add_alias(domain, "info", ["jean@example.org", "info@example.org"], by=TESTER)

    def test_through_an_alias_domain_nothing_expands_into_itself(self, domain: Domain, other: Domain) -> None:
        """jean@example.net becomes x@example.com and jean@example.org, which is another name."""
        add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
        add_mailbox(domain, "jean", by=TESTER)
        add_alias(other, "", ["@example.net"], by=TESTER)
        with refusal("jean@example.com → jean@example.net → jean@example.com", field="destinations"):
            add_alias(domain, "jean", ["jean@example.com"], by=TESTER)


def test_a_long_chain_is_refused(domain: Domain) -> None:
    steps = [[f"a{number}"] for number in range(101)]
    lay(domain, steps)
    with refusal("more than 100 other aliases", field="destinations"):
        add_alias(domain, "b", ["a100@example.org"], by=TESTER)
    add_alias(domain, "b", ["a99@example.org"], by=TESTER)


def test_many_ways_to_one_place_are_searched_once(domain: Domain) -> None:
    """Two destinations on each of thirty steps are a thousand million ways."""
    lay(domain, [[f"a{number}", f"b{number}"] for number in range(30)])
    with refusal("c@example.org would become mail to more than 1000 addresses", field="destinations"):
        add_alias(domain, "c", ["a29@example.org"], by=TESTER)


def lay(domain: Domain, steps: list[list[str]]) -> None:
    """Many aliases at once: each of a step delivers to all of the step before."""
    names = [name for step in steps for name in step]
    addresses = Address.objects.bulk_create(Address(domain=domain, local_part=name) for name in names)
    aliases = Alias.objects.bulk_create(Alias(address=address) for address in addresses)
    by_name = {alias.address.local_part: alias for alias in aliases}
    AliasDestination.objects.bulk_create(
        AliasDestination(alias=by_name[name], position=position, address=by_name[there].address)
        for before, step in itertools.pairwise(steps)
        for name in step
        for position, there in enumerate(before)
    )


class TestByADomain:
    """A domain that begins to answer for another one closes what ended at it before."""

    def test_an_alias_domain_is_added(self, domain: Domain) -> None:
        add_alias(domain, "info", ["info@shop.example"], by=TESTER)
        with refusal("info@shop.example → info@shop.example", field="target"):
            add_domain("shop.example", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
        assert not Domain.objects.filter(name="shop.example").exists()

    def test_an_alias_domain_gets_another_target(self, domain: Domain) -> None:
        brand = add_domain("brand.example", by=TESTER)
        other = add_domain("shop.example", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
        add_alias(brand, "", ["@shop.example"], by=TESTER)
        with refusal("This would be a loop", field="target"):
            change_domain(other, target=brand, by=TESTER)

    def test_it_passes_a_catch_all_that_keeps_the_local_part(self, domain: Domain) -> None:
        brand = add_domain("brand.example", by=TESTER)
        add_alias(domain, "", ["@shop.example"], by=TESTER)
        add_alias(brand, "info", ["info@example.org"], by=TESTER)
        with refusal("This would be a loop", field="target"):
            add_domain("shop.example", address_class=AddressClass.ALIAS_DOMAIN, target=brand, by=TESTER)

    def test_what_is_no_loop_is_taken(self, domain: Domain) -> None:
        add_mailbox(domain, "jean", by=TESTER)
        add_alias(domain, "info", ["jean@shop.example"], by=TESTER)
        add_alias(domain, "", ["jean@shop.example"], by=TESTER)
        assert add_domain("shop.example", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)


class TestWhatFallsBack:
    """An address that goes leaves its mail to a pattern or to the catch-all."""

    @pytest.fixture(params=["", "sal*"])
    def taker(self, request: pytest.FixtureRequest, domain: Domain) -> Alias:
        """Takes `sales`, to which an alias of another domain delivers while no address has that name."""
        taker = add_alias(domain, request.param, [ELSEWHERE], by=TESTER)
        add_alias(add_domain("b.example", by=TESTER), "y", ["sales@example.org"], by=TESTER)
        return taker

    def test_a_mailbox_stays(self, taker: Alias, domain: Domain) -> None:
        mailbox = add_mailbox(domain, "sales", by=TESTER)
        change_alias(taker, destinations=["y@b.example"], by=TESTER)
        with refusal("This would be a loop", field="destinations"):
            delete_mailbox(mailbox, by=TESTER)
        assert Mailbox.objects.filter(pk=mailbox.pk).exists()

    def test_so_it_does_among_many(self, taker: Alias, domain: Domain) -> None:
        mailboxes = [add_mailbox(domain, name, by=TESTER) for name in ("sales", "jean")]
        change_alias(taker, destinations=["y@b.example"], by=TESTER)
        with refusal("This would be a loop", field="destinations"):
            delete_mailboxes(mailboxes, by=TESTER)
        assert Mailbox.objects.count() == 2

    def test_an_alias_stays(self, taker: Alias, domain: Domain) -> None:
        alias = add_alias(domain, "sales", [ELSEWHERE], by=TESTER)
        change_alias(taker, destinations=["y@b.example"], by=TESTER)
        with refusal("This would be a loop", field="destinations"):
            delete_alias(alias, by=TESTER)
        assert Alias.objects.filter(pk=alias.pk).exists()

    def test_an_address_keeps_its_name(self, taker: Alias, domain: Domain) -> None:
        mailbox = add_mailbox(domain, "sales", by=TESTER)
        change_alias(taker, destinations=["y@b.example"], by=TESTER)
        with refusal("This would be a loop"):
            rename_address(mailbox.address, domain, "jean", by=TESTER)
        assert Mailbox.objects.with_address().get(pk=mailbox.pk).address.local_part == "sales"

    def test_an_addition_is_not_undone(self, taker: Alias, domain: Domain) -> None:
        add_mailbox(domain, "sales", by=TESTER)
        added = ChangeSet.objects.get(metadata__noun="mailbox")
        change_alias(taker, destinations=["y@b.example"], by=TESTER)
        with refusal("This would be a loop"):
            undo_change_set(added, by=TESTER)
        assert Mailbox.objects.exists()

    def test_what_is_no_loop_goes(self, taker: Alias, domain: Domain) -> None:
        delete_mailbox(add_mailbox(domain, "sales", by=TESTER), by=TESTER)
        assert not Mailbox.objects.exists()
