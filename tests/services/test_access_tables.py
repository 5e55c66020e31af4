"""The services of access tables: what may stand there, who may write it, and what an undo brings back."""

import re
from collections.abc import Callable
from functools import partial
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from accounts.actors import Actor, Door
from accounts.models import ChangeSet, User
from domains.models import Domain
from mailboxes.models import Address, Alias
from mailboxes.removal import delete_domain, what_is_lost
from mailboxes.services import add_alias, delete_alias
from mailboxes.undo import undo_change_set
from mailservers.main_cf import fragment
from mailservers.postfix_host import PostfixHost
from restrictions.access_actions import OF_ONE_RECIPIENT, OF_WHOLE_MESSAGES
from restrictions.access_main_cf import Classes, access_maps, remark_since, unasked, what_is_written
from restrictions.access_models import (
    AccessRule,
    AccessTable,
    AllowedAction,
    NamedWriter,
    ProtectedAlias,
    RecipientClass,
)
from restrictions.access_services import (
    add_rule,
    add_rules,
    add_table,
    allow_action,
    allow_actions,
    change_rule,
    choose_class,
    delete_rule,
    delete_table,
    protect_alias,
)
from restrictions.models import Restriction, RestrictionClass
from restrictions.page import everything
from restrictions.services import add_class, delete_class, set_list
from tests.services.checks import TESTER, nothing_changes, one_change_set, refusal

pytestmark = pytest.mark.django_db


def done(act: Callable[[], Any]) -> ChangeSet:
    """The change set of what is done."""
    before = list(ChangeSet.objects.values_list("pk", flat=True))
    act()
    return ChangeSet.objects.exclude(pk__in=before).get()


def add(applies_to: str, key: str, action: str = "REJECT", **values: Any) -> AccessRule:
    return add_rule(applies_to, key, action, **values, by=TESTER)


def test_it_works() -> None:
    with one_change_set("Added access rule sender spam.example"):
        rule = add("sender", "Spam.Example.", text=" No, thank you ", comment="Why")
    assert (rule.key, rule.result, rule.version) == ("spam.example", "REJECT No, thank you", 1)
    with one_change_set("Changed access rule sender spam.example"):
        rule = change_rule(rule, action="HOLD", version=1, by=TESTER)
    assert (rule.result, rule.version) == ("HOLD", 2)
    with one_change_set("Deleted access rule sender spam.example"):
        delete_rule(rule, by=TESTER)
    assert not AccessRule.objects.exists()


KEYS = [
    ("client", "Mail.Example.Net", "mail.example.net"),
    ("client", "unknown", "unknown"),
    ("client", "192.0.2.7", "192.0.2.7"),
    ("client", "192.0.2.7/32", "192.0.2.7"),
    ("client", "192.0.2", "192.0.2.0/24"),
    ("client", "10", "10.0.0.0/8"),
    ("client", "192.0.2.128/28", "192.0.2.128/28"),
    ("client", "2001:DB8:0:0::7", "2001:db8::7"),
    ("client", "2001:db8", "2001:db8::/32"),
    ("client", "2001:db8:1::/48", "2001:db8:1::/48"),
    ("client", "bücher.example", "xn--bcher-kva.example"),
    ("helo", "[192.0.2.7]", "[192.0.2.7]"),
    ("helo", "[IPv6:2001:db8::7]", "[ipv6:2001:db8::7]"),
    ("helo", "localhost", "localhost"),
    ("sender", "<>", "<>"),
    ("sender", "Ann@Example.org", "ann@example.org"),
    ("sender", '"A b"@example.org', '"a b"@example.org'),
    ("sender", "@example.org", "example.org"),
    ("sender", "newsletter@", "newsletter@"),
    ("sender", "top", "top"),
    ("recipient", "postmaster@", "postmaster@"),
]


@pytest.mark.parametrize(("applies_to", "typed", "stored"), KEYS)
def test_a_key_becomes_what_postfix_asks_for(applies_to: str, typed: str, stored: str) -> None:
    assert add(applies_to, typed).key == stored


