"""manage.py mailbox"""

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from domains.models import Domain
from domains.services import add_domain
from mailboxes.credentials import is_password
from mailboxes.models import Address, Mailbox, MailboxCredential
from mailboxes.services import add_mailbox
from tests.commands.conftest import Shell
from tests.services.checks import TESTER

PASSWORD = "let me read my mail"
KEYS = [
    "address",
    "name",
    "quota_bytes",
    "used_bytes",
    "mail_path",
    "mail_format",
    "active",
    "state",
    "receives",
    "sends",
    "imap",
    "pop",
    "expires_at",
    "allowed_networks",
    "stopped_at",
    "has_password",
    "must_change_password",
    "has_costly_hash",
    "welcomed_at",
    "welcome_refusal",
    "version",
    "created_at",
    "changed_at",
]


@pytest.fixture
def domain(db: None) -> Domain:
    return add_domain("example.org", by=TESTER)


def test_it_works(shell: Shell, domain: Domain) -> None:
    added = shell(
        "mailbox", "add", "Jean@example.org", "--quota", "10G", "--password-stdin", piped=b"let me read my mail\n"
    )
    assert added == (0, "Added mailbox jean@example.org.\n", "")
    assert is_password(PASSWORD, MailboxCredential.objects.get().hash)
    assert shell("mailbox", "change", "jean@example.org", "--quota", "none", "--name", "Jean").code == 0
    mailbox = Mailbox.objects.get()
    assert (mailbox.quota_bytes, mailbox.name, mailbox.version) == (None, "Jean", 2)
    assert shell("mailbox", "list").lines == [
        "jean@example.org                Jean                       none    active    example.org/jean/"
    ]
    assert shell("mailbox", "delete", "jean@example.org", "--yes").out == "Deleted mailbox jean@example.org.\n"
    assert not Address.objects.exists()


def test_json_has_stable_keys(shell: Shell, domain: Domain) -> None:
    added = shell(
        "mailbox", "add", '"a b"@example.org', "--no-password", "--format", "mbox", "--quota", "500M", "--json"
    ).json
    assert list(added) == KEYS
    assert added["address"] == '"a b"@example.org'
    assert (added["quota_bytes"], added["mail_format"], added["has_password"]) == (524288000, "mbox", False)
    shell("mailbox", "password", '"a b"@example.org', "--password-stdin", piped=PASSWORD.encode())
    shown = shell("mailbox", "show", '"a b"@example.org', "--json").json
    assert shown["has_password"]
    assert shown.pop("sessions_ended_on") is None, "it was not stopped"
    assert shell("mailbox", "list", "--json").json == [shown]
    assert shell("mailbox", "delete", '"a b"@example.org', "--yes", "--json").json == {"deleted": '"a b"@example.org'}


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("10G", 10 * 2**30), ("1.5g", 3 * 2**29), ("500M", 500 * 2**20), ("7KiB", 7168), ("123", 123), ("none", None)],
)
def test_a_quota_is_typed_as_people_say_it(shell: Shell, domain: Domain, typed: str, stored: int | None) -> None:
    ended = shell("mailbox", "add", "jean@example.org", "--no-password", "--quota", typed, "--json")
    assert ended.json["quota_bytes"] == stored


