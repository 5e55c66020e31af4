"""A suspended domain: new mail is put off at RCPT TO, nothing is lost, and nobody hears that an address is unknown."""

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from domains.models import Domain
from domains.services import change_domain
from mailservers.lookup import look_up
from tests.plugins.example_mail import TESTER, suspended_domains
from tests.plugins.mail_stack import Postfix, decoded, eventually

Switch = Callable[[bool], None]


@pytest.fixture(scope="module")
def mail(postfix: Postfix, committed: None) -> Postfix:
    postfix.empty_mail()
    suspended_domains()
    return postfix


@pytest.fixture
def set_suspended(mail: Postfix) -> Iterator[Switch]:
    """Suspends or resumes waiting.example, which is suspended again afterwards."""

    def change(suspended: bool) -> None:
        change_domain(Domain.objects.get(name="waiting.example"), suspended=suspended, by=TESTER)

    yield change
    change(True)


PUT_OFF = [
    "ann@waiting.example",
    "ann+x@waiting.example",
    "a+b@waiting.example",
    "Ann@Waiting.Example",
    '"a b"@waiting.example',
    "nobody@waiting.example",
    "ann@waiting-alias.example",
    "nobody@waiting-alias.example",
    "ann@late-alias.example",
    "whoever@brand-waits.example",
    "ann@relay-waits.example",
    "nobody@relay-waits.example",
    "root@local-waits.example",
    "ann@xn--wrtlich-90a.example",
]


@pytest.mark.parametrize("recipient", PUT_OFF)
def test_it_works(mail: Postfix, recipient: str) -> None:
    reply = mail.rcpt(recipient)
    assert reply.code == 450
    assert reply.text.startswith("4.2.1 ")
    assert reply.text.endswith("Mail for this domain is suspended for a time. Try again later.")
    if recipient.islower():
        assert look_up(recipient).reply == f"{reply.code} {reply.text}"


OTHERS = {
    "ann@open.example": 250,
    "ann@sub.waiting.example": 250,
    "nobody@open.example": 550,
    "ann@other.waiting.example": 554,
    "ann@closed-too.example": 554,
    "ann@elsewhere.example": 554,
}


@pytest.mark.parametrize(("recipient", "code"), OTHERS.items())
def test_others_are_answered_as_before(mail: Postfix, recipient: str, code: int) -> None:
    reply = mail.rcpt(recipient)
    assert reply.code == code
    assert look_up(recipient).reply == f"{reply.code} {reply.text}"


def test_a_domain_in_its_own_script(mail: Postfix) -> None:
    with mail.session() as smtp:
        smtp.command_encoding = "utf-8"
        smtp.docmd("MAIL", "FROM:<someone@example.net> SMTPUTF8")
        assert decoded(smtp.docmd("RCPT", "TO:<ann@wörtlich.example>"))[0] == 450


def test_a_neighbour_hears_it_too(mail: Postfix) -> None:
    """A host of mynetworks: ours stands before permit_mynetworks."""
    mail.override(smtpd_recipient_restrictions=f"check_recipient_access proxy:pgsql:{mail.maps}/suspended_domains.cf")
    assert mail.rcpt("ann@waiting.example", client="127.0.0.1").code == 450
    assert mail.rcpt("ann@elsewhere.example", client="127.0.0.1").code == 250


def test_it_ends_at_once(mail: Postfix, set_suspended: Switch) -> None:
    set_suspended(False)
    assert [delivery.status for delivery in mail.send("ann@waiting.example")] == ["sent"]
    assert mail.rcpt("nobody@waiting.example").code == 550
    set_suspended(True)
    assert mail.rcpt("ann@waiting.example").code == 450


def test_what_an_alias_elsewhere_sends_on_arrives(mail: Postfix) -> None:
    (delivery,) = mail.send("to-waiting@open.example")
    assert (delivery.to, delivery.status) == ("ann@waiting.example", "sent")


def test_what_programs_of_the_host_send_arrives(mail: Postfix) -> None:
    """sendmail(1) hands it to pickup(8), past smtpd: it is delivered, and neither lost nor sent back."""
    before = len(mail.maildir("waiting.example/ann/"))
    command = ["sendmail", "-C", str(mail.conf), "-f", "cron@open.example", "ann@waiting.example"]
    text = b"Subject: From the host\n\nHello\n"
    subprocess.run(command, input=text, check=True, env={**os.environ, "MAIL_CONFIG": str(mail.conf)})
    eventually(lambda: len(mail.maildir("waiting.example/ann/")) > before, "the message from sendmail")


def test_what_is_in_the_queue_is_delivered(mail: Postfix, set_suspended: Switch) -> None:
    set_suspended(False)
    mail.override(defer_transports="virtual")
    queue_id = mail.accept("ann@waiting.example", client="192.0.2.7")
    eventually(lambda: f"{queue_id}: to=<ann@waiting.example>" in mail.log(), "the message to be deferred")
    set_suspended(True)
    mail.configure()
    eventually(lambda: f"{queue_id}: removed" in mail.log(), "the message to leave the queue")
    assert [one.status for one in mail.deliveries(queue_id)][-1] == "sent"
