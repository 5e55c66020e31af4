"""DKIM keys from the shell: rotated, changed, and what people have to do."""

import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from accounts.history import sentence_of
from accounts.history_reading import events_of
from accounts.models import ChangeSet
from domains.dkim_hosts import SigningHost, report_host
from domains.dkim_keys import generate, unsealed
from domains.dkim_models import DkimKey, DkimKeyOnHost, DkimPrivateKey
from domains.dkim_services import add_dkim_key
from domains.models import Domain
from jobs.models import Job
from jobs.services import run_job
from tests.commands.conftest import Shell
from tests.services.checks import TESTER


@pytest.fixture
def key(falcot: Domain) -> DkimKey:
    return add_dkim_key(Domain.objects.get(name="falcot.org"), "s1", generate("ed25519"), by=TESTER)


def test_a_rotation(shell: Shell, falcot: Domain) -> None:
    ended = shell("dkim", "rotate", "falcot.org", "--json")
    assert ended.code == 0, ended
    run_job(ended.json["job"])
    key = DkimKey.objects.get()
    assert (key.selector, key.signs_by_itself) == (ended.json["selector"], True)
    (row,) = shell("dkim", "to-do", "--json").json
    assert row["to_do"] == f"Publish the record of {key}."
    assert row["zone_line"] == key.zone_line
    assert shell("dkim", "to-do", "--after", str(key.pk), "--json").json == []
    again = shell("dkim", "rotate", "falcot.org")
    assert (again.code, "on its way already" in again.err) == (1, True)


def test_a_new_key(shell: Shell, falcot: Domain) -> None:
    ended = shell("dkim", "generate", "falcot.org", "--selector", "s2026", "--algorithm", "ed25519", "--json")
    run_job(ended.json["job"])
    assert shell("dkim", "show", "falcot.org", "s2026", "--json").json["algorithm"] == "ed25519"
    run_job(shell("dkim", "generate", "falcot.org", "--selector", "s2027", "--json").json["job"])
    assert [row["algorithm"] for row in shell("dkim", "list", "--json").json] == ["ed25519", "rsa-2048"]
    assert "Take another selector" in shell.refused("dkim", "generate", "falcot.org", "--selector", "s2026")
    assert shell.misused("dkim", "generate", "falcot.org")
    assert shell.misused("dkim", "generate", "falcot.org", "--selector", "s3", "--algorithm", "dsa")


def test_the_record_beside_an_imported_key_is_its_own(shell: Shell, falcot: Domain, tmp_path: Path) -> None:
    """One of a run of opendkim-genkey before this would be published, and nothing would be verified."""
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        command = ["opendkim-genkey", "-b", "1024", "-s", "old", "-d", "falcot.org", "-D", str(tmp_path / folder)]
        subprocess.run(command, check=True)
    private, record = tmp_path / "first/old.private", tmp_path / "first/old.txt"
    right = record.read_text()
    sentence = f"{record} does not have the record of this key. Take that file away if it is an old one.\n"
    for wrong in ((tmp_path / "second/old.txt").read_text(), "", "v=DKIM1"):
        record.write_text(wrong)
        assert shell.refused("dkim", "import", "falcot.org", str(private)) == sentence
    record.write_text(right)
    assert shell("dkim", "import", "falcot.org", str(private)).code == 0


def test_the_key_file_rotates(shell: Shell, key: DkimKey, settings: Any) -> None:
    """A new line on top, reseal, and the old line is needed no longer."""
    fresh = Fernet.generate_key().decode()
    settings.DKIM_SEALING_KEYS = f"{fresh}\n{settings.DKIM_SEALING_KEYS}"
    assert shell("dkim", "reseal").lines == ["Encrypted private keys with the first line of dkim_sealing_keys: 1."]
    settings.DKIM_SEALING_KEYS = fresh
    assert "PRIVATE KEY" in unsealed(DkimPrivateKey.objects.get())
    (found,) = ChangeSet.objects.filter(metadata__verb="reseal")
    assert sentence_of(found.metadata) == (
        "Encrypted all private keys of DKIM with the first line of dkim_sealing_keys"
    )
    assert "Rotate that line instead." in shell.refused("history", "undo", str(found.pk), "--yes")


