"""docs/rules.md tells the truth: every constraint is there, and every place and test that it names."""

import ast
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import CheckConstraint, UniqueConstraint

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs" / "rules.md"
ROOMS = ("accounts", "jobs", "domains", "dns_records", "mailboxes", "lookup_tables", "restrictions", "takeover", "api")
IN_BACKTICKS = re.compile(r"`([^`]+)`")


class Rule(NamedTuple):
    """One row of the page."""

    sentence: str
    places: list[str]
    tests: list[str]


def rules() -> Iterator[Rule]:
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and cells[1] != "Where" and set(cells[1]) != {"-"}:
            yield Rule(cells[0], IN_BACKTICKS.findall(cells[1]), IN_BACKTICKS.findall(cells[2]))


RULES = list(rules())


def named_constraints() -> list[str]:
    return named("constraint")


def named(kind: str) -> list[str]:
    """What the page names with this word before it."""
    return [place.removeprefix(f"{kind}: ") for rule in RULES for place in rule.places if place.startswith(f"{kind}: ")]


def constraints_of_our_models() -> list[str]:
    return [
        constraint.name
        for model in apps.get_models()
        if model._meta.app_label in ROOMS
        for constraint in model._meta.constraints
        if isinstance(constraint, CheckConstraint | UniqueConstraint)
    ]


def test_it_works() -> None:
    assert len(RULES) > 40


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.sentence)
def test_a_rule_is_a_sentence_with_a_place_and_a_test(rule: Rule) -> None:
    assert rule.sentence.endswith(".")
    assert rule.places, f"Where is this enforced? {rule.sentence}"
    assert rule.tests, f"Which test shows this? {rule.sentence}"


def test_every_constraint_is_on_the_page() -> None:
    missing = set(constraints_of_our_models()) - set(named_constraints())
    assert not missing, f"docs/rules.md does not name {', '.join(sorted(missing))}."


def test_every_constraint_is_tried_past_the_services() -> None:
    from tests.services.test_constraints import REFUSED

    missing = set(named_constraints()) - {constraint for constraint, _what, _write in REFUSED}
    assert not missing, f"tests/services/test_constraints.py does not try {', '.join(sorted(missing))}."


@pytest.mark.django_db
def test_every_constraint_of_the_page_is_in_the_database() -> None:
    with connection.cursor() as cursor:
        # a unique rule with a condition is an index in PostgreSQL
        cursor.execute("SELECT conname FROM pg_constraint UNION SELECT indexrelid::regclass::text FROM pg_index")
        there = {row[0] for row in cursor.fetchall()}
    missing = set(named_constraints()) - there
    assert not missing, f"docs/rules.md names {', '.join(sorted(missing))}, which the database does not have."


@pytest.mark.django_db
def test_every_trigger_of_the_page_is_in_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger")
        there = {re.sub(r"^pgtrigger_|_[0-9a-f]{5}$", "", row[0]) for row in cursor.fetchall()}
    missing = set(named("trigger")) - there
    assert not missing, f"docs/rules.md names {', '.join(sorted(missing))}, which the database does not have."


@pytest.mark.parametrize("place", sorted({place for rule in RULES for place in rule.places if ": " not in place}))
def test_every_place_is_there(place: str) -> None:
    schema, _dot, name = place.partition(".")
    if schema in ("postfix", "mail_map", "dovecot"):
        assert (CHECKOUT / "mailservers" / "sql" / schema / f"{name}.sql").is_file(), (
            f"There is no SQL function {place}."
        )
    else:
        assert callable(found(place)), f"{place} is no function."


def found(place: str) -> Any:
    """`room.module.function` or `room.module.Class.method`; a module may stand in one of the room's own."""
    return pkgutil.resolve_name(place)


@pytest.mark.parametrize("test", sorted({test for rule in RULES for test in rule.tests}))
def test_every_test_is_there(test: str) -> None:
    path, *names = test.split("::")
    assert names, f"{test} names no test."
    body = ast.parse((CHECKOUT / "tests" / path).read_text()).body
    for name in names:
        there = [node for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name]
        assert there, f"There is no test {test}. Correct docs/rules.md."
        body = there[0].body
