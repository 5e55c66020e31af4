"""What Postfix will do with an address: its own maps, asked in its own order, with what each of them said.

The order is that of smtpd(8) (which reply), trivial-rewrite(8) (which address class, which transport), cleanup(8)
(canonical addresses and copies, then aliases, again and again until nothing changes: ADDRESS_REWRITING_README) and
virtual(8) (which file). The maps are asked through the same SQL functions."""

import contextlib
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from domains.models import AddressClass
from mailboxes.parsing import ParsedAddress, external_form, parse_address, parse_result
from mailboxes.ways import LONGEST_CHAIN
from mailservers.access_lookup import access_stations
from mailservers.postfix_host import MAPS_BY_ADDRESS
from mailservers.stations import MOST_DESTINATIONS, Asked, Maps, Station

# A chain that was saved is followed to its end, through alias domains and canonical addresses too. Postfix follows 1000
# (virtual_alias_recursion_limit).
DEEPEST = LONGEST_CHAIN + 10
MOST_STEPS = 5000  # addresses followed at a time

# Names in the order in which trivial-rewrite tries them.
CLASS_MAPS = (
    ("mydestination", AddressClass.LOCAL),
    ("virtual_alias_domains", AddressClass.VIRTUAL_ALIAS),
    ("virtual_mailbox_domains", AddressClass.VIRTUAL_MAILBOX),
    ("relay_domains", AddressClass.RELAY),
)
OWN_AGENT: dict[str, str] = {
    AddressClass.VIRTUAL_MAILBOX: "virtual",
    AddressClass.LOCAL: "local",
}  # virtual(8), local(8)
CANONICAL_FOR_SENDERS = ("sender_canonical_maps", "canonical_maps")
CANONICAL_FOR_RECIPIENTS = ("recipient_canonical_maps", "canonical_maps")
# What is asked ahead, of what was typed, of the sender, and of all that an address becomes.
FIRST_MAPS = ("suspended_domains", "smtpd_sender_login_maps")
SENDERS_MAPS = (
    "smtpd_sender_login_maps",
    *CANONICAL_FOR_SENDERS,
    "sender_dependent_relayhost_maps",
    "sender_bcc_maps",
)
REWRITING_MAPS = (*CANONICAL_FOR_RECIPIENTS, "virtual_alias_maps", "alias_maps", "recipient_bcc_maps")
MAPS_OF_ENDS = (
    *(parameter for parameter, _address_class in CLASS_MAPS),
    "virtual_mailbox_maps",
    "relay_recipient_maps",
    "local_recipient_maps",
    "transport_maps",
    "relocated_maps",
)
NO_EXTENSION = ("alias_maps", "recipient_bcc_maps", "sender_bcc_maps")  # none goes on to their results
NEVER_UNKNOWN = ("postmaster", "mailer-daemon", "double-bounce")
NOBODY = "<>"  # postfix.smtpd_sender_login_maps: belongs to nobody, do not ask on


@dataclass(frozen=True)
class Node:
    """An address in the expansion: either it goes on to `children`, or it ends. `way` is a transport, or a next hop."""

    address: str
    children: tuple["Node", ...] = ()
    end: str = ""  # a key of ENDINGS
    mail_path: str = ""
    way: str = ""
    station: Station | None = None

    def endings(self) -> Iterator["Node"]:
        if self.end:
            yield self
        for child in self.children:
            yield from child.endings()


@dataclass
class Expansion:
    """What cleanup(8) has in mind while it expands one recipient, for each copy and each message of local(8) anew."""

    destinations: int = 1
    end_in_themselves: set[str] = field(default_factory=set)

    def are_too_many(self, hit: Asked) -> bool:
        """Two aliases that deliver to two aliases each, for thirty levels, would be a thousand million destinations."""
        self.destinations += len(hit.results) - 1
        return self.destinations > MOST_DESTINATIONS


@dataclass(frozen=True)
class Sender:
    """What concerns the sender. `becomes` is what cleanup(8) makes of it, `may_send` whether the login may send as it
    (None: no login was given), `reply` what somebody who has signed in with it hears at submission."""

    address: str
    becomes: str
    stations: tuple[Station, ...]
    logins: tuple[str, ...]
    login: str = ""
    may_send: bool | None = None
    reply: str = ""


