"""What is legal and odd in the lists, each in a sentence: page, API and `check_restrictions` say the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from restrictions.catalogue import GUARDING, STAGES, Argument, Stage, parameter_of
from restrictions.lists import Entries, Lists
from restrictions.models import Restriction

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# Zones that answer nothing any more, or too much; the end is known from their own announcements.
DEAD_ZONES: dict[str, StrOrPromise] = {
    "dnsbl.sorbs.net": gettext_lazy("SORBS was shut down in June 2024."),
    "ahbl.org": gettext_lazy("AHBL was shut down in 2015, and then listed everybody."),
    "njabl.org": gettext_lazy("NJABL was shut down in 2013."),
    "ordb.org": gettext_lazy("ORDB was shut down in 2006, and later listed everybody."),
    "dsbl.org": gettext_lazy("DSBL was shut down in 2008."),
    "rfc-ignorant.org": gettext_lazy("RFC-Ignorant was shut down in 2012."),
    "cbl.abuseat.org": gettext_lazy("Its data is in zen.spamhaus.org."),
    "sbl-xbl.spamhaus.org": gettext_lazy("zen.spamhaus.org=127.0.0.[2..11] took its place."),
    "dnsbl.ahbl.org": gettext_lazy("AHBL was shut down in 2015, and then listed everybody."),
    "bl.spamcannibal.org": gettext_lazy("SpamCannibal was shut down in 2018, and then listed everybody."),
    "opm.blitzed.org": gettext_lazy("OPM was shut down in 2006."),
    "sorbs.net": gettext_lazy("SORBS was shut down in June 2024."),
    "ix.dnsbl.manitu.net": gettext_lazy("NiX Spam was shut down in January 2025."),
}
BLOCK_LISTS = (
    "reject_rbl_client",
    "reject_rhsbl_client",
    "reject_rhsbl_reverse_client",
    "reject_rhsbl_helo",
    "reject_rhsbl_sender",
)
BEFORE_RELAY = (Stage.CLIENT, Stage.HELO, Stage.SENDER)  # smtpd asks these lists first
OURS = ("permit_mynetworks", "permit_sasl_authenticated")


@dataclass(frozen=True)
class Oddity:
    """One sentence; `where` is a parameter of main.cf or a class, `entry` what it is about, if it is about one."""

    where: str
    sentence: str
    entry: Restriction | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}"


def oddities(lists: Lists, *, named_elsewhere: Collection[str] = ()) -> list[Oddity]:
    """All of them, in the order of the lists. `named_elsewhere` are classes that access tables name."""
    found: list[Oddity] = []
    for stage, entries in lists.stages.items():
        where, active = parameter_of(stage), [entry for entry in entries if entry.active]
        for says in (_never_reached(lists, entries), _out_of_stage(stage, active), _of_each(lists, active)):
            found += [Oddity(where, sentence, entry) for entry, sentence in says]
    for stage in (*BEFORE_RELAY, *GUARDING):
        if stage in lists.stages:
            found += [
                Oddity(parameter_of(stage), sentence, entry) for entry, sentence in _policy_before_refusal(lists, stage)
            ]
    for name, entries in lists.classes.items():
        active = [entry for entry in entries if entry.active]
        for says in (_never_reached(lists, entries), _of_each(lists, active)):
            found += [Oddity(name, sentence, entry) for entry, sentence in says]
        if not active:
            found.append(Oddity(name, _("This class has no active entry, so it does nothing.")))
        if name not in named_elsewhere and not lists.users_of(name, only_active=True):
            found.append(Oddity(name, _("Nothing names this class. Name it in a list, or delete it.")))
    return found


def of_dead_zone(asking: str, argument: str) -> str:
    """A sentence if `argument`, a DNS list with or without =d.d.d.d, is dead; `asking` is who asks it."""
    zone = argument.partition("=")[0]
    for dead, why in DEAD_ZONES.items():
        if zone == dead or zone.endswith(f".{dead}"):
            return _("%(entry)s asks a DNS list that is dead. %(why)s") % {"entry": asking, "why": why}
    return ""


Says = Iterator[tuple[Restriction, str]]


def _never_reached(lists: Lists, entries: Entries) -> Says:
    """What is active and stands behind something that decides about everybody."""
    for index, entry in enumerate(entries):
        if entry.active and _ends(lists, entry):
            for number, behind in enumerate(entries[index + 1 :], index + 2):
                if not behind.active:
                    continue
                yield (
                    behind,
                    _("Entry %(number)d, %(entry)s, is never reached: %(before)s before it decides about everybody.")
                    % {"number": number, "entry": behind, "before": entry},
                )
            return


def _ends(lists: Lists, entry: Restriction, *, warned: bool = False) -> bool:
    """Whether it decides about everybody."""
    warned = warned or entry.warn_only
    if entry.of_class:
        return any(_ends(lists, inner, warned=warned) for inner in lists.of_class(entry) if inner.active)
    known = entry.known
    return known is not None and known.ends and (known.permits or not warned)


def _out_of_stage(stage: str, entries: Entries) -> Says:
    for entry in entries:
        known = entry.known
        if known is None or stage in known.stages:
            continue
        if known.stage == Stage.RECIPIENT and stage in (Stage.DATA, Stage.END_OF_DATA):
            yield (
                entry,
                _("%(entry)s looks at the recipient, which smtpd does not have here when a message has several.")
                % {"entry": entry},
            )
        elif STAGES.index(stage) < STAGES.index(known.stage):
            yield (
                entry,
                _("%(entry)s looks at what comes later. It works here only while smtpd_delay_reject is on, if at all.")
                % {"entry": entry},
            )


def _of_each(lists: Lists, entries: Entries) -> Says:
    for index, entry in enumerate(entries):
        if any(one.name in BLOCK_LISTS for one in inside(lists, entry)):
            later = [one.name for one in entries[index + 1 :] if one.name in OURS]
            if later:
                yield (
                    entry,
                    _("%(entry)s stands before %(permit)s: it also meets our own people, on the road or at home.")
                    % {"entry": entry, "permit": later[0]},
                )
        known = entry.known
        if known is None:
            continue
        if known.argument == Argument.ZONE:
            sentence = of_dead_zone(str(entry), entry.argument)
            if sentence:
                yield entry, sentence
        if entry.warn_only and known.permits:
            yield entry, _("%(entry)s refuses nothing, so “warn only” changes nothing.") % {"entry": entry}


def _policy_before_refusal(lists: Lists, stage: str) -> Says:
    """SMTPD_POLICY_README: behind reject_unauth_destination, or strangers make the service work for nothing."""
    if stage == Stage.RECIPIENT and any(_refuses(lists, entry) for entry in lists.stages.get(Stage.RELAY, ())):
        return
    for entry in lists.stages[stage]:
        if _refuses(lists, entry):
            return
        if any(one.name == "check_policy_service" for one in inside(lists, entry)):
            yield (
                entry,
                _("%(entry)s asks a policy service before reject_unauth_destination, also about refused mail.")
                % {"entry": entry},
            )


def _refuses(lists: Lists, entry: Restriction) -> bool:
    return any(one.known and one.known.refuses_relay for one in inside(lists, entry, is_refusing=True))


def inside(lists: Lists, entry: Restriction, *, is_refusing: bool = False) -> Iterator[Restriction]:
    """The entry, or what is in its class; what is active, and with `is_refusing` not what only warns."""
    if not entry.active or (is_refusing and entry.warn_only):
        return
    if not entry.of_class:
        yield entry
    for inner in lists.of_class(entry):
        yield from inside(lists, inner, is_refusing=is_refusing)
