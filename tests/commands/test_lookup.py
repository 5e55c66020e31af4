"""manage.py lookup"""

import pytest

from domains.models import Domain
from tests.commands.conftest import Shell


def test_it_works(shell: Shell, falcot: Domain) -> None:
    lines = shell("lookup", "contact@falcotsbrand.com").lines
    assert lines[0] == "contact@falcotsbrand.com: 250 2.1.5 Ok"
    assert "    postmap -q contact@falcotsbrand.com pgsql:/etc/postfix/mailadmin/virtual_alias_maps.cf" in lines
    assert lines[-2] == ("  smtpd_sender_login_maps: contact@falcotsbrand.com -> laure@falcot.org, sophie@falcot.org")


def test_json(shell: Shell, falcot: Domain) -> None:
    (found,) = shell("lookup", "jean@falcot.com", "--json").json
    assert found["logins"] == ["jean@falcot.org"]
    assert found["destinations"] == [
        {"address": "jean@falcot.org", "end": "mailbox", "mail_path": "falcot.org/jean/", "way": ""}
    ]
    assert found["proofs"][-1].endswith("smtpd_sender_login_maps.cf")


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
