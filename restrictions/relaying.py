"""Whether a stranger could send mail elsewhere through the lists: such lists are never saved.

A stranger is in none of our networks, has not signed in and shows no certificate that we know. smtpd(8) asks the relay
list and then the recipient list; mail is taken when neither refuses. So it is enough that one of them refuses every
stranger who wants to send elsewhere, before anything in it could permit that (SMTPD_ACCESS_README)."""

from __future__ import annotations

from enum import Enum

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from restrictions.catalogue import GUARDING, parameter_of
from restrictions.lists import Entries, Lists
from restrictions.models import Restriction


class End(Enum):
    """What becomes of a stranger's mail for elsewhere in a list."""

    PERMITTED = "may be permitted"
    REFUSED = "is refused"
    GOES_ON = "goes on to what stands behind"


def of_stranger(lists: Lists, entries: Entries, *, warned: bool = False) -> tuple[End, Restriction | None]:
    """How it ends, and the entry by which. Careful: what may permit is taken to permit. `warned`: behind
    warn_if_reject, where a class refuses nothing but permits all the same."""
    for entry in entries:
        if not entry.active:
            continue
        only_warns = warned or entry.warn_only
        if entry.of_class:
            end, _inner = of_stranger(lists, lists.of_class(entry), warned=only_warns)
            if end is not End.GOES_ON:
                return end, entry
        elif entry.known and entry.known.may_permit:
            return End.PERMITTED, entry
        elif entry.known and entry.known.refuses_relay and not only_warns:
            return End.REFUSED, entry
    return End.GOES_ON, None


def is_guarded(lists: Lists) -> bool:
    """Whether one of the lists that the panel writes refuses every stranger who wants to send elsewhere."""
    return any(of_stranger(lists, lists.stages[stage])[0] is End.REFUSED for stage in GUARDING if stage in lists.stages)


def fault_of_relaying(lists: Lists) -> str | None:
    """A sentence if this were an open relay, or None. Where the panel writes neither list, those of the host stand."""
    written = [stage for stage in GUARDING if stage in lists.stages]
    if not written or is_guarded(lists):
        return None
    for stage in written:
        end, entry = of_stranger(lists, lists.stages[stage])
        if end is End.PERMITTED:
            return _(
                "Strangers could send mail elsewhere, an open relay: %(entry)s in %(list)s may permit it before "
                "anything refuses it. Put reject_unauth_destination before it."
            ) % {"entry": entry, "list": parameter_of(stage)}
    return _(
        "Strangers could send mail elsewhere, an open relay: nothing in %(list)s refuses it. Add "
        "reject_unauth_destination to smtpd_relay_restrictions, active and not warn only."
    ) % {"list": _(" and ").join(parameter_of(stage) for stage in written)}


def refuse_open_relay(lists: Lists) -> None:
    """Raises ValidationError with that sentence."""
    fault = fault_of_relaying(lists)
    if fault:
        raise ValidationError(fault, code="open_relay")
