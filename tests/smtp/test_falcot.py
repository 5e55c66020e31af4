"""Falcot's mail, end to end: sent by SMTP, found where it should be."""

import pytest

from tests.plugins.mail_stack import Postfix


def subjects(messages: list) -> list[str]:
    return [message["Subject"] for message in messages]


def test_jean_finds_his_mail_in_a_maildir(mail: Postfix) -> None:
    (delivery,) = mail.send("jean@falcot.org", text="for Jean")
    assert (delivery.to, delivery.status) == ("jean@falcot.org", "sent")
    assert "for Jean" in subjects(mail.maildir("falcot.org/jean/"))


def test_sophie_finds_her_mail_in_an_mbox(mail: Postfix) -> None:
    (delivery,) = mail.send("sophie@falcot.org", text="for Sophie")
    assert (delivery.to, delivery.status) == ("sophie@falcot.org", "sent")
    assert "for Sophie" in subjects(mail.mbox("falcot.org/sophie"))


def test_contact_ends_in_two_places(mail: Postfix) -> None:
    deliveries = mail.send("contact@falcotsbrand.com", text="for both")
    assert [delivery.to for delivery in deliveries] == ["laure@falcot.org", "sophie@falcot.org"]
    assert "for both" in subjects(mail.maildir("falcot.org/laure/"))
    assert "for both" in subjects(mail.mbox("falcot.org/sophie"))


def test_no_such_person(mail: Postfix) -> None:
    reply = mail.rcpt("no-such-person@falcot.org")
    assert reply.code == 550
    assert "User unknown in virtual mailbox table" in reply.text


@pytest.mark.parametrize("domain", ["falcot.com", "falcotsbrand.com"])
def test_no_such_person_by_another_name(mail: Postfix, domain: str) -> None:
    reply = mail.rcpt(f"no-such-person@{domain}")
    assert reply.code == 550
    assert "User unknown in virtual alias table" in reply.text


def test_a_foreign_domain(mail: Postfix) -> None:
    reply = mail.rcpt("someone@elsewhere.example")
    assert reply == (554, "5.7.1 <someone@elsewhere.example>: Relay access denied")


def test_our_own_network_may_send_elsewhere(mail: Postfix) -> None:
    (delivery,) = mail.send("someone@elsewhere.example", client="127.0.0.1")
    assert delivery == ("someone@elsewhere.example", "none", "sent", "left for elsewhere")
