"""Days and times as people type them, in the time zone of the panel."""

from datetime import UTC, datetime

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

EARLIEST, LATEST = datetime(1971, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)


def refuse_strange_times(**times: datetime | None) -> None:
    """Times that no calendar of a mail server needs, and that no other time zone could show; by field."""
    strange = [field for field, at in times.items() if at is not None and not EARLIEST <= at <= LATEST]
    if strange:
        raise ValidationError({field: _("Choose a year between 1971 and 2998.") for field in strange})


def refuse_end_before_start(starts_at: datetime | None, ends_at: datetime | None, sentence: object) -> None:
    """Says at the end what a constraint of the row says of both."""
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        raise ValidationError({"ends_at": sentence})


def state_at_this_moment(active: bool, starts_at: datetime | None, ends_at: datetime | None) -> str:
    """Of what counts from `starts_at` until `ends_at`, where these are given: active, inactive, not_begun or ended."""
    now = timezone.now()
    if not active:
        return "inactive"
    if starts_at is not None and starts_at > now:
        return "not_begun"
    return "ended" if ends_at is not None and ends_at <= now else "active"


def is_in_state(state: str) -> Q:
    """Rows of which `state_at_this_moment` says this."""
    now = timezone.now()
    if state == "inactive":
        return Q(active=False)
    if state == "not_begun":
        return Q(active=True, starts_at__gt=now)
    if state == "ended":
        return Q(active=True, ends_at__lte=now)
    has_begun = Q(starts_at__isnull=True) | Q(starts_at__lte=now)
    return has_begun & (Q(ends_at__isnull=True) | Q(ends_at__gt=now)) & Q(active=True)


def read_time(text: str) -> datetime | None:
    """`2027-01-31 18:00` in the time zone of the panel, or with an offset of its own (RFC 3339); a day alone is the
    midnight with which it begins. None if this is no time."""
    text = text.strip()
    try:
        day = parse_date(text)
        at = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001  made aware below
        if at is None:
            return None
        at = at if timezone.is_aware(at) else timezone.make_aware(at)
        return at if EARLIEST <= at <= LATEST else None
    except (ValueError, OverflowError):
        return None


def in_words(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT") if at else ""


_zone = lazy(lambda: settings.TIME_ZONE, str)


class TimeField(forms.CharField):
    """A day and a time to the minute. Nothing typed: no such time. `help_text` says what happens then."""

    def __init__(self, *, help_text: object, **kwargs: object) -> None:
        super().__init__(
            required=False,
            max_length=40,
            help_text=format_lazy(
                "{what} {zone}",
                what=help_text,
                zone=format_lazy(gettext_lazy("Time zone: {zone}."), zone=_zone()),
            ),
            widget=forms.TextInput(attrs={"type": "datetime-local", "autocomplete": "off"}),
            **kwargs,  # type: ignore[arg-type]
        )

    def prepare_value(self, value: object) -> object:
        return f"{timezone.localtime(value):%Y-%m-%dT%H:%M}" if isinstance(value, datetime) else value

    def clean(self, value: object) -> datetime | None:  # type: ignore[override]
        text: str = super().clean(value)
        if not text:
            return None
        at = read_time(text)
        if at is None:
            raise ValidationError(
                _("“%(text)s” is no time between 1971 and 2998. Type it like 2027-01-31 18:00."), params={"text": text}
            )
        return at

    def has_changed(self, initial: object, data: object) -> bool:
        """A stored second that the field does not show is no change."""
        return read_time(str(self.prepare_value(initial) or "")) != read_time(str(data or ""))
