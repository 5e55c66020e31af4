"""The examples of docs/dns.md and docs/dkim.md, line by line, with real name servers."""

import io
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.actors import Actor
from dns_records.rotation import follow_keys
from dns_records.services import change_dns_settings
from domains.dkim_keys import generate
from domains.dkim_models import DkimKey
from domains.dkim_services import add_dkim_key
from domains.dkim_waits import DkimWait
from domains.services import add_domain
from jobs.models import Job
from jobs.services import run_job
from tests.commands.conftest import Shell
from tests.dns_records.test_opendkim_agrees import Ask, ask  # noqa: F401  a fixture
from tests.dns_records.test_settings import certificate
from tests.plugins.name_servers import ADDRESSES, APEX, TSIG_SECRET, NameServers
from tests.services.checks import TESTER

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCKS = (DOCS / "dns.md").read_text().split("```")[1::2]
ABOUT_KEYS = (DOCS / "dkim.md").read_text().split("```")[1]
LINE = re.compile(r"^ ?[0-9]+  (.*)$", re.MULTILINE)
CERTIFICATES = "/etc/ssl/mail/fullchain.pem"


@pytest.fixture
def shell(db: None, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(capsys, monkeypatch)


def commands(block: str) -> list[tuple[str, list[str]]]:
    """Each command, with the lines that the page shows behind it."""
    lines = LINE.findall(block)
    starts = [number for number, line in enumerate(lines) if line.startswith("# ")]
    ends = [*starts[1:], len(lines)]
    return [(lines[a].removeprefix("# "), lines[a + 1 : b]) for a, b in zip(starts, ends, strict=True)]


def say_the_same(shown: list[str], said: list[str]) -> None:
    """A line `…` stands for any number of lines, and within a line for the middle of it."""
    pattern = "".join("(?:.*\n)*?" if line == "…" else f"{re.escape(line)}\n" for line in shown).replace("…", ".*")
    text = "".join(f"{line}\n" for line in said)
    assert re.fullmatch(pattern, text), f"The page shows {shown}, it was {said}."


def run(shell: Shell, command: str, folder: Path) -> list[str]:
    """As a shell does it, with files of this folder behind < and >."""
    typed, _from, piped = command.removeprefix("script/manage ").partition(" < ")
    typed, _to, written = typed.partition(" > ")
    noun, *arguments = shlex.split(typed)
    ended = shell(noun, *arguments, piped=(folder / piped).read_bytes() if piped else b"")
    assert ended.code == 0, ended
    if written:
        (folder / written).write_text(ended.out)
        return ended.err.splitlines()
    return [*ended.out.splitlines(), *ended.err.splitlines()]


def test_it_works(shell: Shell, name_servers: NameServers, tmp_path: Path) -> None:
    """What is exported is published, but that SPF is softer than asked for."""
    domain = add_domain("example.org", by=TESTER)
    add_dkim_key(domain, "s1", generate("rsa-2048"), by=TESTER)
    (tmp_path / "cert.pem").write_text(certificate(generate("rsa-2048"), "mx1.example.net", "mx2.example.net"))
    name_servers.zone("example.net", "panel A 192.0.2.80\n*._report._dmarc TXT v=DMARC1")
    typed = commands(BLOCKS[0])
    assert len(typed) == 7
    for command, shown in typed:
        if command.startswith("script/manage dns check"):
            records = (tmp_path / "example.org.records").read_text()
            name_servers.zone("example.org", records.replace("-all", "~all"))
        say_the_same(shown, run(shell, command.replace(CERTIFICATES, str(tmp_path / "cert.pem")), tmp_path))


def test_publishing(shell: Shell, name_servers: NameServers, tmp_path: Path) -> None:
    add_domain("example.org", by=TESTER)
    change_dns_settings(hosts="mx1.example.net 192.0.2.25", by=TESTER)
    name_servers.zone("example.org", "www A 192.0.2.80", at=["ns1"], ns=["ns1"])
    (tmp_path / "secret").write_text(TSIG_SECRET)
    typed = commands(BLOCKS[1])
    assert len(typed) == 4
    for command, shown in typed:
        if not command.startswith("script/manage"):
            made = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True).stdout
            assert "secret: " in made
            continue
        here = command.replace("192.0.2.53", f"{ADDRESSES['ns1']} --port {name_servers.port}")
        say_the_same(shown, run(shell, here, tmp_path))


def test_keys(shell: Shell, name_servers: NameServers, tmp_path: Path, ask: Ask) -> None:  # noqa: F811
    """The worker is this test: it makes the key at once, and looks before the panel is asked."""
    domain = add_domain("example.org", by=TESTER)
    name_servers.zone("example.org", "")

    def look(zone: str) -> DkimKey:
        name_servers.zone("example.org", zone)
        DkimWait.objects.update(ask_again_at=timezone.now())
        follow_keys(by=Actor.from_task("DKIM rotation"))
        return DkimKey.objects.get()

    typed = commands(as_it_is_here(ABOUT_KEYS, tmp_path))
    assert len(typed) == 6
    for command, shown in typed:
        noun, *arguments = shlex.split(command.removeprefix("script/manage "))
        if noun == "opendkim":
            subprocess.run([noun, "-n", *arguments], check=True)  # reads its configuration, and begins nothing
        elif noun == "opendkim-testkey":
            key = DkimKey.objects.get()
            head = APEX.format(zone=domain.name, serial=1) + "@ NS ns1.servers.test.\n"
            (tmp_path / "example.org.zone").write_text(f"{head}{key.zone_line}\n")
            code, answer = ask(key.selector, tmp_path / f"keys/mailadmin-{key.pk}.private")
            assert (code, "keys do not match" in answer) == (0, False), answer
        elif noun == "dkim":
            said = run(shell, command, tmp_path)
            if arguments[0] == "rotate":
                job = Job.objects.get()
                say_the_same(shown, [line.replace(f"Job {job.pk}.", "Job 1.") for line in said])
                run_job(job.pk)
                look("")
            else:
                say_the_same([one for line in shown for one in ("…", line)] + ["…"], said)
                look(DkimKey.objects.get().zone_line)
        else:
            out = io.StringIO()
            call_command(noun, *arguments, stdout=out)
            wrote = out.getvalue().replace(f"mailadmin-{DkimKey.objects.get().pk}.", "mailadmin-1.")
            say_the_same(shown, wrote.splitlines())


def as_it_is_here(block: str, folder: Path) -> str:
    """The same with the month of now, the servers of the tests, and directories of this test."""
    files = folder / "keys"
    for before, after in {
        "s202611": f"s{timezone.now():%Y%m}",
        "ns2.example.net": "ns1.servers.test",
        "# script/manage opendkim_sync": f"# script/manage opendkim_sync --directory {files}",
        "/etc/opendkim/mailadmin": str(folder / "opendkim"),
        "/etc/dkimkeys/mailadmin": str(files),
    }.items():
        block = block.replace(before, after)
    return block
