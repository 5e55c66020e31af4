"""How much the mailboxes of a domain store: now, day by day, and how full they are."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Case, Count, IntegerField, Sum, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from domains.models import Domain, seen_by
from mailboxes.usage import FIRST_LEVEL, LAST_LEVEL, DomainUse, Usage

KEPT_DAYS = 400
SHOWN_DAYS = 90
FULL = 100

# One statement a night, which reads all: 0.15 s for a million mailboxes.
WRITE_DAY = """
    INSERT INTO mailboxes_domainuse (domain_id, day, bytes, messages, mailboxes)
    SELECT usage.domain_id, %s, sum(usage.bytes), sum(usage.messages), count(*)
    FROM mailboxes_usage AS usage
    JOIN domains_domain AS domain ON domain.id = usage.domain_id
    GROUP BY usage.domain_id
    ON CONFLICT (domain_id, day) DO UPDATE
    SET bytes = EXCLUDED.bytes, messages = EXCLUDED.messages, mailboxes = EXCLUDED.mailboxes
"""


@dataclass(frozen=True)
class DomainFigures:
    """Octets, messages, and mailboxes that Dovecot has said something of."""

    bytes: int
    messages: int
    mailboxes: int


def use_of(domain: Domain) -> DomainFigures:
    found = Usage.objects.filter(domain=domain).aggregate(
        bytes=Sum("bytes", default=0), messages=Sum("messages", default=0), mailboxes=Count("*")
    )
    return DomainFigures(**{name: int(number) for name, number in found.items()})


def fullness_of(domain: Domain) -> list[tuple[str, int]]:
    """(words, mailboxes) of each step of fullness; without a quota nobody is ever full."""
    steps = [
        (_("full"), When(percent__gte=FULL, then=Value(0))),
        (_("%(from)d to 99 %%") % {"from": LAST_LEVEL}, When(percent__gte=LAST_LEVEL, then=Value(1))),
        (
            _("%(from)d to %(to)d %%") % {"from": FIRST_LEVEL, "to": LAST_LEVEL - 1},
            When(percent__gte=FIRST_LEVEL, then=Value(2)),
        ),
        (_("%(from)d to %(to)d %%") % {"from": 50, "to": FIRST_LEVEL - 1}, When(percent__gte=50, then=Value(3))),
        (_("less than half"), When(percent__isnull=False, then=Value(4))),
        (_("no quota"), None),
    ]
    step = Case(*(when for _words, when in steps if when), default=Value(5), output_field=IntegerField())
    counted = dict(
        Usage.objects.filter(domain=domain)
        .annotate(step=step)
        .values_list("step")
        .annotate(number=Count("*"))
        .order_by()
    )
    return [(words, counted.get(number, 0)) for number, (words, _when) in enumerate(steps)]


def nearly_full(user: User) -> Any:
    """Mailboxes at 80 percent of their quota and more, the fullest first."""
    return nearly_full_of(None).filter(seen_by(user, "domain__"))


def nearly_full_of(domain: Domain | None) -> Any:
    """The same for whoever sees all, of one domain or of all."""
    rows = Usage.objects.filter(percent__gte=FIRST_LEVEL)
    rows = rows.filter(domain=domain) if domain else rows
    return rows.select_related("mailbox__address__domain").order_by("-percent", "-mailbox")


def days_of(domain: Domain) -> list[tuple[date, int]]:
    """(day, octets) of the last three months, the oldest first."""
    since = timezone.localdate() - timedelta(days=SHOWN_DAYS)
    return list(DomainUse.objects.filter(domain=domain, day__gte=since).order_by("day").values_list("day", "bytes"))


def write_day(day: date) -> None:
    """What each domain stores stands for this day; what is older than KEPT_DAYS goes."""
    with connection.cursor() as cursor:
        cursor.execute(WRITE_DAY, [day])
    DomainUse.objects.filter(day__lt=day - timedelta(days=KEPT_DAYS)).delete()
