"""Two colleagues who send each other copies: each mailbox gets the mail once, and nothing goes round."""

import pytest

from tests.plugins.example_mail import add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix


@pytest.fixture(scope="module")
def exchange(postfix: Postfix, committed: None) -> Postfix:
    add_domain("copies.example")
    for name in ("jean", "laure"):
        add_mailbox(f"{name}@copies.example")
    add_alias("jean@copies.example", "laure@copies.example")
    add_alias("laure@copies.example", "jean@copies.example")
    return postfix


@pytest.mark.parametrize("name", ["jean", "laure"])
def test_both_get_it_once(exchange: Postfix, name: str) -> None:
    copies = exchange.send(f"{name}@copies.example")
    assert [copy.to for copy in copies] == ["jean@copies.example", "laure@copies.example"]
    assert {copy.status for copy in copies} == {"sent"}
