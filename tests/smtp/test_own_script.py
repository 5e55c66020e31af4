"""A domain in its own script: both spellings reach the same mailbox, and a local part beyond ASCII gets a sentence."""

import pytest
from django.core.exceptions import ValidationError

from mailboxes.services import add_mailbox as add
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix, decoded

BOTH = [("bücher.example", "xn--bcher-kva.example"), ("例え.example", "xn--r8jz45g.example")]


@pytest.fixture(scope="module")
def bookshop(postfix: Postfix, committed: None) -> Postfix:
    for own_script, _a_label in BOTH:
        domain = add_domain(own_script)
        add_mailbox(f"jean@{domain}")
        add_alias(f"info@{domain}", f"jean@{domain}")
    add_domain("буки.example", "alias_domain", target=BOTH[0][1])
    return postfix


def rcpt(postfix: Postfix, recipient: str) -> int:
    """The answer to a client that speaks SMTPUTF8 (RFC 6531)."""
    with postfix.session() as smtp:
        smtp.command_encoding = "utf-8"
        assert smtp.docmd("MAIL", "FROM:<someone@example.net> SMTPUTF8")[0] == 250
        return decoded(smtp.docmd("RCPT", f"TO:<{recipient}>"))[0]


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


def test_what_is_not_ours_in_any_script_is_refused(bookshop: Postfix) -> None:
    assert rcpt(bookshop, "jean@fremd-ü.example") == 554
    assert rcpt(bookshop, "jean@他人.example") == 554


def test_mail_arrives_in_the_mailbox(bookshop: Postfix) -> None:
    with bookshop.session() as smtp:
        smtp.command_encoding = "utf-8"
        smtp.docmd("MAIL", "FROM:<someone@example.net> SMTPUTF8")
        smtp.docmd("RCPT", "TO:<info@bücher.example>")
        code, text = decoded(smtp.data("Subject: Bücher\r\n\r\nHello\r\n".encode()))
    assert code == 250, text
    (delivery,) = bookshop.deliveries(text.rsplit(" ", 1)[1])
    assert (delivery.to, delivery.status) == ("jean@xn--bcher-kva.example", "sent")


@pytest.mark.parametrize("local_part", ["jürgen", "花子", "ｊｅａｎ"])
def test_a_local_part_beyond_ascii_is_refused_with_a_sentence(bookshop: Postfix, local_part: str) -> None:
    from domains.models import Domain

    with pytest.raises(ValidationError, match="beyond ASCII"):
        add(Domain.objects.get(name=BOTH[0][1]), local_part, by=TESTER)
