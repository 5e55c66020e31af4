"""The recipient delimiter of the mail settings decides what an extension is."""

from collections.abc import Generator

import pytest

from domains.services import change_mail_settings
from mailboxes.models import Address
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix

ANYONE = "alice@hyphen.example"
BOTH, NONE = "+-", ""


@pytest.fixture(scope="module")
def hyphens(postfix: Postfix, committed: None) -> Postfix:
    add_domain("hyphen.example")
    for name in ("alice", "jean-luc", "bob", "mary+ann"):
        add_mailbox(f"{name}@hyphen.example")
    add_alias("@hyphen.example", ANYONE)
    return postfix


@pytest.fixture(scope="module", params=["+", "-", BOTH, NONE])
def delimiter(request: pytest.FixtureRequest, hyphens: Postfix) -> Generator[str, None, None]:
    change_mail_settings(recipient_delimiter=request.param, by=TESTER)
    yield request.param
    change_mail_settings(recipient_delimiter="+", by=TESTER)


# local part: its answer with each delimiter. "itself": it must stand by itself, or Postfix would cut it.
ITSELF = "itself"
ANSWERS: dict[str, dict[str, str | None]] = {
    "bob": {"+": None, "-": None, BOTH: None, NONE: None},
    "bob+x": {"+": None, "-": ANYONE, BOTH: None, NONE: ANYONE},
    "bob-x": {"+": ANYONE, "-": None, BOTH: None, NONE: ANYONE},
    "jean-luc": {"+": None, "-": ITSELF, BOTH: ITSELF, NONE: None},
    "jean-luc+x": {"+": None, "-": ANYONE, BOTH: ANYONE, NONE: ANYONE},
    "mary+ann": {"+": ITSELF, "-": None, BOTH: ITSELF, NONE: None},
    "mary+ann-x": {"+": ANYONE, "-": None, BOTH: ANYONE, NONE: ANYONE},
    "nobody-x": {"+": ANYONE, "-": ANYONE, BOTH: ANYONE, NONE: ANYONE},
    # split_addr() of Postfix never cuts these, so they are nobody's extension.
    "owner-bob": {"+": ANYONE, "-": ANYONE, BOTH: ANYONE, NONE: ANYONE},
    "bob-request": {"+": ANYONE, "-": ANYONE, BOTH: ANYONE, NONE: ANYONE},
    "+bob": {"+": ANYONE, "-": ANYONE, BOTH: ANYONE, NONE: ANYONE},
}


@pytest.mark.parametrize("local_part", ANSWERS)
def test_what_an_extension_is(hyphens: Postfix, delimiter: str, local_part: str) -> None:
    address = f"{local_part}@hyphen.example"
    answer = ANSWERS[local_part][delimiter]
    assert hyphens.ask("virtual_alias_maps", address) == (address if answer == ITSELF else answer)


def test_every_mailbox_is_found_by_its_name(hyphens: Postfix, delimiter: str) -> None:
    for name in Address.objects.exclude(local_part="").values_list("local_part", flat=True):
        assert hyphens.ask("virtual_mailbox_maps", f"{name}@hyphen.example") == f"hyphen.example/{name}/"
