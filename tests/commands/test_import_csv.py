"""Many rows from a file: all of them or none, in one change set."""

import csv
import io
from pathlib import Path

import pytest
from django.db.models import Model
from pghistory.core import event_models

from accounts.models import ChangeSet
from domains.models import Domain
from domains.services import add_domain
from mailboxes.credentials import is_password
from mailboxes.models import Alias, ImportRow, Mailbox, QuarantinedAddress
from tests.commands.conftest import Shell
from tests.services.checks import TESTER, destinations_of

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
        rows = shell("history", "list", "--json").json
        (number,) = (row["id"] for row in rows if row["verb"] == "import")  # in a transaction all have one time
        assert ended.lines == ["Added 2, 0 were there already.", f"To take it back: history undo {number}"]
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
            b"z@falcot.org;;{PLAIN}let me read my mail\nw@falcot.org;let me read my mail;%s\nv@falcot.org;;$2y$31%s\n"
            % (BCRYPT.encode(), BCRYPT[6:].encode()),
        )
        assert said.splitlines() == [
            "Line 3: jean@falcot.org is a mailbox already. Choose another local part, or change the mailbox.",
            "Line 4: nowhere.example is not here. Add it first, or correct the name.",
            "Line 5: Line 2 is about ann@falcot.org already.",
            "Line 6: “@falcot.org” has nothing before the @.",
            "Line 7: This password has 5 characters. Choose one with 8 or more.",
            "Line 8: This is no password hash that is known here. It begins with its scheme, as {BLF-CRYPT} or $6$ do. "
            "A plain password belongs into the column password.",
            "Line 9: The scheme PLAIN hides no password. A plain password belongs into the column password.",
            "Line 10: This line has both a password and a hash. Leave one of them out.",
            "Line 11: A check of this hash takes too long, and everybody would wait for it. BLF-CRYPT is taken up to "
            "$2y$14$. Leave it out; set a new password.",
            "Refused lines: 9 of 10. Nothing was added.",
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


class TestAliases:
    def test_it_works(self, shell: Shell, falcot: Domain) -> None:
        piped = (
            b"address,destinations,comment\n"
            b'desk@falcot.org,"everybody@falcot.org, jean+desk@falcot.org",The desk\n'  # further down in this file
            b'everybody@falcot.org,"jean@falcot.org;Someone@Elsewhere.example",\n'
            b"jean@falcot.org,someone@elsewhere.example,\n"  # beside a mailbox
            b'"""two words""@falcot.org",jean@falcot.org,\n'
        )
        ended = shell("import_csv", "aliases", "-", piped=piped)
        assert (ended.code, ended.lines[0]) == (0, "Added 4, 0 were there already."), ended
        found = {str(alias): destinations_of(alias) for alias in Alias.objects.filter(pk__in=_added(Alias))}
        assert found == {
            "desk@falcot.org": ["everybody@falcot.org", "jean+desk@falcot.org"],
            "everybody@falcot.org": ["jean@falcot.org", "Someone@elsewhere.example"],
            "jean@falcot.org": ["someone@elsewhere.example"],
            '"two words"@falcot.org': ["jean@falcot.org"],
        }
        change_set = ChangeSet.objects.get(metadata__verb="import")
        undone = shell("history", "undo", str(change_set.pk), "--yes")
        assert undone.code == 0, undone
        assert not Alias.objects.filter(address__local_part="desk").exists()
        assert Mailbox.objects.filter(address__local_part="jean").exists()

    def test_a_fault_stops_all(self, shell: Shell, falcot: Domain) -> None:
        add_domain("relay.example", address_class="relay", by=TESTER)
        add_domain("alias.example", address_class="alias_domain", target=falcot, by=TESTER)
        piped = b"address,destinations,starts_at,ends_at\na@alias.example,x@y.example,,\n@,,,\n"
        piped += b"c@falcot.org,not an address,,\nd@falcot.org,x@y.example,2026-02-01,2026-01-01\n"
        said = shell.refused("import_csv", "aliases", "-", piped=piped)
        assert said.splitlines() == [
            "Line 2: alias.example is an alias domain: it answers for falcot.org. Add the alias there.",
            "Line 3: “@” has no domain. Write it as name@example.org.",
            "Line 4: “not an address” has no domain. Write it as name@example.org.",
            "Line 5: An alias ends after it starts. Choose a later end or an earlier start.",
            "Refused lines: 4 of 4. Nothing was added.",
        ]

    def test_destinations_and_loops(self, shell: Shell, falcot: Domain) -> None:
        """What only shows when all lines are there."""
        piped = (
            b"address,destinations\na@falcot.org,b@falcot.org\nb@falcot.org,c@falcot.org\nc@falcot.org,a@falcot.org\n"
        )
        said = shell.refused("import_csv", "aliases", "-", piped=piped + b"d@falcot.org,jean@falcot.org\n")
        chain = "a@falcot.org → b@falcot.org → c@falcot.org → a@falcot.org"
        assert said.splitlines()[0] == f"Line 2: This would be a loop: {chain}. Mail to it would never arrive."
        assert said.splitlines()[-1] == "Refused lines: 3 of 4. Nothing was added."
        said = shell.refused(
            "import_csv", "aliases", "-", piped=b"address,destinations\na@falcot.org,nobody@falcot.org\n"
        )
        assert said.startswith("Line 2: falcot.org is ours, but has no address nobody@falcot.org.")


class TestDomains:
    def test_it_works(self, shell: Shell, falcot: Domain) -> None:
        piped = "name;address_class;target;description;any_recipient\r\nb.example;;a.example;;\r\n"
        piped += "a.example;;;Größe;\r\nBücher.example;relay;;;yes\r\n"
        ended = shell("import_csv", "domains", "-", piped=piped.encode("utf-16"))
        assert (ended.code, ended.lines[0]) == (0, "Added 3, 0 were there already."), ended
        found = {row["name"]: row for row in shell("domain", "list", "--json").json}
        assert found["b.example"]["target"] == "a.example"
        assert found["a.example"]["description"] == "Größe"
        assert found["xn--bcher-kva.example"]["any_recipient"]
        assert Domain.objects.get(name="xn--bcher-kva.example").u_label == "bücher.example"
        change_set = ChangeSet.objects.get(metadata__verb="import")
        undone = shell("history", "undo", str(change_set.pk), "--yes")
        assert undone.code == 0, undone
        assert not Domain.objects.filter(name="a.example").exists()

    def test_a_fault_stops_all(self, shell: Shell, falcot: Domain) -> None:
        piped = b"name,address_class,target\nfalcot.org,,\na.example,,nowhere.example\nb.example,relay,\n"
        piped += b"c.example,,b.example\nb.example,,\nx y,,\nlocal,,\nd.example,no,\ne.example,alias_domain,\n"
        said = shell.refused("import_csv", "domains", "-", piped=piped)
        assert said.splitlines() == [
            "Line 2: This domain is here already. A name is served once.",
            "Line 3: nowhere.example is not here yet. Add it first, or correct the name.",
            "Line 5: b.example is of the class “relay”. Choose a virtual mailbox or virtual alias domain.",
            "Line 6: Line 4 is about b.example already.",
            "Line 7: “x y” is not a domain name. Use letters, digits and hyphens, for example example.org.",
            "Line 8: Type the whole domain name with its dots, for example example.org.",
            "Line 9: “address_class” must be one of: virtual_mailbox, virtual_alias, alias_domain, relay, local.",
            "Line 10: An alias domain needs a target; domains of other classes have none.",
            "Refused lines: 8 of 9. Nothing was added.",
        ]

    def test_names_that_postfix_does_not_tell_apart(self, shell: Shell, falcot: Domain) -> None:
        shell("domain", "add", "gross.example")
        piped = (
            "name,target\nstraße.example,\nstrasse.example,\ngroß.example,\nfaß.example,\nfass.example,faß.example\n"
        )
        said = shell.refused("import_csv", "domains", "-", piped=piped.encode())
        ending = ": it reads ß as ss, and ς as σ. It serves both if one is an alias domain of the other."
        assert said.splitlines() == [
            f"Line 2: Postfix does not tell xn--strae-oqa.example from strasse.example{ending}",
            f"Line 3: Postfix does not tell strasse.example from xn--strae-oqa.example{ending}",
            f"Line 4: Postfix does not tell xn--gro-7ka.example from gross.example{ending}",
            "Refused lines: 3 of 5. Nothing was added.",
        ]
        ended = shell(
            "import_csv", "domains", "-", piped="name,target\nfaß.example,\nfass.example,faß.example\n".encode()
        )
        assert ended.lines[0] == "Added 2, 0 were there already.", ended

    def test_a_domain_that_closes_a_loop(self, shell: Shell, falcot: Domain) -> None:
        shell("alias", "add", "away@falcot.org", "away@later.example")
        said = shell.refused("import_csv", "domains", "-", piped=b"name,target\nlater.example,falcot.org\nx.example,\n")
        assert said.startswith("Line 2: This would be a loop: away@later.example")


def _added(model: type[Model]) -> list[int]:
    (event_model,) = (one for one in event_models() if one.pgh_tracked_model is model)  # type: ignore[attr-defined]
    change_set = ChangeSet.objects.get(metadata__verb="import")
    events = event_model._default_manager.filter(pgh_context_id=change_set.pk, pgh_label="added")
    return list(events.values_list("pgh_obj_id", flat=True))


def test_what_is_exported_can_be_imported(shell: Shell, falcot: Domain) -> None:
    """Export, delete, import: the same is there again."""
    shell("mailbox", "change", "jean@falcot.org", "--name", "=cmd()", "--quota", "1536M")
    shell("alias", "add", "@falcot.org", "jean@falcot.org", "--comment", "'-x")
    Mailbox.objects.filter(address__local_part="laure").update(expires_at="2030-01-02T03:04:05.678901Z", imap=False)
    Mailbox.objects.filter(address__local_part="jean").update(mail_path="elsewhere/jean")
    Mailbox.objects.filter(address__local_part="jean").update(allowed_networks=["192.0.2.0/24", "2001:db8::/32"])
    assert shell("mailbox", "stop", "laure@falcot.org").code == 0
    for address in ("=1+1@falcot.org", "'=1+1@falcot.org"):
        added = shell("alias", "add", "--", address, "=2+2@elsewhere.example", "jean@falcot.org")
        assert added.code == 0, added
    cells = list(csv.reader(io.StringIO(shell("export_csv", "aliases").out)))
    guarded = {"'=1+1@falcot.org", "''=1+1@falcot.org", "'@falcot.org"}
    assert guarded <= {row[0] for row in cells}
    assert {row[1] for row in cells if "2+2" in row[1]} == {"'=2+2@elsewhere.example, jean@falcot.org"}
    assert not [cell for row in cells for cell in row if cell.startswith(("=", "+", "-", "@"))]
    for kind in ("domains", "mailboxes", "aliases"):
        assert shell("export_csv", kind).out.startswith(("name,", "address,"))  # no byte order mark
        assert "password" not in shell("export_csv", kind).out
    for form in ([], ["--json"]):
        before = {kind: shell("export_csv", kind, *form).out for kind in ("domains", "mailboxes", "aliases")}
        for domain in Domain.objects.order_by("-target"):
            shell("domain", "delete", domain.name, "--yes")
        for domain in Domain.objects.all():
            shell("domain", "delete", domain.name, "--yes")
        assert not Domain.objects.exists()
        for kind, text in before.items():
            options = [] if kind == "domains" else ["--despite-quarantine"]
            ended = shell("import_csv", kind, "-", *options, piped=text.encode())
            assert ended.code == 0, ended
            assert shell("export_csv", kind, *form).out == text
    assert Mailbox.objects.get(address__local_part="jean").name == "=cmd()"
    assert Mailbox.objects.get(address__local_part="jean").allowed_networks == ["192.0.2.0/24", "2001:db8::/32"]
    assert Mailbox.objects.exclude(stopped_at=None).get().address.local_part == "laure"
    assert not QuarantinedAddress.objects.exists()


def test_quarantine(shell: Shell, falcot: Domain) -> None:
    shell("mailbox", "delete", "jean@falcot.org", "--yes")
    said = shell.refused("import_csv", "mailboxes", "-", piped=b"address\njean@falcot.org\n")
    assert said.startswith("Line 2: jean@falcot.org belonged to a mailbox that is gone")
    ended = shell("import_csv", "mailboxes", "-", "--despite-quarantine", piped=b"address\njean@falcot.org\n")
    assert ended.code == 0, ended
