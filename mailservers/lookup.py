"""What Postfix will do with an address: its own maps, asked in its own order, with what each of them said.

The order is that of smtpd(8) (which reply), trivial-rewrite(8) (which address class), cleanup(8) (aliases, again and
again until nothing changes) and virtual(8) (which file). The maps are asked through the same SQL functions."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Exists
from django.utils.translation import gettext as _

from domains.models import AddressClass, MailSettings
from lookup_tables.models import Relocated
from mailboxes.destinations import split_address
from mailboxes.parsing import ParsedAddress, external_form, parse_address
from mailservers.postfix_config import MAPS_BY_ADDRESS, classes_with_own_maps

MOST_DESTINATIONS = 1000  # virtual_alias_expansion_limit, postconf(5)
DEEPEST = 50  # levels shown; Postfix follows 1000 (virtual_alias_recursion_limit)

# Names in the order in which trivial-rewrite tries them.
CLASS_MAPS = (
    ("mydestination", AddressClass.LOCAL),
    ("virtual_alias_domains", AddressClass.VIRTUAL_ALIAS),
    ("virtual_mailbox_domains", AddressClass.VIRTUAL_MAILBOX),
    ("relay_domains", AddressClass.RELAY),
)


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

    @property
    def hit(self) -> Asked | None:
        return next((one for one in self.asked if one.results), None)


@dataclass(frozen=True)
class Node:
    """An address in the expansion: either it goes on to `children`, or it ends."""

    address: str
    children: tuple["Node", ...] = ()
    end: str = ""  # mailbox, outside, relayed, local, refused, loop, too_many
    mail_path: str = ""
    station: Station | None = None

    def endings(self) -> Iterator["Node"]:
        if self.end:
            yield self
        for child in self.children:
            yield from child.endings()


@dataclass(frozen=True)
class Lookup:
    """The whole answer. `code` and `reply` are what a stranger's server hears after RCPT TO."""

    address: str
    address_class: str  # one of AddressClass, or "" for a domain that is not ours
    code: int
    reply: str
    door: tuple[Station, ...]
    tree: Node | None

    @property
    def is_accepted(self) -> bool:
        return self.code == 250

    @property
    def destinations(self) -> list[Node]:
        """Where a message ends, each place once, as cleanup(8) does it."""
        found: dict[str, Node] = {}
        for node in self.tree.endings() if self.tree else ():
            found.setdefault(node.address, node)
        return list(found.values())


@dataclass
class _Maps:
    """Asks the SQL functions, each key once, and counts the destinations as cleanup(8) does."""

    settings: Any = field(
        default_factory=lambda: MailSettings.objects.annotate(has_relocated=Exists(Relocated.objects.all())).get(pk=1)
    )
    answers: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    classes: set[str] = field(default_factory=classes_with_own_maps)
    end_in_themselves: set[str] = field(default_factory=set)
    destinations: int = 1

    @property
    def has_relocated(self) -> bool:
        return bool(self.settings.has_relocated)

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
        asked = [self.ask(parameter, str(address))]
        base, extension = split_address(address.local_part, self.settings.recipient_delimiter)
        if not asked[0].results and base:
            asked.append(self.ask(parameter, external_form(base, address.domain)))
            return Station(parameter, tuple(asked)), extension
        return Station(parameter, tuple(asked)), ""


def ask_map(parameter: str, key: str) -> tuple[str, ...]:
    """What the function of one parameter of main.cf answers to a key, which Postfix folds to lower case (virtual(5)).
    Maps by address are asked for nothing else."""
    if parameter in MAPS_BY_ADDRESS and "@" not in key:
        return ()
    return _Maps().ask(parameter, key.lower()).results


def look_up(text: str) -> Lookup:
    """Raises ValidationError with a sentence if this is no address."""
    address, maps = parse_address(text), _Maps()
    said = f"<{address.local_part}@{address.domain}>"  # replies hold the unquoted form
    class_stations, address_class = _address_class(address.domain, maps)
    if not address_class:
        reply = f"554 5.7.1 {said}: Relay access denied"
        return Lookup(str(address), "", 554, reply, class_stations, None)
    aliases, _extension = maps.find("virtual_alias_maps", address)
    door = [*class_stations, aliases]
    table = ""
    relocated = maps.find("relocated_maps", address)[0] if maps.has_relocated and not aliases.hit else None
    if relocated:
        door.append(relocated)
    if relocated and relocated.hit:
        reply = f"550 5.1.6 {said}: Recipient address rejected: User has moved to {relocated.hit.results[0]}"
        return Lookup(str(address), address_class, 550, reply, tuple(door), None)
    if not aliases.hit:
        recipients, table = _recipients(address, address_class, maps)
        door += recipients
    if table:
        reply = f"550 5.1.1 {said}: Recipient address rejected: User unknown in {table}"
        return Lookup(str(address), address_class, 550, reply, tuple(door), None)
    return Lookup(str(address), address_class, 250, "250 2.1.5 Ok", tuple(door), _expand(str(address), maps, ()))


