"""Two hundred wrong passwords: whoever types them gets slower and slower, and the owner comes in from elsewhere."""

import imaplib
import smtplib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from socket import create_connection, socket
from time import monotonic

import pytest

from tests.dovecot.test_read_and_send import ALICE, PASSWORD, with_password
from tests.plugins.dovecot import Dovecot, plain, sign_in
from tests.plugins.example_mail import add_domain, add_mailbox

ATTACKER, AT_ONCE, ATTEMPTS = "127.0.0.2", 10, 200
AS_LONG_AS, LONGEST_PAUSE = 25, 15  # seconds


@pytest.fixture(scope="module")
def mail(dovecot: Dovecot) -> Iterator[Dovecot]:
    """With the pauses that Dovecot makes by itself; the other tests have none."""
    add_domain("home.example")
    with_password(add_mailbox(ALICE))
    local = dovecot.conf / "local.conf"
    without = local.read_text()
    local.write_text(without.replace("auth_failure_delay = 0", "").replace("mode = 0\n", "mode = 0600\n"))
    dovecot.shut_down()
    dovecot.run("dovecot")
    yield dovecot
    local.write_text(without)


class From(imaplib.IMAP4):
    """A mail program at another address of this machine."""

    def __init__(self, mail: Dovecot, source: str) -> None:
        self.source = source
        super().__init__("127.0.0.1", mail.ports["imap"], timeout=90)

    def _create_socket(self, timeout: float | None) -> socket:
        return create_connection((self.host, self.port), timeout, (self.source, 0))


def attempt(mail: Dovecot, password: str, source: str) -> bool:
    with From(mail, source) as session:
        session.starttls(mail.trust)
        try:
            session.authenticate("PLAIN", lambda _challenge: plain(ALICE, password))
        except imaplib.IMAP4.error:
            return False
        return True


def took(mail: Dovecot, source: str, password: str = PASSWORD) -> float:
    begun = monotonic()
    assert attempt(mail, password, source)
    return monotonic() - begun


def test_it_works(mail: Dovecot) -> None:
    ends, answered = monotonic() + AS_LONG_AS, []

    def guess(number: int) -> None:
        if monotonic() < ends:
            assert not attempt(mail, f"wrong guess {number}", ATTACKER)
            if monotonic() < ends:
                answered.append(number)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        guesses = [threads.submit(guess, number) for number in range(ATTEMPTS)]
        while monotonic() < ends:
            assert took(mail, "127.0.0.1") < LONGEST_PAUSE, mail.log()
        for one in guesses:
            one.result()
    assert 0 < len(answered) <= ATTEMPTS / 4, f"{len(answered)} of {ATTEMPTS} were answered"
    assert took(mail, "127.0.0.1") < LONGEST_PAUSE / 3
    with mail.submission(ALICE, PASSWORD) as session:
        assert session.noop()[0] == 250


def test_the_attacker_waits_at_submission_too(mail: Dovecot) -> None:
    begun = monotonic()
    place = ("127.0.0.1", mail.ports["submission"])
    with smtplib.SMTP(*place, timeout=90, local_hostname="x.example", source_address=(ATTACKER, 0)) as session:
        session.starttls(context=mail.trust)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            sign_in(session, ALICE, "one more guess")
    assert monotonic() - begun > 5
