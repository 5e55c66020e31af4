"""What a new password of a mailbox must be."""

import pytest
from django.core.exceptions import ValidationError

from mailboxes.models import Mailbox
from mailboxes.password_settings import change_password_settings
from mailboxes.services import set_mailbox_password
from mailboxes.strength import refuse_weak, strength
from tests.services.checks import TESTER, nothing_changes, one_change_set, refusal

pytestmark = pytest.mark.django_db

ADDRESS = "jean.durand@falcot.org"
GUESSED = "password1234"


def test_it_works(jean: Mailbox) -> None:
    for password in ("let me read my mail", "xK9#mQ2p$w", "jean keeps this one himself", "正しい馬の電池ホチキス"):
        set_mailbox_password(jean, password, by=TESTER)


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("", "has 0 characters. Choose one with 8 or more."),
        ("short", "has 5 characters. Choose one with 8 or more."),
        ("durand2026", "“durand” is a part of the address. Without it, choose 8 characters or more."),
        ("Falcot-jean", "“falcot” is a part of the address."),
        ("jean.durand@falcot.org", "“jean.durand” is a part of the address."),
        (GUESSED, "easy to guess"),
        ("abcdefghijklmnop", "easy to guess"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "easy to guess"),
        ("qwertzuiop", "easy to guess"),
        ("long enough\0", "cannot hold a NUL character"),
        ("x" * 73, "takes 73 bytes"),
    ],
)
def test_what_is_refused(password: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        refuse_weak(password, ADDRESS)
    (said,) = caught.value.message_dict["password"]
    assert sentence in said
    assert not password or password not in said


def test_the_address_counts_for_nothing() -> None:
    assert strength("Durand Falcot 77", ADDRESS) < strength("Durand Falcot 77", "a@example.com")
    assert strength("falcot", ADDRESS) == 0


@pytest.mark.parametrize("password", ["müllerei-24", "Mu\u0308llerei-24", "24xn--mllerei-n2a"])
def test_a_domain_counts_for_nothing_as_people_write_it(password: str) -> None:
    with pytest.raises(ValidationError, match="llerei.*” is a part of the address"):
        refuse_weak(password, "info@xn--mllerei-n2a.example")


def test_the_settings_say_how_good(jean: Mailbox) -> None:
    with one_change_set("Changed the password settings"):
        change_password_settings(least_length=20, least_strength=0, by=TESTER)
    with refusal("Choose one with 20 or more."):
        set_mailbox_password(jean, "let me read my mail", by=TESTER)
    set_mailbox_password(jean, "12345678901234567890", by=TESTER)


@pytest.mark.parametrize(
    "changes",
    [{"least_length": 7}, {"least_length": 65}, {"least_strength": 5}, {"valid_days": 0}, {"grace_days": 4000}],
)
def test_settings_out_of_reason(changes: dict[str, int]) -> None:
    with nothing_changes(), pytest.raises(ValidationError):
        change_password_settings(**changes, by=TESTER)
