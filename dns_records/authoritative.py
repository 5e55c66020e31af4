"""What the authoritative name servers of a name say, each asked by itself and without recursion.

A resolver only says which servers these are: MAILADMIN_DNS_RESOLVERS, or those of /etc/resolv.conf. Whoever wants to
know whether a record is seen everywhere must not ask a resolver for it: that asks one server and remembers the answer.

    >>> Asker().ask_all("s1._domainkey.example.org", "TXT")
    [ServerAnswer(server='ns1.example.org', address='192.0.2.53', said=Said.RECORDS, …), …]

Nothing here raises for what the network does: a server that does not answer is an answer that says so.
"""

import enum
import logging
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
from django.conf import settings
from django.utils.translation import gettext_lazy

log = logging.getLogger(__name__)

TIMEOUT = 4.0  # seconds for one server and one question: two tries by UDP
TRIES = 2
MOST_SILENCES = 3  # questions in a row without an answer, of a server that has answered before
PAYLOAD = 1232  # octets of an answer by UDP (DNS flag day 2020); what is longer comes by TCP
MOST_ALIASES = 8


class Said(enum.StrEnum):
    RECORDS = "records"
    NO_RECORDS = "no_records"  # the name exists, without records of this type
    NO_NAME = "no_name"  # NXDOMAIN
    TIMEOUT = "timeout"
    REFUSED = "refused"  # REFUSED, SERVFAIL, or a server that does not serve this name; `reason` says which


SENTENCES = {
    Said.RECORDS: gettext_lazy("%(server)s answers."),
    Said.NO_RECORDS: gettext_lazy("%(server)s has no such record."),
    Said.NO_NAME: gettext_lazy("%(server)s says that there is no such name."),
    Said.TIMEOUT: gettext_lazy("%(server)s does not answer."),
    Said.REFUSED: gettext_lazy("%(server)s refuses with %(code)s."),
}
WHY = {
    "not authoritative": gettext_lazy("%(server)s does not serve this zone, although the zone names it."),
    "no address": gettext_lazy("%(server)s has no address."),
}
RESOLVER = "resolver"  # instead of a server, where none could be asked
# PostgreSQL takes no NUL, and no terminal or mail should get the others: as zone files write them, \DDD for each octet
# (RFC 1035, section 5.1).
CONTROLS = {
    number: "".join(f"\\{octet:03}" for octet in chr(number).encode()) for number in (*range(32), *range(127, 160))
}
NOBODY = {
    "no name": gettext_lazy(
        "The DNS cannot hold this name: a part of it is empty or longer than 63 characters, or it is longer than 253."
    ),
    "no zone": gettext_lazy("No name server serves this name: it is not in the DNS."),
    "no server": gettext_lazy("The zone of this name has no name server."),
    "no resolver": gettext_lazy(
        "This host knows no resolver. Set MAILADMIN_DNS_RESOLVERS, or name one in /etc/resolv.conf."
    ),
    "resolver is silent": gettext_lazy(
        "The resolver %(address)s does not answer, so no name server could be asked. Set MAILADMIN_DNS_RESOLVERS to "
        "one that does."
    ),
    "resolver refuses": gettext_lazy(
        "The resolver %(address)s refuses with %(code)s, so no name server could be asked. Set "
        "MAILADMIN_DNS_RESOLVERS to another one if it goes on."
    ),
    "resolver is blind": gettext_lazy(
        "The resolver %(address)s finds no zone at all, not even above this name, so no name server could be asked. "
        "Set MAILADMIN_DNS_RESOLVERS to one that knows the DNS."
    ),
}


@dataclass(frozen=True)
class Server:
    name: str  # without the dot at the end, as everywhere here
    address: str  # IPv4 or IPv6; "" if the name has none


