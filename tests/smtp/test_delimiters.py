"""The recipient delimiter: the panel and main.cf say the same, so a hyphen works like a plus."""

from collections.abc import Generator

import pytest

from domains.services import change_mail_settings
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix


def copies(postfix: Postfix, recipient: str) -> list[str]:
    return [delivery.to for delivery in postfix.send(recipient) if delivery.status == "sent"]


@pytest.fixture(scope="module")
def hyphens(postfix: Postfix, committed: None) -> Generator[Postfix, None, None]:
    change_mail_settings(recipient_delimiter="-", by=TESTER)
    postfix.configure()
    add_domain("hyphen.example")
    for name in ("jean", "jean-luc", "bob+x"):
        add_mailbox(f"{name}@hyphen.example")
    add_alias("team@hyphen.example", "jean@hyphen.example", "jean-luc@hyphen.example")
    add_domain("other.example", "alias_domain", target="hyphen.example")
    yield postfix
    change_mail_settings(recipient_delimiter="+", by=TESTER)
    postfix.configure()


def test_what_follows_the_hyphen_is_an_extension(hyphens: Postfix) -> None:
    assert copies(hyphens, "jean-news@hyphen.example") == ["jean-news@hyphen.example"]
    assert len(hyphens.maildir("hyphen.example/jean/")) == 1


def test_a_name_with_a_hyphen_is_itself(hyphens: Postfix) -> None:
    assert copies(hyphens, "jean-luc@hyphen.example") == ["jean-luc@hyphen.example"]
    assert copies(hyphens, "jean-luc@other.example") == ["jean-luc@hyphen.example"]


def test_an_extension_goes_along(hyphens: Postfix) -> None:
    assert copies(hyphens, "team-news@other.example") == ["jean-luc-news@hyphen.example", "jean-news@hyphen.example"]


def test_a_plus_is_a_letter_like_others(hyphens: Postfix) -> None:
    assert copies(hyphens, "bob+x@hyphen.example") == ["bob+x@hyphen.example"]
    assert hyphens.rcpt("jean+news@hyphen.example").code == 550
