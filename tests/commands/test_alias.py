"""manage.py alias"""

import pytest

from domains.models import Domain
from domains.services import add_domain
from mailboxes.models import Alias
from tests.commands.conftest import Shell
from tests.services.checks import TESTER

KEYS = [
    "address",
    "is_catch_all",
    "destinations",
    "keeps_copy",
    "comment",
    "active",
    "state",
    "starts_at",
    "ends_at",
    "version",
    "created_at",
    "changed_at",
]


def test_it_works(shell: Shell, falcot: Domain) -> None:
    added = shell("alias", "add", "info@falcot.org", "jean@falcot.org", "x@elsewhere.example", "--comment", "Desk")
    assert added == (0, "Added alias info@falcot.org.\n", "")
    assert shell("alias", "change", "info@falcot.org", "--destinations", "laure@falcot.org").code == 0
    assert shell("alias", "list", "--domain", "falcot.org").lines == [
        "info@falcot.org                 active     laure@falcot.org"
    ]
    assert shell("alias", "delete", "info@falcot.org", "--yes").out == "Deleted alias info@falcot.org.\n"
    assert not Alias.objects.filter(address__domain=falcot).exists()


def test_json_has_stable_keys(shell: Shell, falcot: Domain) -> None:
    added = shell("alias", "add", "jean@falcot.org", "x@elsewhere.example", "--json").json
    assert list(added) == KEYS
    assert (added["keeps_copy"], added["is_catch_all"]) == (True, False)
    assert added["destinations"] == ["x@elsewhere.example"]
    shown = shell("alias", "show", "jean@falcot.org", "--json").json
    assert shell("alias", "list", "--domain", "falcot.org", "--json").json == [shown]


def test_the_catch_all_has_nothing_before_the_at(shell: Shell, falcot: Domain) -> None:
    assert shell("alias", "add", "@falcot.org", "jean@falcot.org", "--json").json["is_catch_all"]
    assert shell("alias", "show", "@falcot.com", "--json").json["address"] == "@falcot.org"
    assert shell("alias", "delete", "@falcot.org", "--yes").out == "Deleted alias @falcot.org.\n"


def test_times(shell: Shell, falcot: Domain) -> None:
    added = shell(
        "alias", "add", "fair@falcot.org", "jean@falcot.org", "--starts", "2997-01-01", "--ends", "2998-01-01", "--json"
    ).json
    assert (added["starts_at"], added["ends_at"]) == ("2997-01-01T00:00:00Z", "2998-01-01T00:00:00Z")
    assert added["state"] == "not_begun"
    refused = shell.refused("alias", "change", "fair@falcot.org", "--ends", "2996-01-01")
    assert refused == "An alias ends after it starts. Choose a later end or an earlier start.\n"
    changed = shell("alias", "change", "fair@falcot.org", "--starts", "now", "--ends", "2020-01-01", "--json").json
    assert (changed["starts_at"], changed["state"]) == (None, "ended")
    assert shell("alias", "change", "fair@falcot.org", "--ends", "never", "--json").json["state"] == "active"


def test_destinations_come_and_go_one_by_one(shell: Shell, falcot: Domain) -> None:
    shell("alias", "add", "info@falcot.org", "jean@falcot.org", "Some@Elsewhere.example")
    changed = shell(
        "alias",
        "change",
        "info@falcot.org",
        "--add",
        "sophie@falcot.org",
        "--remove",
        "SOME@elsewhere.example",
        "--json",
    )
    assert changed.json["destinations"] == ["jean@falcot.org", "sophie@falcot.org"]
    words = "does not deliver to “laure@falcot.org”"
    assert words in shell.refused("alias", "change", "info@falcot.org", "--remove", "laure@falcot.org")
    both = ["--remove", "jean@falcot.org", "sophie@falcot.org"]
    assert "at least one destination" in shell.refused("alias", "change", "info@falcot.org", *both)


def test_a_list_is_searched_and_cut(shell: Shell, falcot: Domain) -> None:
    add_domain("example.org", by=TESTER)
    for name in ("zoo", "abc", ""):
        shell("alias", "add", f"{name}@example.org", "x@elsewhere.example")

    def names(*options: str) -> list[str]:
        return [row["address"] for row in shell("alias", "list", "--json", *options).json]

    ours = ["@example.org", "abc@example.org", "zoo@example.org"]
    brand = ["@falcotsbrand.com", "contact@falcotsbrand.com", "webmaster@falcotsbrand.com"]
    assert names() == [*ours, *brand]
    assert names("--search", "a") == ["abc@example.org"]
    assert names("--search", "@ex") == ["@example.org"]
    assert names("--after", "abc@example.org", "--limit", "2") == ["zoo@example.org", "@falcotsbrand.com"]
    assert names("--after", "@falcotsbrand.com") == brand[1:]