@dataclass(frozen=True)
class Lookup:
    """The whole answer. `code` and `reply` are what a stranger's server hears after RCPT TO; `copies` are what the BCC
    tables add, `senders` asks who may send as this address. `access` is what access tables and classes say: `code` does
    not know of it, since the restriction lists decide what becomes of it."""

    address: str
    address_class: str  # one of AddressClass, or "" for a domain that is not ours
    code: int
    reply: str
    door: tuple[Station, ...]
    tree: Node | None
    copies: tuple[Node, ...] = ()
    bcc: tuple[Station, ...] = ()
    senders: Station | None = None
    sender: Sender | None = None
    access: tuple[Station, ...] = ()

    @property
    def lists_decide(self) -> bool:
        """Whether a rule or a class applies, so that only a simulation gives the reply."""
        return any(station.hit for station in self.access)

    @property
    def is_accepted(self) -> bool:
        return self.code == 250

    @property
    def is_put_off(self) -> bool:
        """The sender's server keeps the message and tries again."""
        return 400 <= self.code < 500

    @property
    def is_unknown(self) -> bool:
        """Refused because no map knows it; a transport or a relocated address that refuses says so itself."""
        return self.code >= 500 and ("User unknown in" in self.reply or not self.address_class)

    @property
    def destinations(self) -> list[Node]:
        """Where a message and its copies end: each place once for each address that led to it, as cleanup(8) does it
        with enable_original_recipient (postconf(5))."""
        found: dict[tuple[str, str], Node] = {}
        for tree in filter(None, (self.tree, *self.copies)):
            for node in tree.endings():
                found.setdefault((tree.address, node.address), node)
        return list(found.values())

    @property
    def logins(self) -> tuple[str, ...]:
        return _logins(self.senders) if self.senders else ()


def stations_of(found: Lookup) -> Iterator[Station]:
    """Every map that was asked on the way, in order."""
    if found.sender:
        yield from found.sender.stations
    yield from found.access
    yield from found.door
    yield from steps_of(found)
    if found.senders:
        yield found.senders


def steps_of(found: Lookup) -> Iterator[Station]:
    """Every map that is asked once the mail is taken."""
    nodes = deque(tree for tree in (found.tree, *found.copies) if tree)
    while nodes:
        node = nodes.popleft()
        if node.station:
            yield node.station
        nodes += node.children
    yield from found.bcc


def ask_map(parameter: str, key: str) -> tuple[str, ...]:
    """What the function of one parameter of main.cf answers to a key, which Postfix folds to lower case (virtual(5)).
    Maps by address are asked for nothing else."""
    if parameter in MAPS_BY_ADDRESS and "@" not in key:
        return ()
    return Maps().ask(parameter, key.lower()).results


def look_up(text: str, *, sender: str = "", login: str = "", maps: Maps | None = None) -> Lookup:
    """Raises ValidationError with a sentence if this is no address. `sender` is the envelope sender, `login` the
    address of the mailbox that signed in to send; both may be left out. `maps` is what `asked_ahead` gave for several
    addresses."""
    address = parse_address(text)
    maps = maps or asked_ahead([text], sender)
    known_sender = _sender(sender, login, maps) if sender else None
    said = access_stations(str(address), known_sender.address if known_sender else "", maps)
    door, address_class, refused = _at_the_door(address, maps)
    senders, _extension = maps.find("smtpd_sender_login_maps", address)
    if refused:
        code = int(refused[:3])
        return Lookup(
            str(address), address_class, code, refused, door, None, (), (), senders, known_sender, access=said
        )
    tree, rewritten = _clean_up(str(address), maps)
    bcc, copies = _copies(rewritten, known_sender, maps)
    return Lookup(
        str(address),
        address_class,
        250,
        "250 2.1.5 Ok",
        door,
        tree,
        copies,
        bcc,
        senders=senders,
        sender=known_sender,
        access=said,
    )


# Asking ahead


