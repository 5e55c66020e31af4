"""DKIM keys from the shell: rotated, changed, and what people have to do."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

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


def test_the_key_file_rotates(shell: Shell, key: DkimKey, settings: Any) -> None:
    """A new line on top, reseal, and the old line is needed no longer."""
    fresh = Fernet.generate_key().decode()
    settings.DKIM_SEALING_KEYS = f"{fresh}\n{settings.DKIM_SEALING_KEYS}"
    assert shell("dkim", "reseal").lines == ["Encrypted private keys with the first line of dkim_sealing_keys: 1."]
    settings.DKIM_SEALING_KEYS = fresh
    assert "PRIVATE KEY" in unsealed(DkimPrivateKey.objects.get())


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
    assert shown["to_do"] == "Sign with s1._domainkey.falcot.org."


def test_for_whom_it_signs(shell: Shell, key: DkimKey) -> None:
    assert shell("dkim", "change", "falcot.org", "s1").code == 2
    changed = shell("dkim", "change", "falcot.org", "s1", "--only", "news, billing", "--by-itself", "--json").json
    assert (changed["local_parts"], changed["signs_by_itself"]) == (["billing", "news"], True)
    changed = shell("dkim", "change", "falcot.org", "s1", "--only", "", "--not-by-itself", "--json").json
    assert (changed["local_parts"], changed["signs_by_itself"]) == ([], False)


def test_a_look_at_once(shell: Shell, key: DkimKey) -> None:
    ended = shell("dkim", "look", "falcot.org", "--json")
    assert Job.objects.get(pk=ended.json["job"]).kind == "dkim_look"
