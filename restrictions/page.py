"""What the page shows of the lists: each entry as a sentence, what is odd about it, and where its buttons move it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from restrictions.access_main_cf import DIRECTORY, Classes
from restrictions.access_oddities import oddities_of_access
from restrictions.catalogue import CATALOGUE, STAGES, Known, Stage, parameter_of
from restrictions.class_use import NOBODY, Chosen, chosen_classes
from restrictions.lists import Entries, Lists
from restrictions.main_cf import RESTRICTION_CLASSES, Parameter, all_parameters, written
from restrictions.models import Restriction, RestrictionClass
from restrictions.oddities import Oddity, oddities

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# When smtpd asks each list, and in other words.
MOMENTS: dict[str, tuple[str, StrOrPromise]] = {
    Stage.CLIENT: ("connect", _("Who connects")),
    Stage.HELO: ("HELO", _("How it introduces itself")),
    Stage.SENDER: ("MAIL FROM", _("Whose mail it is")),
    Stage.RELAY: ("RCPT TO", _("Who may send elsewhere")),
    Stage.RECIPIENT: ("RCPT TO", _("Whom it is for")),
    Stage.DATA: ("DATA", _("Before the message comes")),
    Stage.END_OF_DATA: ("end of DATA", _("After the message has come")),
}
# How a name begins -> the kind of decision, its icon and its word.
VERBS: tuple[tuple[str, str, str, StrOrPromise], ...] = (
    ("permit", "permit", "check-circle-fill", _("Permit")),
    ("reject", "reject", "x-octagon-fill", _("Refuse")),
    ("defer", "reject", "hourglass-split", _("Put off")),
    ("check_policy", "check", "arrow-return-right", _("Ask")),
    ("check", "check", "search", _("Look up")),
    ("sleep", "log", "clock", _("Wait")),
)
ONLY_LOG = ("log", "journal-text", _("Only log"))
MADE_SHOWN = 6  # classes that the panel makes: one for each protected alias
GO_THROUGH = ("check", "arrow-return-right", _("Class"))


@dataclass(frozen=True)
class Rule:
    """An entry as a row of the page."""

    entry: Restriction
    text: str  # as main.cf has it
    number: int
    last: int
    oddities: tuple[Oddity, ...]

    @property
    def verb(self) -> tuple[str, str, StrOrPromise]:
        if self.entry.warn_only:
            return ONLY_LOG
        if self.entry.of_class:
            return GO_THROUGH
        return next((kind, icon, word) for start, kind, icon, word in VERBS if self.entry.name.startswith(start))

    @property
    def sentence(self) -> StrOrPromise:
        known = self.entry.known
        return known.sentence if known else _("Goes through the entries of this class.")

    @property
    def up(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def down(self) -> int | None:
        return self.number + 1 if self.number < self.last else None


@dataclass(frozen=True)
class StageList:
    """A stage with its list; `is_ours` says whether the panel writes it."""

    stage: str
    label: StrOrPromise
    moment: str
    words: StrOrPromise
    rules: list[Rule]
    oddities: int

    @property
    def parameter(self) -> str:
        return parameter_of(self.stage)

    @property
    def is_ours(self) -> bool:
        return bool(self.rules)


def rules_of(entries: Entries, defined: Classes, found: Iterable[Oddity]) -> list[Rule]:
    """The rows of one list, each with what is odd about it."""
    by_entry: dict[int, list[Oddity]] = {}
    for one in found:
        if one.entry is not None:
            by_entry.setdefault(one.entry.pk, []).append(one)
    return [
        Rule(entry, _shown(written(entry, defined)), number, len(entries), tuple(by_entry.get(entry.pk, ())))
        for number, entry in enumerate(entries, 1)
    ]


def stage_lists(lists: Lists, found: Iterable[Oddity]) -> list[StageList]:
    """All stages in the order of the conversation, also those that the panel does not write."""
    found = list(found)
    shown = []
    for stage in STAGES:
        entries = lists.stages.get(stage, ())
        moment, words = MOMENTS[stage]
        rules = rules_of(entries, lists.defined, found)
        odd = sum(1 for rule in rules if rule.oddities)
        shown.append(StageList(stage, Stage(stage).label, moment, words, rules, odd))
    return shown


@dataclass(frozen=True)
class ClassCard:
    """A class beside the lists: what is in it, and who names it."""

    one: RestrictionClass
    entries: list[str]
    users: list[str]
    chosen: Chosen
    oddities: list[Oddity]


def class_cards(lists: Lists, found: Iterable[Oddity], chosen: Mapping[str, Chosen]) -> list[ClassCard]:
    found = list(found)
    return [
        ClassCard(
            one,
            [_shown(written(entry, lists.defined)) for entry in lists.classes.get(one.name, ()) if entry.active],
            lists.users_of(one.name),
            chosen.get(one.name, NOBODY),
            [odd for odd in found if odd.where == one.name],
        )
        for one in RestrictionClass.objects.all()
    ]


def _shown(text: str) -> str:
    """Only a mail host knows its directory."""
    return text.replace(DIRECTORY, "…")


def main_cf_of(lists: Lists) -> list[tuple[Parameter, list[str]]]:
    """Each parameter with the lines of its value, as people write it by hand. Of many classes that the panel makes, the
    first are enough to see what they are."""
    shown: list[tuple[Parameter, list[str]]] = []
    made = list(lists.defined.definitions)
    for one in all_parameters(lists):
        if one.name not in made[MADE_SHOWN:]:
            value = _shown(one.value)
            parts = value.split(", ") if "{" not in value else [value]
            if one.name == RESTRICTION_CLASSES:
                parts = [part for part in parts if part not in made[MADE_SHOWN:]]
                parts += ["…"] if made[MADE_SHOWN:] else []
            shown.append((one, parts if value else []))
    return shown


def catalogue_by_stage(stage: str | None) -> list[tuple[str, list[Known]]]:
    """The names to choose from, by what they look at; those that fit the stage best come first."""
    groups: dict[str, list[Known]] = {str(_("any stage")): []}
    for known in CATALOGUE.values():
        label = str(_("any stage")) if known.at_any_stage else str(Stage(known.stage).label)
        groups.setdefault(label, []).append(known)
    own = str(Stage(Stage.RECIPIENT if stage == Stage.RELAY else stage).label) if stage else ""
    return sorted(groups.items(), key=lambda group: group[0] != own)


def everything() -> tuple[Lists, list[Oddity], Mapping[str, Chosen]]:
    """The lists as they are, what is odd about them, and who meets each class."""
    lists, chosen = Lists.current(), chosen_classes()
    return lists, [*oddities(lists, named_elsewhere=chosen), *oddities_of_access(lists, chosen)], chosen
