"""manage.py domain"""

import pytest

from domains.models import Domain, DomainCount
from mailboxes.models import Address
from tests.commands.conftest import Shell

KEYS = [
    "name",
    "unicode_name",
    "address_class",
    "target",
    "description",
    "any_recipient",
    "max_mailboxes",
    "max_aliases",
    "max_quota_bytes",
    "max_total_quota_bytes",
    "mailboxes",
    "aliases",
    "relay_recipients",
    "total_quota_bytes",
    "active",
    "suspended",
    "state",
    "admins",
    "version",
    "created_at",
    "changed_at",
]


def test_it_works(shell: Shell) -> None:
    assert shell("domain", "add", "Example.ORG", "--description", "Ours").out == "Added domain example.org.\n"
    assert shell("domain", "add", "example.net", "--target", "example.org").code == 0
    assert shell("domain", "change", "example.org", "--inactive").out == "Changed domain example.org.\n"
    assert shell("domain", "show", "example.org").lines[:3] == [
        "name                   example.org",
        "unicode_name           example.org",
        "address_class          virtual_mailbox",
    ]
    assert [line.split()[0] for line in shell("domain", "list").lines] == ["example.net", "example.org"]
    assert shell("domain", "delete", "example.net", "--yes").out == "Deleted domain example.net.\n"
    assert not Domain.objects.get().active


@pytest.mark.parametrize("address_class", ["local", "relay"])
def test_the_first_of_a_class_with_own_maps_asks_for_a_new_configuration(shell: Shell, address_class: str) -> None:
    assert shell("domain", "add", "example.com").err == ""
    assert "postfix_config" in shell("domain", "add", "example.org", "--class", address_class).err
    assert shell("domain", "add", "example.net", "--class", address_class).err == ""
    assert shell("domain", "change", "example.net", "--class", "virtual-alias").err == ""
    assert "postfix_config" in shell("domain", "delete", "example.org", "--yes").err


def test_json_has_stable_keys(shell: Shell) -> None:
    added = shell("domain", "add", "bücher.example", "--class", "virtual-alias", "--json").json
    assert list(added) == KEYS
    assert (added["name"], added["unicode_name"]) == ("xn--bcher-kva.example", "bücher.example")
    assert added["created_at"].endswith("Z")
    assert shell("domain", "change", "bücher.example", "--description", "x", "--json").json["version"] == 2
    shown = shell("domain", "show", "bücher.example", "--json").json
    assert shell("domain", "list", "--json").json == [shown]
    assert shell("domain", "delete", "bücher.example", "--yes", "--json").json == {"deleted": "xn--bcher-kva.example"}
    assert shell("domain", "list", "--json").json == []


def test_suspend_and_resume(shell: Shell) -> None:
    shell("domain", "add", "example.org")
    assert shell("domain", "suspend", "example.org").out == "Suspended domain example.org.\n"
    assert [line.split() for line in shell("domain", "list").lines] == [
        ["example.org", "virtual_mailbox", "suspended", "-", "-"]
    ]
    resumed = shell("domain", "resume", "Example.org", "--json").json
    assert (resumed["suspended"], resumed["state"]) == (False, "active")
    assert shell.refused("domain", "suspend", "example.net") == "There is no domain example.net here.\n"


def test_a_list_is_searched_and_cut(shell: Shell) -> None:
    for name in ("alpha.example", "beta.example", "bravo.example", "gamma.example"):
        shell("domain", "add", name)

    def names(*options: str) -> list[str]:
        return [row["name"] for row in shell("domain", "list", "--json", *options).json]

    assert names("--search", "B") == ["beta.example", "bravo.example"]
    assert names("--limit", "2") == ["alpha.example", "beta.example"]
    assert names("--limit", "2", "--after", "beta.example") == ["bravo.example", "gamma.example"]
    assert names("--class", "local") == []