def test_limits(shell: Shell, domain: Domain, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Paris"
    added = shell(
        "mailbox", "add", "jean@example.org", "--no-password", "--no-imap", "--expires", "2998-01-31 18:00", "--json"
    ).json
    assert (added["receives"], added["imap"], added["state"]) == (True, False, "active")
    assert added["expires_at"] == "2998-01-31T17:00:00Z"
    shell("mailbox", "change", "jean@example.org", "--no-receive", "--no-send", "--imap", "--no-pop")
    shown = shell("mailbox", "show", "jean@example.org", "--json").json
    assert [shown[name] for name in ("receives", "sends", "imap", "pop")] == [False, False, True, False]
    assert shown["state"] == "receives_no_mail"
    assert (
        shell("mailbox", "change", "jean@example.org", "--expires", "2020-01-01", "--json").json["state"] == "expired"
    )
    ended = shell("mailbox", "change", "jean@example.org", "--expires", "never", "--receive", "--json")
    assert (ended.json["expires_at"], ended.json["state"]) == (None, "active")


def test_a_time_that_is_none(shell: Shell, domain: Domain) -> None:
    add_mailbox(domain, "jean", by=TESTER)
    said = shell.misused("mailbox", "change", "jean@example.org", "--expires", "tomorrow")
    assert "“tomorrow” is no time. Write 2027-01-31 18:00 (time zone UTC) or 2027-01-31T17:00:00Z." in " ".join(
        said.split()
    )


@pytest.mark.parametrize(
    ("piped", "stored"),
    [
        (b"let me read my mail\n", PASSWORD),
        (b"with  blanks \r\n", "with  blanks "),
        ("päßwörter".encode(), "päßwörter"),
    ],
)
def test_a_password_is_read_as_it_is(shell: Shell, domain: Domain, piped: bytes, stored: str) -> None:
    add_mailbox(domain, "jean", by=TESTER)
    ended = shell("mailbox", "password", "jean@example.org", "--password-stdin", piped=piped)
    assert (ended.out, ended.err) == ("Changed the password of mailbox jean@example.org.\n", "")
    assert is_password(stored, MailboxCredential.objects.get().hash)


@pytest.mark.parametrize("verb", [["show"], ["change", "--name", "x"], ["list"], ["password", "--password-stdin"]])
def test_nothing_shows_a_password_or_a_hash(shell: Shell, domain: Domain, verb: list[str]) -> None:
    shell("mailbox", "add", "jean@example.org", "--password-stdin", piped=PASSWORD.encode())
    address = [] if verb == ["list"] else ["jean@example.org"]
    ended = shell("mailbox", *verb, *address, "--json", piped=PASSWORD.encode())
    assert ended.code == 0
    assert PASSWORD not in ended.out + ended.err
    assert "$2y$" not in ended.out + ended.err


def test_an_address_of_an_alias_domain_is_the_one_of_its_target(shell: Shell, falcot: Domain) -> None:
    ended = shell("mailbox", "show", "jean@falcot.com", "--json")
    assert ended.json["address"] == "jean@falcot.org"
    assert ended.err == "falcot.com is an alias domain of falcot.org. This is about jean@falcot.org.\n"
    assert "nobody@falcot.org" in shell.refused("mailbox", "show", "nobody@falcot.com")


def test_a_list_is_searched_and_cut(shell: Shell, falcot: Domain) -> None:
    other = add_domain("example.org", by=TESTER)
    for name in ("jean", "julie", "jean+x"):
        add_mailbox(other, name, by=TESTER)

    def names(*options: str) -> list[str]:
        return [row["address"] for row in shell("mailbox", "list", "--json", *options).json]

    ours = ["jean@example.org", "jean+x@example.org", "julie@example.org"]
    assert names() == [*ours, "jean@falcot.org", "laure@falcot.org", "sophie@falcot.org"]
    assert names("--domain", "Example.org") == ours
    assert names("--search", "JE") == ["jean@example.org", "jean+x@example.org", "jean@falcot.org"]
    assert names("--search", "jean@f") == ["jean@falcot.org"]
    assert names("--limit", "2") == ours[:2]
    assert names("--limit", "2", "--after", "jean+x@example.org") == ["julie@example.org", "jean@falcot.org"]
    assert names("--domain", "falcot.org", "--after", "laure@falcot.org") == ["sophie@falcot.org"]
    assert names("--search", "%") == []
    assert "no domain nowhere.example" in shell.refused("mailbox", "list", "--domain", "nowhere.example")


def test_a_long_list_is_read_in_few_statements(shell: Shell, domain: Domain) -> None:
    addresses = Address.objects.bulk_create(Address(domain=domain, local_part=f"m{n:05}") for n in range(2500))
    Mailbox.objects.bulk_create(Mailbox(address=address, mail_path=f"{address.local_part}/") for address in addresses)
    with CaptureQueriesContext(
        connection,
    ) as statements:
        ended = shell("mailbox", "list", "--json")
    assert [row["address"] for row in ended.json] == [f"m{n:05}@example.org" for n in range(2500)]
    assert len(statements) < 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "jean@falcot.org"], "jean@falcot.org is a mailbox already"),
        (["add", "contact@falcotsbrand.com"], "has no mailboxes"),
        (["add", "new@falcot.com"], "has no mailboxes"),
        (["add", "new@missing.example"], "There is no domain missing.example here."),
        (["add", "@falcot.org"], "Type the part before the @."),
        (["add", "falcot.org"], "has no domain"),
        (["add", "nul\0@falcot.org"], "control character"),
        (["add", "jéan@falcot.org"], "beyond ASCII"),
        (["add", "x" * 65 + "@falcot.org"], "65 characters"),
        (["add", "x" * 300 + "@falcot.org"], "254 at most"),
        (["add", "a b@falcot.org"], "Put the part before the @ in quotes"),
        (["add", '"a@falcot.org'], "the quotes do not match"),
        (["add", "a%b@falcot.org"], "reads as a route"),
        (["add", "new@falcot.org", "--quota", "0"], "A quota is more than 0 bytes."),
        (["add", "new@falcot.org", "--quota", "9000000T"], "9223372036854775807"),
        (["add", "new@falcot.org", "--mail-path", "../../etc/"], "A mail path begins below"),
        (["add", "new@falcot.org", "--mail-path", "/etc/"], "A mail path begins below"),
        (["add", "new@falcot.org", "--mail-path", "falcot.org/jean/"], "Another mailbox is stored there already."),
        (["add", "new@falcot.org", "--name", "x" * 201], "200"),
        (["change", "nobody@falcot.org", "--active"], "There is no mailbox nobody@falcot.org."),
        (["change", "jean@falcot.org", "--active", "--if-version", "9"], "Somebody else changed this"),
        (["change", "jean@falcot.org", "--mail-path", ""], "."),
        (["delete", "nobody@falcot.org", "--yes"], "There is no mailbox nobody@falcot.org."),
        (["delete", "contact@falcotsbrand.com", "--yes"], "There is no mailbox contact@falcotsbrand.com."),
        (["show", "nobody@falcot.org"], "There is no mailbox nobody@falcot.org."),
        (["show", "jean@missing.example"], "There is no domain missing.example here."),
    ],
)
def test_what_cannot_be_is_refused(shell: Shell, falcot: Domain, arguments: list[str], words: str) -> None:
    options = ["--no-password"] if arguments[0] == "add" else []
    assert words in shell.refused("mailbox", *arguments, *options)