def test_a_private_key_that_leaves_is_in_the_history(shell: Shell, key: DkimKey, tmp_path: Path) -> None:
    assert shell("dkim", "export", "falcot.org", "s1", "--output", str(tmp_path)).code == 0
    assert (tmp_path / "s1.private").read_text() == unsealed(DkimPrivateKey.objects.get())
    (found,) = ChangeSet.objects.filter(metadata__verb="export")
    assert sentence_of(found.metadata) == f"Exported the private key of DKIM key {key}"
    assert [event.kind_in_words for event in events_of([found.pk])[found.pk]] == ["private key exported"]
    assert "cannot be called back" in shell.refused("history", "undo", str(found.pk), "--yes")
    assert "File exists" in shell.refused("dkim", "export", "falcot.org", "s1", "--output", str(tmp_path))
    assert ChangeSet.objects.filter(metadata__verb="export").count() == 1, "the second time it did not leave"


def test_hosts(shell: Shell, falcot: Domain, key: DkimKey) -> None:
    report_host("mx1.falcot.org", by=TESTER)
    SigningHost.objects.create(name="mx2.falcot.org", reported_at=timezone.now() - timedelta(days=3))
    DkimKeyOnHost.objects.create(host="mx2.falcot.org", key=key, path="/keys/1")
    found = shell("dkim", "hosts", "--json").json
    assert [(row["host"], row["is_silent"]) for row in found] == [("mx1.falcot.org", False), ("mx2.falcot.org", True)]
    assert [row["host"] for row in shell("dkim", "hosts", "--after", "mx1.falcot.org", "--json").json] == [
        "mx2.falcot.org"
    ]
    asked = shell("dkim", "forget-host", "mx2.falcot.org", typed="no\n")
    assert (asked.code, SigningHost.objects.count()) == (1, 2)
    assert "It last reported 3\xa0days ago, with the files of DKIM keys: 1." in asked.err
    assert shell("dkim", "forget-host", "mx2.falcot.org", "--yes").lines == ["Forgot mx2.falcot.org."]
    assert shell("dkim", "show", "falcot.org", "s1", "--json").json["hosts"] == []
    assert "No host mx2.falcot.org signs here" in shell.refused("dkim", "forget-host", "mx2.falcot.org", "--yes")


def test_a_step_without_the_dns(shell: Shell, key: DkimKey) -> None:
    refused = shell("dkim", "publish", "falcot.org", "s1")
    assert (refused.code, refused.err.strip()) == (1, "The name servers do not show it yet. Say why you say so.")
    assert shell("dkim", "publish", "falcot.org", "s1", "--reason", "split horizon").code == 0
    shown = shell("dkim", "show", "falcot.org", "s1", "--json").json
    assert (shown["state"], shown["reason"]) == ("published", "split horizon")
    assert shown["to_do"].startswith("Let a host write the file of s1._domainkey.falcot.org")
    (row,) = shell("dkim", "to-do", "--json").json
    assert row["why"].startswith("No host has its file yet.")
    refused = shell("dkim", "sign", "falcot.org", "s1")
    assert (refused.code, refused.err.startswith("No host has the file of s1._domainkey.falcot.org")) == (1, True)
    assert shell("dkim", "sign", "falcot.org", "s1", "--reason", "rspamd signs").code == 0


def test_for_whom_it_signs(shell: Shell, key: DkimKey) -> None:
    assert shell("dkim", "change", "falcot.org", "s1").code == 2
    changed = shell("dkim", "change", "falcot.org", "s1", "--only", "news, billing", "--by-itself", "--json").json
    assert (changed["local_parts"], changed["signs_by_itself"]) == (["billing", "news"], True)
    changed = shell("dkim", "change", "falcot.org", "s1", "--only", "", "--not-by-itself", "--json").json
    assert (changed["local_parts"], changed["signs_by_itself"]) == ([], False)


def test_a_look_at_once(shell: Shell, key: DkimKey) -> None:
    ended = shell("dkim", "look", "falcot.org", "--json")
    assert Job.objects.get(pk=ended.json["job"]).kind == "dkim_look"
