"""manage.py admin: people"""

import pytest

from accounts.models import ChangeSet, User
from domains.models import Domain
from mailboxes.models import Mailbox
from mailboxes.services import owner_of
from tests.commands.conftest import Shell
from tests.services.checks import TESTER

KEYS = ["username", "name", "language", "is_superuser", "active", "domains", "version", "created_at", "last_sign_in_at"]
PASSWORD = b"a long one for people\n"


def test_it_works(shell: Shell, falcot: Domain) -> None:
    added = shell("admin", "add", "Chef", "--superuser", "--name", "The chef", "--password-stdin", piped=PASSWORD)
    assert added == (0, "Added person chef.\n", "")
    assert User.objects.get(username="chef").check_password("a long one for people")
    assert (
        shell("admin", "add", "helper", "--domain", "falcot.org", "--domain", "falcot.com", "--no-password").code == 0
    )
    assert [line.split()[0] for line in shell("admin", "list").lines] == ["chef", "helper"]
    assert shell("admin", "change", "helper", "--superuser", "--username", "second").code == 0
    assert shell("admin", "delete", "chef", "--yes").out == "Deleted person chef.\n"
    assert User.objects.get().username == "second"


def test_json_has_stable_keys(shell: Shell, falcot: Domain) -> None:
    added = shell("admin", "add", "helper", "--domain", "falcot.org", "--no-password", "--json").json
    assert list(added) == KEYS
    assert (added["domains"], added["active"], added["is_superuser"]) == (["falcot.org"], True, False)
    assert shell("admin", "show", "HELPER", "--json").json == added
    assert shell("admin", "list", "--json").json == [added]
    assert shell("admin", "list", "--domain", "falcot.com", "--json").json == []
    assert shell("admin", "delete", "helper", "--yes", "--json").json == {"deleted": "helper"}


def test_a_person_and_their_domains_are_one_change_set(shell: Shell, falcot: Domain) -> None:
    before = ChangeSet.objects.count()
    shell("admin", "add", "helper", "--domain", "falcot.org", "--no-password")
    assert ChangeSet.objects.count() == before + 1


def test_a_password_is_set(shell: Shell, chef: User) -> None:
    ended = shell("admin", "password", "chef", "--password-stdin", piped=PASSWORD)
    assert ended == (0, "Changed the password of chef.\n", "")
    chef.refresh_from_db()
    assert chef.check_password("a long one for people")


def test_nothing_shows_a_password_or_a_hash(shell: Shell, chef: User) -> None:
    for verb in (["password", "chef", "--password-stdin"], ["show", "chef"], ["list"], ["change", "chef", "--active"]):
        ended = shell("admin", *verb, "--json", piped=PASSWORD)
        assert ended.code == 0
        assert "argon2" not in ended.out + ended.err
        assert "long one" not in ended.out + ended.err


def test_mailbox_owners_are_no_people(shell: Shell, falcot: Domain) -> None:
    mailbox = Mailbox.objects.with_address().first()
    assert mailbox
    owner = owner_of(mailbox, by=TESTER)
    assert shell("admin", "list").out == ""
    assert "There is no person" in shell.refused("admin", "delete", owner.username, "--yes")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "chef", "--no-password"], "is taken"),
        (["add", "CHEF", "--no-password"], "is taken"),
        (["add", "mailbox:1", "--no-password"], "belong to mailbox owners"),
        (["add", "two words", "--no-password"], "A user name holds"),
        (["add", "nul\0", "--no-password"], "NUL"),
        (["add", "x" * 255, "--no-password"], "254"),
        (["add", "helper", "--no-password", "--domain", "missing.example"], "There is no domain missing.example here."),
        (["add", "helper", "--no-password", "--superuser", "--domain", "falcot.org"], "A superuser manages every"),
        (["change", "chef", "--no-superuser"], "last active superuser"),
        (["change", "chef", "--inactive"], "last active superuser"),
        (["change", "chef", "--username", "mailbox:9"], "belong to mailbox owners"),
        (["change", "nobody", "--inactive"], "There is no person “nobody”."),
        (["delete", "chef", "--yes"], "last active superuser"),
        (["show", "nobody"], "There is no person “nobody”."),
    ],
)
def test_what_cannot_be_is_refused(shell: Shell, chef: User, falcot: Domain, arguments: list[str], words: str) -> None:
    assert words in shell.refused("admin", *arguments)


@pytest.mark.parametrize("piped", [b"", b"short\n", b"12345678901234\n", b"nul\0 in a long one"])
def test_a_weak_password_is_refused(shell: Shell, chef: User, piped: bytes) -> None:
    assert shell.refused("admin", "password", "chef", "--password-stdin", piped=piped)
    assert shell.refused("admin", "add", "second", "--password-stdin", piped=piped)


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "helper"],
        ["add", "helper", "--password", "in the list of processes"],
        ["change", "chef"],
        ["change", "chef", "--superuser", "--no-superuser"],
        ["change", "chef", "--language", "tlh"],
        ["password", "chef"],
        ["delete", "chef"],
    ],
)
def test_wrong_usage_is_told(shell: Shell, chef: User, arguments: list[str]) -> None:
    assert shell.misused("admin", *arguments)


def test_before_a_deletion_it_names_what_is_lost(shell: Shell, chef: User, falcot: Domain) -> None:
    shell("admin", "add", "helper", "--no-password", "--domain", "falcot.org")
    ended = shell("admin", "delete", "helper", typed="yes\n")
    assert ended.err.splitlines() == [
        "helper can no longer sign in.",
        "1 domain loses this domain admin; its addresses stay.",
        "Delete person helper? Type yes: ",
    ]
    assert ended.code == 0
