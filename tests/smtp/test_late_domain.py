"""A domain that became ours after a whole domain was pointed at it: no 250 for an address that it has not."""

import pytest

from tests.plugins.example_mail import add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix


@pytest.fixture(scope="module")
def moved(postfix: Postfix, committed: None) -> Postfix:
    add_domain("early.example", "virtual_alias")
    add_domain("first.example", "virtual_alias")
    add_alias("@early.example", "@late.example")
    add_alias("@first.example", "@early.example")
    add_domain("late.example")
    add_mailbox("ann@late.example")
    return postfix


@pytest.mark.parametrize("domain", ["early.example", "first.example"])
def test_it_answers_for_what_exists(moved: Postfix, domain: str) -> None:
    assert [(one.to, one.status) for one in moved.send(f"ann@{domain}")] == [("ann@late.example", "sent")]
    assert [(one.to, one.status) for one in moved.send(f"ann+x@{domain}")] == [("ann+x@late.example", "sent")]


@pytest.mark.parametrize("domain", ["early.example", "first.example"])
def test_and_refuses_what_does_not(moved: Postfix, domain: str) -> None:
    assert moved.rcpt(f"nobody@{domain}").code == 550


def test_what_is_not_ours_takes_everything(moved: Postfix) -> None:
    add_domain("outside.example", "virtual_alias")
    add_alias("@outside.example", "@elsewhere.example")
    assert moved.rcpt("whoever@outside.example").code == 250
