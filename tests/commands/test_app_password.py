"""App passwords from the shell."""

import pytest

from mailboxes.models import Mailbox
from tests.commands.conftest import Shell
from tests.plugins.example_mail import add_domain, add_mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def scanner() -> Mailbox:
    add_domain("example.org")
    return add_mailbox("scanner@example.org")


def test_it_works(shell: Shell, scanner: Mailbox) -> None:
    made = shell("app_password", "add", "scanner@example.org", "third floor", "--for", "sending", "--json").json
    assert (made["name"], made["for"], len(made["app_password"])) == ("third floor", ["sending"], 31)
    (row,) = shell("app_password", "list", "scanner@example.org", "--json").json
    assert row == {name: value for name, value in made.items() if name != "app_password"}
    out = shell("app_password", "revoke", "scanner@example.org", "third floor", "--yes").out
    assert out == "Revoked app password third floor of scanner@example.org.\n"
    assert shell("app_password", "list", "scanner@example.org", "--json").json == []


def test_without_json_it_prints_it_alone(shell: Shell, scanner: Mailbox) -> None:
    assert len(shell("app_password", "add", "scanner@example.org", "x", "--days", "7").out.strip()) == 31
    assert scanner.app_passwords.get().expires_at


def test_what_is_refused(shell: Shell, scanner: Mailbox) -> None:
    sentence = shell.refused("app_password", "revoke", "scanner@example.org", "x", "--yes")
    assert "scanner@example.org has no app password “x”." in sentence
    assert "There is no mailbox nobody@example.org." in shell.refused("app_password", "add", "nobody@example.org", "x")
