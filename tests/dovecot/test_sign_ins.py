"""Who signed in last is in the panel: service, address, time. Only Dovecot writes it, and only of mailboxes."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from mailboxes.models import Mailbox, SignIn
from mailboxes.renaming import rename_address
from mailboxes.services import delete_mailbox, set_mailbox_password
from mailboxes.sign_ins import MOST_KEPT
from tests.plugins.dovecot import Dovecot
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox
from tests.plugins.mail_stack import eventually

PASSWORD = "many letters in a small box"


@pytest.fixture(scope="module")
def mail(dovecot: Dovecot) -> Dovecot:
    add_domain("home.example")
    return dovecot


def person(address: str) -> Mailbox:
    mailbox = add_mailbox(address)
    set_mailbox_password(mailbox, PASSWORD, by=TESTER)
    return mailbox


def services(mailbox: Mailbox) -> list[tuple[str, str]]:
    return sorted(SignIn.objects.filter(mailbox=mailbox).values_list("service", "remote_ip"))


def test_it_works(mail: Dovecot) -> None:
    anna = person("anna@home.example")
    with mail.imap(str(anna), PASSWORD):
        pass
    with mail.pop(str(anna), PASSWORD):
        pass
    wanted = [("imap", "127.0.0.1"), ("pop3", "127.0.0.1")]
    eventually(lambda: services(anna) == wanted, f"both sign-ins: {mail.log()}", seconds=5)
    first = SignIn.objects.get(mailbox=anna, service="imap")
    with mail.imap(str(anna), PASSWORD):
        pass
    later = SignIn.objects.filter(mailbox=anna, service="imap", signed_in_at__gt=first.signed_in_at)
    eventually(later.exists, "the second sign-in", seconds=5)


def test_a_strange_login(mail: Dovecot) -> None:
    strange = person('"o\'b \\"x\\" a/b"@home.example')
    with mail.imap(str(strange), PASSWORD):
        pass
    eventually(lambda: services(strange), f"the sign-in: {mail.log()}", seconds=5)


def test_either_spelling_of_the_domain(mail: Dovecot) -> None:
    """The pages of the owner name the A-label, which every mail program can send; the U-label does as well."""
    add_domain("bücher.example")
    mia = person("mia@xn--bcher-kva.example")
    with mail.imap(str(mia), PASSWORD):
        pass
    with mail.imap("mia@bücher.example", PASSWORD) as session:
        assert session.select()[0] == "OK"


def test_it_moves_with_the_address_and_goes_with_the_mailbox(mail: Dovecot) -> None:
    ben = person("ben@home.example")
    with mail.imap(str(ben), PASSWORD):
        pass
    eventually(lambda: services(ben), "the sign-in", seconds=5)
    rename_address(ben.address, ben.address.domain, "benno", by=TESTER)
    assert SignIn.objects.get(mailbox=ben).username == "benno@home.example"
    delete_mailbox(ben, by=TESTER)
    assert not SignIn.objects.filter(username="benno@home.example").exists()


def test_only_the_last_are_kept_and_only_of_mailboxes(mail: Dovecot) -> None:
    carl = person("carl@home.example")
    with connection.cursor() as cursor:
        for number in range(MOST_KEPT + 5):
            cursor.execute(
                "INSERT INTO dovecot.last_sign_in (username, service, remote_ip, seconds) VALUES (%s, 'imap', %s, 5)",
                [str(carl), f"192.0.2.{number}"],
            )
        cursor.execute(
            "INSERT INTO dovecot.last_sign_in (username, service, remote_ip) VALUES ('x@home.example', '', '')"
        )
    kept = SignIn.objects.filter(mailbox=carl)
    assert kept.count() == MOST_KEPT
    assert not kept.filter(remote_ip="192.0.2.0").exists()
    assert not SignIn.objects.filter(username="x@home.example").exists()


def test_install_commands_want_pigeonhole(mail: Dovecot, tmp_path: Path) -> None:
    """Without it LMTP would deliver nothing."""
    conf, script = tmp_path / "dovecot.conf", mail.conf / "install-commands"
    environment = {"DOVECOT_CONF": str(conf), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    run: dict[str, Any] = {
        "env": environment,
        "capture_output": True,
        "text": True,
        "stdin": subprocess.DEVNULL,
        "timeout": 60,
    }
    elsewhere = script.read_text().replace("-h mail_plugin_dir", "-h state_dir")
    refused = subprocess.run(["sh", "-c", elsewhere], check=False, **run)
    assert (refused.returncode, conf.exists()) == (1, False)
    assert "apt-get install dovecot-sieve" in refused.stderr
    done = subprocess.run(["sh", str(script)], check=True, **run)
    assert "until end_sessions runs" in done.stdout
    assert conf.read_text() == f"!include {mail.conf}/dovecot.conf\n"
