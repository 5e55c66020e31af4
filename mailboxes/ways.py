"""Where mail goes from alias to alias: the steps that cleanup(8) makes when it expands a recipient (virtual(5)).

It follows requests, as Postfix makes them, and not rows: a catch-all that delivers to a whole domain keeps the local
part, so `x@b -> x@a` and `@a -> @b` are a loop, while `x@b -> y@a` and `@a -> @b` are none. An inactive alias counts
too: activating it must not close a loop or lead to too many."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import ngettext

from domains.models import Domain, MailSettings
from mailboxes.destinations import fitting_pattern
from mailboxes.models import Address, Alias, AliasDestination, Mailbox
from mailboxes.parsing import external_form, parse_address, split_address

LONGEST_CHAIN = 100  # virtual_alias_recursion_limit is ten times this, postconf(5)
ELSEWHERE = 0  # stands for the domain of what is not ours


class Request(NamedTuple):
    """Mail for a local part, by the name of the domain that was asked for. Empty: any that only the catch-all takes.
    Of what is elsewhere, the local part is all that was typed."""

    domain_id: int
    local_part: str


class Ways(NamedTuple):
    """`leads_to`: where each request goes in one step, one for each destination. `taken_by`: the address of ours whose
    alias says so, which is another one for an extension, a pattern, a catch-all or an alias domain. `copying`: of these
    addresses, those with a mailbox that keeps a copy."""

    leads_to: dict[Request, list[Request]]
    taken_by: dict[Request, Request]
    copying: set[Request]


def starts_at(alias: Alias) -> list[Request]:
    start = Request(alias.address.domain_id, alias.address.local_part)
    return [start, *(_what_falls_to(alias) if alias.is_catch_all else ())]


def _what_falls_to(alias: Alias) -> Iterator[Request]:
    """Destinations that only this catch-all takes, or another one that keeps the local part and delivers to it."""
    if not alias.destinations.filter(Q(domain__isnull=False, text="") | Q(domain=None, text__startswith="@")).exists():
        return  # the same destinations whatever was asked for: the request for "any local part" shows a loop
    domain_ids: set[int] = set()
    found = {alias.address.domain_id}
    while found:
        domain_ids |= found
        found = {row.alias.address.domain_id for row in whole_destinations(found)} - domain_ids
    yield from typed_in(domain_ids)


def whole_destinations(domain_ids: set[int]) -> Iterator[AliasDestination]:
    """Those that are these whole domains, or alias domains of them, also from before they were ours."""
    yield from AliasDestination.objects.filter(_is_of(domain_ids), text="").with_alias()
    names = Domain.objects.filter(Q(pk__in=domain_ids) | Q(target__in=domain_ids)).values_list("name", flat=True)
    yield from AliasDestination.objects.of_domains_elsewhere(names).filter(text__startswith="@").with_alias()


def typed_in(domain_ids: set[int]) -> Iterator[Request]:
    """The destinations in these domains, or alias domains of them, that have no address of their own."""
    for row in AliasDestination.objects.filter(_is_of(domain_ids)).exclude(text="").select_related("domain"):
        if row.domain:
            yield Request(row.domain.pk, row.text)
    yield from _typed_before_the_domain_was_ours(domain_ids)


def _is_of(domain_ids: set[int]) -> Q:
    return Q(domain__in=domain_ids) | Q(domain__target__in=domain_ids)


def _typed_before_the_domain_was_ours(domain_ids: set[int]) -> Iterator[Request]:
    domains = Domain.objects.filter(Q(pk__in=domain_ids) | Q(target__in=domain_ids))
    ours = {domain.name: domain.pk for domain in domains}
    for text in AliasDestination.objects.of_domains_elsewhere(ours).values_list("text", flat=True):
        typed = parse_address(text, may_be_whole_domain=True)
        if typed.local_part:
            yield Request(ours[typed.domain], typed.local_part)


def split_names(most: int) -> Iterator[Request]:
    """Destinations of ours in which some delimiter may stand: with an extension, or without an address of their own."""
    linked = AliasDestination.objects.filter(~Q(extension="")).select_related("address")
    yield from (
        Request(row.address.domain_id, row.address.local_part + row.extension) for row in linked[:most] if row.address
    )
    named = AliasDestination.objects.filter(domain__isnull=False, text__regex="[+-]").values_list("domain_id", "text")
    yield from (Request(*row) for row in named[:most])


def ways_from(starts: Iterable[Request]) -> Ways:
    """All that can be reached, with a few statements a step. Raises ValidationError for a chain that is too long."""
    ways = Ways({}, {}, set())
    frontier = set(starts)
    for _step in range(LONGEST_CHAIN + 1):
        found = _next_of(frontier, ways.taken_by)
        ways.leads_to.update((request, found.get(request, [])) for request in frontier)
        reached = {there for theres in found.values() for there in theres if there.domain_id != ELSEWHERE}
        frontier = reached - ways.leads_to.keys()
        if not frontier:
            return _with_copies(ways)
    sentence = ngettext(
        "This alias leads over more than %d other alias.",
        "This alias leads over more than %d other aliases.",
        LONGEST_CHAIN,
    )
    raise ValidationError({"destinations": [sentence % LONGEST_CHAIN]})


def places_of(start: Request) -> set[Request | None]:
    """The addresses at which mail to this one ends; None stands for what is elsewhere, or has no address."""
    ways = ways_from([start])
    places: set[Request | None] = set()
    for request in {start, *(there for theres in ways.leads_to.values() for there in theres)}:
        taker = ways.taken_by.get(request)
        if taker in ways.copying or not ways.leads_to.get(request):
            places.add(taker)
    return places


def in_words(*requests: Request) -> str:
    names = dict(Domain.objects.filter(pk__in={request.domain_id for request in requests}).values_list("pk", "name"))
    return " → ".join(external_form(request.local_part, names[request.domain_id]) for request in requests)


def _with_copies(ways: Ways) -> Ways:
    """By an alias domain, a copy has another name than what was asked for, and goes on from there."""
    copying = _keeping_a_copy(set(ways.taken_by.values()))
    for request, taker in list(ways.taken_by.items()):
        if taker in copying and taker.domain_id != request.domain_id:
            theres = ways.leads_to[request]
            ways.leads_to.setdefault(taker, theres)
            ways.taken_by[taker] = taker
            ways.leads_to[request] = [*theres, taker]
    return ways._replace(copying=copying)


def _keeping_a_copy(takers: set[Request]) -> set[Request]:
    copies = Mailbox.objects.receiving().filter(
        address__alias__isnull=False,
        address__domain__in={taker.domain_id for taker in takers},
        address__local_part__in={taker.local_part for taker in takers},
    )
    found = copies.values_list("address__domain_id", "address__local_part")
    return takers & {Request(*key) for key in found}


def _next_of(requests: set[Request], taken_by: dict[Request, Request]) -> dict[Request, list[Request]]:
    asked_by: dict[int, list[Request]] = defaultdict(list)
    for request, taker, address_id in _answering(requests):
        asked_by[address_id].append(request)
        taken_by[request] = taker
    rows = list(
        AliasDestination.objects.filter(alias__address__in=asked_by)
        .select_related("alias", "address", "domain")
        .order_by("alias_id", "position")
    )
    ours = _domains_in_texts(rows)
    found: dict[Request, list[Request]] = defaultdict(list)
    for row in rows:
        for request in asked_by[row.alias.address_id]:
            found[request].append(_followed(row, request, ours))
    return found


def _answering(requests: set[Request]) -> Iterator[tuple[Request, Request, int]]:
    """The address that takes each request, and its id, in the order of postfix.virtual_alias_maps: itself, its base,
    the longest pattern, the catch-all."""
    delimiters = MailSettings.current().recipient_delimiter
    base_of = {request: split_address(request.local_part, delimiters)[0] for request in requests}
    answering = {
        pk: target_id or pk
        for pk, target_id in Domain.objects.filter(pk__in={request.domain_id for request in requests}).values_list(
            "pk", "target_id"
        )
    }
    patterns: dict[int, list[str]] = defaultdict(list)
    for domain_id, pattern in Address.objects.patterns_in(answering.values()):
        patterns[domain_id].append(pattern)
    candidates = {
        request: (
            request.local_part,
            base_of[request],
            fitting_pattern(request.local_part, patterns[answering[request.domain_id]]),
            "",
        )
        for request in requests
    }
    local_parts = {local_part for names in candidates.values() for local_part in names}
    addresses = Address.objects.filter(domain__in=answering.values(), local_part__in=local_parts)
    known = {
        Request(domain_id, local_part): pk
        for pk, domain_id, local_part in addresses.values_list("pk", "domain_id", "local_part")
    }
    for request, (*names, catch_all) in candidates.items():
        for local_part in [*filter(None, names), catch_all]:
            taker = Request(answering[request.domain_id], local_part)
            if taker in known:
                yield request, taker, known[taker]
                break


def _domains_in_texts(rows: Iterable[AliasDestination]) -> dict[str, int]:
    """A destination that was elsewhere when it was typed may have become ours since."""
    names = {row.text.rpartition("@")[2].lower() for row in rows if not row.is_ours}
    return dict(Domain.objects.filter(name__in=names).values_list("name", "pk"))


def _followed(row: AliasDestination, request: Request, ours: dict[str, int]) -> Request:
    """Where a destination sends a request."""
    if row.address:
        return Request(row.address.domain_id, row.address.local_part + row.extension)
    if row.domain:
        return Request(row.domain.pk, row.text or request.local_part)
    domain_id = ours.get(row.text.rpartition("@")[2].lower())
    if domain_id is None:
        return Request(ELSEWHERE, row.text)
    return Request(domain_id, parse_address(row.text, may_be_whole_domain=True).local_part or request.local_part)
