"""Medians, tenths, and tables of them."""

import statistics
import sys
from collections.abc import Iterable, Sequence

Spread = dict[str, float]


def spread(found: Sequence[float]) -> Spread:
    if len(found) < 2:
        return {"median": round(found[0], 3), "p10": round(found[0], 3), "p90": round(found[0], 3)}
    tenths = statistics.quantiles(found, n=10, method="inclusive")
    return {"median": round(statistics.median(found), 3), "p10": round(tenths[0], 3), "p90": round(tenths[-1], 3)}


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Turn by turn: what was measured in one turn had the same neighbours."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def shown(ratio: Spread) -> str:
    return f"{ratio['median']:.2f} ({ratio['p10']:.2f}..{ratio['p90']:.2f})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown with straight columns: the first to the left, figures to the right."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    straight = [
        [line[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))]
        for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in [straight[0], rule, *straight[1:]])


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
