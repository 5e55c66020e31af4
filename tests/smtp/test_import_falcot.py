"""Falcot's hand-written restrictions go in and come out: a real smtpd, asked the same before and after, says the same.

After the import the commands of postfix_config are run over the old main.cf, as on a mail host."""

import io
import re
import shutil
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from django.core.management import call_command

from bench.namespace import Namespace
from mailadmin.launch.cluster import Cluster
from restrictions.catalogue import STAGES, parameter_of
from tests.plugins.mail_stack import MAIN_CF, Postfix, decoded, eventually
from tests.smtp.test_falcot_restrictions import DNS, GREYLISTED, INSIDE, LISTED, NAMES, OUTSIDE
from tests.takeover.handwritten import Handwritten

RESTRICTIONS = """
smtpd_restriction_classes = greylisting, aggressive, permissive
greylisting = check_policy_service inet:127.0.0.1:10023
aggressive = reject_rbl_client $block_list, check_policy_service inet:127.0.0.1:10023
permissive = permit
block_list = list.example=127.0.0.[2..11]
smtpd_client_restrictions = permit_mynetworks, warn_if_reject reject_unknown_client_hostname,
    check_client_access cidr:{folder}/access_clientip
smtpd_helo_restrictions = permit_mynetworks, reject_invalid_helo_hostname,
    check_helo_access hash:{folder}/access_helo, reject_non_fqdn_helo_hostname
smtpd_sender_restrictions = check_sender_access hash:{folder}/access_sender,
    check_sender_access inline:{{ {{ example.org = REJECT Nothing, from there }} }}
    reject_unknown_sender_domain, reject_unlisted_sender, reject_non_fqdn_sender
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination, reject_unlisted_recipient,
    check_recipient_access hash:{folder}/access_recipient
smtpd_data_restrictions = reject_unauth_pipelining
smtpd_end_of_data_restrictions = check_sasl_access inline:{{ann=REJECT}}
"""
TABLES = {
    "access_clientip": "198.51.100.9 DUNNO\n198.51.100.0/24 REJECT 5.7.1 Not from there\n",
    "access_helo": "mx.example.net REJECT You are not me\n",
    "access_sender": "spammer@example.net REJECT Not from you\n<> DUNNO\n",
    "access_recipient": """
        postmaster@falcot.com  permissive
        support@falcot.com     permissive
        sales-asia@falcot.com  permissive
        joe@falcot.com         aggressive
        sympa@falcot.com       reject_unverified_sender
        falcot.com             greylisting
    """,
    "vmailbox": "".join(f"{name}@falcot.com falcot.com/{name}/\n" for name in NAMES),
}
ADDRESSES = """
virtual_mailbox_base = /srv/vmail
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
virtual_mailbox_domains = falcot.com
virtual_mailbox_maps = hash:{folder}/vmailbox
mydestination = $myhostname, localhost
address_verify_map =
address_verify_poll_delay = 1s
"""

CLIENTS = (INSIDE, OUTSIDE, LISTED, "198.51.100.9", "198.51.100.10")
GREETINGS = ("good.example", "mx.example.net", "host", "a..b")
SENDERS = ("x@example.net", "spammer@example.net", "x@example.org", "x@host", "nobody@falcot.com", "", "x@gone.example")
SESSIONS = list(product(CLIENTS, GREETINGS, SENDERS))
RECIPIENTS = [*(f"{name}@falcot.com" for name in NAMES), "nobody@falcot.com", "x@elsewhere.example"]
Replies = list[tuple[int, str]]


class Played:
    """All sessions: what smtpd said to each command, and what it wrote into the log about it."""

    def __init__(self, mail: Postfix) -> None:
        mail.reload()
        eventually(mail.greets, "smtpd after the reload")
        before = len(mail.log())
        self.replies = {session: _ask(mail, *session) for session in SESSIONS}
        self.pipelined = _talks_on(mail)
        eventually(lambda: "pipelining" in mail.log()[before:], "the last refusal in the log")
        lines = re.findall(r"((?:NOQUEUE|[0-9A-F]{6,}): (?:reject|reject_warning): .*)", mail.log()[before:])
        self.log = sorted(re.sub(r"^\w+: ", "", line) for line in lines)


