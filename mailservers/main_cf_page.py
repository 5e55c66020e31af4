"""What the Restrictions page shows of main.cf: what postfix_config writes, and why the panel's own lines are there."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mailservers import submission
from mailservers.main_cf import (
    IS_PROXIED,
    READ_MAPS,
    RECIPIENT_RESTRICTIONS,
    RESTRICTION_CLASSES,
    first_for_recipients,
    has_recipient_list,
    of_restrictions,
)
from mailservers.postfix_host import PostfixHost
from restrictions.access_main_cf import why_made
from restrictions.main_cf import Parameter
from restrictions.page import Line, MainCf

LEFT_OUT = "…"  # what only the mail host knows: a directory, and what it has of its own
MOST_MADE = 20  # classes of the panel that are shown; the others differ by a number
STAYS = Line(LEFT_OUT, gettext_lazy("What the mail host has here stays."))
ROOM = Line(
    submission.ASKS_FOR_ROOM, gettext_lazy("Only with --with-dovecot: whether the mailbox has room for the message.")
)
WHY_FIRST = (  # mailservers.main_cf.first_for_recipients
    gettext_lazy("Put here by the panel: suspended domains take no mail for now, whatever the list says."),
    gettext_lazy("Put here by the panel: chooses the class that mail to this recipient has to pass."),
)
WHY_READ = gettext_lazy("Put here by the panel: proxymap(8) answers for no map that Postfix does not find named here.")


def main_cf_of_restrictions() -> Iterator[MainCf]:
    """In the order of the fragment."""
    host, made = PostfixHost(directory=LEFT_OUT), why_made()
    found, why = of_restrictions(host), {READ_MAPS: WHY_READ} | made
    left_out = [one.name for one in found if one.name in made][MOST_MADE:]
    for one in found:
        if one.name not in left_out:
            yield MainCf(one.name, _lines(one, host, left_out), why.get(one.name, ""))


def parts_of(value: str) -> list[str]:
    """The entries of a list: between commas that stand in no braces."""
    parts, depth = [""], 0
    for letter in value:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _lines(one: Parameter, host: PostfixHost, left_out: list[str]) -> list[Line]:
    parts = parts_of(one.value)
    if one.name == READ_MAPS:
        return [STAYS, *(Line(part) for part in parts if IS_PROXIED.fullmatch(part))]
    if one.name == RESTRICTION_CLASSES:
        more = _("Made by the panel: %(number)d more like these.") % {"number": len(left_out)}
        shown = [Line(part) for part in parts if part not in left_out]
        return [STAYS, *shown, *([Line(LEFT_OUT, more)] if left_out else [])]
    if one.name != RECIPIENT_RESTRICTIONS:
        return list(map(Line, parts))
    first = [Line(*both) for both in zip(parts_of(first_for_recipients(host)), WHY_FIRST, strict=False)]
    return [*first, ROOM, *map(Line, parts[len(first) :]), *([] if has_recipient_list() else [STAYS])]
