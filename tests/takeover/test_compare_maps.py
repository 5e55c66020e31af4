"""compare_maps: the same questions to an old and a new configuration, by the real postmap."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.plugins.example_mail import falcot
from tests.plugins.mail_stack import Postfix
from tests.takeover.handwritten import Handwritten

Make = Callable[[str], Handwritten]


def compared(old: Path, new: Path, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    code = 0
    try:
        call_command("compare_maps", str(old), str(new), json=True, stdout=out, stderr=io.StringIO(), **options)
    except SystemExit as end:
        code = int(end.code or 0)
    found: dict[str, Any] = json.loads(out.getvalue())
    assert code == (1 if found["differences"] else 0)
    return found


@pytest.fixture(scope="module")
def panel(postfix: Postfix, committed: None) -> Postfix:
    """Falcot's mail in the panel."""
    falcot()
    return postfix


def written(folder: Path) -> Path:
    """What postfix_config writes."""
    call_command("postfix_config", output=str(folder / "mailadmin"), stdout=io.StringIO())
    return folder / "mailadmin"


def test_it_works(panel: Postfix, handwritten: Make, folder: Path) -> None:
    old = handwritten("old").falcot()
    found = compared(old.directory, written(folder))
    assert found["differences"] == []
    assert found["explained"]["by_another_way"] >= 6
    assert found["explained"]["refused_at_the_door"] >= 2
    assert found["asked"] > 30