@pytest.fixture(scope="module")
def played(committed: None, cluster: Cluster) -> Iterator[tuple[Played, Played, str]]:
    """Before, after, and the main.cf that came of it."""
    base = Path(tempfile.mkdtemp(prefix="falcot", dir="/tmp"))
    base.chmod(0o755)
    old = Handwritten(base / "old")
    more = (ADDRESSES + RESTRICTIONS).format(folder=old.directory)
    old.main(more)
    for name, text in TABLES.items():
        lines = "".join(f"{line.strip()}\n" for line in text.strip().splitlines())
        old.write(name, lines, "" if name == "access_clientip" else "hash")
    with Namespace(DNS) as network:
        network.serve_policy(10023, lambda request: GREYLISTED)
        sockets = cluster.directory.parent / "sockets"
        mail = Postfix(base / "postfix", within=network, database=f"{sockets}:{cluster.port}")
        mail.base.mkdir()
        try:
            mail.start()
            mail.write("main.cf", _merged(MAIN_CF.format(base=mail.base, conf=mail.conf), old.directory / "main.cf"))
            before = Played(mail)
            call_command("import_postfix", str(old.directory), stdout=io.StringIO(), stderr=io.StringIO())
            main = mail.install()
            yield before, Played(mail), main
        finally:
            mail.stop()
            shutil.rmtree(base, ignore_errors=True)


def _merged(private: str, handwritten: Path) -> str:
    """The old main.cf with what a private instance needs; each parameter once."""
    own = [line for line in private.splitlines() if "restrictions" not in line and not line.startswith("alias_")]
    names = {line.partition("=")[0].strip() for line in own if "=" in line}
    lines = handwritten.read_text().splitlines()
    return "\n".join([*own, *(line for line in lines if line.partition("=")[0].strip() not in names), ""])


def _ask(mail: Postfix, client: str, helo: str, sender: str) -> Replies:
    with mail.connection() as smtp:
        smtp.ehlo()
        assert smtp.docmd("XCLIENT", f"NAME=[UNAVAILABLE] REVERSE_NAME=[UNAVAILABLE] ADDR={client}")[0] == 220
        said = [decoded(smtp.docmd("EHLO", helo))[:1], decoded(smtp.docmd("MAIL", f"FROM:<{sender}>"))]
        if said[-1][0] == 250:
            said += [decoded(smtp.docmd("RCPT", f"TO:<{one}>")) for one in RECIPIENTS]
        return said  # type: ignore[return-value]


def _talks_on(mail: Postfix) -> tuple[int, str]:
    with mail.session(OUTSIDE) as smtp:
        smtp.docmd("MAIL", "FROM:<x@example.net>")
        smtp.docmd("RCPT", "TO:<postmaster@falcot.com>")
        smtp.send("DATA\r\nSubject: too early\r\n\r\n.\r\n")
        return decoded(smtp.getreply())


def test_every_reply_is_the_same(played: tuple[Played, Played, str]) -> None:
    before, after, _main = played
    differing = {
        key: (before.replies[key], after.replies[key]) for key in SESSIONS if before.replies[key] != after.replies[key]
    }
    assert differing == {}
    assert before.pipelined == after.pipelined
    assert before.pipelined[0] == 503


def test_each_recipient_met_the_class_that_is_meant(played: tuple[Played, Played, str]) -> None:
    for one in played[:2]:
        codes = [code for code, _text in one.replies[(OUTSIDE, "good.example", "x@example.net")][2:]]
        wanted = {"postmaster": 250, "support": 250, "joe": 450, "sympa": 250, "jean": 450, "sales-asia": 250}
        assert dict(zip(NAMES, codes, strict=False)) == wanted


def test_the_same_rules_spoke(played: tuple[Played, Played, str]) -> None:
    """Each refusal and each warning stands in the log with its reason."""
    before, after, _main = played
    assert before.log == after.log
    reasons = {reason for reason in REASONS if not any(reason in line for line in before.log)}
    assert reasons == set()


REASONS = (
    "Greylisted",
    "blocked using list.example",
    "You are not me",
    "Not from you",
    "Nothing, from there",
    "Not from there",
    "need fully-qualified hostname",
    "Invalid name",
    "Domain not found",
    "reject_warning:",
    "Relay access denied",
    "User unknown in virtual mailbox table",
)


def test_main_cf_has_the_panel_instead_of_the_files(played: tuple[Played, Played, str]) -> None:
    _before, _after, main = played
    values = dict(line.split(" =", 1) for line in main.splitlines() if " =" in line and not line.startswith((" ", "#")))
    assert "permissive = permit\n" in main
    for stage in STAGES:
        if stage == "end_of_data":
            assert "check_sasl_access" in values[parameter_of(stage)]  # has no place in the panel
        else:
            assert "hash:" not in values[parameter_of(stage)]
            assert "cidr:" not in values[parameter_of(stage)]