def asked_ahead(texts: Iterable[str], sender: str = "") -> Maps:
    """The maps, with what they will be asked about these addresses: a statement for each level of the expansion,
    however many addresses there are. What is no address is left out; what is not known ahead is asked in its turn."""
    maps = Maps()
    typed, senders = list(_addresses_in(texts)), list(_addresses_in([sender]))
    keys = [key for one in typed for key in maps.keys_about(one, FIRST_MAPS)]
    keys += [key for one in senders for key in maps.keys_about(one, filter(maps.names, SENDERS_MAPS))]
    rewriting, ends = [list(filter(maps.names, some)) for some in (REWRITING_MAPS, MAPS_OF_ENDS)]
    level, seen = typed, set(typed)
    for _step in range(DEEPEST):
        keys += [key for one in level for key in maps.keys_about(one, [*rewriting, *ends])]
        maps.ask_ahead(keys)
        found = [there for one in level for there in _following(one, rewriting, maps)]
        if level is typed and maps.names("sender_bcc_maps"):
            found += [there for one in senders for there in _following(one, ["sender_bcc_maps"], maps)]
        level, keys = [one for one in dict.fromkeys(found) if one not in seen], []
        seen.update(level)
        if not level or len(seen) > MOST_STEPS:
            break
    return maps


def _addresses_in(texts: Iterable[str]) -> Iterator[ParsedAddress]:
    for text in texts:
        with contextlib.suppress(ValidationError):
            yield parse_address(text)


def _following(address: ParsedAddress, parameters: Iterable[str], maps: Maps) -> Iterator[ParsedAddress]:
    """What an address may become by any of these maps, in one step."""
    for parameter in parameters:
        if parameter == "alias_maps":
            station, extension = maps.find_local_alias(address), ""
        else:
            station, extension = maps.find(parameter, address)
        for result in station.hit.results if station.hit else ():
            goes_on = "" if parameter in NO_EXTENSION else extension
            yield parse_result(_rewritten_by(result, address, goes_on))


# smtpd(8) and trivial-rewrite(8)


def _at_the_door(address: ParsedAddress, maps: Maps) -> tuple[tuple[Station, ...], str, str]:
    """The stations, the address class, and the reply with which smtpd refuses ("" if it takes the mail).

    reject_unauth_destination goes by the class; then reject_unlisted_recipient takes whatever is rewritten, refuses
    what trivial-rewrite resolves to error(8) or retry, and asks the table of the class last (check_rcpt_maps())."""
    said = f"<{address.local_part}@{address.domain}>"  # replies hold the unquoted form
    stations, address_class = _address_class(address.domain, maps)
    door = list(stations)
    if not address_class:
        return tuple(door), "", f"554 5.7.1 {said}: Relay access denied"
    suspended, _extension = maps.find("suspended_domains", address)
    door.append(suspended)
    if suspended.hit:
        code, dsn, words = suspended.hit.results[0].split(" ", 2)
        return tuple(door), address_class, f"{code} {dsn} {said}: Recipient address rejected: {words}"
    asked, fault = _unlisted(address, address_class, maps)
    door += asked
    code, _blank, text = fault.partition(" ")
    dsn, _blank, words = text.partition(" ")
    reply = f"{code} {dsn} {said}: Recipient address rejected: {words}" if fault else ""
    return tuple(door), address_class, reply


def _unlisted(address: ParsedAddress, address_class: str, maps: Maps) -> tuple[list[Station], str]:
    """check_rcpt_maps(): the stations, and "code dsn text" for an address that is not there."""
    stations = []
    for parameter in (*CANONICAL_FOR_RECIPIENTS, "virtual_alias_maps"):
        if parameter == "virtual_alias_maps" or maps.has(parameter):
            stations.append(maps.find(parameter, address)[0])
            if stations[-1].hit:
                return stations, ""
    routing, fault = _routing(address, address_class, maps)
    stations += routing
    if not fault and address_class:
        recipients, table = _recipients(address, address_class, maps)
        stations += recipients
        fault = f"550 5.1.1 User unknown in {table}" if table else ""
    return stations, fault


def address_class_of(domain: str, maps: Maps) -> str:
    """The class in which trivial-rewrite(8) finds a domain; "" for one that is not ours."""
    return _address_class(domain, maps)[1]