@dataclass(frozen=True)
class ServerAnswer:
    """What one server said. Where it named an alias (CNAME), the servers of the target stand in its place."""

    server: str
    address: str
    said: Said
    rrset: dns.rrset.RRset | None = None  # with Said.RECORDS only
    reason: str = ""  # with Said.REFUSED: the code of the answer (SERVFAIL), or a key of WHY or NOBODY
    aliases: tuple[str, ...] = ()  # the targets of the CNAMEs that led here

    @property
    def is_answer(self) -> bool:
        """Whether the server knows the name, be it that there is nothing."""
        return self.said in (Said.RECORDS, Said.NO_RECORDS, Said.NO_NAME)

    @property
    def nobody(self) -> str:
        """Why no name server could be asked, a key of NOBODY; "" if this one was."""
        if self.server != RESOLVER:
            return ""
        if self.said == Said.TIMEOUT:
            return "resolver is silent"
        return self.reason if self.reason in NOBODY else "resolver refuses"

    @property
    def words(self) -> str:
        """What it said, without the records, in a sentence."""
        if self.nobody:
            return NOBODY[self.nobody] % {"address": self.address, "code": self.reason}
        words = {"server": f"{self.server} ({self.address})" if self.address else self.server, "code": self.reason}
        if self.said == Said.REFUSED and self.reason in WHY:
            return WHY[self.reason] % words
        return SENTENCES[self.said] % words

    @property
    def records(self) -> list[str]:
        """The right-hand sides as a zone file has them, sorted."""
        return sorted(rdata.to_text() for rdata in self.rrset or [])

    @property
    def texts(self) -> list[str]:
        """TXT records, the strings of each put together (RFC 7208, 3.3; RFC 6376, 3.6.2.2)."""
        return sorted(text_of(rdata.strings) for rdata in self.rrset or [])


