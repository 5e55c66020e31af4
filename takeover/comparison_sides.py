"""One side of a comparison: what Postfix does with addresses under a configuration, asked of its maps by postmap.

The order is that of Postfix itself: smtpd(8) takes or refuses a recipient, cleanup(8) rewrites canonical addresses and
follows aliases until nothing changes, trivial-rewrite(8) finds the class of each address that is left, and virtual(8)
or local(8) where it is stored. All questions of a level are asked at once."""

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mailboxes.destinations import split_address
from takeover.postfix_tools import ASKED_WHOLE, Configuration, Pattern, Table, addresses_in, words_of

LOCAL, VIRTUAL_ALIAS, VIRTUAL_MAILBOX, RELAY, ELSEWHERE = (
    "local",
    "virtual alias",
    "virtual mailbox",
    "relay",
    "elsewhere",
)
LISTS = {
    LOCAL: "mydestination",
    VIRTUAL_ALIAS: "virtual_alias_domains",
    VIRTUAL_MAILBOX: "virtual_mailbox_domains",
    RELAY: "relay_domains",
}
MOST_STEPS = 50  # of rewriting; a way that is longer is a loop

NOBODY = "nobody"


@dataclass
class Fate:
    """What becomes of mail to an address. `ends` says where copies are stored or handed to; `lost` are addresses that
    Postfix would send back; `first` is the raw answer of the alias maps, to tell a difference in words from one in
    deed."""

    is_accepted: bool = False
    ends: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)
    first: str = ""
    paths: set[str] = field(default_factory=set)

    @property
    def words(self) -> str:
        if not self.is_accepted:
            return "refused"
        return ", ".join(sorted(self.ends) + sorted(f"{NOBODY}: {one}" for one in self.lost)) or NOBODY