def fault_of(address: ParsedAddress, maps: Maps) -> str:
    """What reject_unlisted_recipient finds: "550 5.1.1 User unknown in virtual mailbox table"; "" for nothing."""
    return _unlisted(address, address_class_of(address.domain, maps), maps)[1]


def _address_class(domain: str, maps: Maps) -> tuple[tuple[Station, ...], str]:
    stations = []
    for parameter, address_class in CLASS_MAPS:
        if not maps.names(parameter):
            continue
        stations.append(Station(parameter, (maps.ask(parameter, domain),)))
        if stations[-1].hit:
            return tuple(stations), address_class
    return tuple(stations), ""


def _routing(address: ParsedAddress, address_class: str, maps: Maps) -> tuple[list[Station], str]:
    """transport_maps and then relocated_maps, which wins; and "code dsn text" if that refuses the mail."""
    stations, fault = [], ""
    if maps.has("transport_maps") and address_class != AddressClass.VIRTUAL_ALIAS:
        transport = maps.find_transport(address)
        stations.append(transport)
        fault = _refusal_of(transport)
    if maps.has("relocated_maps"):
        relocated = maps.find("relocated_maps", address)[0]
        stations.append(relocated)
        if relocated.hit:
            fault = f"550 5.1.6 User has moved to {relocated.hit.results[0]}"
    return stations, fault


def _refusal_of(transport: Station) -> str:
    """error(8): a text, with an enhanced status code before it or without; trivial-rewrite has one of its own."""
    name, _colon, nexthop = (transport.hit.results[0] if transport.hit else "").partition(":")
    if name not in ("error", "retry"):
        return ""
    code, first = (550, "5") if name == "error" else (450, "4")
    words = nexthop or "Address is undeliverable"
    found = re.match(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s+|$)(.*)", words)
    return f"{code} {found[1]} {found[2]}" if found else f"{code} {first}.1.1 {words}"


def _recipients(address: ParsedAddress, address_class: str, maps: Maps) -> tuple[list[Station], str]:
    """reject_unlisted_recipient: the stations, and the table in which the address is unknown ("" if it is known)."""
    if address_class == AddressClass.VIRTUAL_ALIAS:
        return [], "virtual alias table"
    if address_class == AddressClass.VIRTUAL_MAILBOX:
        station, _extension = maps.find("virtual_mailbox_maps", address)
        return [station], "" if station.hit else "virtual mailbox table"
    if address_class == AddressClass.RELAY:
        station, _extension = maps.find("relay_recipient_maps", address)
        return [station], "" if station.hit else "relay recipient table"
    stations = []
    if maps.has("local_recipient_maps"):
        stations.append(maps.find("local_recipient_maps", address)[0])
    if not stations or not stations[0].hit:
        stations.append(maps.find_local_alias(address))
    # Without an import the host's own users decide. check_rcpt_maps() never refuses what Postfix itself sends to.
    is_known = not maps.has("local_recipient_maps") or stations[-1].hit or address.local_part.startswith(NEVER_UNKNOWN)
    return stations, "" if is_known else "local recipient table"


# cleanup(8)


def _clean_up(address: str, maps: Maps, above: tuple[str, ...] = ()) -> tuple[Node, str]:
    """The way of a recipient: canonical addresses, then aliases; and what it was before the aliases."""
    rewritten, steps = _rewritten(address, CANONICAL_FOR_RECIPIENTS, maps)
    tree = _expand(rewritten, Expansion(), maps, above)
    for before, station in reversed(steps):
        if station.hit and before != tree.address:
            tree = Node(before, (tree,), station=station)
    return tree, rewritten


def _rewritten(address: str, parameters: tuple[str, ...], maps: Maps) -> tuple[str, list[tuple[str, Station]]]:
    """cleanup_map11(): each table again and again, until it has nothing more to say or says the same."""
    steps: list[tuple[str, Station]] = []
    for parameter in parameters:
        for _round in range(DEEPEST if maps.has(parameter) else 0):
            parsed = parse_result(address)
            station, extension = maps.find(parameter, parsed)
            steps.append((address, station))
            if not station.hit:
                break
            new = _rewritten_by(station.hit.results[0], parsed, extension)
            if new == address:
                break
            address = new
    return address, steps


