"""Pages about what is stored: of one domain, with its plot, and the mailboxes that are nearly full."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.pages import PersonRequest, list_page, number, person_required
from domains.views import domain_head, domain_of_page
from mailboxes.domain_use import days_of, fullness_of, nearly_full, use_of

MOST_FULL = 10
WIDTH, HEIGHT = 640, 160  # of the plot, in its own units


@person_required
@require_safe
def domain_use(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    steps, days = fullness_of(domain), days_of(domain)
    most = max((count for _words, count in steps), default=0)
    context = domain_head(domain) | {
        "now": use_of(domain),
        "steps": [(words, count, count * 100 // most if most else 0) for words, count in steps],
        "days": days,
        "plot": plot(days),
        "full": list(nearly_full(request.user).filter(domain=domain)[:MOST_FULL]),
    }
    return render(request, "mailboxes/domain_use.html", context)


@person_required
@require_safe
def nearly_full_list(request: PersonRequest) -> HttpResponse:
    page = list_page(
        nearly_full(request.user), request, key=("percent", "mailbox_id"), descending=True, read=(number, number)
    )
    return render(request, "mailboxes/nearly_full_list.html", {"page": page})


def plot(days: Sequence[tuple[date, int]]) -> dict[str, Any] | None:
    """The points of a line over the days, from nothing at the bottom to the most at the top; None for less than two."""
    if len(days) < 2:
        return None
    first, most = days[0][0], max(octets for _day, octets in days) or 1
    span = (days[-1][0] - first).days
    points = [f"{(day - first).days * WIDTH / span:.1f},{HEIGHT - octets * HEIGHT / most:.1f}" for day, octets in days]
    area = f"0,{HEIGHT} {' '.join(points)} {WIDTH},{HEIGHT}"
    return {"line": " ".join(points), "area": area, "most": most, "first": first, "last": days[-1][0]}