@pytest.mark.parametrize("piped", [b"", b"short\n", b"x" * 73, b"nul\0 in a long one"])
def test_a_password_that_cannot_be_kept_is_refused(shell: Shell, falcot: Domain, piped: bytes) -> None:
    assert shell.refused("mailbox", "password", "jean@falcot.org", "--password-stdin", piped=piped)
    assert shell.refused("mailbox", "add", "new@falcot.org", "--password-stdin", piped=piped)


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "new@falcot.org"],
        ["add", "new@falcot.org", "secret password"],
        ["add", "new@falcot.org", "--password", "secret password"],
        ["add", "new@falcot.org", "--no-password", "--quota", "lots"],
        ["add", "new@falcot.org", "--no-password", "--quota=-5"],
        ["add", "new@falcot.org", "--no-password", "--format", "mh"],
        ["add", "je\udcffan@falcot.org", "--no-password"],
        ["password", "jean@falcot.org"],
        ["password", "jean@falcot.org", "secret password"],
        ["change", "jean@falcot.org"],
        ["change", "jean@falcot.org", "--active", "--inactive", "--what"],
        ["delete", "jean@falcot.org"],
        ["list", "--limit", "-1"],
    ],
)
def test_wrong_usage_is_told(shell: Shell, falcot: Domain, arguments: list[str]) -> None:
    assert shell.misused("mailbox", *arguments)


def test_a_password_that_is_no_text_is_wrong_usage(shell: Shell, falcot: Domain) -> None:
    assert "UTF-8" in shell.misused(
        "mailbox", "password", "jean@falcot.org", "--password-stdin", piped=b"\xff\xfe long"
    )


def test_before_a_deletion_it_names_what_is_lost(shell: Shell, falcot: Domain) -> None:
    assert "Nothing was deleted." in shell.refused("mailbox", "delete", "jean@falcot.org", typed="n\n")
    ended = shell("mailbox", "delete", "jean@falcot.org", typed="YES\n")
    assert "The files at falcot.org/jean/ stay where they are." in ended.err
    assert "Alias webmaster@falcotsbrand.com delivers nowhere else and is deleted too." in ended.err
    assert ended.code == 0


def test_what_others_typed_does_not_command_the_terminal(shell: Shell, domain: Domain) -> None:
    """Nobody saves such a name any more; one of before may be there."""
    jean = add_mailbox(domain, "jean", by=TESTER)
    Mailbox.objects.filter(pk=jean.pk).update(name="\x1b[2Jboo")
    assert "boo" in shell("mailbox", "show", "jean@example.org").out
    assert "\x1b" not in shell("mailbox", "list").out + shell("mailbox", "show", "jean@example.org").out


