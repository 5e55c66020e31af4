"""What a new password must be, by every door; and the settings from the shell."""

from pathlib import Path

import pytest

from accounts.models import User
from api.services import add_token
from domains.models import Domain
from mailboxes.models import Mailbox, MailboxCredential, PasswordSettings
from mailboxes.services import add_mailbox, set_mailbox_password
from tests.api.conftest import Api
from tests.commands.conftest import Shell
from tests.services.checks import TESTER, nothing_changes, refusal

pytestmark = pytest.mark.django_db
GUESSED = "password1234"


def test_by_every_door(shell: Shell, falcot: Domain, chef: User, tmp_path: Path) -> None:
    jean = Mailbox.objects.with_address().get(address__local_part="jean")
    sentence = "This password is easy to guess."
    with nothing_changes():
        with refusal(sentence, field="password"):
            add_mailbox(jean.address.domain, "new", password=GUESSED, by=TESTER)
        with refusal(sentence, field="password"):
            set_mailbox_password(jean, GUESSED, by=TESTER)
        arguments = ("mailbox", "password", "jean@falcot.org", "--password-stdin")
        assert sentence in shell.refused(*arguments, piped=GUESSED.encode())
    path = tmp_path / "people.csv"
    path.write_text(f"address,password\nnew@falcot.org,{GUESSED}\nold@falcot.org,old old-fashioned hats\n")
    assert f"Line 2: {sentence}" in shell.refused("import_csv", "mailboxes", str(path))
    api = Api(add_token(chef, "script", scopes=["mailboxes:write"], by=TESTER)[1])
    answer = api("PATCH", "mailboxes/jean@falcot.org/", {"password": GUESSED})
    assert answer.faults().keys() == {"password"}
    assert Mailbox.objects.count() == 3


def test_a_hash_is_not_asked(shell: Shell, falcot: Domain, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("address,hash\nnew@falcot.org,{SHA256.HEX}" + "ab" * 32 + "\n")
    shell("import_csv", "mailboxes", str(path))
    assert MailboxCredential.objects.filter(mailbox__address__local_part="new").exists()


def test_by_the_command(shell: Shell, falcot: Domain) -> None:
    said = shell("password_settings", "change", "--least-strength", "4", "--valid-days", "365", "--json").json
    assert (said["least_strength"], said["valid_days"], said["grace_days"]) == (4, 365, 30)
    shell("password_settings", "change", "--valid-days", "for-ever")
    assert PasswordSettings.current().valid_days is None
    shell.refused("password_settings", "change", "--valid-days", "many")
    assert shell("password_settings", "show", "--json").json["least_length"] == 8
