"""What is refused at saving, cleanup(8) would put off; both count the same ends (virtual_alias_expansion_limit)."""

import pytest

from mailboxes.fan_out import number_of_ends
from mailboxes.ways import Request, ways_from
from tests.plugins.example_mail import add_alias, add_domain, add_mailbox, taken_apart
from tests.plugins.mail_stack import OUTSIDE, Postfix, decoded

ENDS = {
    "three@wide.example": 3,
    "six@wide.example": 6,  # three, and three again
    "copy@wide.example": 4,
    "copies@wide.example": 5,  # copy, and copy again: it is expanded once
    "copy@other.wide.example": 7,  # three, and copy@wide.example
    "copy+x@wide.example": 4,
    "anybody@wide.example": 4,
    "sales-us@wide.example": 3,
    "six@kept.wide.example": 7,
    "lists@wide.example": 3,
    "lists+x@wide.example": 5,  # little+x has an alias of its own
    "lists+y@wide.example": 3,
    "news@wide.example": 6,
    "lists+x@kept.wide.example": 6,
}


@pytest.fixture(scope="module")
def wide(postfix: Postfix, committed: None) -> Postfix:
    add_domain("wide.example")
    add_domain("other.wide.example", "alias_domain", target="wide.example")
    add_domain("kept.wide.example", "virtual_alias")
    for name in ("a", "b", "c", "copy"):
        add_mailbox(f"{name}@wide.example")
    three = [f"{name}@wide.example" for name in "abc"]
    add_alias("three@wide.example", *three)
    add_alias("again@wide.example", "three@wide.example")
    add_alias("six@wide.example", "three@wide.example", "again@wide.example")
    add_alias("copy@wide.example", *three)
    add_alias("to.copy@wide.example", "copy@wide.example")
    add_alias("copies@wide.example", "copy@wide.example", "to.copy@wide.example")
    add_alias("sales-*@wide.example", "three@wide.example")
    add_alias("@wide.example", "copy@wide.example")
    add_alias("little@wide.example", "a@wide.example")
    add_alias("little+x@wide.example", "three@wide.example")
    add_alias("lists@wide.example", "little@wide.example", "a@wide.example", "b@wide.example")
    add_alias("news@wide.example", "lists+x@wide.example", "c@wide.example")
    add_alias("@kept.wide.example", "@wide.example", "a@wide.example")
    return postfix


def number_counted(address: str) -> int:
    local_part, domain = taken_apart(address)
    start = Request(domain.pk, local_part)
    return number_of_ends(start, ways_from([start]))


def reply_to_a_message(postfix: Postfix, recipient: str) -> tuple[int, str]:
    with postfix.session(OUTSIDE) as smtp:
        smtp.docmd("MAIL FROM:<someone@example.net>")
        assert smtp.docmd(f"RCPT TO:<{recipient}>")[0] == 250
        return decoded(smtp.data("Subject: Hello\r\n\r\nHello\r\n"))


def test_postfix_counts_the_same(wide: Postfix) -> None:
    assert {address: number_counted(address) for address in ENDS} == ENDS
    for most in sorted({number + off for number in ENDS.values() for off in (-1, 0)}):
        wide.configure(virtual_alias_expansion_limit=str(most))
        replies = {address: reply_to_a_message(wide, address) for address in ENDS}
        taken = {address for address, (code, _text) in replies.items() if code == 250}
        assert taken == {address for address, number in ENDS.items() if number <= most}, most
        refused = {reply for address, reply in replies.items() if address not in taken}
        assert all(code // 100 == 4 for code, _text in refused), refused
