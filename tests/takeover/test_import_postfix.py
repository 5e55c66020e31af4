"""import_postfix: a configuration as an administrator wrote it comes in, and its maps still say the same."""

import io
import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from mailboxes.models import Mailbox
from tests.conftest import empty_rooms
from tests.plugins.mail_stack import Postfix
from tests.takeover.handwritten import Handwritten
from tests.takeover.test_compare_maps import compared, written

Make = Callable[[str], Handwritten]


@pytest.fixture
def panel(postfix: Postfix, django_db_blocker: Any) -> Generator[Postfix, None, None]:
    """An empty panel, which Postfix can read."""
    with django_db_blocker.unblock():
        yield postfix
        empty_rooms()


def imported(old: Handwritten, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command("import_postfix", str(old.directory), json=True, stdout=out, **options)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_it_works(panel: Postfix, handwritten: Make, folder: Path) -> None:
    old = handwritten("old").falcot()
    found = imported(old)
    assert found["refused"] == []
    assert found["added"]["mailboxes"] == 3
    assert {mailbox.mail_path for mailbox in Mailbox.objects.all()} == {
        "falcot.org/jean/",
        "falcot.org/sophie",
        "falcot.org/laure/",
    }
    differences = compared(old.directory, written(folder))["differences"]
    assert differences == [], json.dumps(differences, indent=1)
