"""manage.py mail_settings, history and job"""

from uuid import UUID

import pytest

from accounts.actors import Actor
from accounts.models import ChangeSet
from domains.models import Domain
from jobs.models import Job
from jobs.services import run_job
from mailboxes.jobs import start_alias_report
from mailboxes.removal import delete_domain
from tests.commands.conftest import Shell
from tests.services.checks import TESTER


class TestMailSettings:
    def test_it_works(self, shell: Shell) -> None:
        changed = shell("mail_settings", "change", "--recipient-delimiter", "+-", "--json")
        assert changed.json["recipient_delimiter"] == "+-"
        assert "main.cf must name the same delimiter" in changed.err
        assert shell("mail_settings", "show", "--json").json == changed.json
        assert shell("mail_settings", "change", "--recipient-delimiter", "none", "--json").json["version"] == 3
        assert shell("mail_settings", "show").lines[0].split() == ["recipient_delimiter", "-"]

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--recipient-delimiter", "="],
            ["--mail-path-template", "{domain}"],
            ["--mail-path-template", "../{domain}/{local_part}"],
            ["--mail-path-template", "{domain}/{local_part:>999999999}"],
            ["--recipient-delimiter", "+", "--if-version", "4"],
        ],
    )
    def test_what_cannot_be_is_refused(self, shell: Shell, arguments: list[str]) -> None:
        assert shell.refused("mail_settings", "change", *arguments)

    @pytest.mark.parametrize("arguments", [[], ["change"], ["change", "--recipient-delimiter"], ["list"]])
    def test_wrong_usage_is_told(self, shell: Shell, arguments: list[str]) -> None:
        assert shell.misused("mail_settings", *arguments)


@pytest.mark.django_db(transaction=True)  # within one transaction, everything happens at the same time
class TestHistory:
    def test_it_works(self, shell: Shell) -> None:
        shell("domain", "add", "example.org")
        shell("mailbox", "add", "jean@example.org", "--no-password")
        newest, oldest = shell("history", "list").lines
        assert newest.endswith("Added mailbox jean@example.org")
        assert oldest.endswith("Added domain example.org")
        by = Actor.from_command()
        assert f"{by.name}@{by.host}" in newest
        assert "Command line" in newest

    def test_json_has_stable_keys(self, shell: Shell, falcot: Domain) -> None:
        (row,) = shell("history", "list", "--json").json
        keys = ["id", "at", "sentence", "who", "token", "door", "host", "verb", "noun", "label", "domain"]
        assert list(row) == [*keys, "undid", "undone_by"]
        assert (row["who"], row["door"], row["verb"]) == ("tester", "command", "load")

    def test_a_domain_that_is_gone_has_a_history(self, shell: Shell) -> None:
        for name in ("example.org", "example.com"):
            shell("domain", "add", name)
        delete_domain(Domain.objects.get(name="example.org"), by=TESTER)
        sentences = [row["sentence"] for row in shell("history", "list", "--domain", "Example.org", "--json").json]
        assert sentences == ["Deleted domain example.org with its addresses", "Added domain example.org"]
        assert len(shell("history", "list", "--limit", "1").lines) == 1

    def test_wrong_usage_is_told(self, shell: Shell) -> None:
        assert shell.misused("history")
        assert shell.misused("history", "list", "--limit", "0")
        assert shell.refused("history", "list", "--domain", "not a domain")


class TestJob:
    @pytest.fixture
    def job(self, falcot: Domain) -> Job:
        job = start_alias_report(by=TESTER)
        run_job(job.pk)
        return job

    def test_it_works(self, shell: Shell, job: Job) -> None:
        (line,) = shell("job", "list").lines
        assert line.split()[:2] == [str(job.pk), "done"]
        assert shell("job", "show", str(job.pk)).lines[0].split() == ["id", str(job.pk)]

    def test_json_has_stable_keys(self, shell: Shell, job: Job) -> None:
        keys = ["id", "kind", "label", "state", "done", "total", "error", "tries"]
        keys += ["created_at", "run_after", "started_at", "finished_at", "started_by"]
        (row,) = shell("job", "list", "--json").json
        assert list(row) == keys
        shown = shell("job", "show", str(job.pk), "--json").json
        assert list(shown) == [*keys, "arguments", "result"]
        assert shown["result"]["checked"] == 3

    def test_states_are_told_apart(self, shell: Shell, job: Job) -> None:
        assert shell("job", "list", "--state", "failed", "--json").json == []

    def test_what_is_not_there_is_refused(self, shell: Shell) -> None:
        assert "There is no job 7." in shell.refused("job", "show", "7")

    @pytest.mark.parametrize("arguments", [[], ["show"], ["show", "x"], ["show", "0"], ["show", str(2**64)], ["start"]])
    def test_wrong_usage_is_told(self, shell: Shell, arguments: list[str]) -> None:
        assert shell.misused("job", *arguments)


