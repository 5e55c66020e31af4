"""manage.py lookup"""

from datetime import datetime

import pytest

from domains.models import Domain
from mailboxes.services import add_alias
from mailboxes.ways import LONGEST_CHAIN
from tests.commands.conftest import Shell
from tests.plugins.example_mail import TESTER


def test_it_works(shell: Shell, falcot: Domain) -> None:
    lines = shell("lookup", "contact@falcotsbrand.com").lines
    assert lines[0] == "contact@falcotsbrand.com: 250 2.1.5 Ok"
    assert "    postmap -q contact@falcotsbrand.com pgsql:/etc/postfix/mailadmin/virtual_alias_maps.cf" in lines
    said = lines.index("  smtpd_sender_login_maps: contact@falcotsbrand.com -> laure@falcot.org, sophie@falcot.org")
    assert lines[said + 1].startswith("    contact@falcotsbrand.com, last changed by tester, ")


def test_each_step_within_the_tree_is_proved(shell: Shell, falcot: Domain) -> None:
    lines = shell("lookup", "contact@falcotsbrand.com").lines
    end = next(number for number, line in enumerate(lines) if line.startswith("    laure@falcot.org is stored here"))
    assert lines[end + 1].startswith("      laure@falcot.org, last changed by tester, ")
    assert lines[end + 2] == "      postmap -q laure@falcot.org pgsql:/etc/postfix/mailadmin/virtual_mailbox_maps.cf"


def test_json(shell: Shell, falcot: Domain) -> None:
    (found,) = shell("lookup", "jean@falcot.com", "--json").json
    assert found["logins"] == ["jean@falcot.org"]
    assert found["destinations"] == [
        {"address": "jean@falcot.org", "end": "mailbox", "mail_path": "falcot.org/jean/", "way": ""}
    ]
    assert found["proofs"][-1].endswith("smtpd_sender_login_maps.cf")
    station = found["tree"]["children"][0]["station"]
    assert station["proof"] == "postmap -q jean@falcot.org pgsql:/etc/postfix/mailadmin/virtual_mailbox_maps.cf"
    (row,) = station["rows"]
    assert (row["kind"], row["url"], row["changed_by"]) == ("mailbox", "/mailboxes/jean@falcot.org/", "tester")
    assert datetime.fromisoformat(row["changed_at"])


def test_a_chain_of_a_hundred_aliases(shell: Shell, falcot: Domain) -> None:
    below = "jean@falcot.org"
    for number in range(LONGEST_CHAIN):
        below = str(add_alias(falcot, f"c{number}", [below], by=TESTER))
    (found,) = shell("lookup", below, "--json").json
    assert [one["end"] for one in found["destinations"]] == ["mailbox"]
    assert any("jean@falcot.org is stored here" in line for line in shell("lookup", below).lines)


@pytest.mark.parametrize(("login", "may_send"), [("Laure@falcot.org", True), ("jean@falcot.org", False)])
def test_from_a_sender(shell: Shell, falcot: Domain, login: str, may_send: bool) -> None:
    words = ("lookup", "jean@falcot.org", "--from", "contact@falcotsbrand.com", "--login", login)
    sender = shell(*words, "--json").json[0]["sender"]
    assert (sender["may_send"], sender["reply"].startswith("250")) == (may_send, may_send)
    assert f"  {login.lower()}: {sender['reply']}" in shell(*words).lines


def test_which_pattern_or_catch_all_answered_is_said(shell: Shell, falcot: Domain) -> None:
    shell("alias", "add", "sales-*@falcot.org", "jean@falcot.org")
    shell("alias", "add", "@falcot.org", "laure@falcot.org")
    lines = shell("lookup", "sales-x@falcot.org", "nobody@falcot.org", "jean@falcot.org").lines
    assert "  sales-x@falcot.org by the pattern sales-*@falcot.org" in lines
    assert "  nobody@falcot.org by the catch-all @falcot.org" in lines
    assert not any("jean@falcot.org by" in line for line in lines)
