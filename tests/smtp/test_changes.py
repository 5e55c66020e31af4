"""What is changed in the panel counts for the next message."""

import pytest

from domains.models import Domain
from domains.services import change_domain
from mailboxes.models import Alias, Mailbox
from mailboxes.removal import delete_domain
from mailboxes.services import change_alias, change_mailbox, delete_alias, delete_mailbox
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix, eventually


@pytest.fixture
def mail(postfix: Postfix, committed: None) -> Postfix:
    postfix.empty_mail()
    return postfix


def test_a_domain_from_its_first_to_its_last_day(mail: Postfix) -> None:
    anna = "anna@new.example"
    assert mail.rcpt(anna).code == 554
    domain = add_domain("new.example")
    assert mail.rcpt(anna).code == 550
    mailbox = add_mailbox(anna)
    assert mail.rcpt(anna).code == 250
    change_mailbox(mailbox, active=False, by=TESTER)
    assert mail.rcpt(anna).code == 550
    change_mailbox(mailbox, active=True, by=TESTER)
    assert mail.rcpt(anna).code == 250
    change_domain(domain, active=False, by=TESTER)
    assert mail.rcpt(anna).code == 554
    change_domain(domain, active=True, by=TESTER)
    assert mail.rcpt(anna).code == 250
    delete_mailbox(Mailbox.objects.get(pk=mailbox.pk), by=TESTER)
    assert mail.rcpt(anna).code == 550
    delete_domain(Domain.objects.get(pk=domain.pk), by=TESTER)
    assert mail.rcpt(anna).code == 554


def test_an_alias_gets_another_destination(mail: Postfix) -> None:
    add_domain("team.example")
    for name in ("anna", "ben"):
        add_mailbox(f"{name}@team.example")
    add_alias("info@team.example", "anna@team.example")
    alias = Alias.objects.get(address__local_part="info", address__domain__name="team.example")
    assert [delivery.to for delivery in mail.send("info@team.example")] == ["anna@team.example"]
    change_alias(alias, destinations=["ben@team.example"], by=TESTER)
    assert [delivery.to for delivery in mail.send("info@team.example")] == ["ben@team.example"]
    delete_alias(alias, by=TESTER)
    assert mail.rcpt("info@team.example").code == 550


def test_a_mailbox_moves_to_another_path(mail: Postfix) -> None:
    add_domain("move.example")
    mailbox = add_mailbox("anna@move.example")
    change_mailbox(mailbox, mail_path="archive/anna/", by=TESTER)
    (delivery,) = mail.send("anna@move.example", text="after the move")
    assert delivery.status == "sent", delivery
    assert [message["Subject"] for message in mail.maildir("archive/anna/")] == ["after the move"]


def test_an_mbox_waits_for_its_folder(mail: Postfix) -> None:
    add_domain("letters.example")
    add_mailbox("anna@letters.example", mail_format="mbox")
    waiting = mail.accept("anna@letters.example", text="patience", client="192.0.2.7")
    assert [delivery.status for delivery in mail.deliveries(waiting)] == ["deferred"]
    mail.make_folder("letters.example")
    mail.flush()
    eventually(lambda: f"{waiting}: removed" in mail.log(), "the message to be delivered")
    assert [message["Subject"] for message in mail.mbox("letters.example/anna")] == ["patience"]