WRONG_KEYS = [
    ("client", "192.0.2.1/24", "192.0.2.0/24"),
    ("client", "192.0.2.0/33", "no address or network"),
    ("client", "192.0.2.256", "no address or network"),
    ("client", "10.0.0.0/7", "/8 is the widest"),
    ("client", "2000::/3", "/16 is the widest"),
    ("client", "192.0.2.0/255.255.255.0", "no address or network"),
    ("client", "fe80::1%eth0", "no address or network"),
    ("client", ".example.org", "Leave out the dot"),
    ("client", "a b", "not a domain name"),
    ("helo", "[nobody]", "address as HELO has it"),
    ("sender", "sales-*@example.org", "pattern"),
    ("sender", "ünn@example.org", "letters beyond ASCII"),
    ("sender", "", "Type a domain name"),
    ("recipient", "<>", "not a domain name"),
]


@pytest.mark.parametrize(("applies_to", "typed", "words"), WRONG_KEYS)
def test_a_key_that_postfix_never_asks_for_is_refused(applies_to: str, typed: str, words: str) -> None:
    with refusal(words, field="key"):
        add(applies_to, typed)


ACTIONS = [
    ("OK", "", "", "OK"),
    ("REJECT", "550", "5.7.1 Go away: see http://example.org/", "550 5.7.1 Go away: see http://example.org/"),
    ("REJECT", "", "", "REJECT"),
    ("DEFER", "451", "Later", "451 Later"),
    ("DEFER_IF_PERMIT", "", "4.7.1 Later", "DEFER_IF_PERMIT 4.7.1 Later"),
    ("REDIRECT", "", "Ann@example.org", "REDIRECT Ann@example.org"),
    ("BCC", "", "ann@example.org", "BCC ann@example.org"),
    ("PREPEND", "", "X-Seen:yes", "PREPEND X-Seen: yes"),
    ("FILTER", "", "smtp:[127.0.0.1]:10025", "FILTER smtp:[127.0.0.1]:10025"),
    ("FILTER", "", "scan:", "FILTER scan:"),
    ("LIST", "", "reject_unverified_sender", "reject_unverified_sender"),
    ("LIST", "", "reject_rbl_client zen.example.org permit", "reject_rbl_client zen.example.org, permit"),
]


@pytest.mark.parametrize(("action", "code", "text", "result"), ACTIONS)
def test_what_an_action_takes(action: str, code: str, text: str, result: str) -> None:
    assert add("sender", "example.org", action, code=code, text=text).result == result


WRONG_ACTIONS = [
    ("PERMIT", "", "", "action", "no action"),
    ("OK", "", "yes", "text", "takes no text"),
    ("OK", "250", "", "code", "Only REJECT and DEFER"),
    ("REJECT", "250", "x", "code", "no reply code"),
    ("REJECT", "5xx", "x", "code", "no reply code"),
    ("REJECT", "554", "", "text", "for OK"),
    ("REJECT", "550", "4.7.1 Later", "text", "begins with 5"),
    ("REJECT", "", "4.7.1 Later", "text", "begins with 5"),
    ("DEFER", "550", "x", "code", "does not put off"),
    ("REJECT", "", "Grüß Gott", "text", "ASCII"),
    ("REJECT", "", "one\ntwo", "text", "ASCII"),
    ("REJECT", "", "x" * 251, "text", "250"),
    ("REDIRECT", "", "", "text", "no domain"),
    ("REDIRECT", "", '"a b"@example.org', "text", "blank"),
    ("BCC", "", "nobody", "text", "no domain"),
    ("PREPEND", "", "no header", "text", "no header"),
    ("FILTER", "", "smtp", "text", "no filter"),
    ("LIST", "", "", "text", "at least one"),
    ("LIST", "", "reject_everything", "text", "does not know"),
    ("LIST", "", "check_policy_service inet:127.0.0.1:10023", "text", "restriction class"),
    ("LIST", "", "check_sender_access", "text", "restriction class"),
    ("LIST", "", "reject_rbl_client", "text", "no DNS list"),
    ("CLASS", "", "", "of_class", "Choose a restriction class"),
]


@pytest.mark.parametrize(("action", "code", "text", "field", "words"), WRONG_ACTIONS)
def test_what_smtpd_would_not_take_is_refused(action: str, code: str, text: str, field: str, words: str) -> None:
    with refusal(words, field=field):
        add("sender", "example.org", action, code=code, text=text)


