"""Access tables at a real smtpd: each action, classes by recipient, who may write to an alias, rules of a domain."""

import os
import re
import smtplib
import subprocess
from collections.abc import Generator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from domains.models import Domain
from mailboxes.models import Address, Alias
from mailboxes.renaming import rename_address
from mailservers.main_cf import parameters_for
from mailservers.postfix_host import PostfixHost
from restrictions.access_models import ProtectedAlias
from restrictions.access_services import add_rule, add_table, choose_class, protect_alias
from restrictions.page import everything
from restrictions.services import add_class, set_list
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import MASTER_CF, Postfix, decoded, eventually, free_port
from tests.smtp.test_sender_logins import PasswordServer, Submission

INSIDE = "127.0.0.2"  # a host of mynetworks

ACTIONS: dict[str, dict[str, Any]] = {
    "OK": {},
    "REJECT": {"text": "5.7.1 Go away"},
    "REJECT4": {"action": "REJECT", "code": "451", "text": "4.7.1 Later"},
    "DUNNO": {},
    "DEFER": {"text": "Not now"},
    "DEFER_IF_PERMIT": {"text": "Perhaps"},
    "DISCARD": {"text": "gone"},
    "HOLD": {"text": "look at it"},
    "WARN": {"text": "a word of warning"},
    "INFO": {"text": "a word of note"},
    "REDIRECT": {"text": "joe@one.example"},
    "BCC": {"text": "joe@one.example"},
    "PREPEND": {"text": "X-Checked: by us"},
    "FILTER": {"text": "discard:filtered"},
    "LIST": {"text": "reject_non_fqdn_sender, reject"},
}


@pytest.fixture(scope="module")
def before(postfix: Postfix) -> list[int]:
    """How long the log was before these tests."""
    return [len(postfix.log())]


@pytest.fixture(scope="module")
def mail(postfix: Postfix, before: list[int], committed: None) -> Generator[Postfix, None, None]:
    postfix.empty_mail()
    add_domain("one.example")
    add_domain("two.example")
    add_domain("one-alias.example", "alias_domain", target="one.example")
    for address in ("joe@one.example", "ann@one.example", "bob@one.example", "joe@two.example"):
        add_mailbox(address)
    add_class("strict", [{"name": "reject_non_fqdn_helo_hostname"}, {"name": "reject"}], by=TESTER)
    putoff = add_class("putoff", [{"name": "defer"}], by=TESTER)
    add_rule("sender", "class@action.example", "CLASS", of_class=putoff, by=TESTER)
    for name, values in ACTIONS.items():
        add_rule("sender", f"{name.lower()}@action.example", **({"action": name} | values), by=TESTER)
    for key in ("192.0.2.128/28", "2001:db8:bad::/48"):
        add_rule("client", key, "REJECT", text="your network", by=TESTER)
    add_rule("helo", "mx.example.net", "REJECT", text="that is me", by=TESTER)
    set_list("client", [{"name": "check_client_access"}], by=TESTER)
    set_list("helo", [{"name": "check_helo_access"}], by=TESTER)
    set_list("sender", [{"name": "check_sender_access"}, {"name": "reject", "warn_only": True}], by=TESTER)
    entries = [{"name": "reject_unauth_destination"}, {"name": "check_recipient_access"}]
    set_list("recipient", entries, by=TESTER)
    aliases()
    postfix.configure()
    yield postfix
    postfix.override()


def aliases() -> None:
    add_alias("inner@one.example", "bob@one.example")
    for name in ("members", "domain", "named"):
        add_alias(f"{name}@one.example", "ann@one.example", "inner@one.example", "Friend@elsewhere.example")
        protect_alias(alias(name), name, ["boss@elsewhere.example", "@partner.example"], by=TESTER)
    add_rule(
        "sender", "spam.example", "REJECT", text="not to us", domain=Domain.objects.get(name="one.example"), by=TESTER
    )


def alias(name: str) -> Alias:
    return Alias.objects.get(address__local_part=name, address__domain__name="one.example")