@dataclass
class Asker:
    """Asks within one run. It remembers who serves what, and asks a server that did not answer no second time, so
    a dead server costs one time-out a run. One that has answered before may be silent twice: packets get lost, and so
    must not be all that it serves. Threads may share it; make a new one for the next run."""

    timeout: float = TIMEOUT  # seconds, for each server
    _servers: dict[dns.name.Name, list[Server]] = field(default_factory=dict)  # by zone
    _failures: dict[dns.name.Name, ServerAnswer] = field(default_factory=dict)  # by name or zone
    _silences: dict[str, int] = field(default_factory=dict)  # since the last answer

    def ask_all(self, name: str, rdtype: str) -> list[ServerAnswer]:
        """Asks every authoritative server of the name. Never an empty list: where no server can be found, or the name
        is none, one answer says why."""
        parsed = _name_or_none(name)
        return self._ask_all(parsed, rdtype, ()) if parsed else [_nobody("no name")]

    def servers_of(self, name: str) -> tuple[str, list[Server]]:
        """The zone that holds the name, and its servers, sorted; ("", []) where nobody can be found."""
        parsed = _name_or_none(name)
        found = self._zone_of(parsed) if parsed else _nobody("no name")
        return ("", []) if isinstance(found, ServerAnswer) else (_text(found), self._servers[found])

    def message(
        self, server: Server, name: str, rdtype: str, *, dnssec: bool = False, port: int | None = None
    ) -> dns.message.Message | str:
        """The whole answer of one server, or why there is none: "timeout" or "no address"."""
        if not server.address:
            return "no address"
        question = _question(_name(name), rdtype, recursion=False, dnssec=dnssec)
        answer = self._exchange(question, server.address, port or settings.DNS_PORT)
        return Said.TIMEOUT if answer is None else answer

    def from_resolver(self, name: str, rdtype: str) -> dns.message.Message | ServerAnswer:
        """What the first resolver that answers says; a ServerAnswer says why none did."""
        return self._ask_resolver(_name(name), rdtype)

    def _ask_all(self, name: dns.name.Name, rdtype: str, aliases: tuple[str, ...]) -> list[ServerAnswer]:
        found = self._zone_of(name)
        if isinstance(found, ServerAnswer):
            return [replace(found, aliases=aliases)]
        answers = [(self.message(server, str(name), rdtype), server) for server in self._servers[found]]
        deeper = next((zone for message, _server in answers if (zone := _delegated(message, found, name))), None)
        if deeper is not None and self._find_servers(deeper) is None:
            return self._ask_all(name, rdtype, aliases)
        said: list[ServerAnswer] = []
        targets: list[str] = []
        for message, server in answers:
            answer = self._read(server, name, rdtype, message)
            if answer.said == Said.NO_RECORDS and answer.aliases and len(aliases) < MOST_ALIASES:
                targets += [target for target in answer.aliases[-1:] if target not in targets]
            else:
                said.append(replace(answer, aliases=aliases + answer.aliases))
        for target in targets:
            said += self._ask_all(_name(target), rdtype, (*aliases, target))
        return said

    def _read(
        self, server: Server, name: dns.name.Name, rdtype: str, message: dns.message.Message | str
    ) -> ServerAnswer:
        if message == Said.TIMEOUT:
            return ServerAnswer(server.name, server.address, Said.TIMEOUT)
        if isinstance(message, str):
            return ServerAnswer(server.name, server.address, Said.REFUSED, reason=message)
        code = message.rcode()
        if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return ServerAnswer(server.name, server.address, Said.REFUSED, reason=dns.rcode.to_text(code))
        if not message.flags & dns.flags.AA:
            return ServerAnswer(server.name, server.address, Said.REFUSED, reason="not authoritative")
        aliases: list[str] = []
        kind = dns.rdatatype.from_text(rdtype)
        while len(aliases) <= MOST_ALIASES:
            if rrset := message.get_rrset(message.answer, name, dns.rdataclass.IN, kind):
                return ServerAnswer(server.name, server.address, Said.RECORDS, rrset, aliases=tuple(aliases))
            cname = message.get_rrset(message.answer, name, dns.rdataclass.IN, dns.rdatatype.CNAME)
            if cname is None:
                break
            name = cname[0].target
            aliases.append(_text(name))
        # With an alias the code is that of its target, which may be in a zone of others: those are asked then.
        said = Said.NO_NAME if code == dns.rcode.NXDOMAIN and not aliases else Said.NO_RECORDS
        return ServerAnswer(server.name, server.address, said, aliases=tuple(aliases))

    def _zone_of(self, name: dns.name.Name) -> dns.name.Name | ServerAnswer:
        """The zone of a name by its SOA record: its own, or in the authority section (RFC 2308) that of its zone."""
        for above in _upwards(name):
            if above in self._servers:
                return above  # a zone below this one shows itself by a delegation, see _ask_all
            if above in self._failures:
                return self._failures[above]
        is_known_above = False
        for above in _upwards(name):
            message = self._ask_resolver(above, "SOA")
            if isinstance(message, ServerAnswer):
                self._failures[name] = message
                return message
            zones = [rrset.name for rrset in message.answer + message.authority if rrset.rdtype == dns.rdatatype.SOA]
            zone = next((zone for zone in zones if above.is_subdomain(zone)), None)
            is_known_above = is_known_above or zone == dns.name.root
            if zone is not None and zone != dns.name.root:
                failure = self._find_servers(zone)
                return zone if zone in self._servers else failure or self._failures[zone]
        # That a name is not there is said by the zone above it, by that of the root in the end (RFC 2308, section 3).
        asked = ", ".join(address for address, _port in resolvers())
        self._failures[name] = _nobody("no zone") if is_known_above else _nobody("resolver is blind", asked)
        return self._failures[name]

    def _find_servers(self, zone: dns.name.Name) -> ServerAnswer | None:
        """Keeps the servers of a zone; what is wrong comes back, and is kept too."""
        if zone in self._servers:
            return None
        message = self._ask_resolver(zone, "NS")
        if isinstance(message, ServerAnswer):
            self._failures[zone] = message
            return message
        rrset = message.get_rrset(message.answer, zone, dns.rdataclass.IN, dns.rdatatype.NS)
        if rrset is None:
            self._failures[zone] = _nobody("no server")
            return self._failures[zone]
        servers = []
        for name in sorted(record.target for record in rrset):
            addresses = self._addresses_of(name)
            servers += [Server(_text(name), address) for address in addresses] or [Server(_text(name), "")]
        self._servers[zone] = servers
        return None

    def _addresses_of(self, name: dns.name.Name) -> list[str]:
        """Those of IPv6 only where this host has a way to them."""
        addresses: list[str] = []
        for rdtype in ("A", "AAAA"):
            message = self._ask_resolver(name, rdtype)
            if isinstance(message, dns.message.Message):
                kind = dns.rdatatype.from_text(rdtype)
                found = sorted(rdata.address for rrset in message.answer if rrset.rdtype == kind for rdata in rrset)
                addresses += [address for address in found if rdtype == "A" or _has_way_to(address)]
        return addresses

    def _ask_resolver(self, name: dns.name.Name, rdtype: str) -> dns.message.Message | ServerAnswer:
        """The first resolver that answers; a ServerAnswer says why none did."""
        question = _question(name, rdtype, recursion=True)
        failure = _nobody("no resolver")
        for address, port in resolvers():
            answer = self._exchange(question, address, port)
            if answer is None:
                failure = ServerAnswer(RESOLVER, address, Said.TIMEOUT)
            elif answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return answer
            else:
                failure = _nobody(dns.rcode.to_text(answer.rcode()), address)
        return failure

    def _exchange(self, question: dns.message.QueryMessage, address: str, port: int) -> dns.message.Message | None:
        """None at once where the server counts as dead."""
        key = f"{address}#{port}"
        if self._silences.get(key, 0) >= MOST_SILENCES:
            return None
        answer = _exchange(question, address, port, self.timeout)
        self._silences[key] = 0 if answer is not None else self._silences.get(key, MOST_SILENCES) + 1
        return answer