@pytest.mark.django_db(transaction=True)
class TestUndo:
    def test_it_works(self, shell: Shell) -> None:
        shell("domain", "add", "example.org")
        shell("mailbox", "add", "jean@example.org", "--no-password")
        shell("mailbox", "delete", "jean@example.org", "--yes")
        number = shell("history", "list", "--json").json[0]["id"]
        rehearsed = shell("history", "undo", number, "--dry-run")
        assert "added  mailbox jean@example.org" in rehearsed.out
        assert shell("mailbox", "list", "--json").json == []
        done = shell("history", "undo", number, "--yes")
        assert done.lines == ["Undid: Deleted mailbox jean@example.org."]
        assert shell("mailbox", "show", "jean@example.org").code == 0
        assert "is there again already" in shell.refused("history", "undo", number, "--yes")
        undo, deletion = shell("history", "list", "--json", "--limit", "2").json
        assert (undo["undid"], undo["undone_by"]) == (number, None)
        assert (deletion["undid"], deletion["undone_by"]) == (None, undo["id"])

    def test_the_list_says_what_undo_takes(self, shell: Shell) -> None:
        shell("domain", "add", "example.org")
        (line,) = shell("history", "list").lines
        number = line.split()[0]
        assert shell("history", "undo", number, "--yes").lines == ["Undid: Added domain example.org."]
        whole = shell("history", "list", "--json").json[1]["id"]
        assert whole.startswith(number)
        assert "was deleted since" in shell.refused("history", "undo", whole.upper(), "--yes")

    def test_a_beginning_that_two_have_is_refused(self, shell: Shell) -> None:
        for digit in "12":
            ChangeSet.objects.create(id=UUID("0123456789ab".ljust(32, digit)), metadata={})
        assert "More than one change set begins with 0123456789ab." in shell.refused("history", "undo", "01234567-89ab")
        assert "There is no change set 0123456789ac." in shell.refused("history", "undo", "01234567-89ac")

    def test_a_preview_is_plain_text(self, shell: Shell) -> None:
        shell("domain", "add", "example.org")
        shell("mailbox", "add", "jean@example.org", "--no-password", "--quota", "10G")
        shell("out_of_office", "set", "jean@example.org", "--text", "I am away.\n— Jean\N{NO-BREAK SPACE}F.")
        assert "text        I am away.\\n— Jean F." in shell("out_of_office", "show", "jean@example.org").lines
        shell("mailbox", "delete", "jean@example.org", "--yes")
        number = shell("history", "list").lines[0].split()[0]
        rehearsed = shell("history", "undo", number, "--dry-run").out
        assert "→ 10.0 GB" in rehearsed
        assert "I am away.\\n— Jean F." in rehearsed
        assert "\N{REPLACEMENT CHARACTER}" not in rehearsed

    def test_json_has_stable_keys(self, shell: Shell) -> None:
        shell("domain", "add", "example.org")
        number = shell("history", "list", "--json").json[0]["id"]
        keys = ["undid", "sentence", "change_set"]
        assert list(shell("history", "undo", number, "--dry-run", "--json").json) == [*keys, "would_change"]
        assert list(shell("history", "undo", number, "--yes", "--json").json) == keys

    def test_wrong_usage_is_told(self, shell: Shell) -> None:
        for text in ("7", "0123456", "0123456g", "0" * 33):
            assert "Type it as “history list” prints it." in shell.misused("history", "undo", text)
        assert "There is no change set" in shell.refused("history", "undo", "0" * 32, "--yes")