def _copies(rewritten: str, sender: Sender | None, maps: Maps) -> tuple[tuple[Station, ...], tuple[Node, ...]]:
    """One address from each BCC table, which is rewritten and expanded as a recipient is, but is copied to nobody."""
    stations, copies = [], []
    for parameter, address in (
        ("sender_bcc_maps", sender.becomes if sender else ""),
        ("recipient_bcc_maps", rewritten),
    ):
        if address and maps.has(parameter):
            station, _extension = maps.find(parameter, parse_result(address))
            stations.append(station)
            if station.hit:
                copies.append(_clean_up(station.hit.results[0], maps)[0])
    return tuple(stations), tuple(copies)


def _expand(address: str, expansion: Expansion, maps: Maps, above: tuple[str, ...]) -> Node:
    """cleanup_map1n(): an address that expands into itself ends there, also when it comes again (two mailboxes that
    send each other copies); any other way back is a loop."""
    maps.steps += 1
    parsed = parse_result(address)
    station, extension = maps.find("virtual_alias_maps", parsed)
    if not station.hit or address in expansion.end_in_themselves:
        return _end(parsed, maps, above)
    if end := _is_over(address, station.hit, expansion, maps, above):
        return Node(address, end=end, station=station)
    following = [_with_extension(result, extension) for result in station.hit.results]
    if address in following:
        expansion.end_in_themselves.add(address)
    children = []
    for one in following:
        if maps.steps > MOST_STEPS:
            children.append(Node(one, end="not_followed"))
            break
        follow = one != address
        children.append(_expand(one, expansion, maps, (*above, address)) if follow else _end(parsed, maps, above))
    return Node(address, tuple(children), station=station)


def _is_over(address: str, hit: Asked, expansion: Expansion, maps: Maps, above: tuple[str, ...]) -> str:
    """Why the results of an alias are not followed, a key of ENDINGS; "" if they are."""
    if address in above:
        return "loop"
    if len(above) > DEEPEST:
        # With an extension that grows in each round no address comes again.
        return "loop" if maps.base_of(address) in map(maps.base_of, above) else "not_followed"
    if maps.steps > MOST_STEPS:
        return "not_followed"
    return "too_many" if expansion.are_too_many(hit) else ""


def _end(address: ParsedAddress, maps: Maps, above: tuple[str, ...]) -> Node:
    _stations, address_class = _address_class(address.domain, maps)
    routing, fault = _routing(address, address_class, maps)
    way = next((one.hit.results[0] for one in routing if one.hit and one.parameter == "transport_maps"), "")
    name, _colon, nexthop = way.partition(":")
    if fault:
        end = "waits" if fault.startswith("4") else "refused"
        return Node(str(address), end=end, way=fault.partition(" ")[2], station=routing[-1])
    if name == "discard":
        return Node(str(address), end="discarded", way=nexthop, station=routing[0])
    if name and name != OWN_AGENT.get(address_class):
        return Node(str(address), end="routed", way=way, station=routing[0])
    if address_class == AddressClass.VIRTUAL_MAILBOX:
        station, _extension = maps.find("virtual_mailbox_maps", address)
        path = station.hit.results[0] if station.hit else ""
        return Node(str(address), end="mailbox" if path else "refused", mail_path=path, station=station)
    if address_class == AddressClass.LOCAL:
        return _end_locally(address, maps, above)
    if address_class == AddressClass.VIRTUAL_ALIAS:
        return Node(str(address), end="refused")
    nexthop = nexthop or _relay_of_sender(maps)
    if address_class == AddressClass.RELAY:
        # The recipient was checked at the door; what an alias leads to is not checked any more.
        station, _extension = maps.find("relay_recipient_maps", address)
        return Node(str(address), end="relayed", way=nexthop, station=station)
    return Node(str(address), end="outside", way=nexthop)


