"""docs/running.md says what is so."""

import json
import re

from mailadmin.launch.options import server_options
from mailadmin.launch.state import REMEMBERED
from tests.launch.panel import CHECKOUT, Panel

TEXT = (CHECKOUT / "docs/running.md").read_text()
MADE_WHEN_NEEDED = {"beat-schedule", "environment.json", "install.lock"}


def first_cells(heading: str) -> list[str]:
    """What stands in backquotes in the first column of the table below a heading."""
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_the_options() -> None:
    documented = {
        cell.split()[0].removeprefix("--").replace("-", "_") for cell in first_cells("Options of script/server")
    }

    assert documented == set(vars(server_options([])))


def test_the_settings() -> None:
    assert set(REMEMBERED) <= set(first_cells("Settings in the environment"))


def test_the_state_directory(panel: Panel) -> None:
    documented = {name.rstrip("/") for name in first_cells("The state directory")}

    found = {path.name.removesuffix(".db") for path in panel.state.iterdir()}
    assert found | MADE_WHEN_NEEDED == documented


def test_the_answer_of_health(panel: Panel) -> None:
    [example] = re.findall(r"^(\{\"status\".*)$", TEXT, re.MULTILINE)

    assert panel.health() == (200, json.loads(example))
