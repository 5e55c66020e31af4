"""Days and times as people read them: the same everywhere, with the time zone where there is a time."""

from datetime import UTC, date, datetime

import pytest
from django.template import Context, Template
from django.utils.translation import override

from mailboxes.times import in_words

AFTERNOON, NOON = datetime(2026, 12, 28, 13, 58, tzinfo=UTC), datetime(2026, 12, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "day", "afternoon", "noon"),
    [
        ("en", "28 December 2026", "28 December 2026, 13:58 UTC", "28 December 2026, 12:00 UTC"),
        ("ja", "2026年12月28日", "2026年12月28日 13:58 UTC", "2026年12月28日 12:00 UTC"),
        ("zh-hant", "2026年12月28日", "2026年12月28日 13:58 UTC", "2026年12月28日 12:00 UTC"),
    ],
)
def test_it_works(language: str, day: str, afternoon: str, noon: str) -> None:
    with override(language):
        assert (in_words(AFTERNOON), in_words(NOON)) == (afternoon, noon)
        page = Template('{{ day|date:"DATE_FORMAT" }} {{ at|date:"DATETIME_FORMAT" }} {{ at|full_time }} {{ at }}')
        shown = page.render(Context({"day": date(2026, 12, 28), "at": AFTERNOON}))
        assert shown == " ".join([day, afternoon, afternoon, afternoon])


def test_the_zone_is_that_of_the_panel(settings: object) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"  # type: ignore[attr-defined]
    assert in_words(AFTERNOON) == "28 December 2026, 22:58 JST"
