"""The row with which a mailbox owner signs in."""

import pytest

from accounts.models import User
from mailboxes.models import Mailbox
from mailboxes.services import owner_of
from tests.services.checks import TESTER, nothing_changes, one_change_set

pytestmark = pytest.mark.django_db


def test_it_works(jean: Mailbox) -> None:
    with one_change_set("First sign-in of the owner of jean@example.org"):
        owner = owner_of(jean, by=TESTER)
    assert (owner.username, owner.is_owner, owner.is_superuser) == (f"mailbox:{jean.pk}", True, False)
    assert not owner.has_usable_password()


def test_the_second_sign_in_changes_nothing(jean: Mailbox) -> None:
    owner = owner_of(jean, by=TESTER)
    with nothing_changes():
        assert owner_of(jean, by=TESTER) == owner


def test_an_owner_is_none_of_the_people(jean: Mailbox) -> None:
    owner_of(jean, by=TESTER)
    assert not User.objects.people().exists()
