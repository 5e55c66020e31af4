"""Expected records are put into the zone by dynamic update (RFC 2136), signed by TSIG (RFC 8945).

Only what the panel has put there is changed or taken away; records of others of the same name stay. Each update says
what it thinks is there: if somebody changed that meanwhile, the server refuses and nothing is changed."""

import socket
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.tsig
import dns.update
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from dns.rdtypes.ANY.TXT import TXT

from accounts.actors import Actor
from accounts.history import recorded
from dns_records import spf
from dns_records.authoritative import Asker, Server, text_of
from dns_records.expected import (
    TTL,
    Expected,
    expected_of,
    expected_of_hosts,
    own_settings,
    right_hand_side,
    zone_lines,
)
from dns_records.models import UpdateServer
from dns_records.record_models import PublishedRecord, SentRecord
from dns_records.secrets import secret_of
from dns_records.words import LEFT_ALONE
from domains.models import Domain
from domains.services import locked_version

TIMEOUT = 10.0  # seconds for one question or update
# Of these only one record may stand at a name, among others of the same type: it begins with a version.
VERSIONS = {"spf": "v=spf1", "dmarc": "v=dmarc1", "sts": "v=stsv1", "tls_reports": "v=tlsrptv1"}
Key = tuple[str, str]  # name and type


class AnswerLost(ValidationError):
    """The update may have been carried out, or not."""


@dataclass(frozen=True)
class Step:
    """What the update does at one name and type. `there` is what the server has now: the update asks that it is so, in
    the strings in which it has it."""

    name: str
    rdtype: str
    there: tuple[dns.rdata.Rdata, ...]
    add: tuple[str, ...] = ()
    take_away: tuple[str, ...] = ()
    left_alone: str = ""  # why, as a key of words.LEFT_ALONE
    value: str = ""  # what stands in its sentence

    @property
    def sentence(self) -> str:
        return str(LEFT_ALONE[self.left_alone]) % {"value": self.value}

    @property
    def lines(self) -> list[str]:
        """As a difference: - what goes, + what comes."""
        gone = [f"- {line}" for line in zone_lines(self.name, self.rdtype, self.take_away)]
        return gone + [f"+ {line}" for line in zone_lines(self.name, self.rdtype, self.add)]


@dataclass(frozen=True)
class Plan:
    domain: Domain
    server: UpdateServer
    zone: str
    steps: tuple[Step, ...]

    @property
    def to_do(self) -> list[Step]:
        return [step for step in self.steps if step.add or step.take_away]

    @property
    def left_alone(self) -> list[Step]:
        return [step for step in self.steps if step.left_alone]

    @property
    def lines(self) -> list[str]:
        return [line for step in self.to_do for line in step.lines]

    @property
    def mark(self) -> str:
        """Another one for each other plan, so that what is carried out is what was looked at."""
        return sha256("\n".join([str(self.server.pk), *self.lines]).encode()).hexdigest()


def server_for(domain: Domain) -> UpdateServer:
    """Its own, or the one for all domains; a sentence where there is none."""
    server = own_settings(domain).server or UpdateServer.objects.filter(for_all=True).first()
    if server is None:
        raise ValidationError(
            _("No name server takes updates for %(domain)s. Add an update server in the DNS settings, or choose one.")
            % {"domain": domain}
        )
    return server


def plan_for(domain: Domain) -> Plan:
    """Asks the server that takes updates what is there, and says what would change. Changes nothing."""
    server, asker = server_for(domain), Asker(timeout=TIMEOUT)
    zone = _zone_of(server, domain, asker)
    wanted: dict[Key, list[Expected]] = defaultdict(list)
    for one in expected_of(domain):
        wanted[one.name, one.rdtype].append(one)
    ours: dict[Key, set[str]] = defaultdict(set)
    for model in (PublishedRecord, SentRecord):
        for name, rdtype, value in model.objects.filter(domain=domain).values_list("name", "rdtype", "value"):
            ours[name, rdtype].add(value)
    # A mail host may stand in the zone of a domain within this one by now: its records are still needed.
    of_others = {(one.name, one.rdtype) for one in expected_of_hosts()} - set(wanted)
    steps = []
    for name, rdtype in dict.fromkeys([*wanted, *(key for key in ours if key not in of_others)]):
        if f".{name}".endswith(f".{zone}"):
            there = _there(server, asker, name, rdtype)
            step = _step(name, rdtype, there, wanted[name, rdtype], ours[name, rdtype])
            shut_out = _shut_out(server, asker, zone, step) if step.add and not there else None
            steps.append(shut_out or step)
    return Plan(domain, server, zone, tuple(steps))


