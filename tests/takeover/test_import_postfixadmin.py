"""A PostfixAdmin comes over: everything once, the same again changes nothing, and what is strange is said."""

import pytest

from accounts.models import ChangeSet, User
from domains.models import Domain, DomainAdmin
from mailboxes.credentials import is_password
from mailboxes.models import Alias, ImportRow, Mailbox, OutOfOffice
from takeover.models import ForeignLogEntry, KeptRow, Takeover
from tests.commands.conftest import Shell
from tests.services.checks import nothing_changes
from tests.takeover.conftest import Foreign
from tests.takeover.postfixadmin import PASSWORD

pytestmark = pytest.mark.django_db


def destinations(address: str) -> list[str]:
    local_part, _at, domain = address.rpartition("@")
    alias = Alias.objects.get(address__local_part=local_part, address__domain__name=domain)
    return [str(one) for one in alias.destinations.all()]


class TestFalcot:
    def test_it_works(self, shell: Shell, falcots_postfixadmin: Foreign) -> None:
        ended = shell("import_postfixadmin", falcots_postfixadmin.url)
        assert ended.code == 0, ended
        falcot = Domain.objects.get(name="falcot.org")
        assert (falcot.description, falcot.address_class, falcot.max_mailboxes) == ("Falcot", "virtual_mailbox", None)
        assert Domain.objects.get(name="falcot.com").target == falcot
        jean = Mailbox.objects.get(address__local_part="jean")
        assert (jean.name, jean.mail_path, jean.quota_bytes) == ("Jean", "falcot.org/jean/", 102_400_000)
        assert is_password(PASSWORD, jean.credential.hash)
        assert destinations("laure@falcot.org") == ["someone@elsewhere.example"]
        assert Mailbox.objects.get(address__local_part="laure").receives
        assert destinations("sophie@falcot.org") == ["sophie@elsewhere.example"]
        assert not Mailbox.objects.get(address__local_part="sophie").receives
        assert destinations("@falcot.org") == ["jean@falcot.org"]
        assert destinations("info@falcot.org") == ["jean@falcot.org", "laure@falcot.org"]
        relay = Domain.objects.get(name="backup.example")
        assert (relay.address_class, relay.any_recipient) == ("relay", True)
        claire, ada = (User.objects.get(username=f"{name}@falcot.org") for name in ("claire", "ada"))
        assert (claire.is_superuser, ada.is_superuser) == (False, True)
        assert list(claire.domains.all()) == [falcot]
        assert claire.check_password(PASSWORD)
        assert claire.password.startswith("argon2$")
        assert not ada.check_password("something else")
        assert ForeignLogEntry.objects.filter(
            domain_name="falcot.org", action="create_mailbox", ip="localhost"
        ).exists()
        assert not ImportRow.objects.exists()

    def test_a_second_run_changes_nothing(self, shell: Shell, falcots_postfixadmin: Foreign) -> None:
        assert shell("import_postfixadmin", falcots_postfixadmin.url).code == 0
        with nothing_changes():
            ended = shell("import_postfixadmin", falcots_postfixadmin.url)
        assert ended.code == 0, ended
        assert ended.lines[-1] == "Everything is here already. Nothing was changed."
        assert "something else" not in ended.err
        assert Takeover.objects.count() == 1

    def test_a_dry_run_says_the_same_and_writes_nothing(self, shell: Shell, falcots_postfixadmin: Foreign) -> None:
        with nothing_changes():
            tried = shell("import_postfixadmin", falcots_postfixadmin.url, "--dry-run")
        assert tried.code == 0, tried
        assert [model.objects.count() for model in (KeptRow, ForeignLogEntry, Takeover)] == [0, 0, 0]
        done = shell("import_postfixadmin", falcots_postfixadmin.url)
        assert done.lines[:-1] == tried.lines[:-1]
        assert done.err == tried.err

    def test_mail_is_one_change_set_that_can_be_undone(self, shell: Shell, falcots_postfixadmin: Foreign) -> None:
        assert shell("import_postfixadmin", falcots_postfixadmin.url).code == 0
        people, mail = sorted(ChangeSet.objects.all(), key=lambda one: one.sentence)  # both of one moment
        assert people.sentence == f"Imported people from {label(falcots_postfixadmin)} (2)"
        assert mail.sentence == f"Took over PostfixAdmin from {label(falcots_postfixadmin)}"
        undone = shell("history", "undo", str(mail.pk), "--yes")
        assert undone.code == 0, undone
        assert [model.objects.count() for model in (Domain, Mailbox, DomainAdmin)] == [0, 0, 0]
        again = shell("import_postfixadmin", falcots_postfixadmin.url)
        assert again.code == 0, again
        assert Mailbox.objects.count() == 4


def label(foreign: Foreign) -> str:
    """The URL without its password."""
    return f"postgresql://mailadmin@127.0.0.1:{foreign.cluster.port}/{foreign.name}"


class TestTwoThousandOfEach:
    def test_it_works(self, shell: Shell, village: Foreign) -> None:
        ended = shell("import_postfixadmin", village.url, "--json")
        assert ended.code == 0, ended.json["refused"][:5]
        counts = {kind: count["new"] for kind, count in ended.json["counts"].items() if count["new"] > 1_000}
        assert counts == {
            "domains": 4_003,
            "mailboxes": 2_004,
            "aliases": 11_479,
            "people": 2_002,
            "domain_admins": 1_997,  # four are superusers
            "out_of_office": 2_000,
            "usage": 2_000,
            "fetchmail": 2_000,
            "domain_more": 4_003,
            "log": 2_018,
        }
        assert Domain.objects.filter(target__isnull=False).count() == 2_001
        assert Alias.objects.count() == counts["aliases"]
        assert [KeptRow.objects.filter(kind=kind).count() for kind in ("vacation", "fetchmail")] == [0, 2_000]
        assert OutOfOffice.objects.filter(active=True).count() == 400
        assert ForeignLogEntry.objects.count() == counts["log"]
        assert Mailbox.objects.filter(receives=False, address__local_part="u").count() == 400
        with nothing_changes():
            assert shell("import_postfixadmin", village.url).code == 0
