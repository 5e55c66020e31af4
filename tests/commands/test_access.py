"""manage.py access: rules, tables with a name, classes of recipients, protected aliases."""

import pytest

from domains.models import Domain
from restrictions.services import add_class
from tests.commands.conftest import Shell
from tests.plugins.example_mail import TESTER

AGAIN = "Write the configuration again on the mail host (postfix_config): main.cf does not know of this yet.\n"
UNASKED = "No restriction list asks this table yet. Add check_sender_access to a list.\n"


def test_it_works(shell: Shell) -> None:
    typed = ("sender", "Spam.Example", "REJECT", "--code", "550", "--text", "5.7.1 No", "--comment", "Why")
    assert shell("access", "add", *typed) == (0, "Added spam.example.\n", AGAIN + UNASKED)
    changed = shell(
        "access", "change", "sender", "spam.example", "--action", "HOLD", "--ends", "2027-01-31", "--inactive"
    )
    assert changed == (0, "Changed spam.example.\n", "")
    shown = shell("access", "show", "sender", "spam.example", "--json").json
    assert (shown["result"], shown["active"], shown["version"], shown["domain"]) == ("HOLD", False, 2, None)
    assert shown["ends_at"].startswith("2027-01-3")
    assert shell("access", "list", "sender", "--json").json == [shown]
    assert shell("access", "list", "sender", "--search", "zzz").lines == []
    assert shell("access", "delete", "sender", "spam.example", "--yes") == (0, "Deleted spam.example.\n", AGAIN)


@pytest.mark.parametrize(
    ("options", "state", "ended"),
    [
        ((), "active", False),
        (("--inactive", "--ends", "2001-01-01"), "inactive", False),
        (("--starts", "2997-01-01"), "not_begun", False),
        (("--starts", "2001-01-01", "--ends", "2001-01-02"), "ended", True),
    ],
)
def test_a_rule_says_whether_it_is_found_now(shell: Shell, options: tuple[str, ...], state: str, ended: bool) -> None:
    done = shell("access", "add", "sender", "<>", "HOLD", *options)
    assert done.code == 0
    assert ("<> has ended already (2 January 2001, 00:00 UTC): Postfix does not find it.\n" in done.err) == ended
    (row,) = shell("access", "list", "sender", "--json").json
    assert row["state"] == state
    (line,) = shell("access", "list", "sender").lines
    assert line.split()[:2] == ["<>", state]
    assert ("2001-01-02 00:00:00 UTC" in line) == ended
    changed = shell("access", "change", "sender", "<>", "--comment", "Bounces")
    assert ("has ended already" in changed.err) == ended


def test_what_is_not_there_or_not_possible(shell: Shell) -> None:
    assert "no rule for spam.example" in shell.refused("access", "show", "sender", "spam.example")
    assert "no action PERMIT" in shell.refused("access", "add", "sender", "spam.example", "PERMIT")
    assert "192.0.2.0/24" in shell.refused("access", "add", "client", "192.0.2.1/24", "OK")
    assert "Say what is to change" in shell.misused("access", "change", "sender", "spam.example")
    assert "no access table friends" in shell.refused("access", "list", "sender", "--table", "friends")
    assert "no restriction class soft" in shell.refused(
        "access", "add", "sender", "spam.example", "CLASS", "--class", "soft"
    )


def test_scopes(shell: Shell, falcot: Domain) -> None:
    shell("access", "add-table", "partners", "sender")
    for scope in ((), ("--domain", "falcot.org"), ("--table", "partners")):
        assert shell("access", "add", "sender", "spam.example", "OK", *scope).code == 0
        (row,) = shell("access", "list", "sender", *scope, "--json").json
        assert [row["domain"] or row["table"] or ""] == list(scope[1:] or [""])
    assert shell("access", "delete-table", "partners", "--yes").out == "Deleted access table partners.\n"


def test_what_domain_admins_may_choose(shell: Shell) -> None:
    assert shell("access", "allow", "OK", "REJECT").out == "Domain admins may choose: OK, REJECT.\n"
    assert shell("access", "allow", "--json").json == {"actions": []}


@pytest.mark.parametrize("recipient", ["jean@falcot.org", "falcot.org", "*"])
def test_classes_of_recipients(shell: Shell, falcot: Domain, recipient: str) -> None:
    add_class("strict", by=TESTER)
    assert shell("access", "class", recipient, "strict").out == f"Mail to {recipient} meets the class strict.\n"
    assert shell("access", "class", recipient, "none", "--json").json == {"recipient": recipient, "class": None}
    assert "no address nobody@falcot.org" in shell.refused("access", "class", "nobody@falcot.org", "strict")


def test_who_may_write_to_an_alias(shell: Shell, falcot: Domain) -> None:
    alias = "contact@falcotsbrand.com"
    done = shell("access", "protect", alias, "named", "--named", "boss@example.org", "@partner.example", "--json")
    assert done.json == {"address": alias, "writers": "named", "named": ["@partner.example", "boss@example.org"]}
    assert shell("access", "protect", alias, "anyone").out == f"Saved who may write to {alias}: anyone.\n"
    assert "at least one" in shell.refused("access", "protect", alias, "named")
    assert "no alias nobody@falcot.org" in shell.refused("access", "protect", "nobody@falcot.org", "members")