def test_the_database_knows_the_actions_too() -> None:
    """What comes past the services stumbles over a constraint, never over smtpd."""
    taken = {(action, code, text) for action, code, text, _result in ACTIONS if text != "X-Seen:yes"} - {
        ("LIST", "", "reject_rbl_client zen.example.org permit")
    }
    for action, code, text in taken:
        AccessRule.objects.create(
            applies_to="sender",
            key=f"{len(text)}{action.lower()}{code}.example".replace("_", "-"),
            action=action,
            code=code,
            text=text,
        )
    for action, code, text, _field, _words in WRONG_ACTIONS:
        if text.startswith(("4.7.1", "x" * 251)):
            continue
        with pytest.raises(IntegrityError), transaction.atomic():
            AccessRule.objects.create(applies_to="sender", key="w.example", action=action, code=code, text=text)


def test_a_key_is_there_once_in_each_table() -> None:
    one, two = _domain("one.example"), _domain("two.example")
    table = add_table("partners", "sender", by=TESTER)
    for scope in ({}, {"domain": one}, {"domain": two}, {"table": table}):
        add("sender", "spam.example", **scope)
        with refusal("already"):
            add("sender", "spam.example", **scope)


def test_a_rule_ends_after_it_starts() -> None:
    now = timezone.now()
    with refusal("ends after it starts"):
        add("sender", "spam.example", starts_at=now, ends_at=now)


def test_nobody_overwrites_a_colleague() -> None:
    rule = add("sender", "spam.example")
    change_rule(rule, comment="Mine", by=TESTER)
    with refusal("Somebody else changed this"):
        change_rule(rule, comment="Yours", version=1, by=TESTER)


def _domain(name: str) -> Domain:
    return Domain.objects.create(name=name)


def test_a_table_with_a_name_goes_with_its_rules_unless_it_is_asked() -> None:
    with one_change_set("Added access table partners"):
        table = add_table("partners", "client", by=TESTER)
    rule = add("sender", "192.0.2.0/24", "OK", table=table)
    assert rule.applies_to == "client"
    set_list("client", [{"name": "check_client_access", "argument": "partners"}], by=TESTER)
    with refusal("asks partners: smtpd_client_restrictions. Take it out there first."):
        delete_table(table, by=TESTER)
    set_list("client", [], by=TESTER)
    with one_change_set("Deleted access table partners"):
        delete_table(table, by=TESTER)
    assert not AccessRule.objects.exists()


@pytest.mark.parametrize("name", ["", "Partners", "1st", "two words", "très", "sender"])
def test_a_table_has_a_plain_name(name: str) -> None:
    with refusal():
        add_table(name, "client", by=TESTER)


def test_an_upgrade_leaves_a_table_that_is_called_as_one_of_the_four() -> None:
    """Its name was good before; no other gets such a name."""
    loader = MigrationLoader(connection)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE restrictions_accesstable DROP CONSTRAINT an_access_table_is_none_of_the_four")
    AccessTable.objects.create(name="sender", applies_to="sender")
    state = loader.project_state(("restrictions", "0002_access_tables"))
    with connection.schema_editor() as editor:
        loader.get_migration("restrictions", "0004_access_tables_by_name").apply(state, editor)
    assert AccessTable.objects.get().name == "sender"
    with transaction.atomic(), pytest.raises(IntegrityError, match="an_access_table_is_none_of_the_four"):
        AccessTable.objects.create(name="helo", applies_to="helo")


def test_a_filter_that_a_master_cf_may_lack_is_remarked() -> None:
    rule = add("sender", "spam.example", "FILTER", text="smtp:[127.0.0.1]:10025")
    assert rule.remark == ""
    rule = change_rule(rule, text="scan:[127.0.0.1]:10025", by=TESTER)
    assert rule.remark.startswith("Postfix comes with no service “scan”. See that your master.cf has it")


