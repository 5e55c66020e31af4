"""What a hand-written configuration says, in the words of the panel: a plan that postfix_imports.py carries out. What
has no place in the panel becomes a sentence with file and line, and is kept."""

import csv
import re
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from lookup_tables.models import Bcc, Canonical, Entry, Relocated, SenderRelay, TlsPolicy, Transport
from mailboxes.credentials import COSTLY, hash_with_scheme
from takeover.postfix_regexps import expressed
from takeover.postfix_restrictions import RestrictionsRead, read_restrictions
from takeover.postfix_tools import (
    PATTERNS,
    Configuration,
    NotReadable,
    Table,
    addresses_in,
    key_and_value,
    logical_lines,
    words_of,
)

# Parameters that are kept word for word, beside what comes in of them; a restriction class is kept by its own name.
KEPT = re.compile(
    r"smtpd_(client|helo|sender|relay|recipient|data|end_of_data|etrn)_restrictions|smtpd_restriction_classes"
    r"|(mime_|nested_|smtp_|milter_)?header_checks|(smtp_)?body_checks"
)
FLAT: dict[str, tuple[type[Entry], str]] = {
    "transport_maps": (Transport, ""),
    "smtp_tls_policy_maps": (TlsPolicy, ""),
    "sender_dependent_relayhost_maps": (SenderRelay, ""),
    "relocated_maps": (Relocated, ""),
    "canonical_maps": (Canonical, "all"),
    "sender_canonical_maps": (Canonical, "sender"),
    "recipient_canonical_maps": (Canonical, "recipient"),
    "sender_bcc_maps": (Bcc, "sender"),
    "recipient_bcc_maps": (Bcc, "recipient"),
}
CLASSES = {
    "mydestination": "local",
    "virtual_alias_domains": "virtual_alias",
    "virtual_mailbox_domains": "virtual_mailbox",
    "relay_domains": "relay",
}
IS_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)


class Place(NamedTuple):
    """Where something stands: a file and a line, or a table without lines (0)."""

    table: str
    line: int

    def __str__(self) -> str:
        if not self.line:
            return self.table
        return _("%(file)s, line %(line)d") % {"file": self.table, "line": self.line}


class Lines:
    """Rows of a staged import on their way: a CSV file, and where each of them comes from."""

    def __init__(self, *columns: str) -> None:
        self.file: IO[str] = TemporaryFile("w+", newline="", encoding="utf-8")  # noqa: SIM115
        self.writer = csv.writer(self.file)
        self.writer.writerow(columns)
        self.tables: list[str] = []
        self.places = array("L")
        self.number = 0

    def add(self, place: Place, *cells: str) -> None:
        self.writer.writerow([" ".join(cell.split()) for cell in cells])
        if not self.tables or self.tables[-1] != place.table:
            self.tables.append(place.table)
        self.places.extend((len(self.tables) - 1, place.line))
        self.number += 1

    def place(self, line: int) -> Place:
        """Of a line of the file; the first one holds the names of the columns."""
        at = 2 * (line - 2)
        return Place(self.tables[self.places[at]], self.places[at + 1])

    def binary(self) -> Any:
        self.file.flush()
        self.file.seek(0)
        return self.file.buffer  # type: ignore[attr-defined]


@dataclass(frozen=True)
class FlatRow:
    model: type[Entry]
    applies_to: str
    key: str
    result: str
    place: Place
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass
class Plan:
    """All that can come in, and what cannot (`refused`, by place) with a sentence each."""

    label: str
    delimiter: str
    domains: Lines = field(default_factory=lambda: Lines("name", "address_class", "any_recipient"))
    classes: dict[str, str] = field(default_factory=dict)
    mailboxes: Lines = field(default_factory=lambda: Lines("address", "mail_path", "receives", "hash"))
    aliases: Lines = field(default_factory=lambda: Lines("address", "destinations"))
    recipients: dict[str, list[tuple[str, Place]]] = field(default_factory=dict)
    flat: list[FlatRow] = field(default_factory=list)
    logins: list[tuple[str, list[str], Place]] = field(default_factory=list)
    restrictions: RestrictionsRead = field(default_factory=RestrictionsRead)
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def refuse(self, place: Place, sentence: str) -> None:
        self.refused.append(_("%(place)s: %(sentence)s") % {"place": place, "sentence": sentence})

    def keep(self, parameter: str, value: str, place: Place, text: str) -> None:
        """A line that has no place in the panel yet."""
        tables = self.kept.setdefault(parameter, {"value": value, "entries": words_of(value), "tables": []})["tables"]
        if not tables or tables[-1]["table"] != place.table:
            tables.append({"table": place.table, "lines": []})
        tables[-1]["lines"].append([place.line, text])


