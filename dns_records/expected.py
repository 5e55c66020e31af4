"""Which records should stand in the DNS for a domain and for the mail hosts, each with its reason."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils import timezone
from django.utils.formats import date_format

from dns_records import words
from dns_records.fields import is_for, names_of, readable_certificates, tlsa_of
from dns_records.models import DnsSettings, DomainDns
from domains.dkim_models import LONGEST_STRING, DkimKey
from domains.dkim_waits import may_go_at
from domains.models import AddressClass, Domain, MailSettings

TTL = 3600  # seconds, in zone-file text
DKIM_IN_DNS = ("prepared", "published", "signing", "retiring", "revoked")
DAY = 24 * 3600
ClientHosts = Callable[[], Mapping[str, str]]
_client_hosts: list[ClientHosts] = []


def register_client_hosts(hosts: ClientHosts) -> None:
    """A room says which host serves each of DnsSettings.SERVICES; where it names none, the DNS settings do."""
    _client_hosts.append(hosts)


@dataclass(frozen=True)
class Expected:
    """`values` are right-hand sides as a zone file has them, but a TXT record is its text, in one piece."""

    purpose: str  # a key of words.REASONS
    name: str  # without the dot at the end
    rdtype: str
    values: tuple[str, ...]
    words: Mapping[str, Any] = field(default_factory=dict)
    waits: bool = False  # nobody misses it yet: a key that is only prepared
    why: str = ""  # it is not known what should be there, so there are no values: a key of words.WHY
    because: str = ""  # another key of words.REASONS than its purpose

    @property
    def reason(self) -> str:
        return str(words.REASONS[self.because or self.purpose]) % self.words

    @property
    def label(self) -> str:
        return str(words.LABELS[self.purpose])

    @property
    def zone_lines(self) -> list[str]:
        return zone_lines(self.name, self.rdtype, self.values)


def zone_lines(name: str, rdtype: str, values: Iterable[str]) -> list[str]:
    """As they stand in a zone file (RFC 1035, section 5.1)."""
    return [f"{name}. {TTL} IN {rdtype} {right_hand_side(rdtype, value)}" for value in values]


def right_hand_side(rdtype: str, value: str) -> str:
    """TXT in strings of 255 octets, each in quotes; everything else as it is."""
    if rdtype != "TXT":
        return value
    parts = [value[at : at + LONGEST_STRING] for at in range(0, len(value), LONGEST_STRING)] or [""]
    return " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in parts)


def expected_of(domain: Domain, settings: DnsSettings | None = None) -> list[Expected]:
    """The records of one domain, in the order in which people set them up."""
    return expected_by_domain([domain], settings)[domain.pk]


def expected_by_domain(domains: Sequence[Domain], settings: DnsSettings | None = None) -> dict[int, list[Expected]]:
    """By the number of each domain, in few statements."""
    settings = settings or DnsSettings.current()
    prefetch_related_objects(list(domains), "dns", "held_policy", "dkim_keys", "target__dkim_keys")
    may_go, clients = _keys_that_may_go(domains), _hosts_for_clients(settings)
    hosts = _hosts_by_domain(domains, settings)
    return {
        domain.pk: [*_of_domain(domain, settings, may_go, clients), *hosts.get(domain.name, [])] for domain in domains
    }


def expected_of_hosts(settings: DnsSettings | None = None) -> list[Expected]:
    """Addresses, reverse names and TLSA of the mail hosts, in whichever zones they are."""
    return list(_of_hosts(settings or DnsSettings.current()))


def own_settings(domain: Domain) -> DomainDns:
    """What the domain says itself; a new row, not saved, where it says nothing."""
    own: DomainDns | None = getattr(domain, "dns", None)
    return own or DomainDns(domain=domain, version=0)


def held_until(domain: Domain) -> datetime | None:
    """Until when senders may hold a policy of this domain that is not “none”; None where nobody does."""
    held = getattr(domain, "held_policy", None)
    return held.until if held and held.until > timezone.now() else None


def sts_mode(settings: DnsSettings, held: datetime | None = None) -> str:
    """The mode that is served; “none” for as long as senders may hold a policy that is there no more (RFC 8461, section
    8.3: to them no policy at all would mean that the old one goes on)."""
    if settings.sts_mode == settings.StsMode.NONE or settings.mail_hosts and settings.sts_mode:
        return settings.sts_mode
    return settings.StsMode.NONE if held else ""


def sts_policy(settings: DnsSettings, held: datetime | None = None) -> str:
    """What /.well-known/mta-sts.txt says (RFC 8461, section 3.2); "" where there is none."""
    mode = sts_mode(settings, held)
    if not mode:
        return ""
    is_none = mode == settings.StsMode.NONE
    hosts = [] if is_none else [f"mx: {host.name}" for host in settings.mail_hosts]
    max_age = DAY if is_none else settings.sts_days * DAY
    return "".join(f"{line}\r\n" for line in ["version: STSv1", f"mode: {mode}", *hosts, f"max_age: {max_age}"])


def sts_id(settings: DnsSettings, held: datetime | None = None) -> str:
    """Another one for each other policy (RFC 8461, section 3.1), so that nobody has to think of it."""
    return sha256(sts_policy(settings, held).encode()).hexdigest()[:20]


def spf_terms_of(domain: Domain, settings: DnsSettings) -> list[str]:
    """Who may send, without v=spf1 and all."""
    terms = [*(["mx"] if settings.mail_hosts else []), *settings.spf_senders.split()]
    return list(dict.fromkeys([*terms, *own_settings(domain).spf_senders.split()]))


def dmarc_record(domain: Domain, settings: DnsSettings) -> str:
    own = own_settings(domain)
    tags = [("v", "DMARC1"), ("p", own.dmarc_policy or settings.dmarc_policy)]
    if settings.dmarc_subdomains:
        tags.append(("sp", settings.dmarc_subdomains))
    if settings.dmarc_percent != 100:
        tags.append(("pct", str(settings.dmarc_percent)))
    if settings.dmarc_strict:
        tags += [("adkim", "s"), ("aspf", "s")]
    for tag, addresses in (("rua", own.dmarc_reports or settings.dmarc_reports), ("ruf", settings.dmarc_failures)):
        if addresses:
            tags.append((tag, ",".join(f"mailto:{address}" for address in addresses.split())))
    return "; ".join(f"{tag}={value}" for tag, value in tags)


def _of_domain(
    domain: Domain, settings: DnsSettings, may_go: Container[int], clients: Mapping[str, str]
) -> Iterator[Expected]:
    name, hosts = domain.name, settings.mail_hosts
    if "." not in name:
        return
    if hosts:
        values = tuple(f"{10 * place} {host.name}." for place, host in enumerate(hosts, start=1))
        yield Expected("mx", name, "MX", values, {"domain": name})
    if terms := spf_terms_of(domain, settings):
        record = " ".join(["v=spf1", *terms, "-all" if settings.spf_strict else "~all"])
        yield Expected("spf", name, "TXT", (record,), {"domain": name})
    yield from _dkim(domain, may_go)
    if terms or hosts:
        yield from _dmarc(domain, settings)
    held = held_until(domain)
    if settings.panel_host and sts_mode(settings, held):
        record = f"v=STSv1; id={sts_id(settings, held)};"
        said, because = {}, ""
        if held and not settings.sts_mode:
            said, because = {"until": date_format(timezone.localtime(held), "DATETIME_FORMAT")}, "sts_held"
        yield Expected("sts", f"_mta-sts.{name}", "TXT", (record,), said, because=because)
        yield Expected("sts_host", f"mta-sts.{name}", "CNAME", (f"{settings.panel_host}.",), {"domain": name})
    if settings.tls_reports and hosts:
        record = f"v=TLSRPTv1; rua={','.join(f'mailto:{one}' for one in settings.tls_reports.split())}"
        yield Expected("tls_reports", f"_smtp._tls.{name}", "TXT", (record,))
    if domain.answers_for.address_class == AddressClass.VIRTUAL_MAILBOX:
        yield from _for_mail_programs(name, settings, clients)


def _keys_of(domain: Domain) -> list[DkimKey]:
    """Its own, and those of its target that sign for alias domains."""
    of_target = [key for key in domain.target.dkim_keys.all() if key.for_alias_domains] if domain.target else []
    return [*domain.dkim_keys.all(), *of_target]


def _keys_that_may_go(domains: Iterable[Domain]) -> set[int]:
    """The keys, by number, that are retiring for long enough: no mail on its way needs their records any more."""
    retiring = [key for domain in domains for key in _keys_of(domain) if key.state == DkimKey.State.RETIRING]
    if not retiring:
        return set()
    now, settings = timezone.now(), MailSettings.current()
    return {key.pk for key in retiring if may_go_at(key, settings) <= now}


def _dkim(domain: Domain, may_go: Container[int]) -> Iterator[Expected]:
    for key in _keys_of(domain):
        if key.state in DKIM_IN_DNS and key.pk not in may_go:
            purpose = {"prepared": "dkim_prepared", "retiring": "dkim_retiring", "revoked": "dkim_revoked"}
            yield Expected(
                purpose.get(key.state, "dkim"),
                f"{key.selector}._domainkey.{domain.name}",
                "TXT",
                (key.record_text,),
                {"selector": key.selector},
                waits=key.state == DkimKey.State.PREPARED,
            )


def _dmarc(domain: Domain, settings: DnsSettings) -> Iterator[Expected]:
    name = domain.name
    yield Expected("dmarc", f"_dmarc.{name}", "TXT", (dmarc_record(domain, settings),), {"domain": name})
    reports = own_settings(domain).dmarc_reports or settings.dmarc_reports
    elsewhere = {address.rpartition("@")[2].lower() for address in f"{reports} {settings.dmarc_failures}".split()}
    for other in sorted(elsewhere):
        # RFC 7489, section 7.1: who gets reports about others says that it wants them.
        if not f".{name}".endswith(f".{other}") and not f".{other}".endswith(f".{name}"):
            allows = f"{name}._report._dmarc.{other}"
            yield Expected("dmarc_reports", allows, "TXT", ("v=DMARC1",), {"domain": name, "other": other})


def _hosts_for_clients(settings: DnsSettings) -> dict[str, str]:
    """The host of each service that mail programs use; a service without one is left out."""
    named = {service: host for hosts in _client_hosts for service, host in hosts().items() if host}
    hosts = {service: named.get(service) or settings.client_host for service in settings.SERVICES}
    return {service: host for service, host in hosts.items() if host}


def _for_mail_programs(name: str, settings: DnsSettings, clients: Mapping[str, str]) -> Iterator[Expected]:
    for service in settings.services.split():
        if service in clients:
            value = f"0 1 {settings.SERVICES[service]} {clients[service]}."
            yield Expected("srv", f"_{service}._tcp.{name}", "SRV", (value,), {"service": service})
    if settings.panel_host and clients:
        target = (f"{settings.panel_host}.",)
        yield Expected("autoconfig", f"autoconfig.{name}", "CNAME", target)
        yield Expected("autodiscover", f"autodiscover.{name}", "CNAME", target)


def _hosts_by_domain(domains: Sequence[Domain], settings: DnsSettings) -> dict[str, list[Expected]]:
    """By the names of these domains, the records of the mail hosts within each. Of domains within each other the inner
    one has them, also where it is none of these."""
    above = {host.name: _names_above(host.name) for host in settings.mail_hosts}
    asked, all_names = {domain.name for domain in domains}, {name for names in above.values() for name in names}
    found: dict[str, list[Expected]] = defaultdict(list)
    if not asked & all_names:
        return found
    ours = set(Domain.objects.filter(name__in=all_names).values_list("name", flat=True))
    for one in _of_hosts(settings):
        holder = next((name for name in above[one.words["host"]] if name in ours), None)
        if holder in asked and one.purpose != "reverse":  # that stands in the zone of whoever gave the address
            found[holder].append(one)
    return found


def _names_above(name: str) -> list[str]:
    """The name and those above it, the nearest first, without a top-level domain."""
    labels = name.split(".")
    return [".".join(labels[at:]) for at in range(len(labels) - 1)]


def _of_hosts(settings: DnsSettings) -> Iterator[Expected]:
    found, unreadable = readable_certificates(settings.certificates)
    hosts = settings.mail_hosts
    of_others = [one for one in found if not any(is_for(one, host.name) for host in hosts)]
    for host in hosts:
        for rdtype, version in (("A", 4), ("AAAA", 6)):
            values = tuple(one for one in host.addresses if ip_address(one).version == version)
            if values:
                yield Expected("address", host.name, rdtype, values, {"host": host.name})
        for address in host.addresses:
            name = ip_address(address).reverse_pointer
            yield Expected("reverse", name, "PTR", (f"{host.name}.",), {"host": host.name, "address": address})
        values = tuple(dict.fromkeys(tlsa_of(one) for one in found if is_for(one, host.name)))
        name, words = f"_25._tcp.{host.name}", {"host": host.name}
        if values:
            yield Expected("tlsa", name, "TLSA", values, words)
        elif unreadable:
            yield Expected("tlsa", name, "TLSA", (), words | {"files": unreadable}, why="certificate_unreadable")
        elif of_others:
            names = [named for one in of_others for named in names_of(one) or [one.subject.rfc4514_string()]]
            yield Expected("tlsa", name, "TLSA", (), words | {"names": names}, why="certificate_of_others")
