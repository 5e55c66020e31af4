"""Vacation messages of a PostfixAdmin become out-of-office answers. What is none here stays kept, with a sentence."""

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import ChangeSet
from mailboxes.models import Alias, Mailbox, OutOfOffice
from mailboxes.out_of_office import set_out_of_office
from takeover.kept import ToKeep, keep_rows
from takeover.models import KeptRow
from tests.commands.conftest import Shell
from tests.services.checks import TESTER, nothing_changes
from tests.takeover.conftest import Foreign
from tests.takeover.test_import_postfixadmin import label
from tests.takeover.test_strange_things import come

pytestmark = pytest.mark.django_db

VACATION = (
    "INSERT INTO vacation (email, subject, body, activefrom, activeuntil, interval_time, domain, active) VALUES %s"
)
AWAY = "UPDATE alias SET goto = goto || ',' || replace(address, '@', '#') || '@autoreply.example' WHERE address = %s"
FROM, UNTIL = datetime(2026, 12, 20, tzinfo=UTC), datetime(2027, 1, 4, 23, 59, tzinfo=UTC)
WEEK = 7 * 24 * 3600


def vacation(name: str = "jean", **values: Any) -> tuple[Any, ...]:
    """A message as the page of PostfixAdmin writes it."""
    usual = {"subject": "Away", "body": "I am away.\r\nJean", "from": FROM, "until": UNTIL, "every": WEEK}
    return (f"{name}@falcot.org", *(usual | values).values(), "falcot.org", True)


def away(foreign: Foreign, *rows: tuple[Any, ...]) -> Foreign:
    """With the detour over the vacation script in each alias, as it is written there."""
    foreign.sql(VACATION, list(rows))
    for row in rows:
        foreign.sql(AWAY, [row[0]])
    return foreign


def said(found: dict[str, Any]) -> dict[str, str]:
    return {one["code"]: one["sentence"] for one in found["remarks"] if one["code"] != "relay"}


def kept() -> list[str]:
    return list(KeptRow.objects.filter(kind="vacation").order_by("key").values_list("key", flat=True))


def test_it_becomes_the_out_of_office_answer(shell: Shell, foreign: Foreign) -> None:
    away(foreign, vacation(subject=" Gone fishing "))
    with nothing_changes():
        tried = come(shell, foreign, "--dry-run")
    found = come(shell, foreign)
    assert (found["remarks"], found["counts"]) == (tried["remarks"], tried["counts"])
    assert found["counts"]["out_of_office"] == {"new": 1, "there": 0, "left_out": 0}
    answer = OutOfOffice.objects.get()
    assert str(answer) == "jean@falcot.org"
    assert (answer.subject, answer.text) == ("Gone fishing", "I am away.\nJean")
    assert (answer.starts_at, answer.ends_at, answer.days, answer.active) == (FROM, UNTIL, 7, True)
    answer.full_clean()
    assert kept() == []
    assert not Alias.objects.filter(address__local_part="jean").exists(), "The detour is no destination."
    with nothing_changes():
        again = shell("import_postfixadmin", foreign.url)
    assert again.lines[-1] == "Everything is here already. Nothing was changed."


def test_it_is_undone_with_the_mail(shell: Shell, foreign: Foreign) -> None:
    come(shell, away(foreign, vacation()))
    mail = ChangeSet.objects.get(metadata__verb="import", metadata__noun="postfixadmin")
    undone = shell("history", "undo", str(mail.pk), "--yes")
    assert undone.code == 0, undone
    assert not OutOfOffice.objects.exists()
    come(shell, foreign)
    assert OutOfOffice.objects.count() == 1


def test_a_message_that_was_only_kept_has_its_place_now(shell: Shell, foreign: Foreign) -> None:
    keep_rows(label(foreign), [ToKeep(KeptRow.Kind.VACATION, "jean@falcot.org", {"subject": "Away"})])
    come(shell, away(foreign, vacation()))
    assert (kept(), OutOfOffice.objects.count()) == ([], 1)


# What is written there, and what becomes of it here.
MEANING: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "the defaults are no times",
        {"from": datetime(2000, 1, 1, tzinfo=UTC), "until": datetime(2038, 1, 18, tzinfo=UTC)},
        {"starts_at": None, "ends_at": None},
    ),
    ("once for all", {"every": 0}, {"days": 30}),
    ("each hour", {"every": 3600}, {"days": 1}),
    ("a day and a second", {"every": 24 * 3600 + 1}, {"days": 2}),
    ("each quarter", {"every": 90 * 24 * 3600}, {"days": 30}),
    ("the subject of the message", {"subject": "Re: $SUBJECT"}, {"subject": ""}),
]


