"""manage.py out_of_office and server_names"""

import pytest

from domains.models import Domain
from tests.commands.conftest import Shell
from tests.plugins.example_mail import add_domain, add_mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ann(db: None) -> None:
    add_domain("home.example")
    add_domain("twin.example", "alias_domain", target="home.example")
    for name in ("ann", "bob", "carl"):
        add_mailbox(f"{name}@home.example")


class TestOutOfOffice:
    def test_it_works(self, shell: Shell) -> None:
        words = ["--text", "I am away.", "--ends", "2036-01-04", "--days", "3"]
        answer = shell("out_of_office", "set", "ann@home.example", *words, "--json").json
        assert (answer["text"], answer["days"], answer["state"]) == ("I am away.", 3, "active")
        assert answer["ends_at"] == "2036-01-04T00:00:00Z"
        assert shell("out_of_office", "show", "ann@twin.example", "--json").json == answer
        changed = shell("out_of_office", "set", "ann@home.example", "--inactive", "--ends", "never", "--json").json
        assert (changed["state"], changed["ends_at"], changed["text"]) == ("inactive", None, "I am away.")
        gone = shell("out_of_office", "delete", "ann@home.example")
        assert gone.lines == ["Deleted the out-of-office answer of ann@home.example."]
        assert "has no out-of-office answer yet." in shell.refused("out_of_office", "show", "ann@home.example")

    def test_the_list(self, shell: Shell) -> None:
        for name in ("ann", "bob", "carl"):
            shell("out_of_office", "set", f"{name}@home.example", "--text", "Away")
        names = [row["address"] for row in shell("out_of_office", "list", "--json").json]
        assert names == ["ann@home.example", "bob@home.example", "carl@home.example"]
        after = shell("out_of_office", "list", "--after", "ann@home.example", "--limit", "1", "--json").json
        assert [row["address"] for row in after] == ["bob@home.example"]
        few = shell("out_of_office", "list", "--domain", "home.example", "--search", "c")
        assert few.lines[0].startswith("carl@home.example")

    @pytest.mark.parametrize(
        "arguments",
        [
            ["nobody@home.example", "--text", "x"],
            ["ann@home.example", "--text", ""],
            ["ann@home.example", "--subject", "no text yet"],
            ["ann@home.example", "--text", "x", "--days", "31"],
            ["ann@home.example", "--text", "x", "--starts", "2036-01-02", "--ends", "2036-01-01"],
        ],
    )
    def test_what_cannot_be_is_refused(self, shell: Shell, arguments: list[str]) -> None:
        assert shell.refused("out_of_office", "set", *arguments)

    @pytest.mark.parametrize("arguments", [[], ["set"], ["set", "ann@home.example"], ["set", "a@b.c", "--days", "x"]])
    def test_wrong_usage_is_told(self, shell: Shell, arguments: list[str]) -> None:
        assert shell.misused("out_of_office", *arguments)


class TestServerNames:
    def test_it_works(self, shell: Shell) -> None:
        changed = shell(
            "server_names", "change", "--imap", "IMAP.home.example", "--submission", "s.home.example", "--json"
        )
        assert (changed.json["imap_host"], changed.json["pop_host"]) == ("imap.home.example", "")
        assert shell("server_names", "show", "--json").json == changed.json
        assert shell("server_names", "change", "--imap", "").lines == ["Changed the server names."]

    @pytest.mark.parametrize("name", ["mail:993", "a b", "192.0.2.1"])
    def test_what_is_no_name_is_refused(self, shell: Shell, name: str) -> None:
        assert shell.refused("server_names", "change", "--pop", name)

    def test_wrong_usage_is_told(self, shell: Shell) -> None:
        assert shell.misused("server_names", "change")
        assert Domain.objects.filter(name="home.example").exists()