def test_what_goes_with_a_domain_is_named_and_comes_back() -> None:
    domain = _domain("gone.example")
    alias = add_alias(domain, "staff", ["boss@example.net"], by=TESTER)
    kept = what_is_lost(domain)
    for name in ("greylisting", "strict"):
        add_class(name, by=TESTER)
    for key in ("a.example", "b.example"):
        add("sender", key, domain=domain)
    choose_class(domain, "strict", by=TESTER)
    choose_class(alias.address, "greylisting", by=TESTER)
    choose_class(None, "strict", by=TESTER)
    assert [sentence for sentence in what_is_lost(domain) if sentence not in kept] == [
        "2 access rules of it go.",
        "Restriction classes that were chosen for it or its addresses are chosen no more: greylisting, strict.",
    ]
    deletion = done(partial(delete_domain, domain, by=TESTER))
    assert (AccessRule.objects.count(), str(RecipientClass.objects.get())) == (0, "*")
    undo_change_set(deletion, by=TESTER)
    assert list(AccessRule.objects.values_list("key", flat=True)) == ["a.example", "b.example"]
    assert {str(row): str(row.of_class) for row in RecipientClass.objects.all()} == {
        "gone.example": "strict",
        "staff@gone.example": "greylisting",
        "*": "strict",
    }


def test_there_are_no_more_classes_than_postfix_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restrictions.access_services.MOST_CLASSES", 2)
    domain, other = _domain("one.example"), _domain("two.example")
    protected, late = (add_alias(domain, name, ["boss@example.net"], by=TESTER) for name in ("staff", "late"))
    protect_alias(protected, "members", by=TESTER)
    add("sender", "a.example", domain=domain)
    for more in (
        partial(protect_alias, late, "members", by=TESTER),
        partial(add, "sender", "a.example", domain=other),
    ):
        with nothing_changes(), refusal("at most. Open another alias to everybody first"):
            more()
    protect_alias(protected, "domain", by=TESTER)
    add("sender", "b.example", domain=domain)
    add("recipient", "a@two.example", domain=other)


class TestOdd:
    def said(self) -> list[str]:
        return [str(one) for one in everything()[1]]

    def test_a_rule_that_asks_a_dead_list(self, falcot: Domain) -> None:
        set_list("sender", [{"name": "check_sender_access"}], by=TESTER)
        add("sender", "a.example", "LIST", text="reject_rbl_client zen.spamhaus.org, permit")
        add("sender", "b.example", "LIST", text="reject_rbl_client dnsbl.sorbs.net, permit", active=False)
        assert self.said() == []
        dead = "reject_rbl_client spam.dnsbl.sorbs.net=127.0.0.2"
        add("sender", "c.example", "LIST", text=f"permit_mynetworks, {dead}", domain=falcot)
        assert self.said() == [
            f"check_sender_access c.example (falcot.org): {dead} asks a DNS list that is dead. SORBS was shut down in "
            "June 2024."
        ]

    def test_a_header_behind_the_message(self) -> None:
        set_list("sender", [{"name": "check_sender_access"}], by=TESTER)
        add("sender", "a.example", "PREPEND", text="X-Seen: yes")
        add_class("late", [{"name": "check_sender_access"}], by=TESTER)
        set_list("end_of_data", [{"name": "late", "active": False}], by=TESTER)
        assert not any("PREPEND" in one for one in self.said())
        set_list("end_of_data", [{"name": "late"}], by=TESTER)
        assert self.said() == [
            "smtpd_end_of_data_restrictions: check_sender_access comes too late for PREPEND (a.example): smtpd adds no "
            "header to what has come."
        ]
        table = add_table("own", "sender", by=TESTER)
        add("sender", "b.example", "PREPEND", text="X-Seen: yes", table=table)
        set_list("end_of_data", [{"name": "check_sender_access", "argument": "own"}], by=TESTER)
        assert any("check_sender_access own comes too late for PREPEND (b.example)" in one for one in self.said())