def from_(mail: Postfix, name: str) -> tuple[int, str]:
    return mail.rcpt("ann@one.example", sender=f"{name}@action.example")


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("ok", 250, ""),
        ("dunno", 250, ""),
        ("reject", 554, "5.7.1 <reject@action.example>: Sender address rejected: Go away"),
        ("reject4", 451, "4.7.1 <reject4@action.example>: Sender address rejected: Later"),
        ("defer", 450, "Not now"),
        ("defer_if_permit", 450, "Perhaps"),
        ("list", 554, "Access denied"),
        ("class", 450, "Try again later"),
    ],
)
def test_what_is_answered(mail: Postfix, name: str, code: int, words: str) -> None:
    reply = from_(mail, name)
    assert (reply[0], words in reply[1]) == (code, True), reply


@pytest.mark.parametrize(
    ("name", "copies"),
    [
        ("redirect", ["joe@one.example"]),
        ("bcc", ["ann@one.example", "joe@one.example"]),
        ("warn", ["ann@one.example"]),
        ("info", ["ann@one.example"]),
        ("prepend", ["ann@one.example"]),
    ],
)
def test_where_the_mail_goes(mail: Postfix, name: str, copies: list[str]) -> None:
    mail.empty_mail()
    found = mail.send("ann@one.example", sender=f"{name}@action.example")
    assert [one.to for one in found] == copies
    if name == "prepend":
        (message,) = mail.maildir("one.example/ann/")
        assert message["X-Checked"] == "by us"


@pytest.mark.parametrize(("name", "words"), [("warn", "a word of warning"), ("info", "a word of note")])
def test_what_is_only_logged(mail: Postfix, name: str, words: str) -> None:
    assert from_(mail, name)[0] == 250
    line = rf" {name}: RCPT from .*: {words}; from=<{name}@action.example>"
    eventually(lambda: re.search(line, mail.log()), "the line in the log")


def test_ok_ends_the_list_and_dunno_goes_on(mail: Postfix) -> None:
    """Behind the table stands `warn_if_reject reject`."""
    assert (from_(mail, "ok")[0], from_(mail, "dunno")[0]) == (250, 250)
    eventually(lambda: "dunno" in warned_about(mail), "the warning in the log")
    assert "ok" not in warned_about(mail)


def warned_about(mail: Postfix) -> set[str]:
    return set(re.findall(r" reject_warning: .* from=<(\w+)@action.example>", mail.log()))


def test_defer_decides_and_defer_if_permit_lets_a_later_rule_refuse(mail: Postfix) -> None:
    replies = [
        mail.rcpt("x@stranger.example", sender=f"{name}@action.example") for name in ("defer", "defer_if_permit")
    ]
    assert [reply.code for reply in replies] == [450, 554]
    assert "Relay access denied" in replies[1].text


def test_a_filter(mail: Postfix) -> None:
    (found,) = mail.send("ann@one.example", sender="filter@action.example")
    assert found.text == "filtered"


@pytest.mark.parametrize(("stage", "headers"), [("data", ["by us"]), ("end_of_data", [])])
def test_a_header_comes_too_late_behind_the_message(mail: Postfix, stage: str, headers: list[str]) -> None:
    table = add_table(f"headers_{stage}", "sender", by=TESTER)
    add_rule("sender", "header.example", "PREPEND", text="X-Checked: by us", table=table, by=TESTER)
    set_list(stage, [{"name": "check_sender_access", "argument": table.name}], by=TESTER)
    try:
        mail.configure()
        mail.empty_mail()
        mail.send("ann@one.example", sender="ann@header.example")
        (message,) = mail.maildir("one.example/ann/")
        assert message.get_all("X-Checked", []) == headers
        said = [str(one) for one in everything()[1] if "PREPEND" in one.sentence]
        assert bool(said) == (not headers)
    finally:
        set_list(stage, [], by=TESTER)
        mail.configure()


def test_discarded_and_held(mail: Postfix) -> None:
    mail.empty_mail()
    for name, words in (("discard", "discard: RCPT from"), ("hold", "hold: RCPT from")):
        mail.accept("ann@one.example", sender=f"{name}@action.example", client="192.0.2.7")
        assert words in mail.log()
    assert any((mail.base / "queue/hold").iterdir())
    mail.send("ann@one.example", text="a later one")
    assert [message["Subject"] for message in mail.maildir("one.example/ann/")] == ["a later one"]


