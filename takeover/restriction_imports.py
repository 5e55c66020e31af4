"""Restriction lists, classes and access tables that were read from a configuration come in, through the services. Each
list comes whole, with all that it needs, or not at all; what is here already stays as it is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.lines import in_one_line
from restrictions.access_models import OF_DOMAINS, AccessRule, AccessTable, AppliesTo, RecipientClass
from restrictions.access_services import add_rules, add_table
from restrictions.catalogue import STAGES, Stage, parameter_of
from restrictions.lists import Lists
from restrictions.models import Restriction, RestrictionClass
from restrictions.services import add_class, set_lists
from takeover.postfix_access import Meant, kind_of
from takeover.postfix_restrictions import RestrictionsRead, Source, Wanted

# Judged together: one of the two refuses strangers who want to send elsewhere.
TOGETHER = (Stage.RELAY, Stage.RECIPIENT)
STANDS_BY_ITSELF = ""


class Became(NamedTuple):
    """What became of something: a code (WORDS), and why."""

    thing: str
    code: str
    why: str = ""


class Brought(NamedTuple):
    """What came of all, and how many of each were added and were there."""

    became: list[Became]
    added: Counter[str]
    there: Counter[str]
    refused: list[str]
    remarks: list[str]


def bring_restrictions(read: RestrictionsRead, *, by: Actor) -> Brought:
    """Within the change set of the caller."""
    return _Bringer(read, by).bring()


class _Bringer:
    def __init__(self, read: RestrictionsRead, by: Actor) -> None:
        self.read, self.by = read, by
        self.brought = Brought([], Counter(), Counter(), list[str](), list(read.remarks))
        self.tables: dict[Source, str] = {}  # how a table is called here
        self.classes: set[str] = set()
        self.askers: dict[Source, set[str]] = {}
        for entry in (one for entries in (*read.lists.values(), *read.classes.values()) for one in entries):
            if entry.source:
                self.askers.setdefault(entry.source, set()).add(entry.name)

    def bring(self) -> Brought:
        groups: list[tuple[str, ...]] = [(stage,) for stage in STAGES if stage not in TOGETHER]
        for stages in [*groups[:3], TOGETHER, *groups[3:]]:
            self._lists([str(stage) for stage in stages])
        for name in self.read.classes:
            self._class_alone(name)
        for parameter, fault in self.read.faults.items():
            self._stays(parameter, str(fault), is_refused=fault.is_fault)
        for source, name in self.tables.items():
            self.brought.became.append(Became(source[1], "table", f"{source[0]} {name}".rstrip()))
        return self.brought

    def _lists(self, stages: Sequence[str]) -> None:
        here = Lists.current().stages
        wanted = {stage: self.read.lists[stage] for stage in stages if stage in self.read.lists}
        for stage in [stage for stage in wanted if stage in here]:
            is_same = _said(here[stage]) == [_as_said(values) for values in self._values(wanted.pop(stage))]
            self.brought.there["restriction_lists"] += 1
            self._is_here(parameter_of(stage), is_same=is_same)
        if not wanted:
            return
        may_add_relay = Stage.RELAY in stages and Stage.RELAY not in here and bool(self.read.by_default)
        try:
            self._add(wanted)
        except ValidationError as error:
            if not may_add_relay or error_code(error) != "open_relay":
                self._refused(wanted, error)
                return
            try:
                self._add(wanted | self.read.by_default)
            except ValidationError as second:
                self._refused(wanted, second)
                return
            sentence = _("%(parameter)s is what Postfix has by default; it came along, because %(other)s relies on it.")
            words = {"parameter": parameter_of(Stage.RELAY), "other": parameter_of(Stage.RECIPIENT)}
            self.brought.remarks.append(sentence % words)
        self.brought.became.extend(Became(parameter_of(stage), "came") for stage in wanted)

    def _class_alone(self, name: str) -> None:
        """One that no list needs, or that a list has brought."""
        here = self.read.class_names[name]
        if name in self.classes:
            return
        row = RestrictionClass.objects.filter(name=here).first()
        if row:
            is_same = _said(_entries_of(row)) == [_as_said(one) for one in self._values(self.read.classes[name])]
            self.brought.there["restriction_classes"] += 1
            self._is_here(name, is_same=is_same)
            return
        try:
            self._add({}, [name])
        except ValidationError as error:
            self._stays(name, " ".join(error.messages), is_refused=True)

    def _add(self, lists: dict[str, list[Wanted]], classes: Iterable[str] = ()) -> None:
        """All that these need, or nothing of it. Raises ValidationError."""
        tables, known, added = dict(self.tables), set(self.classes), Counter(self.brought.added)
        became = len(self.brought.became)
        try:
            with transaction.atomic():
                self._add_all(lists, classes)
        except ValidationError:
            self.tables, self.classes = tables, known
            self.brought.added.clear()
            self.brought.added.update(added)
            del self.brought.became[became:]
            raise

    def _add_all(self, lists: dict[str, list[Wanted]], classes: Iterable[str]) -> None:
        needed = _Needs(self.read)
        for entries in lists.values():
            needed.of_entries(entries)
        for name in classes:
            needed.of_class(name)
        new = [source for source in needed.sources if not self._has_table(source)]
        for name in needed.classes:
            if name not in self.classes:
                self._add_class(name)
        ids = dict(RestrictionClass.objects.values_list("name", "pk"))
        for source in new:
            table = AccessTable.objects.filter(name=self.tables[source]).first()
            rows = [self._rule(rule, ids) for rule in self.read.tables[source].rules]
            self.brought.added["access_rules"] += add_rules(source[0], rows, table=table, by=self.by)
        if lists:
            set_lists({stage: self._values(entries) for stage, entries in lists.items()}, by=self.by)
            self.brought.added["restriction_lists"] += len(lists)

    def _add_class(self, name: str) -> None:
        here, values = self.read.class_names[name], self._values(self.read.classes[name])
        row = RestrictionClass.objects.filter(name=here).first()
        if row is None:
            add_class(here, values, by=self.by)
            self.brought.added["restriction_classes"] += 1
            self.brought.became.append(Became(name, "came"))
        elif _said(_entries_of(row)) != [_as_said(one) for one in values]:
            sentence = _("The class %(name)s is here already with other entries.")
            raise ValidationError(sentence % {"name": here})
        else:
            self.brought.became.append(Became(name, "there"))
        self.classes.add(name)

    # Tables

    def _has_table(self, source: Source) -> bool:
        """Whether a table with the same rules is here; otherwise it is added, still empty."""
        if source in self.tables:
            return True
        name, is_here = self._name_of(source)
        self.tables[source] = name
        if not is_here:
            if name != STANDS_BY_ITSELF:
                add_table(name, source[0], comment=in_one_line(source[1])[:500], by=self.by)
            self.brought.added["access_tables"] += 1
        return is_here

    def _name_of(self, source: Source) -> tuple[str, bool]:
        """How a table is called, and whether it is here with these rules. The only one about clients, HELO names,
        senders or recipients is the one that stands by itself, if that is free; others are called as their file."""
        if source in self.tables:
            return self.tables[source], True
        kind, read = source[0], self.read.tables[source]
        rules = {self._as_stored(rule) for rule in read.rules}
        taken = set(self.tables.values())
        if self._suits_itself(source) and STANDS_BY_ITSELF not in self._names_of_kind(kind):
            here = _stored(None, kind)
            if here and here == rules:
                return STANDS_BY_ITSELF, True
            if not here and not _is_asked(kind) and self._is_the_only_one(source):
                return STANDS_BY_ITSELF, False
        tables = {table.name: table for table in AccessTable.objects.all()}
        choices = [read.proposed, f"{read.proposed}_{kind}", *(f"{read.proposed}_{one}" for one in range(2, 1000))]
        for name in choices:
            if name in taken:
                continue
            if name not in tables:
                return name, False
            if tables[name].applies_to == kind and _stored(tables[name], kind) == rules:
                return name, True
        raise ValidationError(_("There are too many access tables called %(name)s.") % {"name": read.proposed})

    def _names_of_kind(self, kind: str) -> set[str]:
        return {name for source, name in self.tables.items() if source[0] == kind}

    def _suits_itself(self, source: Source) -> bool:
        """Whether the table that stands by itself would say no more than this one."""
        kind = source[0]
        if self.askers[source] != {f"check_{kind}_access"}:
            return False
        if kind in OF_DOMAINS and AccessRule.objects.filter(domain__isnull=False, applies_to=kind).exists():
            return False
        return kind != AppliesTo.RECIPIENT or not RecipientClass.objects.exists()

    def _is_the_only_one(self, source: Source) -> bool:
        asked = [one for one, names in self.askers.items() if f"check_{source[0]}_access" in names]
        return asked == [source]

    def _as_stored(self, rule: Meant) -> tuple[str, ...]:
        return (*rule[:4], self.read.class_names.get(rule.of_class, ""))

    def _rule(self, rule: Meant, ids: dict[str, int]) -> dict[str, Any]:
        values: dict[str, Any] = {"key": rule.key, "action": rule.action, "code": rule.code, "text": rule.text}
        if rule.of_class:
            here = self.read.class_names[rule.of_class]
            values["of_class"] = RestrictionClass(pk=ids[here], name=here)
        return values

    # Words

    def _values(self, entries: Iterable[Wanted]) -> list[dict[str, Any]]:
        """As services take them."""
        return [
            {
                "name": self.read.class_names[one.of_class] if one.of_class else one.name,
                "argument": self._name_of(one.source)[0] if one.source else one.argument,
                "warn_only": one.warn_only,
            }
            for one in entries
        ]

    def _is_here(self, thing: str, *, is_same: bool) -> None:
        self.brought.became.append(Became(thing, "there" if is_same else "differs"))
        if not is_same:
            sentence = _("%(thing)s is here already with other entries, and stays as it is.")
            self.brought.remarks.append(sentence % {"thing": thing})

    def _refused(self, lists: Iterable[str], error: ValidationError) -> None:
        for stage in lists:
            self._stays(parameter_of(stage), " ".join(error.messages), is_refused=True)

    def _stays(self, thing: str, why: str, *, is_refused: bool) -> None:
        self.brought.became.append(Became(thing, "refused" if is_refused else "stays", why))
        sentence = _("%(thing)s stays in main.cf as it is: %(why)s") % {"thing": thing, "why": why}
        (self.brought.refused if is_refused else self.brought.remarks).append(sentence)


class _Needs:
    """The classes, each after those that it names, and the tables that lists lead to."""

    def __init__(self, read: RestrictionsRead) -> None:
        self.read = read
        self.classes: list[str] = []
        self.sources: list[Source] = []

    def of_entries(self, entries: Iterable[Wanted]) -> None:
        for entry in entries:
            if entry.of_class:
                self.of_class(entry.of_class)
            if entry.source and entry.source not in self.sources:
                self.sources.append(entry.source)
                for name in dict.fromkeys(rule.of_class for rule in self.read.tables[entry.source].rules):
                    if name:
                        self.of_class(name)

    def of_class(self, name: str) -> None:
        if name not in self.classes:
            self.of_entries(self.read.classes[name])
            self.classes.append(name)


def error_code(error: ValidationError) -> str:
    return next((str(one.code) for one in error.error_list if one.code), "") if hasattr(error, "error_list") else ""


def _entries_of(one: RestrictionClass) -> list[Restriction]:
    return list(one.entries.select_related("of_class", "access_table").order_by("position"))


def _said(entries: Iterable[Restriction]) -> list[tuple[Any, ...]]:
    return [(one.called, one.takes, one.warn_only) for one in entries if one.active]


def _as_said(values: dict[str, Any]) -> tuple[Any, ...]:
    return values["name"], values["argument"], values["warn_only"]


def _stored(table: AccessTable | None, kind: str) -> set[tuple[str, ...]]:
    """The rules of a table, as they are compared."""
    rows = AccessRule.objects.filter(table=table, domain__isnull=True, applies_to=kind)
    if rows.filter(active=False).exists() or rows.exclude(starts_at__isnull=True, ends_at__isnull=True).exists():
        return {("", "", "", "", "")}  # says something else than a file could
    return {
        (key, action, code, text, of_class or "")
        for key, action, code, text, of_class in rows.values_list("key", "action", "code", "text", "of_class__name")
    }


def _is_asked(kind: str) -> bool:
    asked = Restriction.objects.filter(access_table__isnull=True).values_list("name", flat=True).distinct()
    return any(kind_of(name) == kind for name in asked)
