"""Restriction lists, classes and access tables of a hand-written configuration, in the words of the panel. What cannot
come in exactly as it is takes the list that needs it along: half a list would be another policy."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from django.utils.translation import gettext as _

from mailservers.submission import ASKS_FOR_ROOM
from restrictions.access_models import AppliesTo
from restrictions.catalogue import CATALOGUE, IS_CLASS_NAME, STAGES, Argument, is_reserved, parameter_of
from takeover.postfix_access import (
    RENAMED,
    Meant,
    NeverAsked,
    NotHere,
    cidr_rows,
    is_covered,
    key_meant,
    kind_of,
    ordered_key,
    pattern_rows,
    result_meant,
    with_subdomains,
)
from takeover.postfix_tools import (
    PATTERNS,
    Configuration,
    NotReadable,
    Table,
    is_table,
    key_and_value,
    logical_lines,
    words_of,
)

CLASSES = "smtpd_restriction_classes"
LISTS = {parameter_of(stage): stage for stage in STAGES}
# What a bare table asks in the list of a stage (smtpd_check.c, def_acl).
ASKED_BY_BARE_TABLE = {stage: f"check_{stage}_access" for stage in AppliesTo.values} | {
    "relay": "check_recipient_access"
}

# What postfix_config writes around the lists of the host: ours, and no part of them.
OWN_CLASS = re.compile(r"Writers_[0-9]+|Senders_[0-9]+|Signed_in")
OWN_MAP = re.compile(
    r"(?:proxy:)?pgsql:/.*/(?:(?P<first>suspended_domains|recipient_classes)|(?P<kind>check_[a-z]+_access)"
    r"|(?:client_)?access_table_(?P<table>[a-z][a-z0-9_]*))(?:-[0-9a-f]{8})?\.cf"
)
OWN_SERVICE = ASKS_FOR_ROOM.partition("{ ")[2].removesuffix(" }")

Source = tuple[str, str]  # kind of its keys, and how main.cf calls the table


class Wanted(NamedTuple):
    """An entry of a list. `of_class` as main.cf calls the class; an access table of the panel itself is `argument`."""

    name: str
    argument: str = ""
    of_class: str = ""
    source: Source | None = None
    warn_only: bool = False


class AccessRead(NamedTuple):
    """An access table: the name that its file proposes, and its rules."""

    proposed: str
    rules: tuple[Meant, ...]


@dataclass
class RestrictionsRead:
    """What can come in. `faults`: why a list or a class cannot, by its parameter."""

    lists: dict[str, list[Wanted]] = field(default_factory=dict)  # by stage
    classes: dict[str, list[Wanted]] = field(default_factory=dict)
    class_names: dict[str, str] = field(default_factory=dict)  # in main.cf -> here
    tables: dict[Source, AccessRead] = field(default_factory=dict)
    faults: dict[str, NotHere] = field(default_factory=dict)
    by_default: dict[str, list[Wanted]] = field(default_factory=dict)  # what stands in no main.cf
    remarks: list[str] = field(default_factory=list)


def read_restrictions(conf: Configuration) -> RestrictionsRead:
    """Reads the lists that main.cf sets, and whatever they lead to."""
    return _Reader(conf).read()


class _Reader:
    def __init__(self, conf: Configuration) -> None:
        self.conf, self.found = conf, RestrictionsRead()
        self.classes = [name for name in dict.fromkeys(conf.words(CLASSES)) if not OWN_CLASS.fullmatch(name)]
        self.plain_parents = "smtpd_access_maps" in conf.words("parent_domain_matches_subdomains")
        self.within: list[str] = []  # the classes that are being read
        self.unreadable: dict[Source, NotHere] = {}

    def read(self) -> RestrictionsRead:
        found = self.found
        self._name_classes()
        for parameter, stage in LISTS.items():
            if parameter not in self.conf.explicit:
                continue
            try:
                entries = list(self._entries(self.conf.words(parameter), stage))
            except NotHere as error:
                found.faults[parameter] = error
            else:
                if entries:
                    found.lists[stage] = entries
        for name in self.classes:
            if name.lower() in CATALOGUE:
                sentence = _("Postfix takes %(name)s for its own restriction, so the class of this name never counts.")
                found.remarks.append(sentence % {"name": name})
                continue
            try:
                self._class(name)
            except NotHere as error:
                found.faults[name] = error
        relay = parameter_of("relay")
        if relay not in self.conf.explicit:
            found.by_default["relay"] = list(self._entries(self.conf.words(relay), "relay"))
        return found

    def _name_classes(self) -> None:
        """Small letters, digits and _, and no word of Postfix; what has to change gets the first name that is free."""
        names = self.found.class_names
        kept = [name for name in self.classes if re.fullmatch(IS_CLASS_NAME, name) and not is_reserved(name)]
        names.update({name: name for name in kept})
        for name in self.classes:
            if name in names or name.lower() in CATALOGUE:
                continue
            plain = plain_name(name, "class_", 50)
            choices = [plain, f"{plain}_class", *(f"{plain}_{number}" for number in range(2, 100))]
            here = next(one for one in choices if not is_reserved(one) and one not in names.values())
            names[name] = here
            sentence = _("The class %(name)s is called %(here)s here.")
            self.found.remarks.append(sentence % {"name": name, "here": here})

    def _class(self, name: str) -> None:
        """Reads a class once. Raises NotHere."""
        if name in self.found.faults:
            raise self.found.faults[name]
        if name in self.found.classes:
            return
        if name in self.within:
            sentence = _("The class %(name)s leads back to itself, and smtpd would answer 451.")
            raise NotHere(sentence % {"name": name}, is_fault=True)
        words = words_of(self.conf.explicit.get(name, ""))
        if not words:
            sentence = _("The class %(name)s has no definition in main.cf, and smtpd does not start without.")
            raise NotHere(sentence % {"name": name}, is_fault=True)
        self.within.append(name)
        try:
            entries = list(self._entries(words, ""))
        except NotHere as error:
            self.found.faults[name] = error
            raise
        finally:
            self.within.pop()
        self.found.classes[name] = entries

    # A list

    def _entries(self, words: Iterable[str], stage: str) -> Iterator[Wanted]:
        """`stage` is empty in a class."""
        left, warn_only = list(words), False
        while left:
            word = left.pop(0)
            name = RENAMED.get(word.lower(), word.lower())
            if name == "warn_if_reject":
                warn_only = True
                continue
            if is_table(word):
                left.insert(0, word)
                name = ASKED_BY_BARE_TABLE.get(stage, "")
                if not name:
                    sentence = _("“%(word)s”: write before it which access table that is, such as check_client_access.")
                    raise NotHere(sentence % {"word": word}, is_fault=True)
            entry = self._entry(name, word, left)
            if entry:
                yield entry._replace(warn_only=warn_only)
            warn_only = False

    def _entry(self, name: str, word: str, left: list[str]) -> Wanted | None:
        """An entry, whose argument is taken from what is left; None for one that says nothing."""
        known = CATALOGUE.get(name)
        if known is None:
            if word not in self.classes:
                sentence = _("Postfix knows no restriction “%(name)s”, and main.cf names no class of this name.")
                raise NotHere(sentence % {"name": word}, is_fault=True)
            self._class_within(word)
            return Wanted("", of_class=word)
        if known.argument == Argument.NONE:
            return Wanted(name)
        if not left:
            sentence = _("%(name)s stands without what belongs behind it.")
            raise NotHere(sentence % {"name": name}, is_fault=True)
        argument = left.pop(0)
        if known.argument == Argument.TABLE:
            return self._asks(name, argument)
        if known.argument == Argument.SERVICE:
            argument = _service(argument)
            return None if argument == OWN_SERVICE else Wanted(name, argument)
        return Wanted(name, argument.lower() if known.argument == Argument.ZONE else argument)

    def _class_within(self, name: str) -> None:
        try:
            self._class(name)
        except NotHere as error:
            if self.within and name in self.within:
                raise
            sentence = _("It needs the class %(name)s, which cannot come in. %(why)s")
            raise NotHere(sentence % {"name": name, "why": error}, is_fault=error.is_fault) from error

    # An access table

    def _asks(self, name: str, text: str) -> Wanted | None:
        own = OWN_MAP.fullmatch(text)
        if own and _is_ours(self.conf.table(text)):
            return None if own["first"] else Wanted(name, own["table"] or "")
        if text.removeprefix("proxy:") == "static:DUNNO":
            return None
        if not is_table(text):
            sentence = _("“%(text)s” behind %(name)s is no table.")
            raise NotHere(sentence % {"text": text, "name": name}, is_fault=True)
        kind, table = kind_of(name), self.conf.table(text)
        if table.type == "static" and name == "check_client_access" and table.name.upper() in ("OK", "{OK}"):
            return Wanted("permit")
        if not kind:
            sentence = _("The panel has no table that %(name)s could ask: its keys are neither names nor addresses.")
            raise NotHere(sentence % {"name": name})
        source = (kind, str(table))
        if source in self.unreadable:
            raise self.unreadable[source]
        if source not in self.found.tables:
            try:
                self.found.tables[source] = self._table(kind, table)
            except NotHere as error:
                self.unreadable[source] = error
                raise
        return Wanted(name, source=source)

    def _table(self, kind: str, table: Table) -> AccessRead:
        rules, earlier = [], set[str]()
        is_ordered = table.type in (*PATTERNS, "cidr")
        for where, key, value in self._rows(kind, table):
            try:
                meant = ordered_key(kind, key) if is_ordered else key_meant(kind, key, null_key=self._null_key)
                if is_ordered and is_covered(meant, earlier):
                    raise NeverAsked(_("A line before it answers for all of “%(key)s”.") % {"key": key})
                earlier.add(meant)
                rule = result_meant(value, self.classes)
                if rule.of_class:
                    self._class_within(rule.of_class)
            except NeverAsked as error:
                self.found.remarks.append(f"{where}: {error}")
                continue
            except NotHere as error:
                sentence = _("%(place)s: %(sentence)s") % {"place": where, "sentence": error}
                raise NotHere(sentence, is_fault=error.is_fault) from error
            rules.append(rule._replace(key=meant))
        proposed = plain_name(Path(table.name).name if table.name.startswith("/") else kind, "table_", 30)
        if proposed in AppliesTo.values:
            proposed = f"{proposed}_table"
        return AccessRead(proposed, tuple(sorted(rules)))

    @property
    def _null_key(self) -> str:
        return self.conf["smtpd_null_access_lookup_key"]

    def _rows(self, kind: str, table: Table) -> Iterator[tuple[str, str, str]]:
        """(file and line, key, result); raises NotHere for a table that cannot be read or listed."""
        lines = dict(logical_lines(table.source)) if table.source else {}
        if table.type in (*PATTERNS, "cidr") and table.source:
            if table.type == "cidr" and kind != AppliesTo.CLIENT:
                raise NotHere(_("%(table)s: networks say nothing about anything but clients.") % {"table": table})
            read = cidr_rows(lines.items()) if table.type == "cidr" else pattern_rows(lines.items(), kind)
            try:
                for number, key, value in read:
                    yield _place(table, number), key, value
            except NotHere as error:
                raise NotHere(f"{table}: {error}") from error
            return
        if not table.can_be_listed:
            has_text = table.type in (*PATTERNS, "cidr") and table.name.startswith("/")
            sentence = _("%(table)s cannot be read.") if has_text else _("What is in %(table)s cannot be listed.")
            raise NotHere(sentence % {"table": table}, is_fault=has_text)
        try:
            rows: Mapping[str, str] = {key.lower(): value.strip() for key, value in self.conf.listing(table)}
        except NotReadable as error:
            raise NotHere(str(error), is_fault=True) from error
        if not self.plain_parents:
            rows = with_subdomains(rows, kind)
        numbers = {key_and_value(text)[0]: number for number, text in lines.items()}
        for key, value in rows.items():
            yield _place(table, numbers.get(key, numbers.get(f".{key}", 0))), key, value


def plain_name(text: str, prefix: str, longest: int) -> str:
    """As the panel names things: small letters, digits and _, the first one a letter."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"{prefix}{plain}")[:longest]


def _service(text: str) -> str:
    """`{ inet:HOST:PORT, timeout = 10s }` -> `inet:HOST:PORT, timeout=10s`."""
    if not (text.startswith("{") and text.endswith("}")):
        return text
    return ", ".join(words_of(re.sub(r"\s*=\s*", "=", text[1:-1])))


def _is_ours(table: Table) -> bool:
    """Whether postfix_config wrote this map; one that cannot be read is known by its name."""
    try:
        return table.is_of_the_panel or not Path(table.name).is_file()
    except PermissionError:
        return True


def _place(table: Table, number: int) -> str:
    if not number:
        return str(table)
    return _("%(file)s, line %(line)d") % {"file": table.source, "line": number}