@pytest.mark.parametrize(
    ("client", "code"),
    [("192.0.2.127", 250), ("192.0.2.128", 554), ("192.0.2.143", 554), ("192.0.2.144", 250), ("2001:db8:bad::1", 554)],
)
def test_networks(mail: Postfix, client: str, code: int) -> None:
    assert mail.rcpt("ann@one.example", client=client).code == code


@pytest.mark.parametrize(
    ("name", "action", "behind", "codes"),
    [
        ("check_client_access", "OK", ["reject"], [250, 554, 554]),
        ("check_reverse_client_hostname_access", "REJECT", [], [554, 250, 250]),
    ],
)
def test_an_address_in_a_table_with_a_name_is_one_host(
    mail: Postfix, name: str, action: str, behind: list[str], codes: list[int]
) -> None:
    """What Postfix asks for 2001:db8:9::1:7 after that is 2001:db8:9::1."""
    table = add_table(f"hosts_{action.lower()}", "client", by=TESTER)
    add_rule("client", "2001:db8:9::1", action, table=table, by=TESTER)
    set_list("client", [{"name": name, "argument": table.name}, *({"name": one} for one in behind)], by=TESTER)
    try:
        mail.configure()
        clients = ("2001:db8:9::1", "2001:db8:9::1:7", "2001:db8:9::1:2:3")
        assert [mail.rcpt("ann@one.example", client=client).code for client in clients] == codes
    finally:
        set_list("client", [{"name": "check_client_access"}], by=TESTER)
        mail.configure()


def test_helo(mail: Postfix) -> None:
    with smtplib.SMTP("127.0.0.1", mail.port, local_hostname="mx.example.net", timeout=30) as smtp:
        smtp.ehlo()
        smtp.docmd("MAIL", "FROM:<a@example.net>")
        assert decoded(smtp.docmd("RCPT", "TO:<ann@one.example>"))[1].endswith("that is me")


def test_classes_by_recipient_in_one_session_and_after_a_rename(mail: Postfix) -> None:
    """Each recipient of one message meets its own class, and the class goes with the address."""
    joe = Address.objects.get(local_part="joe", domain__name="two.example")
    choose_class(joe, "strict", by=TESTER)
    choose_class(Domain.objects.get(name="two.example"), "putoff", by=TESTER)
    add_mailbox("ann@two.example")
    with mail.session() as smtp:
        smtp.docmd("MAIL", "FROM:<a@example.net>")
        codes = [
            smtp.docmd("RCPT", f"TO:<{name}>")[0] for name in ("joe@two.example", "ann@two.example", "ann@one.example")
        ]
    assert codes == [554, 450, 250]
    rename_address(joe, joe.domain, "joseph", by=TESTER)
    assert mail.rcpt("joseph@two.example").code == 554


OUTSIDERS = {
    "a stranger": ("stranger@elsewhere.example", "550", "550", "550"),
    "a bounce": ("", "550", "550", "550"),
    "a member elsewhere": ("friend@elsewhere.example", "250", "550", "550"),
    "a named sender": ("boss@elsewhere.example", "250", "250", "250"),
    "somebody of a named domain": ("any@partner.example", "250", "250", "250"),
    "a member of ours, forged": ("ann@one.example", "550 Sign in", "550 Sign in", "550"),
    "a member behind an alias, forged": ("bob@one.example", "550 Sign in", "550 Sign in", "550"),
    "through the alias domain, forged": ("ann@one-alias.example", "550 Sign in", "550 Sign in", "550"),
    "with an extension, forged": ("ann+x@one.example", "550 Sign in", "550 Sign in", "550"),
    "one of the domain who is no member": ("joe@one.example", "550", "550 Sign in", "550"),
    "one of another domain of ours": ("joe@two.example", "550", "550", "550"),
}


