"""The pages about what came over: who sees what, a page at a time, and the example of docs/coming-over.md."""

import re
import shlex
from datetime import timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from takeover.kept import ToKeep, keep_rows
from takeover.kept_words import SHOWN
from takeover.models import ForeignLogEntry, KeptRow, Takeover
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


def test_what_is_kept_and_who_sees_it(house: dict[str, object]) -> None:
    seen = {person: page(person, "/takeovers/kept/") for person in (SUPERUSER, DOMAIN_ADMIN, STRANGER)}
    assert ["Away" in seen[one] for one in seen] == [True, True, False]
    assert ["Gone" in seen[one] for one in seen] == [True, False, True]
    assert ["555 0100" in seen[one] for one in seen] == [True, False, False]
    assert "Not here." in seen[DOMAIN_ADMIN]
    only = page(SUPERUSER, "/takeovers/kept/?kind=totp")
    assert "kept, encrypted" in only
    assert "Away" not in only
    assert "Gone" not in page(SUPERUSER, "/takeovers/kept/?kind=vacation&domain=FALCOT.org")


def test_what_is_kept_has_pages(house: dict[str, object]) -> None:
    rows = [
        ToKeep(KeptRow.Kind.VACATION, f"u{n}@falcot.com", {"subject": f"s{n}."}, about="@falcot.com") for n in range(60)
    ]
    keep_rows("sqlite:///pfa.db", rows)
    first = page(SUPERUSER, "/takeovers/kept/?domain=falcot.com")
    (mark,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = page(SUPERUSER, "/takeovers/kept/" + mark.replace("&amp;", "&"))
    assert ["s49." in first, "s50." in first, "s49." in second, "s59." in second] == [True, False, False, True]


def test_every_kind_that_comes_has_words_and_a_domain(shell: Shell, foreign: Foreign) -> None:
    """The rows of a real PostfixAdmin, each with its domain; no kind shows what nobody named."""
    assert shell("import_postfixadmin", foreign.url).code == 0
    kept = shell("takeover", "kept", "--json").json
    assert {row["kind"] for row in kept} <= set(SHOWN)
    assert all(row["domain"] for row in kept if row["kind"] in ("domain_more", "mailbox_more"))
    assert set(SHOWN) == set(KeptRow.Kind.values)


def test_what_was_kept_before_learns_its_domain(house: dict[str, object], shell: Shell, foreign: Foreign) -> None:
    """The migration finds the same domains as a takeover does."""
    assert shell("import_postfixadmin", foreign.url).code == 0
    known = dict(KeptRow.objects.values_list("pk", "domain_name"))
    KeptRow.objects.update(domain_name="")
    with connection.cursor() as cursor:
        cursor.execute(import_module("takeover.migrations.0003_kept_rows_know_their_domain").FILL)
    assert dict(KeptRow.objects.values_list("pk", "domain_name")) == known
    assert "" in known.values()


def test_the_command(shell: Shell, house: dict[str, object]) -> None:
    (one,) = shell("takeover", "list", "--json").json
    shown = shell("takeover", "show", str(one["id"]), "--json").json
    assert shown["counts"]["mailboxes"] == {"new": 3, "there": 0, "left_out": 0}
    assert [said["code"] for said in shown["remarks"]] == ["unsalted"]
    assert shell("takeover", "show", "1000000000").err.strip() == "There is no takeover 1000000000."
    assert "hashed without salt" in shell("takeover", "show", str(one["id"])).out
    Takeover.objects.update(kept=[{"thing": "smtpd_sender_restrictions", "code": "came", "why": ""}])
    (said,) = shell("takeover", "show", str(one["id"]), "--json").json["kept"]
    assert (said["code"], said["sentence"]) == ("came", "smtpd_sender_restrictions came in.")
    assert "smtpd_sender_restrictions came in." in shell("takeover", "show", str(one["id"])).out
    (totp,) = shell("takeover", "kept", "--kind", "totp", "--json").json
    assert (totp["subject"], totp["domain"], totp["details"]) == ("jean@falcot.org", "falcot.org", {})
    assert totp["has_secret"]
    of_falcot = shell("takeover", "kept", "--domain", "Falcot.org").out
    assert "subject: Away" in of_falcot
    assert "Gone" not in of_falcot
    assert [line["action"] for line in shell("takeover", "log", "--json").json] == ["create_alias"]
    assert shell("takeover", "log", "--domain", "nothing.example").out == ""


def test_the_demonstration_has_one(shell: Shell, db: None) -> None:
    call_command("demo", stdout=StringIO())
    one = Takeover.objects.get()
    assert "roland@falcot.org" in shell("takeover", "kept").out
    assert ForeignLogEntry.objects.count() == one.counts["log"]["new"]
    call_command("demo", stdout=StringIO())
    assert Takeover.objects.count() == 1


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
