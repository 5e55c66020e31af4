"""Whole domains as destinations that were somebody else's when they were typed, and are ours now."""

import pytest

from tests.plugins.example_mail import add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix


@pytest.fixture(scope="module")
def moved(postfix: Postfix, committed: None) -> Postfix:
    for name in ("early.example", "first.example", "outside.example"):
        add_domain(name, "virtual_alias")
    add_alias("@early.example", "@late.example")
    add_alias("@first.example", "@early.example")
    add_alias("@outside.example", "@elsewhere.example")
    add_domain("late.example")
    add_mailbox("ann@late.example")
    return postfix


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("ann@early.example", "ann@late.example"),
        ("ann+x@early.example", "ann+x@late.example"),
        ("nobody@early.example", None),
        ("ann@first.example", "ann@early.example"),
        ("nobody@first.example", None),
        ("whoever@outside.example", "whoever@elsewhere.example"),
    ],
)
def test_they_answer_as_ours_do(moved: Postfix, key: str, answer: str | None) -> None:
    assert moved.ask("virtual_alias_maps", key) == answer
