"""The examples of docs/api.md, typed into a shell line by line against the running panel."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from accounts.services import add_user
from tests.api.conftest import token_for
from tests.plugins.example_mail import TESTER

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
BLOCKS = PAGE.read_text().split("```")[1::2]
LINE = re.compile(r"^ ?[0-9]+  (.*)$", re.MULTILINE)
BEFORE = "\N{RECORD SEPARATOR}"


def commands(block: str) -> list[tuple[str, list[str]]]:
    """Each command, with the lines that the page shows behind it. `>` goes on with the command above."""
    found: list[tuple[str, list[str]]] = []
    for line in LINE.findall(block):
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        elif line.startswith("> ") or line == ">":
            command, shown = found[-1]
            found[-1] = (f"{command}\n{line[2:]}", shown)
        elif found[-1][0].endswith("<<'END'") or "\n" in found[-1][0] and line == "END":
            found[-1] = (f"{found[-1][0]}\n{line}", found[-1][1])
        else:
            found[-1][1].append(line)
    return found


def test_it_works(live_server: Any, tmp_path: Path) -> None:
    """One shell for the whole page: what a chapter defines, the next ones use."""
    ada = add_user("ada", is_superuser=True, by=TESTER)
    add_user("claire", by=TESTER)
    typed = [one for block in BLOCKS for one in commands(block)]
    assert len(typed) > 20
    script = [f"PANEL={live_server.url}", f"TOKEN={token_for(ada)}"]
    for command, _shown in typed:
        is_about_this_machine = command.startswith(("PANEL=", "TOKEN="))
        script += [f"printf '{BEFORE}'", ":" if is_about_this_machine else command]
    ended = subprocess.run(
        ["/bin/bash"], input="\n".join(script), text=True, capture_output=True, cwd=tmp_path, timeout=120
    )
    assert not ended.stderr
    answers = ended.stdout.split(BEFORE)[1:]
    assert len(answers) == len(typed)
    for (command, shown), answer in zip(typed, answers, strict=True):
        said = [line.rstrip() for line in answer.splitlines() if line.strip()]
        assert len(said) == len(shown), f"{command} said {said}, the page shows {shown}."
        for expected, line in zip(shown, said, strict=True):
            beginning, is_cut, _end = expected.partition("…")
            beginning = beginning.rstrip() if is_cut else beginning
            assert line.startswith(beginning) if is_cut else line == expected, f"{command}\n{line}\n{expected}"


@pytest.mark.parametrize("scope", ["domains:read", "mailboxes:write", "history:write"])
def test_the_page_of_the_panel_names_the_scopes(scope: str, alice_client: Any) -> None:
    assert scope in alice_client.get("/api/v1/docs/").content.decode()