@pytest.mark.parametrize(("sender", "members", "domain", "named"), OUTSIDERS.values(), ids=OUTSIDERS.keys())
def test_who_writes_from_outside(mail: Postfix, sender: str, members: str, domain: str, named: str) -> None:
    for name, wanted in (("members", members), ("domain", domain), ("named", named)):
        for recipient in (f"{name}@one.example", f"{name}+x@one.example", f"{name}@one-alias.example"):
            reply = mail.rcpt(recipient, sender=sender)
            assert str(reply.code) == wanted[:3], (recipient, reply)
            assert ("Sign in first" in reply.text) == wanted.endswith("Sign in"), (recipient, reply)


def test_hosts_of_ours_are_believed(mail: Postfix) -> None:
    assert mail.rcpt("members@one.example", sender="ann@one.example", client=INSIDE).code == 250
    assert mail.rcpt("members@one.example", sender="joe@one.example", client=INSIDE).code == 550


def test_an_alias_that_is_not_protected_is_open(mail: Postfix) -> None:
    assert mail.rcpt("inner@one.example", sender="stranger@elsewhere.example").code == 250


def test_a_domain_refuses_senders_for_itself_alone(mail: Postfix) -> None:
    reply = mail.rcpt("ann@one.example", sender="x@spam.example")
    assert (reply.code, reply.text.endswith("not to us")) == (554, True)
    assert mail.rcpt("ann@one-alias.example", sender="x@spam.example").code == 554
    choose_class(Domain.objects.get(name="two.example"), "", by=TESTER)
    assert mail.rcpt("ann@two.example", sender="x@spam.example").code == 250


def test_a_member_who_leaves_writes_no_more(mail: Postfix) -> None:
    """Rows act at once: nothing is written, nothing is read again."""
    from mailboxes.services import change_alias

    assert mail.rcpt("members@one.example", sender="friend@elsewhere.example").code == 250
    inside = ["ann@one.example", "inner@one.example"]
    change_alias(alias("members"), destinations=inside, by=TESTER)
    assert mail.rcpt("members@one.example", sender="friend@elsewhere.example").code == 550
    change_alias(alias("members"), destinations=[*inside, "friend@elsewhere.example"], by=TESTER)


def test_protected_no_longer_before_main_cf_has_heard_of_it(mail: Postfix) -> None:
    protect_alias(alias("named"), "", by=TESTER)
    assert mail.rcpt("named@one.example", sender="stranger@elsewhere.example").code == 250


@pytest.fixture(scope="module")
def submission(mail: Postfix) -> Generator[Submission, None, None]:
    submission = Submission(free_port())
    server = PasswordServer(f"{mail.base}/queue/private/password-server")
    service = (
        f"127.0.0.1:{submission.port} inet n - n - - smtpd -o max_use=1\n -o smtpd_sasl_auth_enable=yes"
        " -o smtpd_sasl_type=dovecot -o smtpd_sasl_path=private/password-server\n"
        " -o smtpd_relay_restrictions=permit_sasl_authenticated,reject\n"
    )
    mail.write("master.cf", MASTER_CF.format(port=mail.port) + service)
    mail.reload()
    eventually(submission.greets, "the submission service")
    yield submission
    server.server.close()
    os.unlink(f"{mail.base}/queue/private/password-server")
    mail.write("master.cf", MASTER_CF.format(port=mail.port))
    mail.reload()


class TestSignedIn:
    @pytest.mark.parametrize(
        ("login", "sender", "code"),
        [
            ("ann@one.example", "ann@one.example", 250),
            ("bob@one.example", "bob@one.example", 250),
            ("joe@one.example", "joe@one.example", 550),
            ("joe@one.example", "ann@one.example", 553),
            ("joe@one.example", "boss@elsewhere.example", 250),
        ],
    )
    def test_a_member_signs_in(self, submission: Submission, login: str, sender: str, code: int) -> None:
        with submission.session() as smtp:
            smtp.docmd("XCLIENT", "NAME=[UNAVAILABLE] ADDR=192.0.2.7")
            smtp.ehlo()
            smtp.login(login, "one for all of them")
            smtp.docmd("MAIL", f"FROM:<{sender}>")
            assert smtp.docmd("RCPT", "TO:<members@one.example>")[0] == code


