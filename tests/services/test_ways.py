"""Nothing is saved that smtpd would answer with 451 4.3.5: a class that leads back to itself, also through an access
table, or a permission by what looks at names that a client chooses."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import ChangeSet
from domains.models import Domain
from mailboxes.models import Address
from mailboxes.undo import undo_change_set
from restrictions import services
from restrictions.access_models import AccessRule, AccessTable
from restrictions.access_services import add_rule, add_rules, add_table, change_rule, choose_class, delete_rule
from restrictions.catalogue import WITHOUT_PERMISSION
from restrictions.models import Restriction, RestrictionClass
from tests.services.checks import TESTER, refusal

ASKED = ("client", "reverse_client_hostname", "helo", "sender", "recipient")
pytestmark = pytest.mark.django_db


def add(place: Any, name: str, argument: str = "") -> Restriction:
    return services.add_restriction(place, name, argument=argument, by=TESTER)


def add_class(name: str, *entries: str) -> RestrictionClass:
    return services.add_class(name, [{"name": entry} for entry in entries], by=TESTER)


def rule(applies_to: str, key: str, action: str | RestrictionClass = "OK", **values: Any) -> AccessRule:
    if isinstance(action, RestrictionClass):
        return add_rule(applies_to, key, "CLASS", of_class=action, **values, by=TESTER)
    return add_rule(applies_to, key, action, **values, by=TESTER)


def done(act: Callable[[], Any]) -> ChangeSet:
    """The change set of what is done."""
    before = list(ChangeSet.objects.values_list("pk", flat=True))
    act()
    return ChangeSet.objects.exclude(pk__in=before).get()


class TestCircle:
    """Whichever piece comes last is refused."""

    def test_a_rule(self) -> None:
        careful = add_class("careful", "check_recipient_access")
        with refusal("careful leads back to itself through recipient"):
            rule("recipient", "joe@one.example", careful)

    def test_a_rule_among_many(self) -> None:
        careful = add_class("careful", "check_recipient_access")
        rows: list[dict[str, Any]] = [{"key": "a.example", "action": "OK"}]
        rows += [{"key": "b.example", "action": "CLASS", "of_class": careful}]
        with refusal("careful leads back to itself"):
            add_rules("recipient", rows, by=TESTER)

    def test_a_changed_rule(self) -> None:
        careful = add_class("careful", "check_recipient_access")
        one = rule("recipient", "joe@one.example", "REJECT")
        with refusal("careful leads back to itself"):
            change_rule(one, action="CLASS", of_class=careful, by=TESTER)

    def test_an_entry(self) -> None:
        careful = add_class("careful", "reject_non_fqdn_sender")
        rule("client", "192.0.2.7", careful)
        with refusal("careful leads back to itself through client"):
            add(careful, "check_client_access")
        with refusal("careful leads back to itself"):
            services.change_class(careful, entries=[{"name": "check_client_access", "active": False}], by=TESTER)

    def test_a_table_with_a_name_over_another_class(self) -> None:
        table = add_table("partners", "sender", by=TESTER)
        inner, outer = add_class("inner"), add_class("outer", "inner")
        add(inner, "check_sender_access", "partners")
        with refusal("back to itself through"):
            rule("sender", "spam.example", outer, table=table)
        rule("sender", "spam.example", outer)  # of another table

    def test_a_class_of_recipients(self, falcot: Domain) -> None:
        add_class("careful", "check_recipient_access")
        jean = Address.objects.get(local_part="jean", domain=falcot)
        for place in (None, falcot, jean):
            with refusal("careful leads back to itself through recipient"):
                choose_class(place, "careful", by=TESTER)

    def test_a_rule_of_a_domain(self, falcot: Domain) -> None:
        careful = add_class("careful", "check_recipient_access", "check_sender_access")
        with refusal("careful leads back to itself through recipient"):
            rule("recipient", "jean@falcot.org", careful, domain=falcot)
        rule("sender", "spam.example", careful, domain=falcot)  # asked before all lists, and by no class

    def test_an_undo(self) -> None:
        careful = add_class("careful")
        one = rule("recipient", "joe@one.example", careful)
        deletion = done(lambda: delete_rule(one, by=TESTER))
        add(careful, "check_recipient_access")
        with refusal("careful leads back to itself through recipient"):
            undo_change_set(deletion, by=TESTER)

    def test_an_undo_of_the_choice(self) -> None:
        careful = add_class("careful")
        choose_class(None, "careful", by=TESTER)
        choice = done(lambda: choose_class(None, "", by=TESTER))
        add(careful, "check_recipient_access")
        with refusal("careful leads back to itself through recipient"):
            undo_change_set(choice, by=TESTER)

    def test_two_ways_to_one_class_are_none(self) -> None:
        soft = add_class("soft", "reject_non_fqdn_sender")
        strict = add_class("strict", "check_client_access", "soft")
        for key in ("192.0.2.7", "192.0.2.8"):
            rule("client", key, soft)
        rule("sender", "spam.example", strict)
        add("sender", "check_sender_access")
        add("sender", "strict")


class TestPermission:
    def test_which_may_not_permit(self) -> None:
        asking = {f"check_{who}_{what}_access" for who in ASKED for what in ("a", "mx", "ns")}
        assert {*WITHOUT_PERMISSION} == {*asking, "check_reverse_client_hostname_access"}

    @pytest.mark.parametrize("name", ["check_reverse_client_hostname_access", "check_recipient_mx_access"])
    def test_a_rule_and_an_entry(self, name: str) -> None:
        table = add_table("partners", "client", by=TESTER)
        one = rule("client", "192.0.2.7", table=table)
        with refusal(f"{name} partners must not permit", "OK (partners 192.0.2.7)"):
            add("recipient" if "recipient" in name else "data", name, "partners")
        add("client", "check_client_access", "partners")
        delete_rule(one, by=TESTER)
        services.set_list("client", [], by=TESTER)
        services.set_list("helo", [{"name": name, "argument": "partners"}], by=TESTER)
        with refusal(f"{name} partners must not permit", "OK (partners 192.0.2.7)"):
            rule("client", "192.0.2.7", table=table)
        rule("client", "192.0.2.8", "DISCARD", table=table)
        rule("client", "192.0.2.9", "LIST", text="reject_rbl_client permit.example, reject", table=table)
        with refusal("permit_mynetworks, reject"):
            rule("client", "192.0.2.10", "LIST", text="permit_mynetworks, reject", table=table)

    @pytest.fixture
    def asked(self) -> AccessTable:
        """By what may not permit."""
        table = add_table("hosts", "client", by=TESTER)
        add("sender", "check_sender_mx_access", "hosts")
        return table

    def test_a_class(self, asked: AccessTable) -> None:
        permissive, careful = add_class("permissive", "permit_mx_backup"), add_class("careful", "reject")
        with refusal("check_sender_mx_access hosts must not permit", "permit_mx_backup (permissive)"):
            rule("client", "192.0.2.7", permissive, table=asked)
        rule("client", "192.0.2.7", careful, table=asked)
        with refusal("permit_mx_backup (permissive)"):
            add(careful, "permissive")
        with refusal("permit (careful)"):
            services.change_class(careful, entries=[{"name": "permit"}], by=TESTER)

    def test_a_table_within_a_class(self, asked: AccessTable) -> None:
        careful = add_class("careful", "check_sender_access")
        rule("client", "192.0.2.7", careful, table=asked)
        with refusal("OK (sender news.example)"):
            rule("sender", "news.example")
        with refusal("OK (sender news.example)"):
            add_rules("sender", [{"key": "news.example", "action": "OK"}], by=TESTER)
        one = rule("sender", "news.example", "REJECT")
        with refusal("OK (sender news.example)"):
            change_rule(one, action="OK", by=TESTER)

    def test_a_rule_of_a_domain(self, asked: AccessTable, falcot: Domain) -> None:
        careful = add_class("careful", "check_recipient_access", "check_sender_access")
        rule("client", "192.0.2.7", careful, table=asked)
        with refusal("OK (recipient jean@falcot.org)"):
            rule("recipient", "jean@falcot.org", domain=falcot)
        rule("sender", "news.example", domain=falcot)

    def test_an_undo(self) -> None:
        table = add_table("hosts", "client", by=TESTER)
        one = rule("client", "192.0.2.7", table=table)
        deletion = done(lambda: delete_rule(one, by=TESTER))
        add("sender", "check_sender_mx_access", "hosts")
        with refusal("check_sender_mx_access hosts must not permit"):
            undo_change_set(deletion, by=TESTER)

    def test_a_policy_service_answers_for_itself(self, asked: AccessTable) -> None:
        greylisting = add_class("greylisting")
        add(greylisting, "check_policy_service", "inet:127.0.0.1:10023")
        rule("client", "192.0.2.7", greylisting, table=asked)
