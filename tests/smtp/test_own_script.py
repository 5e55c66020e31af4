"""A domain in its own script: both spellings reach the same mailbox, and a local part beyond ASCII gets a sentence."""

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from domains.models import Domain
from domains.services import change_domain
from mailboxes.removal import delete_domain
from mailboxes.services import add_mailbox as add
from mailservers.domain_files import names_in
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix, decoded

BOTH = [
    ("bücher.example", "xn--bcher-kva.example"),
    ("例え.example", "xn--r8jz45g.example"),
    ("ζωής.example", "xn--jxap1b0a.example"),  # Postfix asks for ζωήσ.example
    ("müllerstraße.example", "xn--mllerstrae-e4a35a.example"),
]
STREET, SS = "xn--strae-oqa.example", "strasse.example"  # straße.example, for which Postfix asks by the second


@pytest.fixture(scope="module")
def bookshop(postfix: Postfix, committed: None) -> Postfix:
    for own_script, _a_label in BOTH:
        domain = add_domain(own_script)
        add_mailbox(f"jean@{domain}")
        add_alias(f"info@{domain}", f"jean@{domain}")
    add_domain("буки.example", "alias_domain", target=BOTH[0][1])
    add_domain(STREET)
    add_mailbox(f"jean@{STREET}")
    return postfix


def rcpt(postfix: Postfix, recipient: str) -> int:
    """The answer to a client that speaks SMTPUTF8 (RFC 6531)."""
    with postfix.session() as smtp:
        smtp.command_encoding = "utf-8"
        assert smtp.docmd("MAIL", "FROM:<someone@example.net> SMTPUTF8")[0] == 250
        return decoded(smtp.docmd("RCPT", f"TO:<{recipient}>"))[0]


def taken(postfix: Postfix, recipient: str) -> tuple[int, str]:
    """The answer to a whole message."""
    with postfix.session() as smtp:
        smtp.command_encoding = "utf-8"
        smtp.docmd("MAIL", "FROM:<someone@example.net> SMTPUTF8")
        smtp.docmd("RCPT", f"TO:<{recipient}>")
        return decoded(smtp.data("Subject: Bücher\r\n\r\nHello\r\n".encode()))


@pytest.mark.parametrize(("own_script", "a_label"), BOTH)
def test_both_spellings_are_taken(bookshop: Postfix, own_script: str, a_label: str) -> None:
    for domain in (own_script, own_script.upper(), a_label):
        assert rcpt(bookshop, f"jean@{domain}") == 250
        assert rcpt(bookshop, f"jean+books@{domain}") == 250
        assert rcpt(bookshop, f"info@{domain}") == 250
        assert rcpt(bookshop, f"nobody@{domain}") == 550


def test_an_alias_domain_in_its_own_script(bookshop: Postfix) -> None:
    assert rcpt(bookshop, "jean@буки.example") == 250
    assert rcpt(bookshop, "nobody@буки.example") == 550


def test_nobody_takes_the_mail_of_another(bookshop: Postfix) -> None:
    """strasse.example belongs to somebody else: our own people's mail to it goes there."""
    assert rcpt(bookshop, f"jean@{STREET}") == 250
    assert rcpt(bookshop, f"jean@{SS}") == 554
    assert rcpt(bookshop, "jean@straße.example") == 554
    with pytest.raises(ValidationError, match="does not tell strasse.example from straße.example"):
        add_domain(SS)


def test_both_are_served_where_one_answers_for_the_other(bookshop: Postfix) -> None:
    added = add_domain(SS, "alias_domain", target=STREET)
    try:
        for name in (STREET, SS, "straße.example", "STRASSE.example"):
            assert rcpt(bookshop, f"jean@{name}") == 250, name
        assert rcpt(bookshop, "nobody@straße.example") == 550
        code, text = taken(bookshop, "jean@straße.example")
        assert code == 250, text
        (delivery,) = bookshop.deliveries(text.rsplit(" ", 1)[1])
        assert (delivery.to, delivery.status) == (f"jean@{STREET}", "sent")
    finally:
        delete_domain(added, by=TESTER)


@pytest.mark.parametrize(("own_script", "a_label"), BOTH)
def test_a_sender_login_by_the_u_label(bookshop: Postfix, own_script: str, a_label: str) -> None:
    for domain in (own_script, a_label):
        assert bookshop.ask("smtpd_sender_login_maps", f"jean@{domain}") == f"jean@{a_label}"


def test_the_files_of_domains_hold_what_the_functions_say(bookshop: Postfix) -> None:
    names = set(names_in("virtual_mailbox_domains"))
    assert {"bücher.example", "ζωήσ.example", "müllerstrasse.example", STREET} <= names
    assert names.isdisjoint({SS, "straße.example"})


def test_of_two_that_were_there_before_neither_is_found_by_the_u_label(bookshop: Postfix) -> None:
    """An upgrade leaves them alone; by its A-label each is found."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE domains_domain DISABLE TRIGGER a_u_label_is_served_once")
        other = Domain.objects.create(name="xn--jxap4bwa.example", u_label="ζωήσ.example")
        cursor.execute("ALTER TABLE domains_domain ENABLE TRIGGER a_u_label_is_served_once")
    try:
        assert rcpt(bookshop, "jean@ζωής.example") == 554
        assert rcpt(bookshop, "jean@xn--jxap1b0a.example") == 250
        assert rcpt(bookshop, "jean@xn--jxap4bwa.example") == 550
        change_domain(other, description="May be changed all the same", by=TESTER)
    finally:
        other.delete()


def test_what_is_not_ours_in_any_script_is_refused(bookshop: Postfix) -> None:
    assert rcpt(bookshop, "jean@fremd-ü.example") == 554
    assert rcpt(bookshop, "jean@他人.example") == 554


def test_mail_arrives_in_the_mailbox(bookshop: Postfix) -> None:
    code, text = taken(bookshop, "info@bücher.example")
    assert code == 250, text
    (delivery,) = bookshop.deliveries(text.rsplit(" ", 1)[1])
    assert (delivery.to, delivery.status) == ("jean@xn--bcher-kva.example", "sent")


@pytest.mark.parametrize("local_part", ["jürgen", "花子", "ｊｅａｎ"])
def test_a_local_part_beyond_ascii_is_refused_with_a_sentence(bookshop: Postfix, local_part: str) -> None:
    with pytest.raises(ValidationError, match="beyond ASCII"):
        add(Domain.objects.get(name=BOTH[0][1]), local_part, by=TESTER)
