"""The example of docs/commands.md, line by line."""

import re
import shlex
from pathlib import Path

import pytest

from mailboxes.columns import COLUMNS, NEEDED
from tests.commands.conftest import Shell

PAGE = Path(__file__).resolve().parents[2] / "docs" / "commands.md"
LINE = re.compile(r"^ ?[0-9]+  (.*)$", re.MULTILINE)


def test_it_works(shell: Shell) -> None:
    shown: list[str] = []
    for line in LINE.findall(PAGE.read_text().split("```")[1]):
        if line.startswith("$ script/manage "):
            assert not shown, f"The page does not show {shown}."
            noun, *arguments = shlex.split(line.removeprefix("$ script/manage ").partition(" <")[0])
            ended = shell(noun, *arguments, piped=b"let me read my mail\n")
            assert ended.code == 0, ended
            shown = [*ended.err.splitlines(), *ended.out.splitlines()]
        else:
            beginning, is_cut, _end = line.partition(" …")
            said = shown.pop(0)
            assert said.startswith(beginning) if is_cut else said == line
    assert not shown, f"The page does not show {shown}."


@pytest.mark.parametrize("kind", COLUMNS)
def test_the_columns_of_a_file(kind: str) -> None:
    columns = [f"**{name}**" if name in NEEDED[kind] else name for name in COLUMNS[kind]]
    (row,) = re.findall(rf"^ *\| `{kind}` \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert re.sub(r" \([^)]*\)", "", row) == ", ".join(columns)