def text_of(strings: Iterable[bytes]) -> str:
    """One TXT record in one piece, its control characters escaped."""
    return b"".join(strings).decode("utf-8", "replace").translate(CONTROLS)


def is_name(text: str) -> bool:
    """Whether the DNS can hold it; a..example and a label of 64 octets are none."""
    return _name_or_none(text) is not None


def resolvers() -> list[tuple[str, int]]:
    """Address and port of each, from the settings or /etc/resolv.conf."""
    if settings.DNS_RESOLVERS:
        return list(settings.DNS_RESOLVERS)
    try:
        return [(str(address), 53) for address in dns.resolver.Resolver().nameservers]
    except dns.resolver.NoResolverConfiguration:
        return []


def _question(name: dns.name.Name, rdtype: str, *, recursion: bool, dnssec: bool = False) -> dns.message.QueryMessage:
    flags = dns.flags.RD if recursion else dns.flags.Flag(0)
    return dns.message.make_query(name, rdtype, use_edns=0, want_dnssec=dnssec, payload=PAYLOAD, flags=flags)


def _exchange(
    question: dns.message.QueryMessage, address: str, port: int, timeout: float
) -> dns.message.Message | None:
    """By UDP, and by TCP what does not fit; None if nothing came within the time (seconds)."""
    for _try in range(TRIES):
        try:
            answer, _by_tcp = dns.query.udp_with_fallback(
                question, address, timeout / TRIES, port, ignore_unexpected=True, ignore_errors=True
            )
        except (dns.exception.DNSException, OSError, EOFError) as error:
            log.debug("%s did not answer: %r", address, error)
            continue
        if answer.rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP) and question.edns >= 0:
            question.use_edns(False)  # an old server that does not know EDNS (RFC 6891, 7)
            continue
        return answer
    return None


def _delegated(message: dns.message.Message | str, zone: dns.name.Name, name: dns.name.Name) -> dns.name.Name | None:
    """The zone below this one to which a server points (RFC 1034, 4.3.2)."""
    if isinstance(message, str) or message.flags & dns.flags.AA or message.rcode() != dns.rcode.NOERROR:
        return None
    for rrset in message.authority:
        if rrset.rdtype == dns.rdatatype.NS and rrset.name != zone and rrset.name.is_subdomain(zone):
            return rrset.name if name.is_subdomain(rrset.name) else None
    return None


def _has_way_to(address: str) -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
            one.connect((address, 53))
    except OSError:
        return False
    return True


def _upwards(name: dns.name.Name) -> list[dns.name.Name]:
    """The name and those above it, but for the root."""
    return [dns.name.Name(name.labels[at:]) for at in range(len(name.labels) - 1)]


def _nobody(reason: str, address: str = "") -> ServerAnswer:
    return ServerAnswer(RESOLVER, address, Said.REFUSED, reason=reason)


def _name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


def _name_or_none(text: str) -> dns.name.Name | None:
    try:
        return _name(text)
    except (dns.exception.DNSException, UnicodeError):
        return None


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
