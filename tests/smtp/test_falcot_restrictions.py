"""Falcot's restrictions, written in the panel: a real smtpd, a real Postgrey and a DNS server in a network of their
own, asked by XCLIENT from inside and outside. The simulation says the same each time."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.namespace import Namespace
from domains.models import Domain
from mailadmin.launch.cluster import Cluster
from mailboxes.models import Address
from mailservers.simulation import Question, verdict_on
from restrictions.access_services import add_rule, choose_class
from restrictions.engine.policy import Records
from restrictions.services import add_class, set_list
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix, decoded, eventually

INSIDE, OUTSIDE, LISTED = "127.0.0.2", "192.0.2.7", "203.0.113.66"
POSTGREY = "inet:127.0.0.1:10023"
GREYLISTED = "DEFER_IF_PERMIT 4.2.0 Greylisted, see http://postgrey.schweikert.ch/help/falcot.com.html"
DELAY = 1  # seconds
DNS = {
    "66.113.0.203.list.example": Records(("127.0.0.2",), words="Listed"),
    "example.net": Records(("192.0.2.7",)),
    "good.example": Records(("192.0.2.7",)),
}
NAMES = ("postmaster", "support", "joe", "sympa", "jean", "sales-asia")
Replies = list[tuple[int, str]]


def write_lists() -> None:
    add_domain("falcot.com")
    for name in NAMES:
        add_mailbox(f"{name}@falcot.com")
    greylisting = {"name": "check_policy_service", "argument": POSTGREY}
    block_list = {"name": "reject_rbl_client", "argument": "list.example=127.0.0.[2..11]"}
    add_class("greylisting", [greylisting], by=TESTER)
    add_class("aggressive", [block_list, greylisting], by=TESTER)
    add_class("permissive", [{"name": "permit"}], by=TESTER)
    classes = {"postmaster": "permissive", "support": "permissive", "sales-asia": "permissive", "joe": "aggressive"}
    for name, chosen in classes.items():
        choose_class(Address.objects.get(local_part=name), chosen, by=TESTER)
    add_rule("recipient", "sympa@falcot.com", "LIST", text="reject_unverified_sender", by=TESTER)
    choose_class(Domain.objects.get(), "greylisting", by=TESTER)
    add_rule("helo", "mx.example.net", "REJECT", text="You are not me", by=TESTER)
    add_rule("sender", "spammer@example.net", "REJECT", text="Not from you", by=TESTER)
    ours = {"name": "permit_mynetworks"}
    set_list("client", [ours, {"name": "reject_unknown_client_hostname", "warn_only": True}], by=TESTER)
    set_list("helo", [ours, {"name": "reject_invalid_helo_hostname"}, {"name": "check_helo_access"}], by=TESTER)
    senders = ("check_sender_access", "reject_unknown_sender_domain", "reject_non_fqdn_sender")
    set_list("sender", [{"name": name} for name in senders], by=TESTER)
    set_list("relay", [ours, {"name": "reject_unauth_destination"}], by=TESTER)
    set_list("recipient", [ours, {"name": "check_recipient_access"}], by=TESTER)
    set_list("data", [{"name": "reject_unauth_pipelining"}], by=TESTER)


@pytest.fixture(scope="module")
def mail(committed: None, cluster: Cluster) -> Iterator[Postfix]:
    write_lists()
    base = Path(tempfile.mkdtemp(prefix="falcot", dir="/tmp"))
    with Namespace(DNS) as network:
        sockets = cluster.directory.parent / "sockets"
        instance = Postfix(base, within=network, database=f"{sockets}:{cluster.port}")
        grey = base / "postgrey"
        grey.mkdir()
        shutil.chown(grey, "postgrey", "postgrey")
        words = ["postgrey", "--inet=127.0.0.1:10023", f"--dbdir={grey}", f"--delay={DELAY}", "--user=postgrey"]
        postgrey = subprocess.Popen(
            [*network.command(Path("/")), *words, "--group=postgrey", f"--pidfile={grey}/pid"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            instance.start()
            instance.override(**PARAMETERS)
            yield instance
        finally:
            postgrey.kill()
            postgrey.wait()
            instance.stop()
            shutil.rmtree(base, ignore_errors=True)


# A verification is answered at once, and remembered for as long as the test runs.
PARAMETERS = {"address_verify_map": "", "address_verify_poll_delay": "1s"}


def ask(
    mail: Postfix, *recipients: str, client: str = OUTSIDE, sender: str = "x@example.net", helo: str = "good.example"
) -> Replies:
    with mail.connection() as smtp:
        smtp.ehlo()
        assert smtp.docmd("XCLIENT", f"NAME=[UNAVAILABLE] REVERSE_NAME=[UNAVAILABLE] ADDR={client}")[0] == 220
        smtp.ehlo(helo)
        assert smtp.docmd("MAIL", f"FROM:<{sender}>")[0] == 250
        return [decoded(smtp.docmd("RCPT", f"TO:<{one}@falcot.com>")) for one in recipients]


def simulated(*recipients: str, greylists: bool = True, verified: str = "", **more: Any) -> Replies:
    question = Question(
        client=more.get("client", OUTSIDE),
        helo=more.get("helo", "good.example"),
        sender=more.get("sender", "x@example.net"),
        recipients=tuple(f"{one}@falcot.com" for one in recipients),
        dns=("list.example=none", f"{'.'.join(reversed(LISTED.split('.')))}.list.example=127.0.0.2"),
        policy_services=(f"{POSTGREY}={GREYLISTED if greylists else 'DUNNO'}",),
        verified=(verified,) if verified else (),
    )
    return [(one.code, one.reply[4:]) for one in verdict_on(question).recipients]


def test_the_greylist_lets_in_who_comes_again(mail: Postfix) -> None:
    eventually(lambda: ask(mail, "jean", sender="first@example.net")[0][0] == 450, "Postgrey to be there")
    first = ask(mail, "jean")
    assert first == simulated("jean")
    assert "Greylisted" in first[0][1]
    eventually(lambda: ask(mail, "jean")[0][0] == 250, "Postgrey to let in who comes again", seconds=DELAY + 10)
    assert ask(mail, "jean") == simulated("jean", greylists=False) == [(250, "2.1.5 Ok")]


def test_several_recipients_meet_their_own_classes_in_one_session(mail: Postfix) -> None:
    recipients = ("postmaster", "joe", "jean", "support")
    replies = ask(mail, *recipients, client="198.51.100.9")
    assert [code for code, _text in replies] == [250, 450, 450, 250]
    assert replies == simulated(*recipients, client="198.51.100.9")


def test_inside_everybody_may_write_to_everybody(mail: Postfix) -> None:
    assert ask(mail, *NAMES, client=INSIDE) == simulated(*NAMES, client=INSIDE) == [(250, "2.1.5 Ok")] * len(NAMES)


def test_joe_is_not_written_to_from_the_block_list(mail: Postfix) -> None:
    ((code, text),) = ask(mail, "joe", client=LISTED)
    assert (code, text.split(";")[1]) == (554, f" Client host [{LISTED}] blocked using list.example")
    assert simulated("joe", client=LISTED) == [(code, text.removesuffix("; Listed"))]
    assert ask(mail, "postmaster", client=LISTED) == simulated("postmaster", client=LISTED) == [(250, "2.1.5 Ok")]


def test_sympa_wants_a_sender_that_takes_mail(mail: Postfix) -> None:
    assert ask(mail, "sympa") == simulated("sympa") == [(250, "2.1.5 Ok")]
    ((code, text),) = ask(mail, "sympa", sender="nobody@falcot.com")
    assert (code, text[:5]) == (450, "4.1.7")
    why = text.partition("unverified address: ")[2]
    predicted = simulated("sympa", sender="nobody@falcot.com", verified=f"nobody@falcot.com=bounce {why}")
    assert predicted == [(code, text)]


def test_our_own_name_from_outside(mail: Postfix) -> None:
    said = [(554, "5.7.1 <mx.example.net>: Helo command rejected: You are not me")]
    assert ask(mail, "postmaster", helo="mx.example.net") == simulated("postmaster", helo="mx.example.net") == said
    inside: dict[str, Any] = {"helo": "mx.example.net", "client": INSIDE}
    assert ask(mail, "jean", **inside) == simulated("jean", **inside) == [(250, "2.1.5 Ok")]


def test_a_sender_who_is_not_wanted(mail: Postfix) -> None:
    said = [(554, "5.7.1 <spammer@example.net>: Sender address rejected: Not from you")]
    sender = "spammer@example.net"
    assert ask(mail, "postmaster", sender=sender) == simulated("postmaster", sender=sender) == said


def test_what_only_warns_is_in_the_log(mail: Postfix) -> None:
    assert ask(mail, "support")[0][0] == 250
    line = f"reject_warning: RCPT from unknown[{OUTSIDE}]: 450 4.7.25 Client host rejected: cannot find your hostname"
    eventually(lambda: line in mail.log(), "the warning in the log")


def test_nobody_talks_on(mail: Postfix) -> None:
    with mail.session(OUTSIDE) as smtp:
        smtp.docmd("MAIL", "FROM:<x@example.net>")
        assert smtp.docmd("RCPT", "TO:<postmaster@falcot.com>")[0] == 250
        smtp.send("DATA\r\nSubject: too early\r\n\r\n.\r\n")
        code, text = decoded(smtp.getreply())
    assert (code, text) == (503, "5.5.0 <DATA>: Data command rejected: Improper use of SMTP command pipelining")


def test_soft_bounce_refuses_nothing_for_good(mail: Postfix) -> None:
    mail.override(**PARAMETERS, soft_bounce="yes")
    assert ask(mail, "nobody", client=INSIDE)[0][0] == 450
    assert ask(mail, "joe", client=LISTED)[0][0] == 454
    mail.override(**PARAMETERS)