def test_domain_admins_come_and_go(shell: Shell) -> None:
    shell("domain", "add", "example.org")
    shell("admin", "add", "helper", "--no-password")
    assert shell("domain", "add-admin", "example.org", "helper", "--json").json["admins"] == ["helper"]
    assert "already" in shell.refused("domain", "add-admin", "example.org", "helper")
    assert shell("domain", "remove-admin", "example.org", "helper", "--json").json["admins"] == []
    assert "is no domain admin" in shell.refused("domain", "remove-admin", "example.org", "helper")
    assert "no person “nobody”" in shell.refused("domain", "add-admin", "example.org", "nobody")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "falcot.org"], "A name is served once."),
        (["add", "FALCOT.org."], "A name is served once."),
        (["add", "not a domain"], "is not a domain name"),
        (["add", "nul\0.org"], "is not a domain name"),
        (["add", ""], "Type a domain name"),
        (["add", "x" * 300 + ".org"], "The DNS allows 253"),
        (["add", "localhost"], "Type the whole domain name"),
        (["add", "new.example", "--target", "missing.example"], "There is no domain missing.example here."),
        (["add", "new.example", "--target", "falcot.com"], "Choose a virtual mailbox or virtual alias domain"),
        (["add", "new.example", "--class", "alias_domain"], "needs a target"),
        (["change", "missing.example", "--inactive"], "There is no domain missing.example here."),
        (["change", "falcot.org", "--class", "virtual_alias"], "has mailboxes"),
        (["change", "falcot.org", "--inactive", "--if-version", "7"], "Somebody else changed this"),
        (["delete", "missing.example", "--yes"], "There is no domain missing.example here."),
        (["delete", "falcot.org", "--yes"], "falcot.com is an alias domain of falcot.org"),
        (["show", "missing.example"], "There is no domain missing.example here."),
    ],
)
def test_what_cannot_be_is_refused(shell: Shell, falcot: Domain, arguments: list[str], words: str) -> None:
    assert words in shell.refused("domain", *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["rename", "falcot.org"],
        ["add"],
        ["add", "new.example", "--class", "nonsense"],
        ["add", "new.example", "--description", "\udcff"],
        ["change", "falcot.org"],
        ["change", "falcot.org", "--if-version", "one", "--active"],
        ["list", "--limit", "0"],
        ["list", "--limit", "many"],
        ["delete", "falcot.org"],
    ],
)
def test_wrong_usage_is_told(shell: Shell, falcot: Domain, arguments: list[str]) -> None:
    assert shell.misused("domain", *arguments)


def test_before_a_deletion_it_names_what_is_lost(shell: Shell, falcot: Domain) -> None:
    assert "Nothing was deleted." in shell.refused("domain", "delete", "falcotsbrand.com", typed="no\n")
    assert "Nothing was deleted." in shell.refused("domain", "delete", "falcotsbrand.com", typed="")
    ended = shell("domain", "delete", "falcotsbrand.com", typed="yes\n")
    assert ended.err.splitlines() == [
        "Mail to falcotsbrand.com is refused from then on.",
        "3 aliases go.",
        "Delete domain falcotsbrand.com? Type yes: ",
    ]
    assert (ended.code, ended.out) == (0, "Deleted domain falcotsbrand.com.\n")
    assert not Address.objects.filter(domain__name="falcotsbrand.com").exists()


def test_limits_are_set_and_lifted(shell: Shell) -> None:
    limits = ["--max-mailboxes", "2", "--max-aliases", "0", "--max-quota", "5G", "--max-total-quota", "8 GB"]
    row = shell("domain", "add", "example.org", *limits, "--json").json
    assert (row["max_mailboxes"], row["max_aliases"]) == (2, 0)
    assert (row["max_quota_bytes"], row["max_total_quota_bytes"]) == (5 * 2**30, 8 * 2**30)
    assert shell("mailbox", "add", "ann@example.org", "--no-password", "--quota", "5G").code == 0
    said = shell.refused("mailbox", "add", "bob@example.org", "--no-password", "--quota", "4G")
    assert "add up to 5.0\xa0GB of 8.0\xa0GB, and 4.0\xa0GB more are too many." in said
    row = shell(
        "domain", "change", "example.org", "--max-aliases", "Unlimited", "--max-quota", "unlimited", "--json"
    ).json
    assert (row["max_mailboxes"], row["max_aliases"], row["max_quota_bytes"]) == (2, None, None)
    assert (row["mailboxes"], row["aliases"], row["total_quota_bytes"]) == (1, 0, 5 * 2**30)


@pytest.mark.parametrize(
    ("option", "typed", "sentence"),
    [
        ("--max-mailboxes", "many", "“many” is no limit. Write a number, or unlimited."),
        ("--max-mailboxes", "-1", "“-1” is no limit."),
        ("--max-mailboxes", "1.5", "“1.5” is no limit."),
        ("--max-aliases", "²", "“²” is no limit."),
        ("--max-quota", "5 apples", "“5 apples” is no limit. Write 10G, 500M, bytes, or unlimited."),
        ("--max-total-quota", "none", "“none” is no limit."),
    ],
)
def test_what_is_no_limit(shell: Shell, option: str, typed: str, sentence: str) -> None:
    ended = shell("domain", "add", "example.org", f"{option}={typed}")
    assert (ended.code, Domain.objects.count()) == (2, 0)
    assert sentence in ended.err


def test_a_recount_mends_and_tells(shell: Shell) -> None:
    shell("domain", "add", "example.org")
    shell("domain", "add", "example.net")
    assert shell("domain", "recount").err == "All counts are true.\n"
    DomainCount.objects.update(aliases=7)
    assert shell("domain", "recount", "example.org", "--json").json == [
        {"domain": "example.org", "counted": "aliases", "was": 7, "found": 0}
    ]
    assert shell("domain", "recount").out.split() == ["example.net", "aliases", "7", "0"]
    assert shell("domain", "recount", "--json").json == []
    assert "There is no domain example.com here." in shell.refused("domain", "recount", "example.com")
