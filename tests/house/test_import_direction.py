"""Which way the arrows point: a room imports only from the rooms to its left."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

UP_TO_RESTRICTIONS = {"accounts", "jobs", "domains", "dns_records", "mailboxes", "lookup_tables", "restrictions"}

# room: the rooms it may import. Nobody imports api but mailadmin, the glue, which nobody imports at all.
MAY_IMPORT: dict[str, set[str]] = {
    "accounts": set(),
    "jobs": {"accounts"},
    "domains": {"accounts", "jobs"},
    "dns_records": {"accounts", "jobs", "domains"},
    "mailboxes": {"accounts", "jobs", "domains", "dns_records"},
    "lookup_tables": {"accounts", "jobs", "domains", "dns_records", "mailboxes"},
    "restrictions": {"accounts", "jobs", "domains", "dns_records", "mailboxes", "lookup_tables"},
    "mailservers": UP_TO_RESTRICTIONS,
    "takeover": UP_TO_RESTRICTIONS | {"mailservers"},
    "api": UP_TO_RESTRICTIONS | {"mailservers", "takeover"},
    "mailadmin": UP_TO_RESTRICTIONS | {"mailservers", "takeover", "api"},
    "bench": UP_TO_RESTRICTIONS | {"mailservers", "takeover", "api", "mailadmin"},
    # Starts everything before Django is there, so it knows no room.
    "mailadmin/launch": {"mailadmin"},
}


def imported_names(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a module imports, also inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            yield node.lineno, ".".join([*above, *([node.module] if node.module else [])])


def wrong_arrows(room: str, source: str, path: str) -> list[str]:
    """A sentence for each import that points the wrong way."""
    allowed = MAY_IMPORT[room] | {room.split("/")[0]}
    package = ".".join(Path(path).parent.parts)
    return [
        f"{path}:{line} imports {name}, but {room} may import only from {', '.join(sorted(allowed))}."
        for line, name in imported_names(source, package)
        if (top := name.split(".")[0]) in MAY_IMPORT and top not in allowed
    ]


def modules_of(room: str) -> list[Path]:
    nested = [CHECKOUT / other for other in MAY_IMPORT if other.startswith(f"{room}/")]
    paths = sorted((CHECKOUT / room).rglob("*.py"))
    return [path for path in paths if not any(path.is_relative_to(folder) for folder in nested)]


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_from_its_left(room: str) -> None:
    modules = [path for path in modules_of(room) if path.exists()]
    assert modules, f"There is no room {room}. Change the table of rooms in this file."
    wrong = [
        sentence
        for path in modules
        for sentence in wrong_arrows(room, path.read_text(), str(path.relative_to(CHECKOUT)))
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_room_stands_in_the_table() -> None:
    rooms = {path.parent.name for path in CHECKOUT.glob("*/__init__.py")} - {"tests"}
    assert rooms == {room for room in MAY_IMPORT if "/" not in room}


@pytest.mark.parametrize(
    "line",
    [
        "import mailboxes.models",
        "from mailboxes.models import Mailbox",
        "from mailboxes import services",
        "def late():\n    from mailservers.functions import install",
        "from mailadmin import settings",
    ],
)
def test_a_wrong_arrow_is_a_sentence(line: str) -> None:
    (sentence,) = wrong_arrows("domains", line, "domains/services.py")
    assert sentence.startswith("domains/services.py:")
    assert "but domains may import only from accounts, domains, jobs." in sentence


@pytest.mark.parametrize("line", ["import os", "from . import models", "from domains.models import Domain"])
def test_an_arrow_to_the_left_or_home_is_fine(line: str) -> None:
    assert wrong_arrows("mailboxes", line, "mailboxes/services.py") == []
