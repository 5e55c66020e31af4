"""Whether a zone is signed by DNSSEC, and whether its signatures are good (RFC 4035).

What is said is about this zone alone: that its parent vouches for its key, and that the key signs. Whether the parents
are signed up to the root is for validating resolvers to say; where the DS record comes from is a resolver we trust."""

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from dns_records.authoritative import Asker

SIGNED, UNSIGNED, BROKEN, UNKNOWN = "signed", "unsigned", "broken", "unknown"


def dnssec_of(zone: str, asker: Asker) -> str:
    """One of the four; a key of words.DNSSEC."""
    name = dns.name.from_text(zone)
    at_parent = asker.from_resolver(zone, "DS")
    if not isinstance(at_parent, dns.message.Message):
        return UNKNOWN
    promised = _rrset(at_parent, name, dns.rdatatype.DS)
    if promised is None:
        return UNSIGNED
    for server in asker.servers_of(zone)[1]:
        keys = asker.message(server, zone, "DNSKEY", dnssec=True)
        start = asker.message(server, zone, "SOA", dnssec=True)
        if isinstance(keys, dns.message.Message) and isinstance(start, dns.message.Message):
            return SIGNED if _is_good(name, promised, keys, start) else BROKEN
    return UNKNOWN


def _is_good(
    name: dns.name.Name, promised: dns.rrset.RRset, keys: dns.message.Message, start: dns.message.Message
) -> bool:
    """The parent's DS fits a key, that key signs all keys, and these sign the zone."""
    found = _rrset(keys, name, dns.rdatatype.DNSKEY)
    soa = _rrset(start, name, dns.rdatatype.SOA)
    if found is None or soa is None:
        return False
    vouched = dns.rrset.RRset(name, dns.rdataclass.IN, dns.rdatatype.DNSKEY)
    for key in found:
        for ds in promised:
            try:
                if dns.dnssec.make_ds(name, key, ds.digest_type) == ds:
                    vouched.add(key)
            except (dns.exception.DNSException, ValueError):  # a digest that nobody knows
                continue
    try:
        dns.dnssec.validate(found, _signatures(keys, name, dns.rdatatype.DNSKEY), {name: vouched})
        dns.dnssec.validate(soa, _signatures(start, name, dns.rdatatype.SOA), {name: found})
    except (dns.exception.DNSException, KeyError):
        return False
    return True


def _rrset(message: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
    return message.get_rrset(message.answer, name, dns.rdataclass.IN, kind)


def _signatures(message: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.rrset.RRset:
    found = message.get_rrset(message.answer, name, dns.rdataclass.IN, dns.rdatatype.RRSIG, kind)
    if found is None:
        raise KeyError("RRSIG")
    return found