def _end_locally(address: ParsedAddress, maps: Maps, above: tuple[str, ...]) -> Node:
    """local(8) sends mail for an alias on as a new message, which cleanup(8) rewrites once more."""
    station = maps.find_local_alias(address)
    if not station.hit:
        users = maps.find("local_recipient_maps", address)[0] if maps.has("local_recipient_maps") else None
        is_unknown = users is not None and not users.hit
        return Node(str(address), end="refused" if is_unknown else "local", station=users or station)
    if end := _is_over(str(address), station.hit, Expansion(), maps, above):
        return Node(str(address), end=end, station=station)
    children = []
    for one in station.hit.results:
        if maps.steps > MOST_STEPS:
            children.append(Node(one, end="not_followed"))
            break
        children.append(_clean_up(one, maps, (*above, str(address)))[0])
    return Node(str(address), tuple(children), station=station)


def _rewritten_by(result: str, address: ParsedAddress, extension: str) -> str:
    """canonical(5): a result that is a whole domain keeps the local part."""
    if result.startswith("@"):
        return external_form(address.local_part, result[1:])
    return _with_extension(result, extension)


def _with_extension(result: str, extension: str) -> str:
    """propagate_unmatched_extensions (postconf(5)) has "canonical" and "virtual" in it: the extension goes on to each
    result."""
    parsed = parse_result(result)
    return external_form(parsed.local_part + extension, parsed.domain)


# The sender


def _sender(text: str, login: str, maps: Maps) -> Sender:
    """smtpd asks who may send as the sender that was typed; cleanup(8) and the queue manager know the rewritten one."""
    address = parse_address(text)
    owners, _extension = maps.find("smtpd_sender_login_maps", address)
    maps.sender, steps = _rewritten(str(address), CANONICAL_FOR_SENDERS, maps)
    stations = [owners, *(station for _before, station in steps)]
    if maps.has("sender_dependent_relayhost_maps"):
        stations.append(maps.find("sender_dependent_relayhost_maps", parse_result(maps.sender))[0])
    logins = _logins(owners)
    may_send, reply = None, ""
    if login:
        signed_in = str(parse_address(login))
        may_send = signed_in in logins
        said = f"<{address.local_part}@{address.domain}>"
        refused = f"553 5.7.1 {said}: Sender address rejected: not owned by user {signed_in}"
        reply = "250 2.1.0 Ok" if may_send else refused
        login = signed_in
    return Sender(str(address), maps.sender, tuple(stations), logins, login, may_send, reply)


def _logins(station: Station) -> tuple[str, ...]:
    return tuple(login for login in (station.hit.results if station.hit else ()) if login != NOBODY)


def _relay_of_sender(maps: Maps) -> str:
    """sender_dependent_relayhost_maps counts for what leaves, where no transport names a next hop."""
    if not maps.sender or not maps.has("sender_dependent_relayhost_maps"):
        return ""
    station, _extension = maps.find("sender_dependent_relayhost_maps", parse_result(maps.sender))
    return station.hit.results[0] if station.hit else ""


ENDINGS = {
    "mailbox": lambda: _("is stored here"),
    "outside": lambda: _("leaves for another server"),
    "relayed": lambda: _("is handed on to the server of its domain"),
    "routed": lambda: _("is handed to another transport"),
    "discarded": lambda: _("is thrown away, and nobody is told"),
    "waits": lambda: _("waits in the queue: its transport says to come back later"),
    "local": lambda: _("goes to a user of the mail host, if there is one"),
    "refused": lambda: _("comes back to the sender: no active mailbox or alias takes it"),
    "loop": lambda: _("runs in a loop and never arrives"),
    "not_followed": lambda: _("goes on, but is not followed further: that would take too many steps"),
    "rewritten": lambda: _("is rewritten by a lookup table, which only superusers see"),
    "too_many": lambda: _("leads to more than 1,000 destinations, so Postfix takes no message for them"),
}


def sentence_if_lists_decide(found: Lookup) -> str:
    """Empty if no rule and no class applies."""
    if not found.lists_decide:
        return ""
    return _("A rule or a restriction class applies. What the restriction lists make of it, simulate says.")


__all__ = ["ENDINGS", "MOST_DESTINATIONS", "Asked", "Lookup", "Node", "Sender", "Station", "look_up", "stations_of"]
