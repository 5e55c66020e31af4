"""Two people save at the same time: both read what became of it, and no rule is broken between them."""

import threading
import time
from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from accounts.services import add_user, change_user, delete_user
from domains.dkim_keys import generate
from domains.dkim_models import DkimKey
from domains.dkim_services import add_dkim_key
from domains.models import AddressClass, Domain
from domains.services import add_domain, add_domain_admin, change_domain, change_mail_settings
from mailboxes.imports import faults_of, stage_import, write_import
from mailboxes.models import Address, Alias, AliasDestination, Import, Mailbox
from mailboxes.removal import delete_domain
from mailboxes.renaming import rename_address
from mailboxes.services import (
    add_alias,
    add_mailbox,
    change_alias,
    change_mailbox,
    delete_alias,
    delete_mailbox,
    set_mailboxes_active,
)
from restrictions.access_models import AccessRule, AccessTable, RecipientClass
from restrictions.access_services import add_rule, add_table, choose_class, delete_table
from restrictions.models import Restriction, RestrictionClass
from restrictions.services import add_class, add_restriction, delete_class, set_lists
from tests.services.checks import TESTER, addresses, answer_of, destinations_of, stale_answers

pytestmark = pytest.mark.django_db(transaction=True)
ELSEWHERE = "someone@elsewhere.example"
NEW_ALIAS = (
    "(address_id, comment, active, version, created_at, changed_at) VALUES (%(address)s, '', true, 1, now(), now())"
)
Act = Callable[[], Any]


class Person(threading.Thread):
    """Does one thing on a connection of their own; `refused` holds the sentences they read."""

    def __init__(self, act: Act) -> None:
        super().__init__(daemon=True)
        self.act = act
        self.refused: list[str] = []
        self.crash: Exception | None = None

    def run(self) -> None:
        try:
            self.act()
        except ValidationError as error:
            self.refused = error.messages
        except Exception as error:  # a crash is what these tests look for
            self.crash = error
        finally:
            connection.close()


def while_the_first_is_not_done(first: Act, second: Act) -> str:
    """The second begins when the first has written but not committed. What the second reads, empty if it went well."""
    with transaction.atomic():
        first()
        person = Person(second)
        person.start()
        deadline = time.monotonic() + 10
        while person.is_alive() and not somebody_waits() and time.monotonic() < deadline:
            time.sleep(0.01)
    person.join(20)
    assert not person.is_alive(), "The second waits for ever."
    if person.crash:
        raise person.crash
    return " ".join(person.refused)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def test_two_add_the_same_mailbox(domain: Domain) -> None:
    read = while_the_first_is_not_done(
        lambda: add_mailbox(domain, "jean", by=TESTER), lambda: add_mailbox(domain, "Jean", by=TESTER)
    )
    assert "jean@example.org is a mailbox already" in read
    assert Mailbox.objects.count() == 1