class TestDomainAdmin:
    @pytest.fixture
    def by(self, falcot: Domain, bob: User) -> Actor:
        return Actor(door=Door.PAGE, user=bob, name="tester")

    def test_with_the_actions_that_are_allowed(self, falcot: Domain, by: Actor) -> None:
        with refusal("REJECT is not allowed here", field="action"):
            add_rule("sender", "spam.example", "REJECT", domain=falcot, by=by)
        with one_change_set("Changed what domain admins may choose in access rules: REJECT, OK"):
            allow_actions(["REJECT", "OK"], by=TESTER)
        rule = add_rule("sender", "spam.example", "REJECT", domain=falcot, by=by)
        with refusal("HOLD is not allowed here", field="action"):
            change_rule(rule, action="HOLD", by=by)
        assert not rule.remark
        assert "whole message" in change_rule(rule, action="HOLD", by=TESTER).remark
        add_rule("recipient", "laure@falcot.org", "OK", domain=falcot, by=by)
        delete_rule(rule, by=by)

    @pytest.mark.parametrize("action", OF_WHOLE_MESSAGES)
    def test_with_none_that_is_about_mail_of_others(self, by: Actor, action: str) -> None:
        with nothing_changes(), refusal(f"{action} is about the whole message", field="actions"):
            allow_actions(["REJECT", action], by=TESTER)
        with nothing_changes(), refusal(f"{action} is about the whole message", field="actions"):
            allow_action(action, by=TESTER)
        with transaction.atomic(), pytest.raises(IntegrityError, match="an_allowed_action_is_of_one_recipient"):
            AllowedAction.objects.create(action=action)

    def test_of_own_domains_only(self, falcot: Domain, by: Actor) -> None:
        allow_actions(OF_ONE_RECIPIENT, by=TESTER)
        foreign = _domain("foreign.example")
        server, theirs = add("sender", "a.example"), add("sender", "a.example", domain=foreign)
        for refused in (
            lambda: add_rule("sender", "spam.example", "OK", by=by),
            lambda: add_rule("sender", "spam.example", "OK", domain=foreign, by=by),
            lambda: change_rule(server, action="OK", by=by),
            lambda: change_rule(theirs, action="OK", by=by),
            lambda: delete_rule(theirs, by=by),
        ):
            with refusal("not one of your domains"):
                refused()
        with refusal("not in falcot.org", field="key"):
            add_rule("recipient", "ann@foreign.example", "OK", domain=falcot, by=by)
        with refusal("senders and recipients"):
            add_rule("client", "192.0.2.7", "OK", domain=falcot, by=by)

    def test_takes_back_what_is_of_own_domains_only(self, falcot: Domain, by: Actor) -> None:
        allow_actions(["REJECT", "OK"], by=TESTER)
        kept = add("sender", "spam.example", domain=falcot)
        for domain in (_domain("foreign.example"), None):
            rule = add("sender", "spam.example", domain=domain)
            self.refused(done(partial(delete_rule, rule, by=TESTER)), by)
        undo_change_set(done(partial(change_rule, kept, action="OK", by=by)), by=by)
        kept.refresh_from_db()
        assert kept.action == "REJECT"
        deletion = done(partial(delete_rule, kept, by=by))
        self.refused(done(partial(allow_actions, ["OK"], by=TESTER)), by)
        with refusal("REJECT is not allowed here. A superuser can allow it, or undo this."):
            undo_change_set(deletion, by=by)
        allow_actions(["REJECT"], by=TESTER)
        undo_change_set(deletion, by=by)
        assert AccessRule.objects.get(domain=falcot).key == "spam.example"

    def test_takes_back_who_may_write(self, falcot: Domain, by: Actor) -> None:
        alias = add_alias(falcot, "staff", ["jean@falcot.org"], by=by)
        protect_alias(alias, "named", ["boss@example.net"], by=by)
        undo_change_set(done(partial(protect_alias, alias, "", by=by)), by=by)
        assert str(NamedWriter.objects.get(protected__alias=alias)) == "boss@example.net"
        undo_change_set(done(partial(delete_alias, alias, by=by)), by=by)
        assert ProtectedAlias.objects.get(alias=alias).writers == "named"
        foreign = add_alias(_domain("foreign.example"), "staff", ["jean@falcot.org"], by=TESTER)
        self.refused(done(partial(protect_alias, foreign, "named", ["boss@example.net"], by=TESTER)), by)

    def refused(self, change_set: ChangeSet, by: Actor) -> None:
        with refusal("A superuser can undo it."):
            undo_change_set(change_set, by=by)

    def test_no_classes_of_recipients(self, falcot: Domain, by: Actor) -> None:
        add_class("strict", by=TESTER)
        with refusal("Only a superuser"):
            choose_class(falcot, "strict", by=by)


def test_an_action_that_there_is_not_is_not_allowed() -> None:
    with refusal("no action PERMIT", field="actions"):
        allow_actions(["OK", "PERMIT"], by=TESTER)


