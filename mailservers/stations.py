"""The maps that Postfix asks on the way of a message: which keys, in which order, through the same SQL functions."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Exists

from domains.models import MailSettings
from lookup_tables.main_cf import TABLES
from mailboxes.models import LocalUser
from mailboxes.parsing import ParsedAddress, external_form, split_address
from mailservers.postfix_host import MAPS_BY_ADDRESS, classes_with_own_maps

MOST_DESTINATIONS = 1000  # virtual_alias_expansion_limit, postconf(5)
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
    """Asks the SQL functions, each key once, and counts the destinations as cleanup(8) does."""

    sender: str = ""  # as cleanup(8) has rewritten it
    settings: Any = field(default_factory=_settings)
    answers: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    classes: set[str] = field(default_factory=classes_with_own_maps)
    end_in_themselves: set[str] = field(default_factory=set)
    destinations: int = 1

    def has(self, parameter: str) -> bool:
        """Whether main.cf names this table: not as long as it is empty."""
        return bool(getattr(self.settings, parameter))

    def ask(self, parameter: str, key: str) -> Asked:
        if (parameter, key) not in self.answers:
            arguments = list(_parts(key)) if parameter in MAPS_BY_ADDRESS else [key]
            marks = ", ".join(["%s"] * len(arguments))
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM postfix.{parameter}({marks})", arguments)  # noqa: S608  our own names
                self.answers[parameter, key] = tuple(row[0] for row in cursor.fetchall())
        return Asked(key, self.answers[parameter, key])

    def are_too_many(self, hit: Asked) -> bool:
        """Two aliases that deliver to two aliases each, for thirty levels, would be a thousand million destinations."""
        self.destinations += len(hit.results) - 1
        return self.destinations > MOST_DESTINATIONS

    def find(self, parameter: str, address: ParsedAddress) -> tuple[Station, str]:
        """The address as it is, then without its extension; the station, and the extension that the hit lacks."""
        keys, extension = self._keys(address)
        station = self._first(parameter, keys)
        return station, extension if len(station.asked) > 1 else ""

    def find_transport(self, address: ParsedAddress) -> Station:
        """transport(5): the address, its base, the domain, each `.parent`, and `*`."""
        labels = address.domain.split(".")
        parents = [f".{'.'.join(labels[number:])}" for number in range(1, len(labels))]
        return self._first("transport_maps", [*self._keys(address)[0], address.domain, *parents, "*"])

    def find_local_alias(self, address: ParsedAddress) -> Station:
        """aliases(5): the name without the domain, then without its extension."""
        base, _extension = split_address(address.local_part, self.settings.recipient_delimiter)
        return self._first("alias_maps", [address.local_part, *([base] if base else [])])

    def _keys(self, address: ParsedAddress) -> tuple[list[str], str]:
        base, extension = split_address(address.local_part, self.settings.recipient_delimiter)
        return [str(address), *([external_form(base, address.domain)] if base else [])], extension

    def _first(self, parameter: str, keys: Iterable[str]) -> Station:
        asked: list[Asked] = []
        for key in keys:
            asked.append(self.ask(parameter, key))
            if asked[-1].results:
                break
        return Station(parameter, tuple(asked))


def _parts(key: str) -> tuple[str, str]:
    local_part, _at, domain = key.rpartition("@")
    return local_part, domain