@dataclass
class Side:
    """A configuration, to be asked about many addresses at once."""

    configuration: Configuration

    @cached_property
    def delimiter(self) -> str:
        return self.configuration["recipient_delimiter"]

    @cached_property
    def propagates(self) -> set[str]:
        return set(words_of(self.configuration["propagate_unmatched_extensions"]))

    @cached_property
    def origin(self) -> str:
        return self.configuration["myorigin"].lower()

    @cached_property
    def lists(self) -> dict[str, list[Pattern]]:
        return {one: self.configuration.patterns(parameter) for one, parameter in LISTS.items()}

    @cached_property
    def takes_subdomains(self) -> bool:
        return "relay_domains" in words_of(self.configuration["parent_domain_matches_subdomains"])

    def fates(self, addresses: Sequence[str]) -> dict[str, Fate]:
        """What becomes of a stranger's mail to each of these."""
        found = {address: Fate() for address in addresses}
        self._judge(found)
        level: dict[str, set[str]] = {address: {self._complete(address)} for address in addresses}
        expanded = self._expanded({start for starts in level.values() for start in starts})
        ends = self._ends({end for one in expanded.values() for end in one})
        for address, fate in found.items():
            for start in level[address]:
                for end in expanded[start]:
                    self._note(fate, end, ends)
        return found

    def _note(self, fate: Fate, end: str, ends: Mapping[str, "End"]) -> None:
        known = ends[end]
        fate.reached.add(end.lower())
        if known.is_lost:
            fate.lost.add(end.lower())
        fate.ends |= known.places
        fate.paths |= known.paths

    # smtpd(8)

    def _judge(self, fates: Mapping[str, Fate]) -> None:
        """reject_unlisted_recipient and reject_unauth_destination, smtpd_check.c."""
        addresses = list(fates)
        classes = self.classes_of(domain_of(address) for address in addresses)
        aliases = self.find("virtual_alias_maps", addresses)
        rewritten = {
            **self.find("recipient_canonical_maps", addresses),
            **self.find("canonical_maps", addresses),
            **aliases,
        }
        transports, moved = self.transports(addresses), self.find("relocated_maps", addresses)
        by_class: dict[str, list[str]] = {}
        for address in addresses:
            by_class.setdefault(classes[domain_of(address)], []).append(address)
        listed = {
            **self.find("virtual_mailbox_maps", by_class.get(VIRTUAL_MAILBOX, [])),
            **self.find("relay_recipient_maps", by_class.get(RELAY, [])),
            **self.find("local_recipient_maps", by_class.get(LOCAL, []), bare=True),
        }
        lists = {
            VIRTUAL_MAILBOX: "virtual_mailbox_maps",
            RELAY: "relay_recipient_maps",
            LOCAL: "local_recipient_maps",
        }
        for address, fate in fates.items():
            fate.first = aliases.get(address, Found("")).result
            kind = classes[domain_of(address)]
            if kind == ELSEWHERE:
                continue
            if address in rewritten or local_part_of(address).lower() == "postmaster" and kind == LOCAL:
                fate.is_accepted = True
            elif address in moved or transports.get(address, "").startswith("error:") or kind == VIRTUAL_ALIAS:
                fate.is_accepted = False
            else:
                fate.is_accepted = not self.configuration.tables(lists[kind]) or address in listed

    # cleanup(8)

    def _complete(self, address: str) -> str:
        """append_at_myorigin"""
        return address if "@" in address else f"{address}@{self.origin}"

    def _expanded(self, starts: set[str]) -> dict[str, set[str]]:
        """The addresses that are left of each, canonical addresses rewritten and aliases followed."""
        canonical = self._canonical(starts)
        following = self._follow(set(canonical.values()), self._alias_step)
        return {start: walked(canonical[start], following) for start in starts}

    def _canonical(self, starts: set[str]) -> dict[str, str]:
        now = {start: start for start in starts}
        for parameter in ("recipient_canonical_maps", "canonical_maps"):
            if not self.configuration.tables(parameter):
                continue
            for _step in range(MOST_STEPS):
                found = self.find(parameter, set(now.values()))
                mapped = {one: self._mapped(one, found[one], "canonical")[0] for one in found if found[one].result}
                changed = {start: mapped[one] for start, one in now.items() if mapped.get(one, one) != one}
                if not changed:
                    break
                now |= changed
        return now

    def _follow(self, starts: set[str], step: Callable[[set[str]], Mapping[str, list[str]]]) -> dict[str, list[str]]:
        """Who leads where, of these and of all that they lead to."""
        known: dict[str, list[str]] = {}
        new = set(starts)
        for _step in range(MOST_STEPS):
            if not new:
                break
            found = step(new)
            known |= {one: found.get(one, []) for one in new}
            new = {after for one in new for after in known[one]} - set(known)
        return known | {one: [] for one in new}

    def _alias_step(self, addresses: set[str]) -> dict[str, list[str]]:
        found = self.find("virtual_alias_maps", addresses)
        return {address: self._mapped(address, hit, "virtual") for address, hit in found.items() if hit.result}

    def _mapped(self, address: str, hit: "Found", feature: str) -> list[str]:
        """mail_addr_map.c: the parts of a result, each with what was not matched of the address."""
        extension = hit.extension if feature in self.propagates else ""
        local_part = local_part_of(address)
        base = local_part.removesuffix(hit.extension) if hit.extension else local_part
        mapped = []
        for one in addresses_in(hit.result):
            if one.startswith("@"):
                one = f"{base}{one}"
            before, at, domain = self._complete(one).rpartition("@")
            mapped.append(f"{before}{extension}{at}{domain.lower()}")
        return mapped

    # trivial-rewrite(8), virtual(8), local(8)

    def _ends(self, addresses: set[str]) -> dict[str, "End"]:
        """Where mail for each address that is left of rewriting ends. What a local alias sends on goes round again."""
        ends = {address: End() for address in addresses}
        classes = self.classes_of(domain_of(address) for address in addresses)
        of_class: dict[str, list[str]] = {}
        for address in addresses:
            of_class.setdefault(classes[domain_of(address)], []).append(address)
        moved, transports = self.find("relocated_maps", addresses), self.transports(addresses)
        mailboxes = self.find("virtual_mailbox_maps", of_class.get(VIRTUAL_MAILBOX, []))
        locals_ = self._local_ends(of_class.get(LOCAL, []))
        for address, end in ends.items():
            kind = classes[domain_of(address)]
            if address in moved or kind == VIRTUAL_ALIAS:
                end.is_lost = True
            elif kind == LOCAL:
                ends[address] = locals_[address]
            elif transports.get(address):
                end.places.add(f"{transports[address]} {address.lower()}")
                end.is_lost = transports[address].startswith("error:")
            elif kind == VIRTUAL_MAILBOX and self.stores_virtual:
                path = mailboxes.get(address)
                end.is_lost = path is None
                if path is not None:
                    end.paths.add(path.result)
                    end.places.add(self.stored_at(path.result))
            else:
                end.places.add(f"{self._default_transport(kind)} {address.lower()}")
        return ends

    @cached_property
    def stores_virtual(self) -> bool:
        return self.configuration["virtual_transport"] in ("", "virtual", "virtual:")

    def stored_at(self, path: str) -> str:
        """The place of a mailbox below virtual_mailbox_base, in one way; a maildir ends in a slash (virtual(8))."""
        whole = posixpath.normpath(f"/{self.configuration['virtual_mailbox_base']}/{path}").replace("//", "/")
        return whole + "/" * path.endswith("/")

    def _default_transport(self, kind: str) -> str:
        names = {VIRTUAL_MAILBOX: "virtual_transport", RELAY: "relay_transport", ELSEWHERE: "default_transport"}
        return self.configuration[names[kind]]

    def _local_ends(self, addresses: Sequence[str]) -> dict[str, "End"]:
        """aliases(5): commands, files and lists are ends of their own; a name without an alias is a user."""
        ends = {address: End() for address in addresses}
        starts = {address: unquoted(local_part_of(address)).lower() for address in addresses}
        following = self._follow(set(starts.values()), self._local_step)
        left = {name: walked(name, following) for name in set(starts.values())}
        again = {one for names in left.values() for one in names if "@" in one and not is_special(one)}
        known = self._again(again)
        users = self._users({name for names in left.values() for name in names if "@" not in name})
        for address, end in ends.items():
            for one in left[starts[address]]:
                if is_special(one):
                    end.places.add(one)
                elif "@" in one:
                    end.add(known[one])
                elif one in users:
                    end.places.add(f"user {one}")
                else:
                    end.is_lost = True
        return ends

    def _local_step(self, names: set[str]) -> dict[str, list[str]]:
        plain = {name for name in names if "@" not in name and not is_special(name)}
        keys = {name: self._keys(name) for name in plain}
        answers = self._answers("alias_maps", keys)
        return {
            name: [self._local_name(one) for one in addresses_in(hit.result)]
            for name, hit in answers.items()
            if hit.result
        }

    def _local_name(self, text: str) -> str:
        """What stands in an alias: a name of this host without its domain, or what it is."""
        text = text.strip('"') if text.strip('"')[:1] in ("|", "/", ":") else text.removeprefix("\\")
        if is_special(text):
            return text
        before, at, domain = text.rpartition("@")
        if at and self.classes_of([domain])[domain.lower()] != LOCAL:
            return text
        return (before if at else text).lower()

    def _keys(self, name: str) -> list[tuple[str, bool, str]]:
        base, extension = split_address(name, self.delimiter)
        return [(name, True, ""), *([(base, False, extension)] if base else [])]

    def _again(self, addresses: set[str]) -> dict[str, "End"]:
        """Local aliases hand mail to cleanup(8) once more."""
        if not addresses:
            return {}
        expanded = self._expanded(addresses)
        ends = self._ends({one for some in expanded.values() for one in some})
        found = {}
        for address, some in expanded.items():
            found[address] = End()
            for one in some:
                found[address].add(ends[one])
        return found

    def _users(self, names: set[str]) -> set[str]:
        """Names whose mail local(8) stores; whoever is no user of the host is unknown to it."""
        bases = {name: split_address(name, self.delimiter)[0] or name for name in names}
        there = self.configuration.ask(Table("unix", "passwd.byname"), set(bases.values()) | names)
        return {name for name in names if name in there or bases[name] in there}

    # Questions

    def classes_of(self, domains: Iterable[str]) -> dict[str, str]:
        """resolve.c: the first list that has a domain says its class."""
        asked = {domain.lower() for domain in domains}
        known: dict[str, str] = {}
        for kind, patterns in self.lists.items():
            left = asked - set(known)
            known |= dict.fromkeys(self._matching(patterns, left, kind == RELAY), kind)
        found = {domain: known.get(domain, ELSEWHERE) for domain in asked}
        return found | {domain: found[domain.lower()] for domain in domains}

    def _matching(self, patterns: Sequence[Pattern], domains: set[str], with_parents: bool) -> set[str]:
        """match_list.c: the first entry that fits decides."""
        answered: dict[Table, set[str]] = {}
        names = {
            domain: (parents_of(domain, self.takes_subdomains) if with_parents else [domain]) for domain in domains
        }
        for pattern in patterns:
            if pattern.table and pattern.table not in answered:
                keys = {name for some in names.values() for name in some}
                answered[pattern.table] = set(self.configuration.ask(pattern.table, keys))
        matching = set()
        for domain, some in names.items():
            for pattern in patterns:
                there = answered[pattern.table] if pattern.table else {pattern.word}
                if any(name in there for name in some):
                    if not pattern.is_excluded:
                        matching.add(domain)
                    break
        return matching

    def find(self, parameter: str, addresses: Iterable[str], *, bare: bool = False) -> dict[str, "Found"]:
        """mail_addr_find.c: the whole address, without its extension, the local part of a local address, its domain."""
        if not self.configuration.tables(parameter):
            return {}
        addresses = list(addresses)
        local = {
            domain
            for domain, kind in self.classes_of({domain_of(one) for one in addresses}).items()
            if kind == LOCAL or domain == self.origin
        }
        keys: dict[str, list[tuple[str, bool, str]]] = {}
        for address in addresses:
            local_part, _at, domain = address.rpartition("@")
            base, extension = split_address(unquoted(local_part), self.delimiter)
            tried = [(address, True, "")]
            if base:
                tried.append((f"{base}@{domain}", False, extension))
            if domain.lower() in local or bare:
                tried += [(local_part, False, ""), *([(base, False, extension)] if base else [])]
            keys[address] = [*tried, (f"@{domain}", False, extension)]
        return self._answers(parameter, keys)

    def _answers(self, parameter: str, keys: Mapping[str, list[tuple[str, bool, str]]]) -> dict[str, "Found"]:
        """maps_find.c: key by key, each in every table; a table of patterns is asked for whole addresses only."""
        tables = self.configuration.tables(parameter)
        whole = {key for tried in keys.values() for key, is_whole, _extension in tried if is_whole}
        parts = whole | {key for tried in keys.values() for key, _whole, _extension in tried}
        answers = [self.configuration.ask(table, whole if table.type in ASKED_WHOLE else parts) for table in tables]
        found = {}
        for asked, tried in keys.items():
            for key, is_whole, extension in tried:
                hit = next(
                    (
                        answer[key]
                        for table, answer in zip(tables, answers, strict=True)
                        if key in answer and (is_whole or table.type not in ASKED_WHOLE)
                    ),
                    None,
                )
                if hit is not None:
                    found[asked] = Found(hit, extension)
                    break
        return found

    def transports(self, addresses: Iterable[str]) -> dict[str, str]:
        """transport(5): address, without extension, domain, its parents, `*`."""
        if not self.configuration.tables("transport_maps"):
            return {}
        keys: dict[str, list[tuple[str, bool, str]]] = {}
        for address in addresses:
            local_part, _at, domain = address.rpartition("@")
            base, _extension = split_address(unquoted(local_part), self.delimiter)
            labels = domain.lower().split(".")
            parents = [f".{'.'.join(labels[at:])}" for at in range(1, len(labels))]
            tried = [address, *([f"{base}@{domain}"] if base else []), domain.lower(), *parents, "*"]
            keys[address] = [(key, key == address, "") for key in tried]
        found = self._answers("transport_maps", keys)
        return {address: hit.result for address, hit in found.items() if hit.result.strip(":")}

    def ask_all(self, parameter: str, keys: Iterable[str]) -> dict[str, str]:
        """What the tables of a parameter answer to keys as they are, the first one first."""
        keys = list(keys)
        found: dict[str, str] = {}
        for table in reversed(self.configuration.tables(parameter)):
            found |= self.configuration.ask(table, keys)
        return found


