"""Canonical addresses that would be rewritten in a circle, or more often than cleanup(8) rewrites."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from domains.models import MailSettings
from lookup_tables.models import Canonical
from mailboxes.parsing import external_form, split_address

# MAX_RECURSION of cleanup_map11.c: then it complains, and goes on with what it has, wherever the road would lead.
MOST_STEPS = 10
SHOWN = 4  # addresses of a road that never ends
ANYBODY = "\0"  # stands for every local part that no row names


class Place(NamedTuple):
    """An address; without a local part, a whole domain."""

    local_part: str
    domain: str


def refuse_loop(entry: Canonical) -> None:
    """Postfix rewrites again and again until nothing changes any more. A row is to blame for the roads that lead over
    it, wherever they begin. An address that stays itself is no circle."""
    table = _Table(entry.applies_to)
    row = _place(entry.key)
    for start in table.starts_before(row):
        table.refuse_road(start, "result", over=row)


def refuse_loop_by_delimiter() -> None:
    """With another recipient delimiter other rows have an extension."""
    for applies_to in Canonical.AppliesTo.values:
        table = _Table(applies_to)
        for row in table.rows:
            table.refuse_road(row if row.local_part else Place(ANYBODY, row.domain), "recipient_delimiter")


class _Table:
    """The active rows of one of the canonical maps, read as cleanup(8) does."""

    def __init__(self, applies_to: str) -> None:
        rows = Canonical.objects.filter(applies_to=applies_to, active=True).values_list("key", "result")
        self.rows = {_place(key): _place(result.lower()) for key, result in rows}
        self.delimiters = MailSettings.current().recipient_delimiter

    def step(self, address: Place) -> tuple[Place, Place] | None:
        """The row that rewrites an address, and what it becomes. The address is asked for first, then what is before
        its extension, which goes on (propagate_unmatched_extensions, postconf(5)), then its domain."""
        base, extension = split_address(address.local_part, self.delimiters)
        for row, rest in ((address, ""), (Place(base or ANYBODY, address.domain), extension), (_whole(address), "")):
            result = self.rows.get(row)
            if result:
                local_part = f"{result.local_part}{rest}" if result.local_part else address.local_part
                return row, Place(local_part, result.domain)
        return None

    def refuse_road(self, start: Place, field: str, *, over: Place | None = None) -> None:
        """Raises ValidationError if cleanup(8) would come to no end; with `over`, only if that row is on the road."""
        road: list[Place] = [start]
        rows: list[Place] = []
        while len(rows) <= MOST_STEPS and road[-1] not in road[:-1]:
            step = self.step(road[-1])
            if step is None or step[1] == road[-1]:
                return
            rows.append(step[0])
            road.append(step[1])
        if over is not None and over not in rows:
            return
        sentence, words = _("This goes round in a circle: %(road)s."), [_shown(address) for address in road]
        if road[-1] not in road[:-1]:  # it grows by an extension each time, or is only long
            if len(set(rows)) < len(rows):
                words = [*words[:SHOWN], "…"]
            else:
                sentence = _(
                    "Postfix rewrites an address %(most)d times and no more: %(road)s. Let the first one become the "
                    "last one at once."
                )
        raise ValidationError({field: sentence % {"road": " → ".join(words), "most": MOST_STEPS}})

    def starts_before(self, row: Place) -> Iterator[Place]:
        """Addresses from which a road of MOST_STEPS may lead over a row, the nearest first; some do not."""
        named = {one.local_part for pair in self.rows.items() for one in pair if one.local_part}
        last = [row] if row.local_part else [Place(name, row.domain) for name in [*sorted(named), ANYBODY]]
        before = _Before(self)
        seen = dict.fromkeys(last)
        for _step in range(MOST_STEPS + 1):
            yield from last
            found = [place for address in last for place in before(address)]
            last = [place for place in dict.fromkeys(found) if place not in seen]
            seen |= dict.fromkeys(last)


class _Before:
    """The rows read backwards."""

    def __init__(self, table: _Table) -> None:
        self.delimiters = table.delimiters
        self.by_result: dict[Place, list[Place]] = defaultdict(list)
        self.extended: dict[Place, list[Place]] = defaultdict(list)  # address -> results that are it with an extension
        self.at: dict[str, list[Place]] = defaultdict(list)  # domain -> addresses that rows lead to
        for row, result in table.rows.items():
            self.by_result[result].append(row)
            lands = Place(result.local_part or row.local_part, result.domain)
            if lands.local_part:
                self.at[lands.domain].append(lands)
                base, _extension = split_address(lands.local_part, self.delimiters)
                if base:
                    self.extended[Place(base, lands.domain)].append(lands)

    def __call__(self, address: Place) -> Iterator[Place]:
        """What may be rewritten into an address, or into what the same row rewrites."""
        base, extension = split_address(address.local_part, self.delimiters)
        yield from self.extended.get(address, ())
        for row in self.by_result.get(address, ()):
            yield Place(row.local_part or ANYBODY, row.domain)
            yield from () if row.local_part else self.at.get(row.domain, ())
        for row in self.by_result.get(Place(base, address.domain), ()) if base else ():
            if row.local_part:
                yield Place(f"{row.local_part}{extension}", row.domain)
        for row in self.by_result.get(_whole(address), ()):  # the local part stays
            if row.local_part in ("", address.local_part, base):
                yield Place(address.local_part, row.domain)


def _place(text: str) -> Place:
    local_part, _at, domain = text.rpartition("@")
    if local_part.startswith('"'):
        local_part = re.sub(r"\\(.)", r"\1", local_part[1:-1])
    return Place(local_part, domain)


def _whole(address: Place) -> Place:
    return Place("", address.domain)


def _shown(address: Place) -> str:
    return f"…@{address.domain}" if address.local_part == ANYBODY else external_form(*address)