def test_text_and_streams_agree(shell: Shell, falcot: Domain) -> None:
    lines = shell("alias", "list").lines
    assert lines[1].split(maxsplit=2) == ["contact@falcotsbrand.com", "active", "laure@falcot.org, sophie@falcot.org"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "contact@falcotsbrand.com", "x@elsewhere.example"], "is an alias already"),
        (["add", "@falcotsbrand.com", "x@elsewhere.example"], "is an alias already"),
        (["add", "info@falcot.com", "x@elsewhere.example"], "is an alias domain: it answers for falcot.org"),
        (["add", "info@missing.example", "x@elsewhere.example"], "There is no domain missing.example here."),
        (["add", "info@falcot.org", "nobody@falcot.org"], "has no address nobody@falcot.org"),
        (["add", "info@falcot.org", "nobody@falcot.com"], "has no address nobody@falcot.org"),
        (["add", "info@falcot.org", "info@falcot.org"], "This would be a loop"),
        (["add", "info@falcot.org", "info@falcot.com"], "This would be a loop"),
        (["add", "@falcot.org", "@falcotsbrand.com"], "This would be a loop"),
        (["add", "info@falcot.org", "@elsewhere.example"], "Only a catch-all"),
        (["add", "info@falcot.org", "x"], "has no domain"),
        (["add", "info@falcot.org", "x\0@elsewhere.example"], "control character"),
        (["add", "info@falcot.org", "x" * 300 + "@elsewhere.example"], "254 at most"),
        (["add", "info@falcot.org", "|/bin/sh@elsewhere.example"], "is a program or a file"),
        (["add", '""@falcot.org', "x@elsewhere.example"], "Type the part before the @."),
        (["add", "info@falcot.org", "x@elsewhere.example", "--comment", "x" * 501], "500"),
        (["change", "nobody@falcot.org", "--active"], "There is no alias nobody@falcot.org."),
        (["change", "contact@falcotsbrand.com", "--active", "--if-version", "5"], "Somebody else changed this"),
        (["change", "contact@falcotsbrand.com", "--destinations", "contact@falcotsbrand.com"], "loop"),
        (["delete", "jean@falcot.org", "--yes"], "There is no alias jean@falcot.org."),
        (["show", "nobody@falcot.org"], "There is no alias nobody@falcot.org."),
    ],
)
def test_what_cannot_be_is_refused(shell: Shell, falcot: Domain, arguments: list[str], words: str) -> None:
    assert words in shell.refused("alias", *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "info@falcot.org"],
        ["add"],
        ["change", "contact@falcotsbrand.com"],
        ["change", "contact@falcotsbrand.com", "--destinations"],
        ["change", "contact@falcotsbrand.com", "--destinations", "x@y.example", "--add", "z@y.example"],
        ["delete", "contact@falcotsbrand.com"],
        ["add", "info@falcot.org", "\udcff@elsewhere.example"],
    ],
)
def test_wrong_usage_is_told(shell: Shell, falcot: Domain, arguments: list[str]) -> None:
    assert shell.misused("alias", *arguments)


def test_before_a_deletion_it_names_what_is_lost(shell: Shell, falcot: Domain) -> None:
    ended = shell("alias", "delete", "contact@falcotsbrand.com", typed="yes\n")
    assert "no longer goes to its 2 destinations" in ended.err
    assert ended.code == 0


def test_what_leaves_the_house(shell: Shell, falcot: Domain) -> None:
    shell("alias", "add", "info@falcot.org", "x@b.example", "Y@a.example", "jean@falcot.org")
    shell("alias", "add", "info@falcotsbrand.com", "z@b.example")

    def rows(*options: str) -> list[tuple[str, str]]:
        return [(row["address"], row["destination"]) for row in shell("alias", "forwards", "--json", *options).json]

    assert rows() == [
        ("info@falcot.org", "Y@a.example"),
        ("info@falcot.org", "x@b.example"),
        ("info@falcotsbrand.com", "z@b.example"),
    ]
    assert rows("--to", "B.example", "--domain", "falcot.org") == [("info@falcot.org", "x@b.example")]


def test_the_help_says_how_a_pattern_is_written(shell: Shell, db: None) -> None:
    assert "'sales-*@example.org' a pattern" in " ".join(shell("alias", "add", "--help").out.split())


def test_the_list_says_when_one_ends(shell: Shell, falcot: Domain) -> None:
    shell("alias", "add", "a@falcot.org", "jean@falcot.org", "--ends", "2998-01-31T17:00:00Z")
    shell("alias", "add", "b@falcot.org", "jean@falcot.org", "--starts", "2998-01-31T17:00:00Z")
    shell("alias", "add", "c@falcot.org", "jean@falcot.org")
    states = {line.split()[0]: line for line in shell("alias", "list", "--domain", "falcot.org").lines}
    assert "active, until 2998-01-31 17:00:00 UTC" in states["a@falcot.org"]
    assert "not_begun, from 2998-01-31 17:00:00 UTC" in states["b@falcot.org"]
    assert "until" not in states["c@falcot.org"]
