"""Dovecot behind Postfix knows no SMTPUTF8: what needs it is not taken from strangers, so that it never goes back to
somebody who did not send it. A domain in its own script gets its mail by the A-label."""

import os
import subprocess
from pathlib import Path

import pytest

from mailservers.install_commands import commands_for
from mailservers.postfix_host import PostfixHost
from mailservers.submission import DISCARDED, DISCARDED_AT_SUBMISSION, SERVICES
from tests.dovecot.test_read_and_send import PASSWORD, arrives, message, with_password
from tests.plugins.dovecot import Dovecot
from tests.plugins.example_mail import add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import decoded

ANN = "ann@xn--bcher-kva.example"


@pytest.fixture(scope="module")
def bookshop(dovecot: Dovecot) -> Dovecot:
    add_domain("bücher.example")
    with_password(add_mailbox(ANN))
    add_alias("info@bücher.example", ANN)
    return dovecot


def test_smtputf8_is_not_offered_to_strangers(bookshop: Dovecot) -> None:
    with bookshop.postfix.session() as smtp:
        assert smtp.has_extn("8bitmime")
        assert not smtp.has_extn("smtputf8")
        code, text = decoded(smtp.docmd("MAIL", "FROM:<someone@example.net> SMTPUTF8"))
        assert code >= 500, text


@pytest.mark.parametrize("recipient", [ANN, "ann+x@XN--BCHER-KVA.example", "info@xn--bcher-kva.example"])
def test_mail_by_the_a_label_arrives(bookshop: Dovecot, recipient: str) -> None:
    (delivery,) = bookshop.postfix.send(recipient)
    assert delivery.status == "sent", delivery


@pytest.mark.parametrize("recipient", ["ann@bücher.example", "info@bücher.example", "ann+x@BÜCHER.example"])
def test_what_is_taken_never_goes_back(bookshop: Dovecot, recipient: str) -> None:
    """By the U-label, a sender is refused at once, whether it says SMTPUTF8 or not."""
    with bookshop.postfix.session() as smtp:
        smtp.command_encoding = "utf-8"
        assert smtp.docmd("MAIL", "FROM:<someone@example.net> SMTPUTF8")[0] >= 500
        assert smtp.docmd("MAIL", "FROM:<someone@example.net>")[0] == 250
        code, text = decoded(smtp.docmd("RCPT", f"TO:<{recipient}>"))
        assert (code, text[:5]) == (501, "5.1.3"), text


def test_who_has_signed_in_may_use_it(bookshop: Dovecot) -> None:
    for door in (bookshop.submission, bookshop.submissions):
        with door(ANN, PASSWORD) as session:
            assert session.has_extn("smtputf8")
    with bookshop.submission(ANN, PASSWORD) as session:
        session.sendmail(ANN, [ANN], message("To myself", ANN))
    arrives(bookshop, "To myself", ANN)


@pytest.mark.parametrize(
    ("theirs", "others"),
    [("", ""), ("chunking, silent-discard", "chunking, silent-discard"), ("SMTPUTF8 chunking", "chunking")],
)
def test_what_the_host_discards_stays_discarded(bookshop: Dovecot, tmp_path: Path, theirs: str, others: str) -> None:
    (tmp_path / "main.cf").write_text(f"compatibility_level = 3.6\n{DISCARDED} = {theirs}\n")
    (tmp_path / "master.cf").write_text("smtp inet n - n - - smtpd\n")
    script = commands_for(PostfixHost(directory=str(tmp_path), with_dovecot=True))
    changes = script.partition("postfix check")[0]  # what comes then is for a Postfix that runs
    environment = os.environ | {"MAIL_CONFIG": str(tmp_path), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    def says(*words: str) -> str:
        done = subprocess.run(["postconf", *words], env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    for _again in range(2):
        subprocess.run(["sh", "-c", changes], env=environment, check=True, stdin=subprocess.DEVNULL)
        assert says("-h", DISCARDED) == (f"{others}, smtputf8" if others else "smtputf8")
        assert says("-h", DISCARDED_AT_SUBMISSION) == others
        for name in SERVICES:
            assert says("-P", f"{name}/inet/{DISCARDED}").endswith(f"= ${DISCARDED_AT_SUBMISSION}")