def test_a_class_in_use_stays(falcot: Domain) -> None:
    """Whoever names it: a rule, a recipient."""
    strict = add_class("strict", by=TESTER)
    rule = add("sender", "spam.example", "CLASS", of_class=strict)
    with refusal("strict is named in spam.example", "Take it out there first."):
        delete_class(strict, by=TESTER)
    delete_rule(rule, by=TESTER)
    choose_class(falcot, "strict", by=TESTER)
    with refusal("strict is named in falcot.org", "Take it out there first."):
        delete_class(strict, by=TESTER)
    choose_class(falcot, "", by=TESTER)
    delete_class(strict, by=TESTER)


class TestClassOfARecipient:
    def test_of_an_address_a_domain_and_everybody(self, falcot: Domain) -> None:
        add_class("strict", by=TESTER)
        add_class("soft", by=TESTER)
        jean = Address.objects.get(local_part="jean")
        for place, label in ((jean, "jean@falcot.org"), (falcot, "falcot.org"), (None, "*")):
            with one_change_set(f"Chose the restriction class of {label}"):
                choose_class(place, "strict", by=TESTER)
            choose_class(place, "soft", by=TESTER)
        assert set(RecipientClass.objects.values_list("of_class__name", flat=True)) == {"soft"}
        assert RecipientClass.objects.count() == 3
        for place in (jean, falcot, None):
            assert choose_class(place, "", by=TESTER) is None
        assert not RecipientClass.objects.exists()

    def test_a_class_that_there_is_not(self, falcot: Domain) -> None:
        with refusal("no restriction class strict", field="of_class"):
            choose_class(falcot, "strict", by=TESTER)

    def test_there_is_one_default(self) -> None:
        one = RestrictionClass.objects.create(name="one")
        RecipientClass.objects.create(of_class=one)
        with pytest.raises(IntegrityError), transaction.atomic():
            RecipientClass.objects.create(of_class=one)


class TestProtectedAlias:
    @pytest.fixture
    def alias(self, falcot: Domain) -> Alias:
        return Alias.objects.filter(address__domain__name="falcotsbrand.com").exclude(address__local_part="").first()  # type: ignore[return-value]

    def test_it_works(self, alias: Alias) -> None:
        with one_change_set(f"Changed who may write to {alias}"):
            row = protect_alias(alias, "members", ["Boss@Example.org", "@partner.example"], by=TESTER)
        assert row is not None
        assert [str(one) for one in row.named.all()] == ["@partner.example", "boss@example.org"]
        protect_alias(alias, "domain", by=TESTER)
        assert NamedWriter.objects.count() == 2
        protect_alias(alias, "", by=TESTER)
        assert not ProtectedAlias.objects.exists()

    @pytest.mark.parametrize(
        ("writers", "named", "field", "words"),
        [
            ("friends", [], "writers", "members"),
            ("named", [], "named", "at least one"),
            ("named", ["nobody"], "named", "no domain"),
            ("named", ["a*@example.org"], "named", "pattern"),
            ("named", [f"a{number}@example.org" for number in range(101)], "named", "100 senders"),
        ],
    )
    def test_what_cannot_be(self, alias: Alias, writers: str, named: list[str], field: str, words: str) -> None:
        with refusal(words, field=field):
            protect_alias(alias, writers, named, by=TESTER)

    def test_an_undo_protects_a_deleted_alias_again(self, alias: Alias) -> None:
        protect_alias(alias, "named", ["boss@example.org"], by=TESTER)
        change_set = delete_alias(alias, by=TESTER)
        assert not ProtectedAlias.objects.exists()
        undo_change_set(ChangeSet.objects.get(pk=change_set), by=TESTER)
        assert ProtectedAlias.objects.get().named.get().key == "boss@example.org"


def test_what_is_written_and_when_it_is_to_be_written_again() -> None:
    before = what_is_written()
    assert access_maps(Classes.current()) == []
    add("sender", "spam.example")
    assert "postfix_config" in remark_since(before)
    before = what_is_written()
    add("sender", "other.example")
    assert remark_since(before) == ""
    add_class("strict", by=TESTER)
    assert list(Classes.current().by_people) == ["strict"]
    assert "postfix_config" in remark_since(before)