class TestRename:
    def test_it_works(self, shell: Shell, falcot: Domain) -> None:
        ended = shell("mailbox", "rename", "jean@falcot.org", "john@falcot.org", "--keep-days", "90", "--json")
        assert (ended.json["address"], ended.json["mail_path"]) == ("john@falcot.org", "falcot.org/jean/")
        assert shell("alias", "show", "jean@falcot.org", "--json").json["destinations"] == ["john@falcot.org"]
        ended = shell("alias", "rename", "contact@falcotsbrand.com", "desk@falcot.org")
        assert ended.lines == ["Renamed alias contact@falcotsbrand.com to desk@falcot.org."]

    def test_what_cannot_be_is_refused(self, shell: Shell, falcot: Domain) -> None:
        assert "is there already" in shell.refused("mailbox", "rename", "jean@falcot.org", "laure@falcot.org")
        assert shell.misused("mailbox", "rename", "jean@falcot.org", "x@falcot.org", "--keep-days", "0")

    def test_a_quarantine_is_ended_on_demand(self, shell: Shell, falcot: Domain) -> None:
        shell("mailbox", "delete", "laure@falcot.org", "--yes")
        assert "belonged to a mailbox" in shell.refused("mailbox", "add", "laure@falcot.org", "--no-password")
        assert shell("mailbox", "add", "laure@falcot.org", "--no-password", "--despite-quarantine").code == 0


class TestSenders:
    def test_it_works(self, shell: Shell, falcot: Domain) -> None:
        ended = shell("mailbox", "permit-sender", "jean@falcot.com", "press@falcot.org", "@elsewhere.example")
        assert ended.out == "Permitted 2 more senders.\n"
        assert shell("mailbox", "senders", "jean@falcot.org").lines == ["@elsewhere.example", "press@falcot.org"]
        assert shell("mailbox", "permit-sender", "jean@falcot.org", "press@falcot.org", "--json").json == {
            "permitted": 0
        }
        ended = shell("mailbox", "forbid-sender", "jean@falcot.org", "@Elsewhere.example", "--json")
        assert ended.json == {"forbidden": 1}
        listed = shell("mailbox", "senders", "jean@falcot.org", "--json").json
        assert [row["sender"] for row in listed] == ["press@falcot.org"]

    def test_what_cannot_be_is_refused(self, shell: Shell, falcot: Domain) -> None:
        assert "is a pattern" in shell.refused("mailbox", "permit-sender", "jean@falcot.org", "sales-*@falcot.org")
        assert "no mailbox" in shell.refused("mailbox", "permit-sender", "nobody@falcot.org", "a@falcot.org")
        assert "not permitted" in shell.refused("mailbox", "forbid-sender", "jean@falcot.org", "a@falcot.org")
        assert shell.refused("mailbox", "forbid-sender", "jean@falcot.org", "no address")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_list_stays_in_its_columns(shell: Shell, domain: Domain) -> None:
    long = "a-rather-long-name-for-a-mailbox@example.org"
    shell("mailbox", "add", long, "--no-password", "--quota", "1.5G")
    shell("mailbox", "add", "b@example.org", "--no-password")
    first, second = shell("mailbox", "list").lines
    assert first.split() == [long, "-", "1.5", "GB", "active", "example.org/a-rather-long-name-for-a-mailbox/"]
    assert first.index("active") == second.index("active")
    assert "none" in second
    terminal = Terminal()
    call_command("mailbox", "list", stdout=terminal)
    heading = terminal.getvalue().splitlines()[0]
    assert heading.split() == ["address", "name", "quota", "state", "mail_path"]
    assert heading.index("state") == first.index("active")


def test_whose_hash_takes_too_long(shell: Shell, domain: Domain) -> None:
    for name, is_costly in (("ann", True), ("bob", False)):
        mailbox = add_mailbox(domain, name, by=TESTER)
        MailboxCredential.objects.create(mailbox=mailbox, hash="{SHA}x", is_costly=is_costly)
    (row,) = shell("mailbox", "list", "--costly-hash", "--json").json
    assert (row["address"], row["has_costly_hash"]) == ("ann@example.org", True)
    assert not shell("mailbox", "show", "bob@example.org", "--json").json["has_costly_hash"]
