"""From its deletion to its return, and from its old name to the new one: what Postfix makes of it."""

import pytest

from accounts.models import ChangeSet
from domains.models import Domain
from mailboxes.credentials import is_password
from mailboxes.models import Mailbox, MailboxCredential
from mailboxes.renaming import rename_address
from mailboxes.services import add_mailbox as new_mailbox
from mailboxes.services import delete_mailbox, set_mailbox_password
from mailboxes.undo import undo_change_set
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix


@pytest.fixture
def mail(postfix: Postfix, committed: None) -> Postfix:
    postfix.empty_mail()
    return postfix


def test_an_undo_brings_mail_and_password_back(mail: Postfix) -> None:
    add_domain("life.example")
    add_domain("brand.example", "virtual_alias")
    anna = add_mailbox("anna@life.example")
    set_mailbox_password(anna, "let me read my mail", by=TESTER)
    add_alias("info@brand.example", "anna@life.example")
    number = delete_mailbox(anna, by=TESTER)
    assert mail.rcpt("anna@life.example").code == 550
    assert mail.rcpt("info@brand.example").code == 550
    undo_change_set(ChangeSet.objects.get(pk=number), by=TESTER)
    for address in ("anna@life.example", "info@brand.example"):
        (delivery,) = mail.send(address, text=f"to {address}")
        assert (delivery.to, delivery.status) == ("anna@life.example", "sent")
    assert len(mail.maildir("life.example/anna/")) == 2
    assert is_password("let me read my mail", MailboxCredential.objects.get(mailbox=anna.pk).hash)


def test_the_old_and_the_new_address_end_in_one_mailbox(mail: Postfix) -> None:
    domain = add_domain("names.example")
    anna = add_mailbox("anna@names.example")
    rename_address(anna.address, domain, "anna.new", keep_old=True, by=TESTER)
    for address in ("anna@names.example", "anna.new@names.example", "anna+x@names.example"):
        (delivery,) = mail.send(address, text=f"to {address}")
        assert delivery.status == "sent", delivery
    assert len(mail.maildir("names.example/anna/")) == 3, "the files stay where they were"


def test_a_moved_address_leaves_nothing_behind(mail: Postfix) -> None:
    add_domain("here.example")
    there = add_domain("there.example")
    anna = add_mailbox("anna@here.example")
    add_alias("info@here.example", "anna@here.example")
    rename_address(
        Mailbox.objects.with_address().get(pk=anna.pk).address, Domain.objects.get(pk=there.pk), "anna", by=TESTER
    )
    assert mail.rcpt("anna@here.example").code == 550
    assert [delivery.to for delivery in mail.send("info@here.example")] == ["anna@there.example"]


def test_the_next_owner_reads_no_former_mail(mail: Postfix) -> None:
    domain = add_domain("next.example")
    anna = add_mailbox("anna@next.example")
    mail.send("anna@next.example", text="for the first of them")
    delete_mailbox(anna, by=TESTER)
    new_mailbox(domain, "anna", despite_quarantine=True, by=TESTER)
    mail.send("anna@next.example", text="for the second")
    assert (len(mail.maildir("next.example/anna/")), len(mail.maildir("next.example/anna-2/"))) == (1, 1)