def test_the_order_in_which_things_came_is_written_nowhere(tmp_path: Path) -> None:
    """Classes, tables, lists and protected aliases, made in two orders: the same files."""
    for number in range(3):
        add_alias(_domain(f"d{number}.example"), "staff", ["boss@elsewhere.example"], by=TESTER)
    aliases, written = list(Alias.objects.order_by("pk")), []
    for turn in (1, -1):
        for name in ("alpha", "beta", "gamma")[::turn]:
            add_class(name, [{"name": "reject_non_fqdn_sender"}], by=TESTER)
            add_table(f"of_{name}", "sender", by=TESTER)
        for stage, name in (("client", "alpha"), ("sender", "beta"), ("data", "gamma"))[::turn]:
            set_list(stage, [{"name": name}, {"name": "check_sender_access", "argument": f"of_{name}"}], by=TESTER)
        for one in aliases[::turn]:
            protect_alias(one, "members", by=TESTER)
        folder = tmp_path / str(turn)
        call_command("postfix_config", output=str(folder), stdout=StringIO())
        numbers = ProtectedAlias.objects.order_by("pk").values_list("pk", flat=True)
        written.append(_files(folder, {str(pk): f"({place})" for place, pk in enumerate(numbers)}))
        for model in (Restriction, RestrictionClass, AccessTable, ProtectedAlias):
            model.objects.all().delete()
    assert written[0] == written[1]
    assert "Writers_(0), Writers_(1), Writers_(2)" in written[0]["main.cf.mailadmin"]


def test_main_cf_says_for_whom_a_class_was_made() -> None:
    """One line of ASCII before each class, whatever the address is."""
    books, plain = _domain("bücher.example"), _domain("plain.example")
    for local_part in ("staff", '"a # b"'):
        protect_alias(add_alias(books, local_part, ["boss@elsewhere.example"], by=TESTER), "members", by=TESTER)
    add("sender", "spam.example", domain=plain)
    lines = fragment(PostfixHost(directory="/etc/postfix/mailadmin")).splitlines()
    assert [before for before, line in pairwise(lines) if line.startswith(("Writers_", "Senders_"))] == [
        "# made by the panel: who may write to staff@xn--bcher-kva.example",
        '# made by the panel: who may write to "a # b"@xn--bcher-kva.example',
        "# made by the panel: the rules of plain.example about senders",
    ]


def _files(folder: Path, numbers: dict[str, str]) -> dict[str, str]:
    """What stands in them. `numbers` of rows are another each time, and so are the stamps of maps, made of them."""
    found = {}
    for path in sorted(folder.iterdir()):
        name, text = (re.sub(r"-[0-9a-f]{8}\b", "-stamp", one) for one in (path.name, path.read_text()))
        text = re.sub(r"(?<=[{,])\d+(?==)", "number", text.replace(str(folder), "here"))
        text = re.sub(r"staff@d\d", "staff@d", text)  # a number belongs to another alias each time
        found[name] = re.sub(r"(?<=Writers_)\d+|(?<=\(\.\*\)/ )\d+", lambda match: numbers[match[0]], text)
    return found


def test_a_table_that_nothing_asks() -> None:
    assert "check_sender_access" in unasked("sender")
    set_list("sender", [{"name": "check_sender_access"}], by=TESTER)
    assert unasked("sender") == ""


def test_what_is_refused_changes_nothing() -> None:
    rule = add("sender", "spam.example")
    with nothing_changes(), pytest.raises(TypeError):
        change_rule(rule, applies_to="client", by=TESTER)


class TestManyAtOnce:
    def test_it_works(self) -> None:
        rows = [{"key": "Bad.Example", "action": "REJECT", "text": "No"}, {"key": "<>", "action": "DUNNO"}]
        with one_change_set("Added access rules to sender"):
            assert add_rules("sender", rows, by=TESTER) == 2
        assert {rule.key: rule.result for rule in AccessRule.objects.all()} == {
            "bad.example": "REJECT No",
            "<>": "DUNNO",
        }

    def test_all_faults_are_said_and_nothing_is_added(self) -> None:
        rows = [
            {"key": "a.example", "action": "REJECT"},
            {"key": "A.example", "action": "OK"},
            {"key": "b.example", "action": "REJECT", "text": "Нет"},
        ]
        with refusal("A.example: There is a rule for this key already.", "b.example: “Нет” holds letters beyond ASCII"):
            add_rules("sender", rows, by=TESTER)

    def test_one_that_is_there(self) -> None:
        add("sender", "a.example")
        with refusal("There is a rule for this key already."):
            add_rules("sender", [{"key": "a.example", "action": "OK"}], by=TESTER)