def test_eight_add_the_same_mailbox(domain: Domain) -> None:
    gate = threading.Barrier(8)

    def add() -> None:
        gate.wait(10)
        add_mailbox(domain, "jean", by=TESTER)

    people = [Person(add) for _number in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join(30)
    assert [person.crash for person in people if person.crash] == []
    assert len([person for person in people if person.refused]) == 7
    assert Mailbox.objects.count() == Address.objects.count() == 1


def test_a_mailbox_and_an_alias_of_the_same_address(domain: Domain) -> None:
    read = while_the_first_is_not_done(
        lambda: add_alias(domain, "info", [ELSEWHERE], by=TESTER), lambda: add_mailbox(domain, "info", by=TESTER)
    )
    assert "info@example.org is an alias already" in read


def test_two_add_the_same_alias(domain: Domain) -> None:
    read = while_the_first_is_not_done(
        lambda: add_alias(domain, "info", [ELSEWHERE], by=TESTER),
        lambda: add_alias(domain, "info", ["b@elsewhere.example"], by=TESTER),
    )
    assert "info@example.org is an alias already" in read
    assert destinations_of(Alias.objects.get()) == [ELSEWHERE]


def test_two_add_the_same_domain() -> None:
    read = while_the_first_is_not_done(
        lambda: add_domain("example.org", by=TESTER), lambda: add_domain("Example.org", by=TESTER)
    )
    assert "A name is served once" in read


def test_two_add_names_that_postfix_takes_for_one() -> None:
    read = while_the_first_is_not_done(
        lambda: add_domain("straße.example", by=TESTER), lambda: add_domain("strasse.example", by=TESTER)
    )
    assert "Postfix does not tell strasse.example from straße.example" in read


@pytest.mark.parametrize("turned", [False, True])
def test_two_keys_for_one_name(domain: Domain, turned: bool) -> None:
    """Of an alias domain, and of its target for alias domains: each service locks a domain of its own."""
    brand = add_domain("brand.example", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    acts = [
        lambda: add_dkim_key(brand, "s1", generate("ed25519"), by=TESTER),
        lambda: add_dkim_key(domain, "s1", generate("ed25519"), for_alias_domains=True, by=TESTER),
    ]
    read = while_the_first_is_not_done(*(reversed(acts) if turned else acts))
    assert "s1._domainkey.brand.example holds a key of" in read
    assert DkimKey.objects.count() == 1


def test_two_add_the_same_person() -> None:
    read = while_the_first_is_not_done(lambda: add_user("chef", by=TESTER), lambda: add_user("Chef", by=TESTER))
    assert "is taken" in read


def test_two_take_the_same_name() -> None:
    first, second = add_user("a", by=TESTER), add_user("b", by=TESTER)
    read = while_the_first_is_not_done(
        lambda: change_user(first, username="chef", by=TESTER), lambda: change_user(second, username="chef", by=TESTER)
    )
    assert "is taken" in read


def test_two_choose_the_same_mail_path(domain: Domain, other: Domain) -> None:
    read = while_the_first_is_not_done(
        lambda: add_mailbox(domain, "jean", mail_path="shared/", by=TESTER),
        lambda: add_mailbox(other, "jean", mail_path="shared/", by=TESTER),
    )
    assert "Another mailbox is stored there already" in read
    assert addresses() == {"jean@example.org"}


def test_two_halves_of_a_loop(domain: Domain) -> None:
    a = add_alias(domain, "a", [ELSEWHERE], by=TESTER)
    b = add_alias(domain, "b", [ELSEWHERE], by=TESTER)
    read = while_the_first_is_not_done(
        lambda: change_alias(a, destinations=["b@example.org"], by=TESTER),
        lambda: change_alias(b, destinations=["a@example.org"], by=TESTER),
    )
    assert "This would be a loop" in read
    assert destinations_of(b) == [ELSEWHERE]


def test_two_halves_of_a_loop_over_two_domains(domain: Domain, other: Domain) -> None:
    read = while_the_first_is_not_done(
        lambda: add_alias(domain, "", ["@example.com"], by=TESTER),
        lambda: add_alias(other, "", ["@example.org"], by=TESTER),
    )
    assert "This would be a loop" in read


def test_an_address_gets_another_name_while_it_is_chosen(domain: Domain, other: Domain) -> None:
    """By SQL, past the lock of the services: the trigger of the destination waits for the name."""
    address = add_mailbox(domain, "jean", by=TESTER).address
    alias = add_alias(other, "info", [ELSEWHERE], by=TESTER)
    while_the_first_is_not_done(
        lambda: Address.objects.filter(pk=address.pk).update(local_part="john"),
        lambda: AliasDestination.objects.create(alias=alias, position=1, address=address),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT written FROM mailboxes_aliasdestination WHERE address_id = %s", [address.pk])
        assert cursor.fetchall() == [("john@example.org",)]


def test_two_halves_of_too_many_destinations(domain: Domain) -> None:
    """Each of the two alone leads to less than a thousand addresses."""
    a = add_alias(domain, "a", [ELSEWHERE], by=TESTER)
    all_of_them = add_alias(domain, "all", [ELSEWHERE], by=TESTER)
    read = while_the_first_is_not_done(
        lambda: change_alias(a, destinations=[f"a{n}@elsewhere.example" for n in range(600)], by=TESTER),
        lambda: change_alias(
            all_of_them, destinations=["a@example.org", *(f"b{n}@elsewhere.example" for n in range(600))], by=TESTER
        ),
    )
    assert "Mail to all@example.org would become mail to more than 1000 addresses" in read
    assert destinations_of(all_of_them) == [ELSEWHERE]


def test_two_edit_the_same_mailbox(domain: Domain) -> None:
    mailbox = add_mailbox(domain, "jean", by=TESTER)
    read = while_the_first_is_not_done(
        lambda: change_mailbox(mailbox, name="First", version=1, by=TESTER),
        lambda: change_mailbox(mailbox, name="Second", version=1, by=TESTER),
    )
    assert "Somebody else changed this" in read
    assert Mailbox.objects.get().name == "First"


def test_two_edit_the_same_alias(domain: Domain) -> None:
    alias = add_alias(domain, "info", [ELSEWHERE], by=TESTER)
    read = while_the_first_is_not_done(
        lambda: change_alias(alias, destinations=["first@elsewhere.example"], version=1, by=TESTER),
        lambda: change_alias(alias, destinations=["second@elsewhere.example"], version=1, by=TESTER),
    )
    assert "Somebody else changed this" in read
    assert destinations_of(alias) == ["first@elsewhere.example"]


def test_two_edit_the_same_domain(domain: Domain) -> None:
    read = while_the_first_is_not_done(
        lambda: change_domain(domain, description="First", version=1, by=TESTER),
        lambda: change_domain(domain, description="Second", version=1, by=TESTER),
    )
    assert "Somebody else changed this" in read


def test_two_edit_the_mail_settings() -> None:
    read = while_the_first_is_not_done(
        lambda: change_mail_settings(recipient_delimiter="-", version=1, by=TESTER),
        lambda: change_mail_settings(recipient_delimiter="", version=1, by=TESTER),
    )
    assert "Somebody else changed this" in read


def test_a_destination_goes_while_it_is_chosen(domain: Domain) -> None:
    mailbox = add_mailbox(domain, "jean", by=TESTER)
    read = while_the_first_is_not_done(
        lambda: delete_mailbox(mailbox, by=TESTER),
        lambda: add_alias(domain, "info", ["jean@example.org"], by=TESTER),
    )
    assert "has no address jean@example.org" in read


def test_a_domain_goes_while_it_gets_a_mailbox(domain: Domain) -> None:
    read = while_the_first_is_not_done(
        lambda: delete_domain(domain, by=TESTER), lambda: add_mailbox(domain, "jean", by=TESTER)
    )
    assert "deleted meanwhile" in read


def test_a_domain_goes_with_the_mailbox_that_it_just_got(domain: Domain) -> None:
    read = while_the_first_is_not_done(
        lambda: add_mailbox(domain, "jean", by=TESTER), lambda: delete_domain(domain, by=TESTER)
    )
    assert read == ""
    assert addresses() == set()


def test_a_domain_goes_while_it_becomes_a_target(domain: Domain) -> None:
    values: dict[str, Any] = {"address_class": AddressClass.ALIAS_DOMAIN, "target": domain}
    read = while_the_first_is_not_done(
        lambda: delete_domain(domain, by=TESTER), lambda: add_domain("example.net", **values, by=TESTER)
    )
    assert "deleted meanwhile" in read


def test_a_domain_becomes_a_target_while_it_goes(domain: Domain) -> None:
    values: dict[str, Any] = {"address_class": AddressClass.ALIAS_DOMAIN, "target": domain}
    read = while_the_first_is_not_done(
        lambda: add_domain("example.net", **values, by=TESTER), lambda: delete_domain(domain, by=TESTER)
    )
    assert "example.net is an alias domain of example.org" in read


def test_a_target_changes_its_class_while_it_becomes_one(domain: Domain) -> None:
    values: dict[str, Any] = {"address_class": AddressClass.ALIAS_DOMAIN, "target": domain}
    read = while_the_first_is_not_done(
        lambda: change_domain(domain, address_class=AddressClass.LOCAL, by=TESTER),
        lambda: add_domain("example.net", **values, by=TESTER),
    )
    assert "Choose a virtual mailbox or virtual alias domain" in read


def test_two_halves_of_a_loop_one_of_them_a_domain(domain: Domain) -> None:
    values: dict[str, Any] = {"address_class": AddressClass.ALIAS_DOMAIN, "target": domain}
    read = while_the_first_is_not_done(
        lambda: add_alias(domain, "info", ["info@shop.example"], by=TESTER),
        lambda: add_domain("shop.example", **values, by=TESTER),
    )
    assert "This would be a loop" in read
    assert not Domain.objects.filter(name="shop.example").exists()


def test_two_delete_the_same_alias(domain: Domain) -> None:
    alias = add_alias(domain, "info", [ELSEWHERE], by=TESTER)
    again = Alias.objects.select_related("address__domain").get()
    read = while_the_first_is_not_done(lambda: delete_alias(alias, by=TESTER), lambda: delete_alias(again, by=TESTER))
    assert "deleted meanwhile" in read


def test_two_superusers_delete_each_other() -> None:
    first, second = (add_user(name, is_superuser=True, by=TESTER) for name in ("first", "second"))
    read = while_the_first_is_not_done(lambda: delete_user(first, by=TESTER), lambda: delete_user(second, by=TESTER))
    assert "last active superuser" in read
    assert User.objects.get().username == "second"


def test_two_superusers_step_down() -> None:
    first, second = (add_user(name, is_superuser=True, by=TESTER) for name in ("first", "second"))
    read = while_the_first_is_not_done(
        lambda: change_user(second, is_superuser=False, by=TESTER),
        lambda: change_user(first, is_active=False, by=TESTER),
    )
    assert "last active superuser" in read
    assert User.objects.filter(is_superuser=True, is_active=True).get() == first


def test_two_make_the_same_person_domain_admin(domain: Domain) -> None:
    person = add_user("helper", by=TESTER)
    read = while_the_first_is_not_done(
        lambda: add_domain_admin(domain, person, by=TESTER), lambda: add_domain_admin(domain, person, by=TESTER)
    )
    assert "already" in read


def test_a_person_goes_while_they_become_domain_admin(domain: Domain) -> None:
    person = add_user("helper", by=TESTER)
    again = User.objects.get(pk=person.pk)
    read = while_the_first_is_not_done(
        lambda: delete_user(person, by=TESTER), lambda: add_domain_admin(domain, again, by=TESTER)
    )
    assert "deleted meanwhile" in read


def test_two_switch_the_same_mailboxes(domain: Domain) -> None:
    mailboxes = [add_mailbox(domain, name, by=TESTER) for name in ("jean", "laure")]
    read = while_the_first_is_not_done(
        lambda: set_mailboxes_active(mailboxes, False, by=TESTER),
        lambda: set_mailboxes_active(mailboxes[::-1], True, by=TESTER),
    )
    assert read == ""
    assert Mailbox.objects.filter(active=True).count() == 2


class TestImport:
    """What appears between the look at an import and its writing."""

    def staged(self, kind: str, text: str) -> Import:
        return stage_import(kind, BytesIO(text.encode()), label="people.csv", key=b"", by=TESTER)

    def test_the_same_mailbox(self, domain: Domain) -> None:
        one = self.staged("mailboxes", "address\nann@example.org\nbob@example.org\n")
        read = while_the_first_is_not_done(
            lambda: add_mailbox(domain, "ann", by=TESTER), lambda: write_import(one, by=TESTER)
        )
        assert read == "Refused lines: 1 of 2. Nothing was added."
        assert [fault["line"] for fault in faults_of(one)] == [2]
        assert addresses() == {"ann@example.org"}

    def test_the_same_mail_path(self, domain: Domain, other: Domain) -> None:
        one = self.staged("mailboxes", "address\nann@example.org\n")
        read = while_the_first_is_not_done(
            lambda: add_mailbox(other, "bob", mail_path="example.org/ann/", by=TESTER),
            lambda: write_import(one, by=TESTER),
        )
        assert read == ""
        assert set(Mailbox.objects.values_list("address__local_part", "mail_path")) == {
            ("bob", "example.org/ann/"),
            ("ann", "example.org/ann-2/"),
        }

    def test_the_same_mail_path_by_a_line_that_names_it(self, domain: Domain, other: Domain) -> None:
        one = self.staged("mailboxes", "address,mail_path\nann@example.org,mail/ann/\n")
        read = while_the_first_is_not_done(
            lambda: add_mailbox(other, "bob", mail_path="mail/ann/", by=TESTER), lambda: write_import(one, by=TESTER)
        )
        assert read == "Refused lines: 1 of 1. Nothing was added."
        assert addresses() == {"bob@example.com"}

    def test_the_other_half_of_a_loop(self, domain: Domain) -> None:
        add_alias(domain, "", [ELSEWHERE], by=TESTER)
        add_alias(domain, "b", [ELSEWHERE], by=TESTER)
        one = self.staged("aliases", "address,destinations\na@example.org,b@example.org\n")
        read = while_the_first_is_not_done(
            # by the catch-all, as a@ is not there yet
            lambda: change_alias(Alias.objects.get(address__local_part="b"), destinations=["a@example.org"], by=TESTER),
            lambda: write_import(one, by=TESTER),
        )
        assert read == "Refused lines: 1 of 1. Nothing was added."
        assert "a@example.org → b@example.org → a@example.org" in next(faults_of(one))["sentence"]

    def test_two_write_the_same(self, domain: Domain) -> None:
        first, second = (self.staged("mailboxes", "address\nann@example.org\n") for _twice in range(2))
        read = while_the_first_is_not_done(
            lambda: write_import(first, by=TESTER), lambda: write_import(second, by=TESTER)
        )
        assert read == "Refused lines: 1 of 1. Nothing was added."
        assert Mailbox.objects.count() == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("UPDATE mailboxes_mailbox SET active = false", f"INSERT INTO mailboxes_alias {NEW_ALIAS}"),
        (f"INSERT INTO mailboxes_alias {NEW_ALIAS}", "UPDATE mailboxes_mailbox SET active = false"),
        ("DELETE FROM mailboxes_mailbox", f"INSERT INTO mailboxes_alias {NEW_ALIAS}"),
    ],
)
def test_an_alias_comes_while_its_mailbox_changes(domain: Domain, first: str, second: str) -> None:
    """By SQL, past the locks of the services: what Postfix is told of the address knows both."""
    address = add_mailbox(domain, "jean", by=TESTER).address

    def act(text: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(text, {"address": address.pk})

    while_the_first_is_not_done(lambda: act(first), lambda: act(second))
    assert stale_answers() == []


def test_two_change_what_hangs_on_an_address(domain: Domain) -> None:
    mailbox = add_mailbox(domain, "jean", also_deliver_to=[ELSEWHERE], by=TESTER)
    while_the_first_is_not_done(
        lambda: Mailbox.objects.filter(pk=mailbox.pk).update(receives=False),
        lambda: AliasDestination.objects.update(text="other@elsewhere.example"),
    )
    assert answer_of("jean@example.org") == "other@elsewhere.example"
    assert stale_answers() == []


def test_a_mailbox_is_changed_while_its_address_gets_another_name(domain: Domain, other: Domain) -> None:
    """The same order of locks in both: neither waits for ever."""
    mailbox = add_mailbox(domain, "jean", also_deliver_to=[ELSEWHERE], by=TESTER)
    while_the_first_is_not_done(
        lambda: change_mailbox(mailbox, receives=False, by=TESTER),
        lambda: rename_address(mailbox.address, other, "john", by=TESTER),
    )
    assert stale_answers() == []


def test_two_lists_that_refuse_relaying_go_at_the_same_time() -> None:
    """By SQL, past the lock of the services: each would find the other list still there."""
    guards = [{"name": "reject_unauth_destination"}]
    permits = [{"name": "permit"}]
    set_lists({"relay": [*guards, *permits], "recipient": [*guards, *permits]}, by=TESTER)
    refused: list[str | None] = []

    def without_guard(stage: str) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            Restriction.objects.filter(stage=stage, name="reject_unauth_destination").delete()
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def is_refused() -> None:
        try:
            without_guard("recipient")
        except IntegrityError as error:
            refused.append(error.__cause__.diag.constraint_name)  # type: ignore[union-attr]

    while_the_first_is_not_done(lambda: without_guard("relay"), is_refused)
    assert refused == ["lists_are_no_open_relay"]
    assert Restriction.objects.filter(name="reject_unauth_destination").get().stage == "recipient"


class TestClassesAndTables:
    """A class or a table goes while somebody names it; two halves of a circle; two who choose the same."""

    def test_a_rule_names_a_class_that_goes(self) -> None:
        strict = add_class("strict", by=TESTER)

        def name() -> None:
            add_rule("sender", "spam.example", "CLASS", of_class=strict, by=TESTER)

        assert "strict is named in spam.example" in while_the_first_is_not_done(
            name, partial(delete_class, strict, by=TESTER)
        )
        AccessRule.objects.all().delete()
        read = while_the_first_is_not_done(partial(delete_class, strict, by=TESTER), name)
        assert read == "There is no restriction class strict."

    def test_a_recipient_meets_a_class_that_goes(self) -> None:
        strict = add_class("strict", by=TESTER)
        read = while_the_first_is_not_done(
            partial(delete_class, strict, by=TESTER), partial(choose_class, None, "strict", by=TESTER)
        )
        assert read == "There is no restriction class strict."

    def test_a_restriction_asks_a_table_that_goes(self) -> None:
        table = add_table("partners", "client", by=TESTER)
        ask = partial(add_restriction, "client", "check_client_access", argument="partners", by=TESTER)
        read = while_the_first_is_not_done(ask, partial(delete_table, table, by=TESTER))
        assert "asks partners: smtpd_client_restrictions" in read
        Restriction.objects.all().delete()
        assert while_the_first_is_not_done(partial(delete_table, table, by=TESTER), ask) == (
            "There is no access table partners."
        )

    def test_a_rule_stands_in_a_table_that_goes(self) -> None:
        table = add_table("partners", "client", by=TESTER)
        add = partial(add_rule, "client", "192.0.2.7", "REJECT", table=table, by=TESTER)
        assert while_the_first_is_not_done(add, partial(delete_table, table, by=TESTER)) == ""
        assert not AccessTable.objects.exists()
        table = add_table("partners", "client", by=TESTER)
        add = partial(add_rule, "client", "192.0.2.7", "REJECT", table=table, by=TESTER)
        assert while_the_first_is_not_done(partial(delete_table, table, by=TESTER), add) == (
            "There is no access table partners."
        )

    def test_two_choose_the_default_class(self) -> None:
        for name in ("one", "two"):
            add_class(name, by=TESTER)
        choose = partial(choose_class, None, by=TESTER)
        assert while_the_first_is_not_done(partial(choose, "one"), partial(choose, "two")) == ""
        assert RecipientClass.objects.get().of_class.name == "two"
        RecipientClass.objects.all().delete()
        read = while_the_first_is_not_done(partial(choose, "one"), partial(choose, "two", version=""))
        assert "Somebody else changed this" in read

    @pytest.mark.parametrize("past_the_services", [False, True])
    def test_two_halves_of_a_circle(self, past_the_services: bool) -> None:
        one = RestrictionClass.objects.create(name="one")

        def entry() -> None:
            if past_the_services:
                self.at_once(lambda: Restriction.objects.create(in_class=one, position=1, name="check_client_access"))
            else:
                add_restriction(one, "check_client_access", by=TESTER)

        def rule() -> None:
            values: dict[str, Any] = {"applies_to": "client", "key": "192.0.2.7", "action": "CLASS", "of_class": one}
            if past_the_services:
                self.at_once(lambda: AccessRule.objects.create(**values))
            else:
                add_rule(**values, by=TESTER)

        read = while_the_first_is_not_done(entry, rule)
        assert "a_class_leads_not_back_to_itself" in read or "one leads back to itself through client" in read
        assert not AccessRule.objects.exists()

    @pytest.mark.parametrize("past_the_services", [False, True])
    def test_a_permission_and_what_may_not_permit(self, past_the_services: bool) -> None:
        table = AccessTable.objects.create(name="hosts", applies_to="client")

        def entry() -> None:
            if past_the_services:
                values = {"stage": "client", "position": 1, "name": "check_client_mx_access", "access_table": table}
                self.at_once(lambda: Restriction.objects.create(**values))
            else:
                add_restriction("client", "check_client_mx_access", argument="hosts", by=TESTER)

        def rule() -> None:
            values: dict[str, Any] = {"applies_to": "client", "key": "192.0.2.7", "action": "OK", "table": table}
            if past_the_services:
                self.at_once(lambda: AccessRule.objects.create(**values))
            else:
                add_rule(**values, by=TESTER)

        read = while_the_first_is_not_done(rule, entry)
        assert "smtpd_permits_only_where_it_may" in read or "check_client_mx_access hosts must not permit" in read
        assert not Restriction.objects.exists()

    def at_once(self, act: Act) -> None:
        """As somebody with SQL: no lock of a service. What the database says is a sentence here."""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                act()
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except IntegrityError as error:
            raise ValidationError(str(error.__cause__.diag.constraint_name)) from error  # type: ignore[union-attr]
