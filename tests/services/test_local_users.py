"""The users of the mail host become rows."""

import pytest

from accounts.actors import Actor, Door
from accounts.models import ChangeSet
from accounts.services import add_user
from domains.models import Domain
from domains.services import add_domain_admin
from mailboxes.local_users import import_local_users
from mailboxes.models import LocalUser
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER, nothing_changes, one_change_set, refusal

pytestmark = pytest.mark.django_db


def users() -> dict[str, int]:
    return dict(LocalUser.objects.values_list("name", "uid"))


def test_it_works() -> None:
    with one_change_set("Imported local users: ann, bob, root"):
        found = import_local_users({"root": 0, "ann": 1000, "bob": 1001}, by=TESTER)
    assert found.added == ["ann", "bob", "root"]
    with one_change_set("Imported local users: eve, ann, bob"):
        found = import_local_users({"root": 0, "ann": 1005, "eve": 1001}, by=TESTER)
    assert (found.added, found.changed, found.removed) == (["eve"], ["ann"], ["bob"])
    assert users() == {"root": 0, "ann": 1005, "eve": 1001}


def test_the_same_again_leaves_nothing() -> None:
    import_local_users({"root": 0}, by=TESTER)
    with nothing_changes():
        assert import_local_users({"root": 0}, by=TESTER).is_empty


@pytest.mark.parametrize("name", ["Ann", "a b", "ann@host", "änn", "-f", "x" * 65, "", "ann\n"])
def test_what_postfix_cannot_ask_for_is_skipped(name: str) -> None:
    assert import_local_users({"root": 0, name: 1000}, by=TESTER).skipped == [name]
    assert users() == {"root": 0}


def test_an_import_of_nobody_is_refused() -> None:
    import_local_users({"root": 0}, by=TESTER)
    for nobody in ({}, {"Ann": 1000}):
        with refusal("no user to whom mail could go"):
            import_local_users(nobody, by=TESTER)


def test_an_undo_brings_users_back() -> None:
    import_local_users({"root": 0, "ann": 1000}, by=TESTER)
    import_local_users({"root": 0}, by=TESTER)
    undo_change_set(ChangeSet.objects.get(metadata__label="ann"), by=TESTER)
    assert users() == {"root": 0, "ann": 1000}


def test_a_domain_admin_does_not_undo_it(domain: Domain) -> None:
    claire = add_user("claire", by=TESTER)
    add_domain_admin(domain, claire, by=TESTER)
    import_local_users({"root": 0}, by=TESTER)
    with refusal("A superuser can undo it"):
        undo_change_set(ChangeSet.objects.get(metadata__noun="local_users"), by=Actor(door=Door.PAGE, user=claire))
