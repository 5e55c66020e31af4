"""The access tables through the real postmap: each form of a key, what is nearest, times, classes that are written."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from domains.models import Domain
from mailboxes.models import Address
from restrictions.access_main_cf import Classes, access_maps
from restrictions.access_models import AccessRule
from restrictions.access_services import add_rule, add_table, choose_class
from restrictions.models import RestrictionClass
from restrictions.services import change_class
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix


@pytest.fixture(scope="module")
def mail(postfix: Postfix, committed: None) -> Postfix:
    now, day = timezone.now(), timedelta(days=1)
    for name in ("strict", "greylisting", "permissive", "unwritten"):
        RestrictionClass.objects.create(name=name)
    clients = [
        "mail.example.net",
        "192.0.2.7",
        "192.0.2.0/28",
        "198.51.100",
        "2001:db8::/32",
        "2001:db8:1::5",
        "unknown",
    ]
    for key in clients:
        add_rule("client", key, "REJECT", text=f"client {key}", by=TESTER)
    for key in ("localhost", "example.org", "[192.0.2.7]", "10.0.0.1"):
        add_rule("helo", key, "REJECT", text=f"helo {key}", by=TESTER)
    for key in ("ann@spam.example", "spam.example", "top", "newsletter@", "<>", '"a b"@quoted.example'):
        add_rule("sender", key, "REJECT", text=f"sender {key}", by=TESTER)
    add_rule("sender", "past@times.example", "REJECT", ends_at=now - day, by=TESTER)
    add_rule("sender", "future@times.example", "REJECT", starts_at=now + day, by=TESTER)
    add_rule("sender", "now@times.example", "REJECT", starts_at=now - day, ends_at=now + day, by=TESTER)
    add_rule("sender", "off@times.example", "REJECT", active=False, by=TESTER)
    table = add_table("partners", "sender", by=TESTER)
    add_rule("sender", "partner.example", "OK", table=table, by=TESTER)
    friends = add_table("friends", "client", by=TESTER)
    for key in ("2001:db8:2::1", "friends.example"):
        add_rule("client", key, "OK", table=friends, by=TESTER)
    recipients()
    postfix.configure()
    return postfix


def recipients() -> None:
    add_domain("one.example")
    add_domain("sub.one.example")
    add_domain("two.example")
    add_domain("one-alias.example", "alias_domain", target="one.example")
    for name in (
        "joe@one.example",
        "ann@one.example",
        "ann+x@one.example",
        "joe@sub.one.example",
        "joe@two.example",
    ):
        add_mailbox(name)
    add_alias("sales-*@one.example", "joe@one.example")
    one = Domain.objects.get(name="one.example")

    def address(local_part: str) -> Address:
        return Address.objects.get(domain=one, local_part=local_part)

    choose_class(None, "permissive", by=TESTER)
    choose_class(one, "greylisting", by=TESTER)
    choose_class(address("joe"), "strict", by=TESTER)
    choose_class(address("sales-*"), "strict", by=TESTER)
    choose_class(address("ann+x"), "strict", by=TESTER)
    add_rule("recipient", "postmaster@", "OK", by=TESTER)
    add_rule("recipient", "blocked@one.example", "REJECT", code="550", text="5.1.1 Gone", by=TESTER)
    add_rule("recipient", "two.example", "DEFER", domain=Domain.objects.get(name="two.example"), by=TESTER)
    add_rule("recipient", "ann@two.example", "CLASS", of_class=RestrictionClass.objects.get(name="strict"), by=TESTER)


def ask(mail: Postfix, table: str, key: str) -> str | None:
    names = [one.name for one in access_maps(Classes.current()) if one.name.rpartition("-")[0] == table]
    return mail.ask(names[0], key)


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("mail.example.net", "REJECT client mail.example.net"),
        ("h1.mail.example.net", "REJECT client mail.example.net"),
        ("example.net", None),
        ("unknown", "REJECT client unknown"),
        ("192.0.2.7", "REJECT client 192.0.2.7"),
        ("192.0.2.8", "REJECT client 192.0.2.0/28"),
        ("192.0.2.16", "DUNNO"),
        ("198.51.100.250", "REJECT client 198.51.100"),
        ("198.51.100", "DUNNO"),
        ("192", "DUNNO"),
        ("2001:db8:1::5", "REJECT client 2001:db8:1::5"),
        ("2001:db8:1::5:7", "REJECT client 2001:db8::/32"),
        ("2001:db9::1", "DUNNO"),
        ("2001:db9:", "DUNNO"),
    ],
)
def test_clients(mail: Postfix, key: str, answer: str | None) -> None:
    assert ask(mail, "check_client_access", key) == answer


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("localhost", "REJECT helo localhost"),
        ("mail.example.org", "REJECT helo example.org"),
        ("[192.0.2.7]", "REJECT helo [192.0.2.7]"),
        ("10.0.0.1", "REJECT helo 10.0.0.1"),
        ("999.999.999.999", "DUNNO"),
        ("a::b::c", "DUNNO"),
        ("O'Brien", "DUNNO"),
        ("[", "DUNNO"),
        ("..", "DUNNO"),
        ("a..localhost", "DUNNO"),
    ],
)
def test_helo(mail: Postfix, key: str, answer: str) -> None:
    assert ask(mail, "check_helo_access", key) == answer


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("ann@spam.example", "REJECT sender ann@spam.example"),
        ("Ann+x@Spam.Example", "REJECT sender ann@spam.example"),
        ("bob@spam.example", "REJECT sender spam.example"),
        ("bob@sub.spam.example", "REJECT sender spam.example"),
        ("x@any.top", "REJECT sender top"),
        ("newsletter+7@elsewhere.example", "REJECT sender newsletter@"),
        ("<>", "REJECT sender <>"),
        ("a b@quoted.example", 'REJECT sender "a b"@quoted.example'),
        ("past@times.example", "DUNNO"),
        ("future@times.example", "DUNNO"),
        ("now@times.example", "REJECT"),
        ("off@times.example", "DUNNO"),
    ],
)
def test_senders(mail: Postfix, key: str, answer: str) -> None:
    assert ask(mail, "check_sender_access", key) == answer


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("joe@one.example", "strict"),
        ("joe+list@one.example", "strict"),
        ("joe@one-alias.example", "strict"),
        ("sales-asia@one.example", "strict"),
        ("ann@one.example", "greylisting"),
        ("ann+x@one.example", "strict"),
        ("nobody@one.example", "greylisting"),
        ("ann@one-alias.example", "greylisting"),
        ("joe@sub.one.example", "permissive"),
        ("postmaster@one.example", "greylisting"),
        ("postmaster@sub.one.example", "OK"),
        ("blocked@one.example", "550 5.1.1 Gone"),
        ("joe@two.example", "DEFER"),
        ("joe@sub.two.example", "permissive"),
        ("ann@two.example", "strict"),
        ("stranger@elsewhere.example", "permissive"),
        ("one.example", None),
        ("postmaster@", None),
    ],
)
def test_recipients(mail: Postfix, key: str, answer: str | None) -> None:
    assert ask(mail, "check_recipient_access", key) == answer


def test_a_table_with_a_name(mail: Postfix) -> None:
    assert ask(mail, "access_table_partners", "ann@partner.example") == "OK"
    assert ask(mail, "access_table_partners", "ann@elsewhere.example") is None


@pytest.mark.parametrize(
    ("key", "of_a_client", "of_a_server"),
    [
        ("2001:db8:2::1", "OK", "OK"),
        ("2001:db8:2::1:7", "DUNNO", None),  # what is asked next is 2001:db8:2::1
        ("192.0.2.99", "DUNNO", None),
        ("192.0.2", "DUNNO", None),
        ("mx.friends.example", "OK", "OK"),
        ("mx.example", None, None),
    ],
)
def test_a_table_of_clients_with_a_name(
    mail: Postfix, key: str, of_a_client: str | None, of_a_server: str | None
) -> None:
    """What asks about one client is answered once and for all; what asks about servers goes on to the next one."""
    assert ask(mail, "client_access_table_friends", key) == of_a_client
    assert ask(mail, "access_table_friends", key) == of_a_server


def test_a_class_that_main_cf_does_not_have_yet_is_not_answered(mail: Postfix) -> None:
    """What is nearest among those that it has: nobody gets 451 meanwhile."""
    before = next(one.name for one in access_maps(Classes.current()) if one.name.startswith("check_recipient"))
    late = RestrictionClass.objects.create(name="late")
    joe = Address.objects.get(domain__name="one.example", local_part="joe")
    choose_class(joe, "late", by=TESTER)
    assert mail.ask(before, "joe@one.example") == "greylisting"
    mail.configure()
    assert not any(one.name == before for one in access_maps(Classes.current()))
    assert ask(mail, "check_recipient_access", "joe@one.example") == "late"
    choose_class(joe, "strict", by=TESTER)
    late.delete()
    mail.configure()


def test_a_class_with_a_new_name_is_answered_by_the_one_that_main_cf_has(mail: Postfix) -> None:
    strict = RestrictionClass.objects.get(name="strict")
    table = add_table("renamed", "sender", by=TESTER)
    one = Domain.objects.get(name="one.example")
    for values in ({}, {"table": table}, {"domain": one}):
        add_rule("sender", "old@class.example", "CLASS", of_class=strict, **values, by=TESTER)
    add_rule("recipient", "ann@one.example", "CLASS", of_class=strict, domain=one, by=TESTER)
    mail.configure()
    asked = [
        ("check_sender_access", "old@class.example"),
        ("access_table_renamed", "old@class.example"),
        ("senders", f"{one.pk} old@class.example"),
        ("check_recipient_access", "ann@one.example"),
        ("check_recipient_access", "ann@two.example"),
        ("check_recipient_access", "joe@one.example"),
    ]
    maps = {one.name.rpartition("-")[0]: one.name for one in access_maps(Classes.current())}
    change_class(strict, name="stricter", by=TESTER)
    try:
        assert {mail.ask(maps[table], key) for table, key in asked} == {"strict"}
        mail.configure()
        assert {ask(mail, table, key) for table, key in asked} == {"stricter"}
    finally:
        change_class(strict, name="strict", by=TESTER)
        AccessRule.objects.filter(key="old@class.example").delete()
        AccessRule.objects.filter(domain=one).delete()
        mail.configure()


def test_a_map_file_of_the_release_before_names_classes_alone(mail: Postfix) -> None:
    name = next(one.name for one in access_maps(Classes.current()) if one.name.startswith("check_recipient"))
    path = mail.maps / f"{name}.cf"
    (path.parent / "before.cf").write_text(re.sub(r"\d+=", "", path.read_text()))
    assert "{greylisting," in (path.parent / "before.cf").read_text()
    assert mail.ask("before", "joe@one.example") == "strict"


def test_a_rule_acts_at_once(mail: Postfix) -> None:
    assert ask(mail, "check_sender_access", "new@rule.example") == "DUNNO"
    rule = add_rule("sender", "new@rule.example", "HOLD", by=TESTER)
    assert ask(mail, "check_sender_access", "new@rule.example") == "HOLD"
    rule.delete()
