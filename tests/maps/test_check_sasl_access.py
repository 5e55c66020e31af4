"""check_sasl_access: which logins send nothing, whatever the sender."""

from collections.abc import Generator

import pytest

from tests.plugins.mail_stack import Postfix

REFUSED = "553 5.7.1 This mailbox sends no mail now."

ANSWERS = {
    "a mailbox": ("ann@desk.example", None),
    "in upper case": ("Ann@DESK.example", None),
    "one that takes no mail": ("deaf@desk.example", None),
    "by the A-label": ("jean@xn--bcher-kva.example", None),
    "in quotes, with a blank": ('"two words"@home.example', REFUSED),  # an alias
    "one that does not send": ("mute@desk.example", REFUSED),
    "one that has expired": ("gone@desk.example", REFUSED),
    "an inactive one": ("closed@desk.example", REFUSED),
    "an inactive domain": ("someone@closed.example", REFUSED),
    "an extension is no login": ("ann+x@desk.example", REFUSED),
    "an alias domain is none either": ("ann@desk-alias.example", REFUSED),
    "nobody": ("nobody@desk.example", REFUSED),
    "elsewhere": ("somebody@elsewhere.example", REFUSED),
}


@pytest.fixture(scope="module")
def with_submission(maps: Postfix) -> Generator[Postfix, None, None]:
    maps.configure(with_dovecot=True)
    yield maps
    maps.configure()


@pytest.mark.parametrize(("key", "answer"), ANSWERS.values(), ids=ANSWERS.keys())
def test_who_sends_nothing(with_submission: Postfix, key: str, answer: str | None) -> None:
    assert with_submission.ask("check_sasl_access", key) == answer
