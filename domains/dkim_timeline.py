"""The DKIM keys of a domain over time, as bars of a drawing in percent of its width; paler what is planned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from domains.dkim_models import DkimKey
from domains.dkim_waits import may_go_at, rotates_at
from domains.models import MailSettings

SHORTEST = timedelta(days=30)  # what the drawing shows of the past at least
AHEAD = 0.25  # of what is shown of the past, where nothing is planned further on
ROW, FIRST, HEIGHT = 36, 30, 24  # pixels


@dataclass(frozen=True, kw_only=True)
class Bar:
    state: str
    x: str
    width: str
    is_planned: bool = False


@dataclass(frozen=True, kw_only=True)
class Line:
    """One key; `end` is where it was revoked or went."""

    key: DkimKey
    y: int
    bars: list[Bar]
    end: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A day with its place."""

    x: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Timeline:
    lines: list[Line]
    marks: list[Mark]
    now: str

    @property
    def bottom(self) -> int:
        return FIRST + ROW * len(self.lines)

    @property
    def height(self) -> int:
        return self.bottom + 18


def timeline_of(keys: Sequence[DkimKey], settings: MailSettings) -> Timeline:
    """From the first key until now, at least 30 days, and on to what is planned."""
    now = timezone.now()
    start = min([key.created_at for key in keys] + [now - SHORTEST])
    plans = {key.pk: _planned(key, now, settings) for key in keys}
    until = max([plan[1] for plan in plans.values() if plan and plan[1]] + [now + (now - start) * AHEAD])
    until = min(until, now + (now - start) * 2)  # a plan for years must not squeeze what is there
    span = until - start

    def place(moment: datetime) -> float:
        return 100 * ((min(moment, until) - start) / span)

    def bar(state: str, begin: datetime, end: datetime, *, is_planned: bool = False) -> Bar:
        width = max(0.4, place(end) - place(begin))
        return Bar(state=state, x=f"{place(begin):.2f}%", width=f"{width:.2f}%", is_planned=is_planned)

    lines = []
    for number, key in enumerate(keys):
        times = [(state, getattr(key, f"{state}_at", None)) for state in ("published", "signing", "retiring")]
        steps = sorted(
            [("prepared", key.created_at), *((state, at) for state, at in times if at)], key=lambda step: step[1]
        )
        end = key.revoked_at or key.gone_at
        ends = [at for _state, at in steps[1:]] + [end or now]
        bars = [bar(state, at, after) for (state, at), after in zip(steps, ends, strict=True)]
        if plan := plans[key.pk]:
            bars.append(bar(plan[0], now, plan[1] or until, is_planned=True))
        lines.append(Line(key=key, y=FIRST + ROW * number, bars=bars, end=f"{place(end):.2f}%" if end else ""))
    marks = [Mark(x=f"{25 * quarter}%", at=start + span * quarter / 4) for quarter in range(4)]
    return Timeline(lines=lines, marks=marks, now=f"{place(now):.2f}%")


def _planned(key: DkimKey, now: datetime, settings: MailSettings) -> tuple[str, datetime | None] | None:
    """What the key will be from now on, and until when; None: as long as the drawing goes."""
    if key.state == DkimKey.State.SIGNING:
        until = rotates_at(key, settings)
        return ("signing", until if until and until > now else None)
    if key.state == DkimKey.State.RETIRING and may_go_at(key, settings) > now:
        return "retiring", may_go_at(key, settings)
    return None
