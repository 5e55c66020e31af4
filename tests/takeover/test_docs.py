"""The example of docs/moving.md, line by line."""

import io
import re
import shlex
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from takeover.comparisons import EXPLANATIONS
from tests.conftest import empty_rooms
from tests.plugins.mail_stack import Postfix
from tests.takeover.handwritten import Handwritten

PAGE = Path(__file__).resolve().parents[2] / "docs" / "moving.md"
LINE = re.compile(r"^ ?[0-9]+  (.*)$", re.MULTILINE)


@pytest.fixture
def panel(postfix: Postfix, django_db_blocker: Any) -> Generator[Postfix, None, None]:
    with django_db_blocker.unblock():
        yield postfix
        empty_rooms()


def test_it_works(panel: Postfix, handwritten: Callable[[str], Handwritten], folder: Path) -> None:
    old = handwritten("postfix").falcot()
    shown: list[str] = []
    for line in LINE.findall(PAGE.read_text().split("```")[1]):
        if line.startswith("$ script/manage "):
            assert not shown, f"The page does not show {shown}."
            command = line.removeprefix("$ script/manage ").replace("/etc/postfix", str(old.directory))
            if command.startswith("postfix_config"):
                break  # other tests run this
            out, err = io.StringIO(), io.StringIO()
            call_command(*shlex.split(command), stdout=out, stderr=err)
            shown = [*err.getvalue().splitlines(), *out.getvalue().splitlines()]
        else:
            beginning, is_cut, _end = line.partition(" …")
            said = shown.pop(0)
            assert said.startswith(beginning) if is_cut else said == line, f"The page shows {line}, it was {said}."
    assert not shown, f"The page does not show {shown}."


def test_every_explanation_is_explained() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)) == set(EXPLANATIONS)
