"""The maps that Postfix asks on the way of a message: which keys, in which order, through the same SQL functions."""

import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Exists

from domains.models import AddressClass, MailSettings
from domains.own_maps import classes_with_own_maps
from lookup_tables.main_cf import TABLES
from mailboxes.models import LocalUser
from mailboxes.parsing import ParsedAddress, external_form, parse_result, split_address
from mailservers.postfix_host import MAPS_BY_ADDRESS, MAPS_FOR_LOCAL_DOMAINS, MAPS_FOR_RELAY_DOMAINS
from restrictions.access_main_cf import Classes
from restrictions.models import Restriction

MOST_DESTINATIONS = 1000  # virtual_alias_expansion_limit, postconf(5)
OF_CLASS: Mapping[str, str] = dict.fromkeys(MAPS_FOR_LOCAL_DOMAINS, AddressClass.LOCAL) | dict.fromkeys(
    MAPS_FOR_RELAY_DOMAINS, AddressClass.RELAY
)
CONFIGURATION = "/etc/postfix/mailadmin"


@dataclass(frozen=True)
class Asked:
    """One key that Postfix sends, and what came back; no results: not found."""

    key: str
    results: tuple[str, ...]


@dataclass(frozen=True)
class Station:
    """One map on the way, with the keys that were tried in it."""

    parameter: str
    asked: tuple[Asked, ...]
    file: str = ""  # the .cf without its ending, if it is not called as the parameter

    @property
    def hit(self) -> Asked | None:
        return next((one for one in self.asked if one.results), None)

    @property
    def proof(self) -> str:
        """The command by which Postfix itself answers, quoted for a shell: whoever chooses the name of a mailbox must
        not choose what an administrator runs."""
        key = (self.hit or self.asked[-1]).key
        return shlex.join(["postmap", "-q", key, f"pgsql:{CONFIGURATION}/{self.file or self.parameter}.cf"])


def _settings() -> Any:
    """The settings, and which flat tables have rows: main.cf names only those."""
    has_rows = {
        parameter: Exists(model._default_manager.filter(**({"applies_to": kind} if kind else {})))
        for model in TABLES
        for kind, parameter in model.parameters.items()
    }
    has_rows["local_recipient_maps"] = Exists(LocalUser.objects.all())
    return MailSettings.objects.annotate(**has_rows).get(pk=1)


@dataclass
class Maps:
    """Asks the SQL functions, each key once."""

    sender: str = ""  # as cleanup(8) has rewritten it
    settings: Any = field(default_factory=_settings)
    answers: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    classes: set[str] = field(default_factory=classes_with_own_maps)
    steps: int = 0  # addresses followed

    def has(self, parameter: str) -> bool:
        """Whether main.cf names this table: not as long as it is empty."""
        return bool(getattr(self.settings, parameter))

    def names(self, parameter: str) -> bool:
        """Whether postfix_config writes this map: those of local and relay domains not without such a domain."""
        address_class = OF_CLASS.get(parameter)
        if address_class and address_class not in self.classes:
            return False
        return self.has(parameter) if hasattr(self.settings, parameter) else True

    @cached_property
    def access(self) -> tuple[Classes, list[Restriction]]:
        """The classes, and the entries of all lists and classes that ask an access table by an address."""
        names = ("check_recipient_access", "check_sender_access")
        entries = Restriction.objects.filter(name__in=names, active=True).select_related("access_table").order_by("pk")
        return Classes.current(), list(entries)

    def ask(self, parameter: str, key: str) -> Asked:
        self.ask_ahead([(parameter, key)])
        return Asked(key, self.answers[parameter, key])

    def ask_ahead(self, asked: Iterable[tuple[str, str]]) -> None:
        """Many keys of many maps in one statement: (parameter, key) each."""
        keys: dict[str, list[str]] = defaultdict(list)
        for parameter, key in dict.fromkeys(asked):
            if (parameter, key) not in self.answers:
                keys[parameter].append(key)
        if not keys:
            return
        arguments = [column for parameter, some in keys.items() for column in _columns(parameter, some)]
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(map(_question, keys)) + " ORDER BY parameter, number, place", arguments)
            for parameter, number, _place, result in cursor.fetchall():
                found[parameter, keys[parameter][number - 1]].append(result)
        for parameter, some in keys.items():
            self.answers |= {(parameter, key): tuple(found[parameter, key]) for key in some}

    def keys_about(self, address: ParsedAddress, parameters: Iterable[str]) -> Iterator[tuple[str, str]]:
        """What is asked about an address in these maps, each key whatever the one before says."""
        for parameter in parameters:
            if parameter in MAPS_BY_ADDRESS:
                keys = self._keys(address)[0]
            elif parameter == "transport_maps":
                keys = self._transport_keys(address)
            elif parameter == "alias_maps":
                keys = self._names(address)
            else:
                keys = [address.domain]
            yield from ((parameter, key) for key in keys)

    def find(self, parameter: str, address: ParsedAddress) -> tuple[Station, str]:
        """The address as it is, then without its extension; the station, and the extension that the hit lacks."""
        keys, extension = self._keys(address)
        station = self._first(parameter, keys)
        return station, extension if len(station.asked) > 1 else ""

    def base_of(self, address: str) -> str:
        """Without its extension, if it has one."""
        return self._keys(parse_result(address))[0][-1]

    def find_transport(self, address: ParsedAddress) -> Station:
        """transport(5): the address, its base, the domain, each `.parent`, and `*`."""
        return self._first("transport_maps", self._transport_keys(address))

    def find_local_alias(self, address: ParsedAddress) -> Station:
        """aliases(5): the name without the domain, then without its extension."""
        return self._first("alias_maps", self._names(address))

    def _keys(self, address: ParsedAddress) -> tuple[list[str], str]:
        base, extension = split_address(address.local_part, self.settings.recipient_delimiter)
        return [str(address), *([external_form(base, address.domain)] if base else [])], extension

    def _transport_keys(self, address: ParsedAddress) -> list[str]:
        labels = address.domain.split(".")
        parents = [f".{'.'.join(labels[number:])}" for number in range(1, len(labels))]
        return [*self._keys(address)[0], address.domain, *parents, "*"]

    def _names(self, address: ParsedAddress) -> list[str]:
        base, _extension = split_address(address.local_part, self.settings.recipient_delimiter)
        return [address.local_part, *([base] if base else [])]

    def _first(self, parameter: str, keys: Iterable[str]) -> Station:
        asked: list[Asked] = []
        for key in keys:
            asked.append(self.ask(parameter, key))
            if asked[-1].results:
                break
        return Station(parameter, tuple(asked))


def _question(parameter: str) -> str:
    """The statement that asks one map for a column of keys, or for one of local parts and one of domains."""
    unnested, names = (
        ("%s::text[], %s::text[]", "local_part, domain") if parameter in MAPS_BY_ADDRESS else ("%s::text[]", "key")
    )
    call = ", ".join(f"asked.{name}" for name in names.split(", "))
    return (
        f"SELECT '{parameter}' AS parameter, asked.number, found.place, found.result"  # noqa: S608  our own names
        f" FROM unnest({unnested}) WITH ORDINALITY AS asked ({names}, number),"
        f" postfix.{parameter}({call}) WITH ORDINALITY AS found (result, place)"
    )


def _columns(parameter: str, keys: list[str]) -> list[list[str]]:
    if parameter not in MAPS_BY_ADDRESS:
        return [keys]
    return [list(column) for column in zip(*map(_parts, keys), strict=True)]


def _parts(key: str) -> tuple[str, str]:
    local_part, _at, domain = key.rpartition("@")
    return local_part, domain
