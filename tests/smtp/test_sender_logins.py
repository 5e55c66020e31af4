"""A real smtpd with AUTH and reject_sender_login_mismatch: who has signed in sends as whom he may, as nobody else."""

import base64
import contextlib
import os
import smtplib
import socket
import threading
from collections.abc import Generator, Iterator
from grp import getgrnam

import pytest

from mailservers.lookup import look_up
from tests.plugins import example_mail
from tests.plugins.mail_stack import MASTER_CF, Postfix, Reply, decoded, eventually, free_port

PASSWORD = "one for all of them"
SUBMISSION = """\
127.0.0.1:{port} inet n - n - - smtpd -o max_use=1
 -o smtpd_sasl_auth_enable=yes -o smtpd_sasl_type=dovecot -o smtpd_sasl_path=private/password-server
 -o smtpd_sender_restrictions=reject_sender_login_mismatch
 -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
"""


class PasswordServer:
    """Speaks Dovecot's authentication protocol, version 1, as smtpd does: whoever knows the password is in."""

    def __init__(self, path: str) -> None:
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        os.chown(path, -1, getgrnam("postfix").gr_gid)
        os.chmod(path, 0o660)
        self.server.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        with contextlib.suppress(OSError):  # the test is over
            while True:
                client, _address = self.server.accept()
                threading.Thread(target=self.talk, args=[client], daemon=True).start()

    def talk(self, client: socket.socket) -> None:
        with client, contextlib.suppress(ConnectionError):
            client.sendall(
                b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t" + b"0" * 32 + b"\nDONE\n"
            )
            for line in client.makefile("r"):
                verb, *words = line.rstrip("\n").split("\t")
                if verb == "AUTH":
                    response = next(word[5:] for word in words if word.startswith("resp="))
                    _as_whom, user, password = base64.b64decode(response).decode().split("\0")
                    answer = f"OK\t{words[0]}\tuser={user}" if password == PASSWORD else f"FAIL\t{words[0]}"
                    client.sendall(f"{answer}\n".encode())


class Submission:
    def __init__(self, port: int) -> None:
        self.port = port

    @contextlib.contextmanager
    def session(self) -> Iterator[smtplib.SMTP]:
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.example.net", timeout=30) as smtp:
            smtp.ehlo()
            yield smtp

    def says(self, login: str, sender: str) -> Reply:
        """What somebody who has signed in hears after MAIL FROM and RCPT TO; an empty login signs in as nobody."""
        with self.session() as smtp:
            if login:
                smtp.login(login, PASSWORD)
            code, text = smtp.docmd("MAIL", f"FROM:<{sender}>")
            assert code == 250, text
            return Reply(*decoded(smtp.docmd("RCPT", "TO:<someone@elsewhere.example>")))

    def greets(self) -> bool:
        with contextlib.suppress(OSError, smtplib.SMTPException), self.session():
            return True
        return False


@pytest.fixture(scope="module")
def submission(postfix: Postfix, committed: None) -> Generator[Submission, None, None]:
    example_mail.this_machine()
    example_mail.home()
    example_mail.own_script()
    example_mail.senders()
    passwords, submission = PasswordServer(str(postfix.base / "queue/private/password-server")), Submission(free_port())
    usual = MASTER_CF.format(port=postfix.port)
    postfix.write("master.cf", usual + SUBMISSION.format(port=submission.port))
    postfix.configure()
    eventually(submission.greets, "the greeting of the submission service")
    yield submission
    postfix.write("master.cf", usual)
    postfix.reload()
    passwords.server.close()
    (postfix.base / "queue/private/password-server").unlink()


@pytest.mark.parametrize(
    ("login", "sender", "is_taken"),
    [
        ("ann@desk.example", "ann@desk.example", True),
        ("ANN@desk.example", "Ann+list@DESK.example", True),
        ("ann@desk.example", "ann@desk-alias.example", True),
        ("ann@desk.example", "hops@desk-alias.example", True),
        ("ann@desk.example", "desk@mx.example.net", True),
        ("ann@desk.example", "noreply@desk.example", True),
        ("ann@desk.example", "anybody@brand.desk.example", True),
        ("ann@desk.example", "bob@desk.example", False),
        ("ann@desk.example", "ann+old@desk.example", False),
        ("ann@desk.example", "away@desk.example", False),
        ("ann@desk.example", "press@elsewhere.example", False),
        ("ann@desk.example", "someone@elsewhere.example", False),
        ("bob@desk.example", "press@elsewhere.example", True),
        ("bob@desk.example", "sales-asia@desk.example", True),
        ("bob@desk.example", "bob+away@desk.example", False),
        ("deaf@desk.example", "deaf@desk.example", True),
        ("mute@desk.example", "mute@desk.example", False),
        ("mute@desk.example", "noreply@desk.example", False),
        ("alice@home.example", '"two words"@home.example', True),
        ("jean@xn--bcher-kva.example", "jean@xn--bcher-kva.example", True),
        ("o'brien@home.example", "o'brien@home.example", True),
        ("ann@desk.example", "", True),  # the null sender of a bounce belongs to nobody
    ],
)
def test_it_works(submission: Submission, login: str, sender: str, is_taken: bool) -> None:
    reply = submission.says(login, sender)
    if sender:
        predicted = look_up("someone@elsewhere.example", sender=sender, login=login).sender
        assert predicted is not None
        assert predicted.may_send == is_taken
        assert is_taken or predicted.reply == f"{reply.code} {reply.text}"
    if is_taken:
        assert reply.code == 250, reply
    else:
        assert reply.code == 553
        assert reply.text.endswith(f"Sender address rejected: not owned by user {login}")


@pytest.mark.parametrize("sender", ["ann@desk.example", "noreply@desk.example", "press@elsewhere.example"])
def test_nobody_sends_so_without_signing_in(submission: Submission, sender: str) -> None:
    assert submission.says("", sender).text.endswith("Sender address rejected: not logged in")


def test_a_wrong_password(submission: Submission) -> None:
    with submission.session() as smtp, pytest.raises(smtplib.SMTPAuthenticationError):
        smtp.login("ann@desk.example", "another one")


def test_mail_from_outside_is_not_asked(submission: Submission, postfix: Postfix) -> None:
    """At port 25 a forwarder hands on mail of our people; nobody signs in there, so nothing is rejected."""
    assert postfix.rcpt("ann@desk.example", sender="bob@desk.example").code == 250
