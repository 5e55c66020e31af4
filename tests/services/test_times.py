"""Days and times as people type them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mailboxes.models import Mailbox
from mailboxes.services import add_alias, change_mailbox
from mailboxes.times import read_time
from tests.services.checks import TESTER, refusal

TYPED = {
    "2027-01-31": datetime(2027, 1, 30, 23, tzinfo=UTC),
    "2027-01-31 18:00": datetime(2027, 1, 31, 17, tzinfo=UTC),
    " 2027-01-31T18:00:30 ": datetime(2027, 1, 31, 17, 0, 30, tzinfo=UTC),
    "2027-07-31 18:00": datetime(2027, 7, 31, 16, tzinfo=UTC),
    "2027-01-31T18:00:00Z": datetime(2027, 1, 31, 18, tzinfo=UTC),
    "2027-01-31T18:00:00+09:00": datetime(2027, 1, 31, 9, tzinfo=UTC),
}
NO_TIMES = ["", "tomorrow", "2027-02-30", "2027-01-31 25:00", "18:00", "1970-06-01", "2999-06-01", "9999-12-31 23:59"]


@pytest.mark.parametrize("typed", TYPED)
def test_it_works(settings: Any, typed: str) -> None:
    settings.TIME_ZONE = "Europe/Paris"
    assert read_time(typed) == TYPED[typed]


@pytest.mark.parametrize("typed", NO_TIMES)
def test_what_is_no_time(typed: str) -> None:
    assert read_time(typed) is None


@pytest.mark.parametrize("year", [1, 1970, 3000, 9999])
def test_a_year_that_nobody_means_is_refused(db: None, jean: Mailbox, year: int) -> None:
    at = datetime(year, 6, 1, tzinfo=UTC)
    with refusal("Choose a year between 1971 and 2998."):
        change_mailbox(jean, expires_at=at, by=TESTER)
    for field in ("starts_at", "ends_at"):
        with refusal("Choose a year between 1971 and 2998."):
            add_alias(jean.address.domain, "fair", ["a@elsewhere.example"], **{field: at}, by=TESTER)  # type: ignore[arg-type]