def _shut_out(server: UpdateServer, asker: Asker, zone: str, step: Step) -> Step | None:
    """The step, left alone, if the server would ignore what is to come: beside an alias stands nothing else (RFC 2136,
    section 3.4.2.2). The check says whether what stands there leads to the right place. A wildcard shuts out
    nothing."""
    left_alone, rdtypes = ("address", ("A", "AAAA")) if step.rdtype == "CNAME" else ("alias", ("CNAME",))
    for rdtype in rdtypes:
        there = _there(server, asker, step.name, rdtype)
        wildcards = (f"*.{above}" for above in _above(step.name, zone))
        if there and not any(_there(server, asker, name, rdtype) == there for name in wildcards):
            value = ", ".join(_text(rdata).removesuffix(".") for rdata in there)
            return Step(step.name, step.rdtype, step.there, left_alone=left_alone, value=value)
    return None


def _above(name: str, zone: str) -> Iterator[str]:
    """The names above it within the zone, the nearest first."""
    while name != zone:
        name = name.partition(".")[2]
        yield name


def _step(name: str, rdtype: str, found: Sequence[dns.rdata.Rdata], wanted: Sequence[Expected], ours: set[str]) -> Step:
    if any(one.why for one in wanted):
        return Step(name, rdtype, tuple(found))  # what should be there is not known, so what is there stays
    there = [_text(rdata) for rdata in found]
    values: list[str] = []
    for one in wanted:
        foreign = [value for value in _of_the_same_kind(one, there) if value not in ours and value not in one.values]
        if foreign:
            left_alone, value = "foreign", foreign[0]
            if one.purpose == "spf" and len(foreign) == 1:
                *terms, ending = spf.terms_of(one.values[0])
                left_alone, value = "merge", spf.merged(foreign[0], terms, ending)
                if value == foreign[0]:
                    left_alone = value = ""  # it says all that we would say
            return Step(name, rdtype, tuple(found), left_alone=left_alone, value=value)
        values += [value for value in one.values if value not in values]
    add = tuple(value for value in values if value not in there)
    gone = tuple(value for value in there if value in ours and value not in values)
    return Step(name, rdtype, tuple(found), add, gone)


def _of_the_same_kind(expected: Expected, there: Sequence[str]) -> list[str]:
    """Records that cannot stand beside the expected one. Other text stands beside SPF at the name of the domain, and
    TLSA of another key beside ours."""
    if expected.purpose == "tlsa":
        return []
    version = VERSIONS.get(expected.purpose)
    if version is None:
        return list(there)
    return [value for value in there if value.lower().replace(" ", "").startswith(version)]


def publish(domain: Domain, plan: Plan, *, by: Actor) -> list[str]:
    """Carries the plan out in one update: all of it or nothing. Gives what the server does not show afterwards."""
    # Outside the transaction: whatever becomes of us and of the answer, what is sent is known to be ours.
    sent = SentRecord.objects.bulk_create(
        SentRecord(domain=domain, name=step.name, rdtype=step.rdtype, value=value)
        for step in plan.to_do
        for value in step.add
    )
    try:
        _publish(domain, plan, by)
    except AnswerLost:
        raise
    except ValidationError:
        SentRecord.objects.filter(pk__in=[row.pk for row in sent]).delete()
        raise
    asker = Asker(timeout=TIMEOUT)
    return [f"{step.name} {step.rdtype}" for step in plan.to_do if not _is_seen(plan.server, asker, step)]


def _publish(domain: Domain, plan: Plan, by: Actor) -> None:
    with recorded("publish", "dns_records", domain.name, domain=domain.name, by=by):
        locked_version(Domain.objects, domain.pk, None)
        if not plan.to_do:
            raise ValidationError(_("There is nothing to publish: all records are there."))
        for step in plan.to_do:
            rows = [
                PublishedRecord(domain=domain, name=step.name, rdtype=step.rdtype, value=value) for value in step.add
            ]
            PublishedRecord.objects.bulk_create(rows, ignore_conflicts=True)
            PublishedRecord.objects.filter(
                domain=domain, name=step.name, rdtype=step.rdtype, value__in=step.take_away
            ).delete()
            SentRecord.objects.filter(domain=domain, name=step.name, rdtype=step.rdtype).delete()
        # Last, and within the transaction: what the server refuses is not remembered.
        _send(plan)


