"""local_recipient_maps: the users of the mail host."""

from collections.abc import Iterator

import pytest

from mailboxes.local_users import import_local_users
from mailboxes.models import LocalUser
from tests.plugins.example_mail import TESTER
from tests.plugins.mail_stack import Postfix


@pytest.fixture(scope="module")
def with_users(maps: Postfix) -> Iterator[Postfix]:
    import_local_users({"root": 0, "ann": 1000}, by=TESTER)
    maps.configure()
    yield maps
    LocalUser.objects.all().delete()
    maps.configure()


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("ann@mx.example.net", "OK"),
        ("Root@anything.example", "OK"),
        ('"ann"@mx.example.net', "OK"),
        ("ann+x@mx.example.net", None),
        ("bob@mx.example.net", None),
        ("ann", None),
        ("@mx.example.net", None),
    ],
)
def test_it_works(with_users: Postfix, key: str, answer: str | None) -> None:
    assert with_users.ask("local_recipient_maps", key) == answer


def test_nobody_is_unknown_before_the_import(with_users: Postfix) -> None:
    LocalUser.objects.all().delete()
    assert with_users.ask("local_recipient_maps", "whoever@mx.example.net") == "OK"
    import_local_users({"root": 0, "ann": 1000}, by=TESTER)
