"""What asks about the servers of other domains: check_*_mx_access, check_*_ns_access and check_*_a_access,
tables of them, and permit_mx_backup.

The names of the servers come first, each with its parents, then its addresses, as check_server_access() does it. A name
without an MX record is its own mail server; where a name has no name server, its parents are asked (postconf(5))."""

import re
from collections.abc import Iterator

from restrictions.engine.dns import is_stated
from restrictions.engine.keys import is_address, keys_of_name, keys_of_network
from restrictions.engine.names import is_host
from restrictions.engine.policy import Entry, Records
from restrictions.engine.rules import access, no_permission
from restrictions.engine.walk import CLIENT, HELO, RECIPIENT, REVERSE_CLIENT, RULES, SENDER, Outcome, Walk

LATER, NO_HOST = "Host not found, try again", "Name or service not known"  # as the C library says it
LOOPBACK = {"localhost": Records(("127.0.0.1", "::1"))}  # RFC 6761, section 6.3
IS_ABOUT_SERVERS = re.compile(r"check_(client|reverse_client_hostname|helo|sender|recipient)_(mx|ns|a)_access")


def _look(walk: Walk, entry: Entry) -> Outcome:
    what, kind = IS_ABOUT_SERVERS.fullmatch(entry.name).groups()  # type: ignore[union-attr]
    name, said = _about(walk, what)
    if not name:
        return walk.passes("no_name_to_ask", entry=entry.name)
    domain = name.rpartition("@")[2]
    keys = _keys_of_literal(domain, kind) if domain.startswith("[") else _keys(walk, domain, kind)
    shown = walk.session.shown_client if what == "client" else name
    return no_permission(walk, access(walk, entry, keys, (shown, said)))


def _about(walk: Walk, what: str) -> tuple[str, str]:
    """The host name or address whose servers are looked at, "" without one; and what replies call it."""
    session = walk.session
    return {
        "client": (session.name, CLIENT),
        "reverse_client_hostname": (session.reverse_name or session.name, REVERSE_CLIENT),
        "helo": (walk.helo, HELO),
        "sender": (walk.sender or "", SENDER),
        "recipient": (walk.recipient or "", RECIPIENT),
    }[what]


def _keys_of_literal(literal: str, kind: str) -> Iterator[str]:
    """An address in brackets is its own mail server, and has no name server."""
    address = literal[1:-1].removeprefix("IPv6:").removeprefix("ipv6:")
    if kind != "ns" and literal.endswith("]") and is_address(address):
        yield from keys_of_network(address)


def _keys(walk: Walk, domain: str, kind: str) -> Iterator[str]:
    plain = walk.policy.settings.parents_match_subdomains
    for server in _servers(walk, domain, kind):
        if is_address(server):
            yield from keys_of_network(server)
            continue
        if kind != "a":
            yield from keys_of_name(server, plain_parents=plain)
        found = _records(walk, server)
        for address in found.addresses if found and not found.is_down else ():
            yield from keys_of_network(address)


def _servers(walk: Walk, domain: str, kind: str) -> tuple[str, ...]:
    """Their names. None where the DNS does not answer, or says that there are none."""
    if kind == "a":
        return (domain,)
    while True:
        found = _records(walk, domain) if is_host(domain) else None
        if found is None and walk.assumptions.names_exist and not is_stated(walk, domain):
            return ()
        if found and (found.is_down or (kind == "mx" and found.mail_servers == (".",))):
            return ()
        servers = (found.mail_servers if kind == "mx" else found.name_servers) if found else ()
        if servers or kind == "mx":
            return servers or (domain,)
        domain = domain.partition(".")[2]
        if not domain:
            return ()


def _records(walk: Walk, name: str) -> Records | None:
    """What was stated. Of what nobody stated nothing is known, so no rule applies."""
    bare = name.lower().rstrip(".")
    stated = is_stated(walk, bare)
    found = walk.assumptions.dns.get(bare, LOOPBACK.get(bare))
    if walk.assumptions.names_exist or stated:
        walk.take_for_granted(f"servers of {bare}", _in_words(found) if stated else "in no table", is_stated=stated)
    return found


def _in_words(found: Records | None) -> str:
    if found is None or found.is_down:
        return "missing" if found is None else "down"
    return ", ".join((*found.mail_servers, *found.name_servers, *found.addresses)) or "none"


THIS = "this"  # what people type for this server among the mail servers of a domain


def _mx_backup(walk: Walk, _entry: Entry) -> Outcome:
    """permit_mx_backup: whether this server is a mail server of the domain, but not the first one."""
    recipient = walk.recipient
    if recipient is None:
        return walk.passes("no_single_recipient")
    domain = walk.domain_of(recipient)
    if walk.is_ours(recipient):
        return walk.permit("ours", domain=domain)
    found = _records(walk, domain) if is_host(domain) else None
    if found and found.is_down:
        words = f"<{recipient}>: {RECIPIENT} rejected: Unable to look up mail exchanger information: {LATER}"
        return walk.refuse_softly(450, "4.4.4", words, "dns_down", name=domain)
    first, backups = (found.mail_servers[:1], found.mail_servers[1:]) if found else ((), ())
    if first == (".",) or _is_among(walk, recipient, first) or not _is_among(walk, recipient, backups):
        return walk.passes("no_mx_backup", domain=domain)
    return walk.permit("mx_backup", domain=domain)


def _is_among(walk: Walk, recipient: str, servers: tuple[str, ...]) -> bool:
    """By their names, and only then by their addresses."""
    own = {THIS, walk.policy.settings.myorigin.lower()}
    if any(server in own or walk.policy.addresses.address_class(server) == "local" for server in servers):
        return True
    for server in servers:
        found = _records(walk, server)
        addresses = found.addresses if found and not found.is_down else ()
        if set(addresses) & set(walk.policy.settings.inet_interfaces):
            return True
        if not addresses:
            words = f"<{recipient}>: {RECIPIENT} rejected: Unable to look up mail exchanger host {server}: {NO_HOST}"
            walk.refuse_softly(450, "4.4.4", words, "does_not_exist", name=server)
    return False


RULES["permit_mx_backup"] = _mx_backup
for _what in ("client", "reverse_client_hostname", "helo", "sender", "recipient"):
    for _kind in ("mx", "ns", "a"):
        RULES[f"check_{_what}_{_kind}_access"] = _look
