"""The DKIM keys of a domain over time, as bars of a drawing in percent of its width."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from domains.dkim_models import DkimKey

SHORTEST = timedelta(days=30)  # what the drawing shows at least
ROW, FIRST, HEIGHT = 36, 30, 24  # pixels


@dataclass(frozen=True, kw_only=True)
class Bar:
    state: str
    x: str
    width: str


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

    @property
    def bottom(self) -> int:
        return FIRST + ROW * len(self.lines)

    @property
    def height(self) -> int:
        return self.bottom + 18


def timeline_of(keys: Sequence[DkimKey]) -> Timeline:
    """From the first key until now, at least 30 days."""
    now = timezone.now()
    start = min([key.created_at for key in keys] + [now - SHORTEST])
    span = (now - start) * 1.05

    def place(moment: datetime) -> float:
        return 100 * ((moment - start) / span)

    lines = []
    for number, key in enumerate(keys):
        times = [(state, getattr(key, f"{state}_at", None)) for state in ("published", "signing", "retiring")]
        steps = sorted(
            [("prepared", key.created_at), *((state, at) for state, at in times if at)], key=lambda step: step[1]
        )
        end = key.revoked_at or key.gone_at
        ends = [at for _state, at in steps[1:]] + [end or now]
        bars = [
            Bar(state=state, x=f"{place(at):.2f}%", width=f"{max(0.4, place(until) - place(at)):.2f}%")
            for (state, at), until in zip(steps, ends, strict=True)
        ]
        lines.append(Line(key=key, y=FIRST + ROW * number, bars=bars, end=f"{place(end):.2f}%" if end else ""))
    marks = [Mark(x=f"{25 * quarter}%", at=start + span * quarter / 4) for quarter in range(4)]
    return Timeline(lines=lines, marks=marks)
