"""The examples of docs/dns.md, line by line, with real name servers."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dns_records.services import change_dns_settings
from domains.dkim_keys import generate
from domains.dkim_services import add_dkim_key
from domains.services import add_domain
from tests.commands.conftest import Shell
from tests.dns_records.test_settings import certificate
from tests.plugins.name_servers import ADDRESSES, TSIG_SECRET, NameServers
from tests.services.checks import TESTER

PAGE = Path(__file__).resolve().parents[2] / "docs" / "dns.md"
BLOCKS = PAGE.read_text().split("```")[1::2]
LINE = re.compile(r"^ ?[0-9]+  (.*)$", re.MULTILINE)
CERTIFICATES = "/etc/ssl/mail/fullchain.pem"


@pytest.fixture
def shell(db: None, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(capsys, monkeypatch)


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command, with the lines that the page shows behind it."""
    lines = LINE.findall(block)
    starts = [number for number, line in enumerate(lines) if line.startswith("# ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield lines[start].removeprefix("# "), lines[start + 1 : end]


def say_the_same(shown: list[str], said: list[str]) -> None:
    """A line `…` stands for any number of lines."""
    pattern = "".join("(?:.*\n)*?" if line == "…" else f"{re.escape(line)}\n" for line in shown)
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
    number = 0
    for number, (command, shown) in enumerate(commands(BLOCKS[0]), start=1):
        if command.startswith("script/manage dns check"):
            records = (tmp_path / "example.org.records").read_text()
            name_servers.zone("example.org", records.replace("-all", "~all"))
        say_the_same(shown, run(shell, command.replace(CERTIFICATES, str(tmp_path / "cert.pem")), tmp_path))
    assert number > 4


def test_publishing(shell: Shell, name_servers: NameServers, tmp_path: Path) -> None:
    add_domain("example.org", by=TESTER)
    change_dns_settings(hosts="mx1.example.net 192.0.2.25", by=TESTER)
    name_servers.zone("example.org", "www A 192.0.2.80", at=["ns1"], ns=["ns1"])
    (tmp_path / "secret").write_text(TSIG_SECRET)
    number = 0
    for number, (command, shown) in enumerate(commands(BLOCKS[1]), start=1):
        if not command.startswith("script/manage"):
            made = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True).stdout
            assert "secret: " in made
            continue
        here = command.replace("192.0.2.53", f"{ADDRESSES['ns1']} --port {name_servers.port}")
        say_the_same(shown, run(shell, here, tmp_path))
    assert number == 4
