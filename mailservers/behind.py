"""What stands behind an address that was looked up, and why it takes no mail, each in a few statements for many."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from domains.models import Domain, MailSettings
from mailboxes.destinations import fitting_pattern
from mailboxes.models import Address, Alias, Mailbox
from mailboxes.parsing import parse_result, split_address
from mailboxes.times import in_words
from mailservers.lookup import Lookup


@dataclass(frozen=True)
class Behind:
    """The domains by name, with their targets, and for each key the address that answers for it."""

    domains: Mapping[str, Domain]
    addresses: Mapping[str, Address]
    delimiters: str


def what_is_behind(keys: Iterable[str]) -> Behind:
    """For addresses and names of domains. What answers for an address is its own, through an alias domain, without the
    extension, the longest pattern, or the catch-all; in the order of postfix.virtual_alias_maps, in whatever state."""
    keys, delimiters = set(keys), MailSettings.current().recipient_delimiter
    names = {key.rpartition("@")[2] for key in keys}
    domains = {domain.name: domain for domain in Domain.objects.filter(name__in=names).select_related("target")}
    patterns: dict[int, list[str]] = defaultdict(list)
    for domain_id, pattern in Address.objects.patterns_in({domain.answers_for.pk for domain in domains.values()}):
        patterns[domain_id].append(pattern)
    candidates: dict[str, list[tuple[int, str]]] = {}
    for key in keys:
        local_part, at, name = key.rpartition("@")
        if at and name in domains:
            try:
                local_part = parse_result(key).local_part
            except ValidationError:  # the key of a table that is asked for more than an address: "7 jean@falcot.org"
                continue
            domain_id = domains[name].answers_for.pk
            base, _extension = split_address(local_part, delimiters)
            # Without an extension there is no base, and without a pattern none: empty, it would be the catch-all.
            found = [*filter(None, (local_part, base, fitting_pattern(local_part, patterns[domain_id]))), ""]
            candidates[key] = [(domain_id, one) for one in dict.fromkeys(found)]
    return Behind(domains, _first_of(candidates), delimiters)


def _first_of(candidates: Mapping[str, list[tuple[int, str]]]) -> dict[str, Address]:
    names: dict[int, set[str]] = defaultdict(set)
    for pairs in candidates.values():
        for domain_id, local_part in pairs:
            names[domain_id].add(local_part)
    wanted = Q(pk__in=[])
    for domain_id, some in names.items():
        wanted |= Q(domain=domain_id, local_part__in=some)
    there = Address.objects.filter(wanted).select_related("domain", "alias", "mailbox", "relay_recipient")
    by_name = {(address.domain_id, address.local_part): address for address in there}
    firsts = {
        key: next((by_name[pair] for pair in pairs if pair in by_name), None) for key, pairs in candidates.items()
    }
    return {key: address for key, address in firsts.items() if address}


def how_it_is_taken(address: Address | None) -> str:
    """Which pattern or catch-all answers for an address that does not exist; empty for one that does."""
    if address is None or not hasattr(address, "alias"):
        return ""
    if address.alias.is_pattern:
        return _("by the pattern %(alias)s") % {"alias": address}
    return _("by the catch-all %(alias)s") % {"alias": address} if address.alias.is_catch_all else ""


def refused_in(lookups: Iterable[Lookup]) -> set[str]:
    """The addresses that are refused, at the door or at an end."""
    return {address for found in lookups for address in _refused_in(found)}


def why_refused(refused: Iterable[str], behind: Behind) -> dict[str, str]:
    """Address -> in sentences why it takes no mail."""
    return {
        address: _why(behind.domains.get(address.rpartition("@")[2]), behind.addresses.get(address))
        for address in refused
    }


def _refused_in(found: Lookup) -> Iterator[str]:
    if found.is_unknown:
        yield found.address
    for node in found.tree.endings() if found.tree else ():
        if node.end == "refused" and not node.way:
            yield node.address


def _why(domain: Domain | None, address: Address | None) -> str:
    if domain is None:
        return _("This domain is not ours.")
    for one in (domain, domain.answers_for):
        if not one.active:
            return _("The domain %(domain)s is inactive.") % {"domain": one}
    things: Mapping[str, Mailbox | Alias | None] = {
        name: getattr(address, name, None) if address else None for name in ("mailbox", "alias")
    }
    sentences = [_why_not(thing) for thing in things.values() if thing]
    return " ".join(sentences) or _("The domain is ours, the address is not there.")


def _why_not(thing: Mailbox | Alias) -> str:
    words = {"address": str(thing)}
    if isinstance(thing, Mailbox):
        if thing.state == "expired":
            return _("Mailbox %(address)s expired on %(when)s.") % (words | {"when": in_words(thing.expires_at)})
        if not thing.receives and thing.active:
            return _("Mailbox %(address)s receives no mail.") % words
        return _("Mailbox %(address)s is inactive.") % words
    if thing.state == "not_begun":
        return _("Alias %(address)s delivers from %(when)s on.") % (words | {"when": in_words(thing.starts_at)})
    if thing.state == "ended":
        return _("Alias %(address)s ended on %(when)s.") % (words | {"when": in_words(thing.ends_at)})
    if thing.state == "active":
        return _("No destination of alias %(address)s takes this mail.") % words
    return _("Alias %(address)s is inactive.") % words