@pytest.mark.parametrize(("what", "row", "values"), MEANING, ids=[row[0] for row in MEANING])
def test_what_it_means(shell: Shell, foreign: Foreign, what: str, row: dict[str, Any], values: dict[str, Any]) -> None:
    come(shell, away(foreign, vacation(**row)))
    answer = OutOfOffice.objects.get()
    assert {name: getattr(answer, name) for name in values} == values


# A message that is no answer here, and why.
KEPT: list[tuple[str, dict[str, Any], str]] = [
    ("no text", {"body": " \r\n\u3000 "}, "it has no text"),
    ("a long text", {"body": "a" * 5001}, "its text has more than 5000 characters"),
    ("a long subject", {"subject": "a" * 201}, "its subject has more than 200 characters"),
    ("a bell", {"body": "I am\a away."}, "it holds control characters"),
    ("a line feed", {"subject": "Away\nBcc: eve@example.org"}, "it holds control characters"),
    ("an end before its start", {"until": FROM}, "it ends before it starts"),
    (
        "an end before all",
        {"from": datetime(2000, 1, 1, tzinfo=UTC), "until": datetime(1970, 1, 1, tzinfo=UTC)},
        "its time is not between 1971 and 2998",
    ),
]


@pytest.mark.parametrize(("what", "row", "why"), KEPT, ids=[row[0] for row in KEPT])
def test_it_stays_kept(shell: Shell, foreign: Foreign, what: str, row: dict[str, Any], why: str) -> None:
    found = come(shell, away(foreign, vacation(**row), vacation("remy")))
    sentence = f"The vacation message of jean@falcot.org does not come: {why}. It is kept."
    assert said(found)["vacation_stays"] == sentence
    assert (kept(), [str(one) for one in OutOfOffice.objects.all()]) == (["jean@falcot.org"], ["remy@falcot.org"])
    with nothing_changes():
        come(shell, foreign)


def test_an_alias_without_a_mailbox_answers_nobody(shell: Shell, foreign: Foreign) -> None:
    found = come(shell, away(foreign, vacation("info")))
    assert said(found)["orphan"] == "info@falcot.org belongs to no mailbox there (vacation). It is kept anyway."
    assert (kept(), OutOfOffice.objects.count()) == (["info@falcot.org"], 0)
    alias = Alias.objects.get(address__local_part="info")
    assert [str(one) for one in alias.destinations.all()] == ["jean@falcot.org", "laure@falcot.org"]


def test_a_mailbox_that_did_not_come(shell: Shell, foreign: Foreign) -> None:
    foreign.sql("UPDATE domain SET backupmx = true WHERE domain = 'falcot.org'")
    found = come(shell, away(foreign, vacation()), "--leave-out-refused")
    sentence = "The vacation message of jean@falcot.org does not come: there is no such mailbox here. It is kept."
    assert said(found)["vacation_stays"] == sentence
    assert kept() == ["jean@falcot.org"]


def test_whom_nobody_answers(shell: Shell, foreign: Foreign) -> None:
    """Without the detour, nobody was answered there; and nobody is here where no mail is stored."""
    away(foreign, vacation("sophie"))
    foreign.sql(VACATION, [vacation("remy")])
    found = said(come(shell, foreign))
    assert found["vacation_not_reached"] == (
        "The vacation message of remy@falcot.org is active there, but no mail of this mailbox goes to the vacation "
        "script. Here it is an inactive out-of-office answer."
    )
    assert found["answer_without_mail"] == (
        "sophie@falcot.org keeps no mail, and then nobody is told that its owner is out of office. Let it keep a "
        "copy, and they are."
    )
    active = {str(one): one.active for one in OutOfOffice.objects.all()}
    assert active == {"remy@falcot.org": False, "sophie@falcot.org": True}


def test_an_answer_that_is_here_stays(shell: Shell, foreign: Foreign) -> None:
    come(shell, foreign)
    jean = Mailbox.objects.with_address().get(address__local_part="jean")
    set_out_of_office(jean, text="I am here.", by=TESTER)
    away(foreign, vacation(subject=""))
    with nothing_changes():
        found = come(shell, foreign)
    assert found["counts"]["out_of_office"] == {"new": 0, "there": 1, "left_out": 0}
    assert said(found)["differs"] == (
        "jean@falcot.org is here already with something else: answer, answers from, answers until. It stays as it is "
        "here."
    )
    assert OutOfOffice.objects.get().text == "I am here."
