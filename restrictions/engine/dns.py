"""Restrictions that ask the DNS: block lists, lists of good clients, and whether a domain exists at all."""

from ipaddress import ip_address

from restrictions.engine.actions import fixed_status
from restrictions.engine.names import is_host
from restrictions.engine.patterns import answers_match
from restrictions.engine.policy import Records
from restrictions.engine.walk import SENDER, Outcome, Walk

FINAL = ("local", "virtual_alias", "virtual_mailbox")  # address classes that are delivered here


def reject_address(walk: Walk, listing: str, address: str, said: str) -> Outcome:
    zone, _equals, wanted = listing.partition("=")
    return _refuse_listed(walk, _listed(walk, f"{_reversed(address)}.{zone}", zone, wanted), zone, address, said)


def reject_name(walk: Walk, listing: str, what: str, said: str) -> Outcome:
    """`what` is a host name or a mail address."""
    zone, _equals, wanted = listing.partition("=")
    domain = _domain_to_ask(what)
    found = _listed(walk, f"{domain}.{zone}", zone, wanted) if domain else None
    return _refuse_listed(walk, found, zone, what, said)


def permit_address(walk: Walk, listing: str, address: str, said: str) -> Outcome:
    zone, _equals, wanted = listing.partition("=")
    return _permit_listed(walk, _listed(walk, f"{_reversed(address)}.{zone}", zone, wanted), zone, address, said)


def permit_name(walk: Walk, listing: str, what: str, said: str) -> Outcome:
    zone, _equals, wanted = listing.partition("=")
    domain = _domain_to_ask(what)
    found = _listed(walk, f"{domain}.{zone}", zone, wanted) if domain else None
    return _permit_listed(walk, found, zone, what, said)


def reject_unknown_domain(walk: Walk, address: str, said: str) -> Outcome:
    """reject_unknown_{sender,recipient}_domain: MX or address. What is delivered here needs neither."""
    domain = walk.domain_of(address)
    if walk.policy.addresses.address_class(domain) in FINAL:
        return walk.passes("ours", domain=domain)
    if domain.startswith("["):
        return walk.passes("exists", name=domain)
    state = state_of(walk, domain)
    if state == "exists":
        return walk.passes("exists", name=domain)
    is_sender = said == SENDER
    if state == "takes_no_mail":
        code, status = (550, "4.7.27") if is_sender else (556, "4.1.10")
        words = f"<{address}>: {said} rejected: Domain {domain} does not accept mail (nullMX)"
        return walk.refuse(code, status, words, "takes_no_mail", name=domain)
    status, words = "4.1.8" if is_sender else "4.1.2", f"<{address}>: {said} rejected: Domain not found"
    if state == "down":
        action = walk.setting("unknown_address_tempfail_action")
        return walk.refuse_for_now(action, 450, status, words, "dns_down", name=domain)
    return walk.refuse(walk.setting("unknown_address_reject_code"), status, words, "does_not_exist", name=domain)


def is_stated(walk: Walk, name: str) -> bool:
    return name.lower().rstrip(".") in walk.assumptions.dns


def state_of(walk: Walk, name: str) -> str:
    """exists, takes_no_mail (its MX says so), down or missing."""
    if not is_host(name):
        return "missing"
    found = walk.assumptions.host(name)
    if found is None:
        state = "missing"
    elif found.is_down:
        state = "down"
    elif found.mail_servers == (".",):
        state = "takes_no_mail"
    else:
        state = "exists" if found.addresses or found.mail_servers else "missing"
    walk.take_for_granted(name, state, is_stated=is_stated(walk, name))
    return state


def _listed(walk: Walk, query: str, zone: str, wanted: str) -> Records | None:
    found = walk.assumptions.listed(query, zone)
    is_stated = query.lower() in walk.assumptions.dns or zone.lower() in walk.assumptions.dns
    answer = "missing" if found is None else "down" if found.is_down else ", ".join(found.addresses)
    walk.take_for_granted(query, answer, is_stated=is_stated)
    if found and not found.is_down and wanted and not answers_match(wanted, found.addresses):
        return None
    return found


def _refuse_listed(walk: Walk, found: Records | None, zone: str, what: str, said: str) -> Outcome:
    """default_rbl_reply. A list that does not answer holds nobody."""
    if found is None or found.is_down:
        return walk.passes("not_on_list", zone=zone, what=what)
    code, reason = walk.setting("maps_rbl_reject_code"), f"; {found.words}" if found.words else ""
    words = f"Service unavailable; {said} [{what}] blocked using {zone}{reason}"
    return walk.refuse(code, fixed_status("4.7.1", said), words, "on_list", zone=zone, what=what)


def _permit_listed(walk: Walk, found: Records | None, zone: str, what: str, said: str) -> Outcome:
    if found is None:
        return walk.passes("not_on_list", zone=zone, what=what)
    if found.is_down:
        words = f"<{what}>: {said} rejected: Service unavailable"
        return walk.refuse_softly(450, "4.7.1", words, "dns_down", name=zone)
    return walk.permit("on_list", zone=zone, what=what)


def _reversed(address: str) -> str:
    return ip_address(address).reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


def _domain_to_ask(what: str) -> str:
    """ "" for what no list is asked about: address literals, and names that end in a number."""
    domain = what.rpartition("@")[2]
    if not domain or domain.startswith("[") or domain.rpartition(".")[2].isdigit() or not is_host(domain):
        return ""
    return domain