def _address_class(domain: str, maps: _Maps) -> tuple[tuple[Station, ...], str]:
    stations = []
    for parameter, address_class in CLASS_MAPS:
        if address_class in (AddressClass.LOCAL, AddressClass.RELAY) and address_class not in maps.classes:
            continue  # postfix_config does not write this map then
        stations.append(Station(parameter, (maps.ask(parameter, domain),)))
        if stations[-1].hit:
            return tuple(stations), address_class
    return tuple(stations), ""


def _recipients(address: ParsedAddress, address_class: str, maps: _Maps) -> tuple[list[Station], str]:
    """reject_unlisted_recipient: the stations, and the table in which the address is unknown ("" if it is known)."""
    if address_class == AddressClass.VIRTUAL_ALIAS:
        return [], "virtual alias table"
    if address_class == AddressClass.VIRTUAL_MAILBOX:
        station, _extension = maps.find("virtual_mailbox_maps", address)
        return [station], "" if station.hit else "virtual mailbox table"
    if address_class == AddressClass.RELAY:
        station, _extension = maps.find("relay_recipient_maps", address)
        return [station], "" if station.hit else "relay recipient table"
    # Without an alias the host's own users decide; the panel does not know them.
    return [Station("alias_maps", (maps.ask("alias_maps", address.local_part),))], ""


def _expand(address: str, maps: _Maps, above: tuple[str, ...]) -> Node:
    """cleanup_map1n(): an address that expands into itself ends there, also when it comes again (two mailboxes that
    send each other copies); any other way back is a loop."""
    parsed = parse_address(address)
    station, extension = maps.find("virtual_alias_maps", parsed)
    if not station.hit or address in maps.end_in_themselves:
        return _end(parsed, maps, above)
    if address in above or len(above) > DEEPEST:
        return Node(address, end="loop", station=station)
    if maps.are_too_many(station.hit):
        return Node(address, end="too_many", station=station)
    following = [_with_extension(result, extension) for result in station.hit.results]
    if address in following:
        maps.end_in_themselves.add(address)
    children = (
        _end(parsed, maps, above) if one == address else _expand(one, maps, (*above, address)) for one in following
    )
    return Node(address, tuple(children), station=station)


def _end(address: ParsedAddress, maps: _Maps, above: tuple[str, ...]) -> Node:
    _stations, address_class = _address_class(address.domain, maps)
    if maps.has_relocated:
        relocated, _extension = maps.find("relocated_maps", address)
        if relocated.hit:
            return Node(str(address), end="refused", station=relocated)
    if address_class == AddressClass.VIRTUAL_MAILBOX:
        station, _extension = maps.find("virtual_mailbox_maps", address)
        path = station.hit.results[0] if station.hit else ""
        return Node(str(address), end="mailbox" if path else "refused", mail_path=path, station=station)
    if address_class == AddressClass.RELAY:
        # The recipient was checked at the door; what an alias leads to is not checked any more.
        station, _extension = maps.find("relay_recipient_maps", address)
        return Node(str(address), end="relayed", station=station)
    if address_class == AddressClass.LOCAL:
        station = Station("alias_maps", (maps.ask("alias_maps", address.local_part),))
        if station.hit and (str(address) in above or len(above) > DEEPEST):
            return Node(str(address), end="loop", station=station)
        if station.hit and maps.are_too_many(station.hit):
            return Node(str(address), end="too_many", station=station)
        if station.hit:
            children = tuple(_expand(one, maps, (*above, str(address))) for one in station.hit.results)
            return Node(str(address), children, station=station)
        return Node(str(address), end="local", station=station)
    return Node(str(address), end="refused" if address_class else "outside")


def _with_extension(result: str, extension: str) -> str:
    """propagate_unmatched_extensions (postconf(5)) has "virtual" in it: the extension goes on to each result."""
    parsed = parse_address(result, may_be_whole_domain=True)
    return external_form(parsed.local_part + extension, parsed.domain)


def _parts(key: str) -> tuple[str, str]:
    local_part, _at, domain = key.rpartition("@")
    return local_part, domain


ENDINGS = {
    "mailbox": lambda: _("is stored here"),
    "outside": lambda: _("leaves for another server"),
    "relayed": lambda: _("is handed on to the server of its domain"),
    "local": lambda: _("goes to a user of the mail host, if there is one"),
    "refused": lambda: _("comes back to the sender: no active mailbox or alias takes it"),
    "loop": lambda: _("runs in a loop and never arrives"),
    "too_many": lambda: _("leads to more than 1,000 destinations, so Postfix takes no message for them"),
}
