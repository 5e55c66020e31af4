"""manage.py recovery_address"""

import pytest
from django.utils import timezone

from accounts.models import ChangeSet
from mailboxes.models import RecoveryAddress
from tests.commands.conftest import Shell
from tests.plugins.example_mail import add_domain, add_mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def three(db: None) -> None:
    add_domain("home.example")
    add_domain("twin.example", "alias_domain", target="home.example")
    for name in ("ann", "bob", "carl"):
        mailbox = add_mailbox(f"{name}@home.example")
        if name != "carl":
            about = {"mailbox": mailbox, "address": f"{name}@elsewhere.example"}
            RecoveryAddress.objects.create(**about, confirmed_at=timezone.now() if name == "ann" else None)


def test_it_works(shell: Shell) -> None:
    shown = shell("recovery_address", "show", "ann@twin.example", "--json").json
    assert (shown["mailbox"], shown["address"]) == ("ann@home.example", "ann@elsewhere.example")
    assert shown["confirmed_at"]
    gone = shell("recovery_address", "delete", "ann@home.example", "--yes")
    assert gone.out == "Deleted the recovery address of ann@home.example.\n"
    assert [row.address for row in RecoveryAddress.objects.all()] == ["bob@elsewhere.example"]
    change_set = ChangeSet.objects.get(metadata__verb="delete")
    assert change_set.sentence == "Deleted the recovery address of ann@home.example"
    assert shell("history", "undo", str(change_set.pk), "--yes").code == 0
    assert shell("recovery_address", "show", "ann@home.example", "--json").json == shown


def test_the_list(shell: Shell) -> None:
    rows = shell("recovery_address", "list", "--json").json
    assert [(row["mailbox"], bool(row["confirmed_at"])) for row in rows] == [
        ("ann@home.example", True),
        ("bob@home.example", False),
    ]
    after = shell("recovery_address", "list", "--after", "ann@home.example", "--json").json
    assert [row["mailbox"] for row in after] == ["bob@home.example"]
    few = shell("recovery_address", "list", "--domain", "home.example", "--search", "a").lines
    assert [line.split()[:2] for line in few] == [["ann@home.example", "ann@elsewhere.example"]]


def test_what_is_refused(shell: Shell) -> None:
    sentence = shell.refused("recovery_address", "show", "carl@home.example")
    assert "carl@home.example has no recovery address." in sentence
    assert "There is no mailbox" in shell.refused("recovery_address", "delete", "nobody@home.example", "--yes")