@dataclass
class Taker:
    """A row of the alias maps that takes the mail of many addresses. `is_whole`: one of a table of patterns, which is
    asked for the whole address; a catch-all of any other comes last."""

    key: str
    prefix: str
    place: Place
    is_whole: bool
    mailboxes: int = 0  # whose mail it gets
    example: str = ""

    def takes(self, local_part: str) -> bool:
        return local_part.startswith(self.prefix)


class TableRow(NamedTuple):
    """A row of a table."""

    key: str
    value: str
    place: Place


def read_configuration(conf: Configuration, *, passwords: Path | None = None) -> Plan:
    """Reads everything that concerns addresses. Raises NotReadable with a sentence where Postfix itself could not."""
    return _Reader(conf, passwords).read()


class _Reader:
    def __init__(self, conf: Configuration, passwords: Path | None) -> None:
        self.conf = conf
        self.plan = Plan(label=str(conf.directory), delimiter=conf["recipient_delimiter"])
        self.hashes = self._hashes(passwords) if passwords else {}
        self.origin = conf["myorigin"].lower()
        self.aliased: set[str] = set()  # addresses whose alias does not lead to themselves, too
        self.with_takers: set[str] = set()
        self.takers: dict[str, list[Taker]] = {}  # what takes the mail of many addresses, by domain
        self.own: set[str] = set()  # addresses with an alias of their own, where there is a taker
        self.home = ""  # the local domain that local aliases hang on

    def read(self) -> Plan:
        self._domains()
        self._aliases()
        self._mailboxes()
        self._recipients()
        self._local_aliases()
        for parameter, (model, applies_to) in FLAT.items():
            self._flat(parameter, model, applies_to)
        self._logins()
        self.plan.restrictions = read_restrictions(self.conf)
        self._keep()
        self.plan.remarks += self.conf.remarks
        return self.plan

    # Domains

    def _domains(self) -> None:
        plan, conf = self.plan, self.conf
        found = {parameter: self._names(parameter) for parameter in CLASSES}
        whole = self._whole_domains()
        static = {conf["myhostname"].lower(), f"localhost.{conf['mydomain'].lower()}", "localhost"}
        local = {name for name in found["mydestination"] if name not in static}
        has_local = bool(local) or bool(self._has_local_aliases())
        stay = {name for name in local if name in whole}
        for name in sorted(stay):
            plan.remarks.append(
                _(
                    "%(place)s delivers a whole domain to %(domain)s, whose users the panel does not know. So "
                    "mydestination and alias_maps stay in main.cf as they are, and no local domain comes in."
                )
                % {"place": whole[name], "domain": name}
            )
        if stay:
            local, has_local = set(), False
        self.local = {*found["mydestination"], self.origin}
        self.home = next(iter(sorted(local & {self.origin, conf["mydomain"].lower()}) or sorted(local)), "")
        if has_local and not self.home:
            self.home = conf["myhostname"].lower()
            local.add(self.home)
            found["mydestination"].setdefault(self.home, Place("main.cf", 0))
        for parameter, address_class in CLASSES.items():
            for name, place in found[parameter].items():
                if address_class == "local" and name not in local:
                    continue
                if name in plan.classes or (address_class != "local" and name in found["mydestination"]):
                    first = plan.classes.get(name, "local")
                    sentence = _("%(domain)s is in another list of main.cf already (%(class)s), which wins.")
                    plan.refuse(place, sentence % {"domain": name, "class": first})
                    continue
                any_recipient = address_class == "relay" and self._takes_anybody(name)
                plan.classes[name] = address_class
                plan.domains.add(place, name, address_class, "yes" if any_recipient else "")

    def _names(self, parameter: str) -> dict[str, Place]:
        """The names of a list, and where they stand."""
        names: dict[str, Place] = {}
        excluded: set[str] = set()
        for pattern in self.conf.patterns(parameter):
            place = Place(pattern.where or "main.cf", 0)
            if pattern.table:
                found = {one.key: one.place for one in self._entries(parameter, pattern.table) if _is_name(one.key)}
                if pattern.is_excluded:
                    excluded |= set(found)
                else:
                    names = found | names
            elif pattern.is_excluded:
                excluded.add(pattern.word)
            elif pattern.word.startswith(".") or pattern.word.startswith("["):
                self.plan.refuse(
                    place,
                    _("“%(text)s” in %(parameter)s is no domain name. Add each domain by its name.")
                    % {"text": pattern.word, "parameter": parameter},
                )
            else:
                names.setdefault(pattern.word, place)
        return {name: place for name, place in names.items() if name not in excluded}

    def _whole_domains(self) -> dict[str, Place]:
        """Domains to which `@domain` delivers, and where that is said. Notes the domains where a row takes the mail of
        many addresses."""
        found: dict[str, Place] = {}
        for table in self.conf.tables("virtual_alias_maps"):
            for entry in self._entries("virtual_alias_maps", table, may_speak=False):
                local_part, _at, domain = entry.key.rpartition("@")
                if not local_part or local_part.endswith("*"):
                    self.with_takers.add(domain)
                if entry.key.startswith("@") and "@" in entry.value[:1]:
                    for one in addresses_in(entry.value):
                        found.setdefault(one.removeprefix("@").lower(), entry.place)
        return found

    def _has_local_aliases(self) -> bool:
        return any(
            table.can_be_listed and any(True for _row in self._listing(table))
            for table in self.conf.tables("alias_maps")
        )

    def _listing(self, table: Table) -> Iterator[tuple[str, str]]:
        """Nothing where there is no index: newaliases was never run, perhaps."""
        with suppress(NotReadable):
            yield from self.conf.listing(table)

    def _takes_anybody(self, name: str) -> bool:
        tables = self.conf.tables("relay_recipient_maps")
        return not tables or any(
            entry.key == f"@{name}"
            for table in tables
            for entry in self._entries("relay_recipient_maps", table, may_speak=False)
        )

    # Addresses

    def _aliases(self) -> None:
        seen: set[str] = set()
        tables = self.conf.tables("virtual_alias_maps")
        for table in tables:
            for entry in self._entries("virtual_alias_maps", table):
                if len(tables) > 1:
                    if entry.key in seen:
                        continue  # an earlier table answers
                    seen.add(entry.key)
                if not self._is_answered_before(entry, table):
                    self._alias(entry)

    def _is_answered_before(self, entry: TableRow, table: Table) -> bool:
        """Whether a pattern before it takes all its mail: Postfix goes by the order, the panel by the exact address and
        then the longest pattern. Notes what takes the mail of many, and who has an alias of their own."""
        local_part, at, domain = entry.key.rpartition("@")
        before = [one for one in self.takers.get(domain, ()) if one.is_whole and one.takes(local_part)]
        if before:
            sentence = _("%(place)s: “%(key)s” is never asked, because %(first)s answers before it. It was left out.")
            words = {"place": entry.place, "key": entry.key, "first": before[0].place}
            self.plan.remarks.append(sentence % words)
            return True
        if at and (not local_part or local_part.endswith("*")):
            taker = Taker(entry.key, local_part.removesuffix("*"), entry.place, table.type in PATTERNS)
            self.takers.setdefault(domain, []).append(taker)
        elif domain in self.with_takers:
            self.own.add(entry.key)
        return False

    def _remark_on_takers(self) -> None:
        for taker in (one for some in self.takers.values() for one in some if one.mailboxes):
            sentence = _(
                "%(place)s: “%(key)s” got the mail of mailboxes that have no alias of their own, because Postfix asks "
                "it first: %(number)d, for example %(address)s. Here each mailbox gets its own mail."
            )
            words = {"place": taker.place, "key": taker.key, "number": taker.mailboxes, "address": taker.example}
            self.plan.remarks.append(sentence % words)

    def _alias(self, entry: TableRow) -> None:
        key = entry.key
        if "@" not in key:
            if _is_name(key) and (key in self.plan.classes or "." in key):
                return  # says that the domain is there
            if not self.home:
                sentence = _("“%(text)s” is a local address, and no local domain comes in.")
                self._refuse("virtual_alias_maps", entry, sentence % {"text": key})
                return
            key = f"{key}@{self.home}"
        local_part, _at, domain = key.rpartition("@")
        if domain not in self.plan.classes:
            sentence = _("%(domain)s is in no list of domains, so the panel has no alias %(address)s.")
            self._refuse("virtual_alias_maps", entry, sentence % {"domain": domain, "address": key})
            return
        destinations = [self._complete(one) for one in addresses_in(entry.value)]
        is_kept = any(one.lower() == key for one in destinations)
        if self.plan.classes[domain] == "virtual_mailbox" and local_part:
            if is_kept and len(destinations) == 1:
                return  # the mailbox keeps its mail anyway
            if not is_kept:
                self.aliased.add(key)
        if self.plan.classes[domain] == "relay":
            self.aliased.add(key)
        self.plan.aliases.add(entry.place, key, ", ".join(destinations))

    def _complete(self, address: str) -> str:
        return address if "@" in address else f"{address}@{self.origin}"

    def _mailboxes(self) -> None:
        stores = self.conf["virtual_transport"] in ("", "virtual", "virtual:")
        if stores and self.conf["virtual_mailbox_base"] not in ("", "/srv/vmail"):
            sentence = _("Mail is stored below %(base)s: give postfix_config --mail-base %(base)s.")
            self.plan.remarks.append(sentence % {"base": self.conf["virtual_mailbox_base"]})
        seen: set[str] = set()
        tables = self.conf.tables("virtual_mailbox_maps")
        for table in tables:
            for entry in self._entries("virtual_mailbox_maps", table):
                if entry.key in seen or ("@" not in entry.key and _is_name(entry.key)):
                    continue
                if len(tables) > 1:
                    seen.add(entry.key)
                local_part, _at, domain = entry.key.rpartition("@")
                if not local_part:
                    sentence = _("There is no mailbox for a whole domain here. Add a mailbox, and a catch-all to it.")
                    self._refuse("virtual_mailbox_maps", entry, sentence)
                elif self.plan.classes.get(domain) != "virtual_mailbox":
                    sentence = _("%(domain)s is not among virtual_mailbox_domains.")
                    self._refuse("virtual_mailbox_maps", entry, sentence % {"domain": domain})
                else:
                    self._note_taken(entry.key)
                    receives = "no" if entry.key in self.aliased else ""
                    path = _one_way(entry.value) if stores else ""
                    self.plan.mailboxes.add(entry.place, entry.key, path, receives, self.hashes.pop(entry.key, ""))
        self._remark_on_takers()
        if self.hashes:
            sentence = _("%(number)d lines of the password file belong to no mailbox; the first is %(address)s.")
            words = {"number": len(self.hashes), "address": next(iter(self.hashes))}
            self.plan.remarks.append(sentence % words)

    def _note_taken(self, key: str) -> None:
        local_part, _at, domain = key.rpartition("@")
        if key not in self.own:
            taker = next((one for one in self.takers.get(domain, ()) if one.takes(local_part)), None)
            if taker:
                taker.mailboxes += 1
                taker.example = taker.example or key

    def _hashes(self, path: Path) -> dict[str, str]:
        """passwd-file of Dovecot: `address:hash:…`; a hash without a scheme is taken if it says what it is."""
        hashes: dict[str, str] = {}
        try:
            lines = path.read_text(errors="replace").splitlines()
        except OSError as error:
            words = {"file": path, "reason": error.strerror}
            raise NotReadable(_("%(file)s cannot be read: %(reason)s.") % words) from error
        for number, line in enumerate(lines, 1):
            address, _colon, rest = line.partition(":")
            text = rest.partition(":")[0] if not rest.startswith("{") else re.split(r":(?![^{]*})", rest, maxsplit=1)[0]
            if not line.strip() or line.startswith("#") or not text:
                continue
            try:
                hashes[address.strip().lower()] = hash_with_scheme(text)
            except ValidationError as error:
                sentence = _("What stands there for %(address)s takes too long to check. Set a new password.")
                if error.code != COSTLY:
                    sentence = _("What stands there for %(address)s is no password hash that is known here.")
                self.plan.refuse(Place(str(path), number), sentence % {"address": address})
        return hashes

    def _recipients(self) -> None:
        for table in self.conf.tables("relay_recipient_maps"):
            for entry in self._entries("relay_recipient_maps", table):
                local_part, at, domain = entry.key.rpartition("@")
                if self.plan.classes.get(domain) != "relay" or not at:
                    if at:
                        sentence = _("%(domain)s is not among relay_domains.")
                        self._refuse("relay_recipient_maps", entry, sentence % {"domain": domain})
                elif local_part and entry.key not in self.aliased:
                    self.plan.recipients.setdefault(domain, []).append((entry.key, entry.place))

    def _local_aliases(self) -> None:
        """aliases(5). What local(8) would run, write to or read is refused here, and stays with the host."""
        if not self.home:
            return
        for table in self.conf.tables("alias_maps"):
            if not table.can_be_listed:
                continue
            try:
                entries = list(self._entries("alias_maps", table, is_aliases=True))
            except NotReadable as error:
                self.plan.remarks.append(str(error))
                continue
            for entry in entries:
                self._local_alias(entry)

    def _local_alias(self, entry: TableRow) -> None:
        destinations = addresses_in(entry.value)
        special = [one for one in destinations if one.strip('"')[:1] in ("|", "/", ":")]
        if special:
            sentence = _("“%(text)s” is a command, a file or a list of local(8), which the panel does not deliver to.")
            self._refuse("alias_maps", entry, sentence % {"text": special[0]})
            return
        complete = [one if "@" in one else f"{one.lstrip(chr(92))}@{self.home}" for one in destinations]
        own = f"{entry.key}@{self.home}"
        if any(one.lower() == own for one in complete):
            sentence = _("%(name)s delivers to the user of this name as well, which a local alias of the panel cannot.")
            self._refuse("alias_maps", entry, sentence % {"name": entry.key})
            return
        self.plan.aliases.add(entry.place, own, ", ".join(complete))

    # Flat tables

    def _flat(self, parameter: str, model: type[Entry], applies_to: str) -> None:
        seen: set[str] = set()
        for table in self.conf.tables(parameter):
            for entry in self._entries(parameter, table):
                if entry.key in seen:
                    continue
                seen.add(entry.key)
                row = FlatRow(model, applies_to, entry.key, entry.value, entry.place)
                self.plan.flat.append(self._with_password(row) if model is SenderRelay else row)

    def _with_password(self, row: FlatRow) -> FlatRow:
        """By the sender, then by the relay, as smtp(8) looks for it (smtp_sasl_password_maps, postconf(5))."""
        if self.conf["smtp_sasl_auth_enable"] != "yes":
            return row
        by_sender = self.conf["smtp_sender_dependent_authentication"] == "yes"
        for key in ([row.key] if by_sender else []) + [row.result]:
            for table in self.conf.tables("smtp_sasl_password_maps"):
                found = self._password_for(table, key)
                if found:
                    username, _colon, password = found.partition(":")
                    return FlatRow(
                        row.model, row.applies_to, row.key, row.result, row.place, username=username, password=password
                    )
        return row

    def _password_for(self, table: Table, key: str) -> str:
        try:
            return self.conf.ask(table, [key]).get(key, "")
        except NotReadable as error:
            if str(error) not in self.plan.remarks:
                self.plan.remarks.append(str(error))
            return ""

    def _logins(self) -> None:
        for table in self.conf.tables("smtpd_sender_login_maps"):
            for entry in self._entries("smtpd_sender_login_maps", table):
                logins = [one.lower() for one in entry.value.replace(",", " ").split()]
                if "@" in entry.key:
                    self.plan.logins.append((entry.key, logins, entry.place))

    # What is kept

    def _keep(self) -> None:
        """Restrictions and checks in their order, with the lines of their tables."""
        classes = self.conf.words("smtpd_restriction_classes")
        for parameter, value in self.conf.explicit.items():
            if not KEPT.fullmatch(parameter) and parameter not in classes:
                continue
            entries = words_of(value)
            tables = [self.conf.table(word) for word in entries if re.match(r"(proxy:)?[a-z]+:/", word)]
            kept = [
                {
                    "table": str(table),
                    "lines": [list(line) for line in logical_lines(table.source)] if table.source else [],
                }
                for table in tables
            ]
            self.plan.kept[parameter] = {"value": value, "entries": entries, "tables": kept}

    def _refuse(self, parameter: str, entry: TableRow, sentence: str) -> None:
        self.plan.refuse(entry.place, sentence)
        self.plan.keep(parameter, self.conf[parameter], entry.place, f"{entry.key} {entry.value}")

    # Tables

    def _entries(
        self, parameter: str, table: Table, *, is_aliases: bool = False, may_speak: bool = True
    ) -> Iterator[TableRow]:
        """All rows of a table with their lines; what the index says counts, and where the text says something else, a
        sentence tells."""
        refuse: Callable[[Place, str], None] = self.plan.refuse if may_speak else lambda place, sentence: None
        if table.type in PATTERNS:
            yield from self._patterns(parameter, table, may_speak)
        elif table.can_be_listed:
            lines, texts = self._source(table, is_aliases)
            differing = 0
            for key, value in self.conf.listing(table):
                number = lines.get(key, 0)
                differing += bool(texts) and not number
                yield TableRow(key, value, Place(str(table.source or table), number))
            if may_speak and (differing or (texts and self._is_older(table))):
                sentence = _(
                    "The index is older than the text, or says something else: Postfix reads the index, and so does "
                    "this. Run postmap %(table)s first if the text is what you mean."
                )
                self.plan.remarks.append(f"{table}: {sentence % {'table': table}}")
        elif not table.is_of_the_panel:
            sentence = _("What is in %(parameter)s here cannot be listed, so nothing of it comes in.")
            refuse(Place(str(table), 0), sentence % {"parameter": parameter})

    def _patterns(self, parameter: str, table: Table, may_speak: bool) -> Iterator[TableRow]:
        if not table.source:
            raise NotReadable(_("%(file)s cannot be read: %(reason)s.") % {"file": table.name, "reason": "?"})
        for number, text in logical_lines(table.source):
            place = Place(str(table.source), number)
            found = expressed(text) if parameter in ("virtual_alias_maps", "relay_recipient_maps") else None
            if found:
                yield TableRow(*found, place)
            elif may_speak:
                sentence = _("“%(text)s” says more than an address, a pattern or a catch-all can say here.")
                self._refuse(parameter, TableRow(text, "", place), sentence % {"text": text})

    def _source(self, table: Table, is_aliases: bool) -> tuple[Mapping[str, int], bool]:
        """The line of each key in the text beside the index."""
        lines: dict[str, int] = {}
        if table.source:
            for number, text in logical_lines(table.source):
                lines.setdefault(key_and_value(text, is_aliases=is_aliases)[0], number)
        return lines, bool(lines)

    def _is_older(self, table: Table) -> bool:
        index = table.index
        return bool(
            index and index.exists() and table.source and table.source.stat().st_mtime > index.stat().st_mtime + 1
        )


def _is_name(key: str) -> bool:
    return bool(IS_DOMAIN.fullmatch(key)) or key == "localhost"


def _one_way(path: str) -> str:
    """A path below the base without doubled slashes; virtual(8) puts one between the two itself."""
    return re.sub("/+", "/", path.strip()).removeprefix("/").removeprefix("./")