@dataclass(frozen=True)
class Found:
    """An answer, and the extension that the key was without."""

    result: str
    extension: str = ""


@dataclass
class End:
    """Where mail for an address is stored or handed to; lost if Postfix sends it back."""

    places: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    is_lost: bool = False

    def add(self, other: "End") -> None:
        self.places |= other.places
        self.paths |= other.paths
        self.is_lost = self.is_lost or other.is_lost


def walked(start: str, following: Mapping[str, list[str]]) -> set[str]:
    """What is left of an address: those that lead nowhere else. One that leads to itself stays, and is asked once."""
    left, seen, waiting = set(), {start.lower()}, [start]
    while waiting:
        one = waiting.pop()
        after = following.get(one, [])
        if not after or one.lower() in {other.lower() for other in after}:
            left.add(one)
        for other in after:
            if other.lower() not in seen:
                seen.add(other.lower())
                waiting.append(other)
    return left


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def local_part_of(address: str) -> str:
    return address.rpartition("@")[0] if "@" in address else address


def unquoted(local_part: str) -> str:
    return local_part.strip('"').replace("\\", "") if local_part.startswith('"') else local_part


def is_special(text: str) -> bool:
    """A command, a file or a list of local(8)."""
    return text[:1] in ("|", "/") or text.startswith(":include:")


def parents_of(domain: str, is_wide: bool) -> list[str]:
    """The names by which a list may know a domain: its parents, or where those do not count, `.parent`."""
    labels = domain.split(".")
    parents = [".".join(labels[at:]) for at in range(1, len(labels))]
    return [domain, *(parents if is_wide else [f".{parent}" for parent in parents])]
