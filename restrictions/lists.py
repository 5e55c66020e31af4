"""All lists and classes at once, as what is said about them needs them: they are few, and nobody else's business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from restrictions.access_main_cf import Classes
from restrictions.catalogue import STAGES, parameter_of
from restrictions.models import Restriction

Entries = Sequence[Restriction]


def names_of_lists(entries: Iterable[Restriction]) -> list[str]:
    """The lists in which these entries stand, each once: parameters of main.cf in the order of the conversation, then
    classes by name."""
    entries = list(entries)
    stages = {str(entry.stage) for entry in entries if entry.stage}
    classes = sorted({entry.in_class.name for entry in entries if entry.in_class})
    return [*(parameter_of(stage) for stage in STAGES if stage in stages), *classes]


@dataclass(frozen=True)
class Lists:
    """The entries of each stage that the panel writes, and of each class by its name; in order, inactive ones too.
    `defined` are the classes by name, those too that the panel makes."""

    stages: Mapping[str, Entries] = field(default_factory=dict)
    classes: Mapping[str, Entries] = field(default_factory=dict)
    defined: Classes = field(default_factory=Classes)

    @classmethod
    def current(cls) -> Lists:
        """Four statements, however many entries there are."""
        stages: dict[str, list[Restriction]] = {}
        defined = Classes.current()
        classes: dict[str, list[Restriction]] = {name: [] for name in defined.by_people}
        rows = Restriction.objects.select_related("in_class", "of_class", "access_table").order_by("position")
        for entry in rows:
            if entry.in_class:
                classes[entry.in_class.name].append(entry)
            else:
                stages.setdefault(str(entry.stage), []).append(entry)
        return cls({stage: stages[stage] for stage in STAGES if stage in stages}, classes, defined)

    def of_class(self, entry: Restriction) -> Entries:
        """What stands in the class that an entry names; nothing for another restriction."""
        return self.classes.get(entry.called, ()) if entry.of_class else ()

    def users_of(self, name: str, *, only_active: bool = False) -> list[str]:
        """Who names a class: parameters of main.cf and other classes."""
        entries = (one for some in (*self.stages.values(), *self.classes.values()) for one in some)
        return names_of_lists(
            one for one in entries if one.of_class and one.called == name and (one.active or not only_active)
        )