def _send(plan: Plan) -> None:
    key = dns.tsig.Key(plan.server.name, secret_of(plan.server), plan.server.algorithm)
    update = dns.update.UpdateMessage(plan.zone, keyring=key)
    for step in plan.to_do:
        if step.there:
            # RFC 2136, section 2.4.2: exactly these records are there.
            update.present(_name(step.name), *step.there)
        else:
            update.absent(_name(step.name), step.rdtype)
    for step in plan.to_do:
        for rdata in step.there:
            if _text(rdata) in step.take_away:
                update.delete(_name(step.name), rdata)
        for value in step.add:
            update.add(_name(step.name), TTL, _rdata(step.rdtype, value))
    answer = _exchange(plan, update)
    if answer is None:
        return
    code = answer.rcode()
    if code in (dns.rcode.NXRRSET, dns.rcode.YXRRSET, dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN):
        raise ValidationError(
            _("Somebody changed these records meanwhile. Nothing was published; look at the plan again.")
        )
    if code != dns.rcode.NOERROR:
        words = {"server": plan.server.address, "code": dns.rcode.to_text(code), "key": plan.server.name}
        raise ValidationError(
            _(
                "%(server)s refuses the update with %(code)s. Does it know the key %(key)s, and may that change "
                "the zone?"
            )
            % words
        )


def _exchange(plan: Plan, update: dns.update.UpdateMessage) -> dns.message.Message | None:
    """The answer of the server; None where it was lost and the server shows that all is done."""
    not_taken = _("%(server)s did not take the update: %(reason)s. Nothing was changed.")
    try:
        update.to_wire()  # says now what cannot be sent
        connection = socket.create_connection((plan.server.address, plan.server.port), TIMEOUT)
    except (dns.exception.DNSException, OSError) as error:
        raise ValidationError(not_taken % _why(plan, error)) from error
    with connection:
        connection.setblocking(False)
        try:
            return dns.query.tcp(update, plan.server.address, TIMEOUT, sock=connection)
        except dns.tsig.PeerError as error:
            raise ValidationError(not_taken % _why(plan, error)) from error
        except (dns.exception.DNSException, OSError, EOFError) as error:
            if _is_done(plan):
                return None
            sentence = _(
                "%(server)s got the update, but its answer did not come: %(reason)s. Nobody knows whether the zone is "
                "changed. Make the plan again: it says what is there by then."
            )
            raise AnswerLost(sentence % _why(plan, error)) from error


def _why(plan: Plan, error: Exception) -> dict[str, str]:
    return {"server": plan.server.address, "reason": str(error) or type(error).__name__}


def _is_done(plan: Plan) -> bool:
    asker = Asker(timeout=TIMEOUT)
    try:
        return all(_is_seen(plan.server, asker, step) for step in plan.to_do)
    except ValidationError:
        return False


def _zone_of(server: UpdateServer, domain: Domain, asker: Asker) -> str:
    """The zone that holds the domain, by the SOA record of the server itself."""
    name = domain.name
    while "." in name:
        answer = asker.message(_as_server(server), name, "SOA", port=server.port)
        if isinstance(answer, str):
            raise ValidationError(_("%(server)s does not answer.") % {"server": server.address})
        if answer.get_rrset(answer.answer, _name(name), dns.rdataclass.IN, dns.rdatatype.SOA):
            return name
        name = name.partition(".")[2]
    words = {"server": server.address, "domain": domain}
    raise ValidationError(_("%(server)s does not serve %(domain)s.") % words)


def _there(server: UpdateServer, asker: Asker, name: str, rdtype: str) -> list[dns.rdata.Rdata]:
    """What the server has at this name itself."""
    message = asker.message(_as_server(server), name, rdtype, port=server.port)
    if isinstance(message, str):
        raise ValidationError(_("%(server)s does not answer.") % {"server": server.address})
    kind = dns.rdatatype.from_text(rdtype)
    rrset = message.get_rrset(message.answer, _name(name), dns.rdataclass.IN, kind)
    return sorted(rrset or [], key=_text)


def _text(rdata: dns.rdata.Rdata) -> str:
    """In the spelling of `Expected`."""
    if isinstance(rdata, TXT):
        return text_of(rdata.strings)
    return str(rdata.to_text())


def _is_seen(server: UpdateServer, asker: Asker, step: Step) -> bool:
    there = {_text(rdata) for rdata in _there(server, asker, step.name, step.rdtype)}
    return set(step.add) <= there and not set(step.take_away) & there


def _rdata(rdtype: str, value: str) -> dns.rdata.Rdata:
    return dns.rdata.from_text("IN", rdtype, right_hand_side(rdtype, value))


def _name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


def _as_server(server: UpdateServer) -> Server:
    return Server(server.name, server.address)
