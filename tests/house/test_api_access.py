"""Who may do what through the API: the table of api_access_table.py, asked row by row."""

import re
from typing import Any

import pytest
from django.db import transaction
from django.urls import resolve

from accounts.actors import Actor, Door
from accounts.models import ChangeSet
from api.schema import description
from api.scopes import ALL
from api.services import add_token
from api.urls import urlpatterns
from jobs.services import sweep
from tests.api.conftest import ROOT, Answer, Api
from tests.house.api_access_table import CALLERS, ROWS, Row
from tests.house.test_access import NUMBERS
from tests.house.test_no_secret_leaks import secrets
from tests.plugins import household as people
from tests.plugins.household import DOMAIN_ADMIN, OWNER, STRANGER, SUPERUSER

LIMITS: dict[str, tuple[str, dict[str, Any]]] = {
    STRANGER: (STRANGER, {}),
    DOMAIN_ADMIN: (DOMAIN_ADMIN, {}),
    SUPERUSER: (SUPERUSER, {}),
    "limited": (SUPERUSER, {"domains": ["falcot.org"]}),
    "scopeless": (SUPERUSER, {"scopes": ["jobs:read"]}),
}
SAFE = ("GET",)
COUNTED = ("api_requestcount",)  # how many requests came is no change
# These change nothing that the history tells of.
WITHOUT_HISTORY = {"api_dns_check", "api_dns_check_of_mail_hosts", "api_dns_plan", "api_dns_publish"}
WITHOUT_HISTORY |= {"api_alias_report", "api_missing_default_aliases", "api_imports", "api_import", "api_import_write"}
WITHOUT_HISTORY |= {"api_dkim_generations", "api_dkim_rotations", "api_dovecot_hosts"}


@pytest.fixture(scope="module")
def callers(house: dict[str, object]) -> dict[str, Api]:
    found = {"anonymous": Api(), "owner": Api()}
    people.signed_in(OWNER, found["owner"].client)
    for caller, (person, limits) in LIMITS.items():
        by = Actor(user=people.user_of(person), door=Door.PAGE)
        _token, text = add_token(by.user, caller, **({"scopes": ALL} | limits), by=by)  # type: ignore[arg-type]
        found[caller] = Api(text)
        found[caller]("GET", "schema/")  # its first use is noted
    return found


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_everybody_gets_what_the_table_says(row: Row, callers: dict[str, Api], house: dict[str, object]) -> None:
    """Who may, does it, and the history holds one line of it with token and owner; else nothing has changed."""
    answers = {}
    for caller in CALLERS:
        sweep()  # the worker gave a sign of life a moment ago; committed, since health asks by a connection of its own
        with transaction.atomic():
            before, lines = people.fingerprint(without=COUNTED), list(ChangeSet.objects.values_list("pk", flat=True))
            answer = ask(callers[caller], row, house)
            answers[caller] = answer.status
            changed = people.changed_tables(before, people.fingerprint(without=COUNTED))
            if answer.status >= 400 or row.method in SAFE:
                assert not changed, f"{row} for {caller} ended with {answer.status}, yet changed {', '.join(changed)}."
            elif row.name not in WITHOUT_HISTORY:
                (line,) = ChangeSet.objects.exclude(pk__in=lines)
                person, _limits = LIMITS[caller]
                assert (line.value("user"), line.value("token")) == (people.user_of(person).pk, caller)  # type: ignore[union-attr]
            transaction.set_rollback(True)
    assert answers == row.expected, answer.json


def ask(api: Api, row: Row, house: dict[str, object]) -> Answer:
    return api(row.method, row.path.format_map(house), row.body)


def test_every_row_is_what_it_says() -> None:
    wrong = [row for row in ROWS if resolve(ROOT + row.path.format_map(NUMBERS).partition("?")[0]).url_name != row.name]
    assert not wrong, f"These rows name another URL: {', '.join(map(str, wrong))}"


def test_every_operation_stands_in_the_table() -> None:
    """Each verb of each URL that the description names."""
    there = {(row.name, row.method) for row in ROWS}
    names = {"/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(one.pattern)): one.name for one in urlpatterns}
    described = {
        (names.get(path) or resolve(path).url_name, verb.upper())
        for path, verbs in description()["paths"].items()
        for verb in verbs
    }
    missing = described - there
    assert not missing, f"Say in tests/house/api_access_table.py who may: {missing}"


def test_no_answer_holds_a_secret(callers: dict[str, Api], house: dict[str, object]) -> None:
    """Nobody is told a hash, a key, a token or a password, in no body and no header."""
    tokens = [api.headers["Authorization"].split()[1] for api in callers.values() if api.headers]
    there = [*secrets(), *tokens]
    for row in ROWS:
        for caller in CALLERS:
            with transaction.atomic():
                answer = ask(callers[caller], row, house)
                transaction.set_rollback(True)
            said = f"{answer.json} {dict(answer.headers)}"
            assert not [secret for secret in there if secret in said], f"{row} for {caller}"
