"""The pages about what came over: who sees what, a page at a time, and the example of docs/coming-over.md."""

import re
import shlex
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from takeover.models import ForeignLogEntry, Takeover
from tests.commands.conftest import Shell
from tests.plugins import household as people
from tests.plugins.household import DOMAIN_ADMIN, STRANGER, SUPERUSER
from tests.takeover.conftest import Foreign

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).resolve().parents[2] / "docs" / "coming-over.md"
LINE = re.compile(r"^ ?[0-9]+  (.*)$", re.MULTILINE)


@pytest.fixture
def house(db: None) -> dict[str, object]:
    return people.move_in()


def log(number: int, domain: str) -> None:
    ForeignLogEntry.objects.bulk_create(
        ForeignLogEntry(
            source="sqlite:///pfa.db",
            key=f"{domain} {n}",
            at=timezone.now() - timedelta(minutes=n),
            domain_name=domain,
            action="edit_alias",
            what=f"entry-{n}.{domain}",
        )
        for n in range(number)
    )


def page(person: str, url: str = "/history/before/") -> str:
    return people.text_of(people.signed_in(person).get(url))


def test_who_sees_what(house: dict[str, object]) -> None:
    log(1, "foreign.example")
    log(1, "falcot.com")
    seen = {person: page(person) for person in (SUPERUSER, DOMAIN_ADMIN, STRANGER)}
    assert ["entry-0.foreign.example" in seen[one] for one in seen] == [True, False, True]
    assert ["entry-0.falcot.com" in seen[one] for one in seen] == [True, True, False]
    assert "History of another panel" in page(DOMAIN_ADMIN, "/history/")


def test_a_page_at_a_time_and_of_one_domain(house: dict[str, object]) -> None:
    log(60, "falcot.com")
    first = page(SUPERUSER, "/history/before/?domain=falcot.com")
    assert "entry-49.falcot.com" in first
    assert "entry-50.falcot.com" not in first
    (mark,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = page(SUPERUSER, "/history/before/" + mark.replace("&amp;", "&"))
    assert "entry-50.falcot.com" in second
    assert "entry-49.falcot.com" not in second
    assert "entry-0.falcot.com" not in page(SUPERUSER, "/history/before/?domain=falcot.org")


def test_a_takeover_and_its_report(house: dict[str, object], shell: Shell, foreign: Foreign) -> None:
    assert shell("import_postfixadmin", foreign.url).code == 0
    one = Takeover.objects.latest("pk")
    shown = page(SUPERUSER, one.get_absolute_url())
    assert "backup.example is relayed." in shown
    assert "mailboxes" in shown
    assert foreign.cluster.password not in shown
    assert one.source in page(SUPERUSER, "/takeovers/")


def test_the_example_of_the_page(shell: Shell, foreign: Foreign) -> None:
    robot = ("robot@falcot.org", "|/usr/bin/robot", "falcot.org", True)
    foreign.sql("INSERT INTO alias (address, goto, domain, active) VALUES %s", [robot])
    said: list[str] = []
    is_cut = False
    for line in LINE.findall(PAGE.read_text().split("```")[1]):
        if line.startswith("$ script/manage "):
            assert not said
            noun, url, *options = shlex.split(line.removeprefix("$ script/manage "))
            assert url == "postgresql://reader@db.example.net/postfixadmin"
            ended = shell(noun, foreign.url, *options)
            said = [*ended.err.splitlines(), *ended.out.splitlines()]
        elif line == "…":
            is_cut = True
        else:
            said = said[said.index(line) :] if is_cut else said
            assert said.pop(0) == line
            is_cut = False
    assert not said