def test_a_table_with_a_name_in_a_class(mail: Postfix) -> None:
    table = add_table("friends", "sender", by=TESTER)
    add_rule("sender", "friend.example", "REJECT", table=table, text="no friend", by=TESTER)
    add_class("friendly", [{"name": "check_sender_access", "argument": "friends"}], by=TESTER)
    choose_class(Address.objects.get(local_part="bob"), "friendly", by=TESTER)
    assert mail.rcpt("bob@one.example", sender="x@friend.example").code == 250  # main.cf does not have it yet
    mail.configure()
    assert mail.rcpt("bob@one.example", sender="x@friend.example").code == 554
    assert mail.rcpt("bob@one.example", sender="x@other.example").code == 250


def test_install_commands_take_out_what_the_panel_made_and_leave_the_rest(mail: Postfix, tmp_path: Path) -> None:
    """In a main.cf of another host, which does not run here. Twice: the second time changes nothing."""
    main_cf = tmp_path / "main.cf"
    main_cf.write_text(
        "compatibility_level = 3.6\nsmtpd_restriction_classes = theirs\ntheirs = reject\n"
        "proxy_read_maps = $alias_maps, proxy:unix:passwd.byname\n"
    )
    (tmp_path / "master.cf").touch()

    def installed() -> dict[str, list[str]]:
        call_command("postfix_config", output=str(mail.maps), stdout=StringIO())
        commands = (mail.maps / "install-commands").read_text().partition("postfix check")[0]
        environment = {"MAIL_CONFIG": str(tmp_path), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        assert commands.count("\npostconf -e ") == 1  # nobody reads half of it
        for _again in range(2):
            ended = subprocess.run(
                ["sh", "-c", commands], env=environment, stdin=subprocess.DEVNULL, timeout=60, capture_output=True
            )
            assert (ended.returncode, ended.stderr) == (0, b""), ended.stderr
        lines = (line.partition(" = ") for line in main_cf.read_text().splitlines())
        return {name: value.split(", ") for name, _is, value in lines}

    row = ProtectedAlias.objects.get(alias=alias("members"))
    made, asked = f"Writers_{row.pk}", f"proxy:pgsql:{mail.maps}/writers.cf"
    has = installed()
    assert {"theirs", "strict", "Signed_in", made} <= set(has["smtpd_restriction_classes"])
    number = f"{{regexp:{{{{/(.*)/ {row.pk} $$1}}}}, {asked}}}"
    assert ", ".join(has[made]) == f"check_sender_access pipemap:{number}"
    assert {"$alias_maps", "proxy:unix:passwd.byname", asked} <= set(has["proxy_read_maps"])
    assert len(has["proxy_read_maps"]) == len(set(has["proxy_read_maps"]))
    protect_alias(alias("members"), "", by=TESTER)
    try:
        has = installed()
        assert {"theirs", "strict", "Signed_in"} <= set(has["smtpd_restriction_classes"])
        assert made not in has
        assert made not in has["smtpd_restriction_classes"]
        assert has["theirs"] == ["reject"]
    finally:
        protect_alias(alias("members"), "members", ["boss@elsewhere.example", "@partner.example"], by=TESTER)
        mail.configure()


def test_who_has_signed_in_is_asked_the_same(mail: Postfix) -> None:
    host = PostfixHost(directory="/etc/postfix/mailadmin", with_dovecot=True)
    (asked,) = [value for name, value in parameters_for(host) if name == "submission_recipient_restrictions"]
    first, second = asked.split(", ")[:2]
    assert first == "check_recipient_access proxy:pgsql:/etc/postfix/mailadmin/suspended_domains.cf"
    assert second.startswith("check_recipient_access proxy:pgsql:/etc/postfix/mailadmin/recipient_classes")
    assert asked.endswith(", permit_sasl_authenticated, reject")


def test_nothing_went_wrong(mail: Postfix, before: list[int]) -> None:
    log = mail.log()[before[0] :]
    assert "Server configuration error" not in log
    assert "unapproved" not in log
