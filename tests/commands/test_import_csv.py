"""Many rows from a file: all of them or none, in one change set."""

from pathlib import Path

import pytest

from accounts.models import ChangeSet
from domains.models import Domain
from mailboxes.credentials import is_password
from mailboxes.models import ImportRow, Mailbox
from tests.commands.conftest import Shell

BCRYPT = "$2y$04$YpBzYjBeLxuM8AJ8Ex3wiuYzGs7d.YF0.YFvS6dEBkw4lYsbQVdDi"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailboxes.credentials.ROUNDS", 4)


class TestMailboxes:
    def test_it_works(self, shell: Shell, falcot: Domain, tmp_path: Path) -> None:
        path = tmp_path / "people.csv"
        path.write_text(
            "address,name,quota,password,hash,active\n"
            "Ann@Falcot.org,Ann Example,10G,let me read my mail,,yes\n"
            f"bob@falcot.org,Bob,,,{BCRYPT},no\n"
        )
        before = Mailbox.objects.count()
        ended = shell("import_csv", "mailboxes", str(path))
        assert ended.code == 0, ended
        assert ended.out == "Added 2, 0 were there already.\n"
        ann, bob = Mailbox.objects.filter(address__local_part__in=["ann", "bob"]).order_by("address__local_part")
        assert (str(ann), ann.name, ann.quota_bytes, ann.mail_path, ann.active) == (
            "ann@falcot.org",
            "Ann Example",
            10 * 1024**3,
            "falcot.org/ann/",
            True,
        )
        assert is_password("let me read my mail", ann.credential.hash)
        assert bob.credential.hash == "{BLF-CRYPT}" + BCRYPT
        assert not bob.active
        assert not ImportRow.objects.exists()
        change_set = ChangeSet.objects.get(metadata__verb="import")
        assert change_set.sentence == "Imported mailboxes from people.csv (2)"
        assert change_set.value("domain") == "falcot.org"
        undone = shell("history", "undo", str(change_set.pk), "--yes")
        assert undone.code == 0, undone
        assert Mailbox.objects.count() == before

    def test_a_fault_stops_all(self, shell: Shell, falcot: Domain) -> None:
        said = shell.refused(
            "import_csv",
            "mailboxes",
            "-",
            piped=b"address;password;hash\nann@falcot.org;;\njean@falcot.org;;\nann@nowhere.example;;\n"
            b"ann@falcot.org;;\n@falcot.org;;\nx@falcot.org;short;\ny@falcot.org;;$2y$04$cutoff\n"
            b"z@falcot.org;;{PLAIN}let me read my mail\nw@falcot.org;let me read my mail;%s\n" % BCRYPT.encode(),
        )
        assert said.splitlines() == [
            "Line 3: jean@falcot.org is a mailbox already. Choose another local part, or change the mailbox.",
            "Line 4: nowhere.example is not here. Add it first, or correct the name.",
            "Line 5: Line 2 is about ann@falcot.org already.",
            "Line 6: “@falcot.org” has nothing before the @.",
            "Line 7: This password has 5 characters. Choose one with 8 or more.",
            "Line 8: This is no password hash that is known here. It begins with its scheme, as {BLF-CRYPT} or $6$ do. "
            "A plain password belongs into the column password.",
            "Line 9: This is no password hash that is known here. It begins with its scheme, as {BLF-CRYPT} or $6$ do. "
            "A plain password belongs into the column password.",
            "Line 10: This line has both a password and a hash. Leave one of them out.",
            "8 of 9 lines cannot be. Nothing was added.",
        ]

    def test_what_is_there_is_skipped(self, shell: Shell, falcot: Domain) -> None:
        piped = b"address,name\njean@falcot.org,Another name\nann@falcot.org,Ann\n"
        ended = shell("import_csv", "mailboxes", "-", "--skip-existing", "--dry-run", piped=piped)
        assert ended.out == "1 would be added, 1 are there already.\n"
        ended = shell("import_csv", "mailboxes", "-", "--skip-existing", "--json", piped=piped)
        assert (ended.json["new"], ended.json["there"]) == (1, 1)
        assert Mailbox.objects.get(address__local_part="jean").name != "Another name"
        ended = shell("import_csv", "mailboxes", "-", "--skip-existing", "--json", piped=piped)
        assert (ended.json["new"], ended.json["there"], ended.json["change_set"]) == (0, 2, None)
