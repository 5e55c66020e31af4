"""Where mail goes from alias to alias: the steps that cleanup(8) makes when it expands a recipient (virtual(5)).

It follows requests, as Postfix makes them, and not rows: a catch-all that delivers to a whole domain keeps the local
part, so `x@b -> x@a` and `@a -> @b` are a loop, while `x@b -> y@a` and `@a -> @b` are none. An extension goes on to
what its base delivers to (propagate_unmatched_extensions, postconf(5)), but local(8) drops it. An inactive alias counts
too: activating it must not close a loop or lead to too many. Nor must stopping it, where its base takes its mail then.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q
from django.utils.translation import ngettext

from domains.models import AddressClass, Domain, MailSettings
from mailboxes.destinations import fitting_pattern
from mailboxes.models import Address, Alias, AliasDestination, Mailbox
from mailboxes.parsing import LONGEST_LOCAL_PART, external_form, parse_address, split_address

LONGEST_CHAIN = 100  # virtual_alias_recursion_limit is ten times this, postconf(5)
MOST_EXTENSIONS = 1_000  # tried for what is saved; the daily check looks at all
NO_NAME_HAS_IT = "X"  # names are in lower case
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

    def keeps_a_copy(self, request: Request) -> bool:
        """Whether it expands into itself, which cleanup(8) does once. By an alias domain it becomes another name."""
        taker = self.taken_by.get(request)
        return taker in self.copying and taker.domain_id == request.domain_id


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
    """Names of ours in which some delimiter may stand: destinations with an extension, or without an address of their
    own, and aliases."""
    linked = AliasDestination.objects.filter(~Q(extension="")).select_related("address")
    yield from (
        Request(row.address.domain_id, row.address.local_part + row.extension) for row in linked[:most] if row.address
    )
    named = AliasDestination.objects.filter(domain__isnull=False, text__regex="[+-]").values_list("domain_id", "text")
    yield from (Request(*row) for row in named[:most])
    aliases = Address.objects.filter(local_part__regex="[+-]", alias__isnull=False).order_by()
    yield from (Request(*row) for row in aliases.values_list("domain_id", "local_part")[:most])


def ways_from(starts: Iterable[Request]) -> Ways:
    """All that can be reached, with a few statements a step. Raises ValidationError for a chain that is too long."""
    ways = Ways({}, {}, set())
    frontier = list(dict.fromkeys(starts))  # what was typed comes first in the words of a loop
    for _step in range(LONGEST_CHAIN + 1):
        found = _next_of(set(frontier), ways.taken_by)
        ways.leads_to.update((request, found.get(request, [])) for request in frontier)
        reached = {there for theres in found.values() for there in theres if there.domain_id != ELSEWHERE}
        frontier = sorted(reached - ways.leads_to.keys())
        if not frontier:
            return _with_copies(ways)
    sentence = ngettext(
        "This alias leads over more than %d other alias.",
        "This alias leads over more than %d other aliases.",
        LONGEST_CHAIN,
    )
    raise ValidationError({"destinations": [sentence % LONGEST_CHAIN]})


def ways_with_extensions(starts: Iterable[Request], *, most: int = MOST_EXTENSIONS) -> tuple[list[Request], Ways]:
    """As ways_from(), for these and for what senders may type with an extension: any, and those that lead elsewhere
    than any other because some address on the way has it in its name. Gives all the starts."""
    delimiters = MailSettings.current().recipient_delimiter
    starts = list(dict.fromkeys(starts))
    if not delimiters:
        return starts, ways_from(starts)
    unknown = delimiters[0] + NO_NAME_HAS_IT
    extended = {
        Request(start.domain_id, start.local_part + unknown): start
        for start in starts
        if start.local_part and not start.local_part.endswith("*")
    }
    for start in _addresses_among({one for one in starts if split_address(one.local_part, delimiters)[0]}):
        extended.pop(Request(start.domain_id, start.local_part + unknown), None)  # its base takes that
    ways = ways_from([*starts, *extended])
    leading_to: dict[Request, list[Request]] = defaultdict(list)
    for request, theres in ways.leads_to.items():
        for there in theres:
            leading_to[there].append(request)
    named: dict[Request, None] = {}
    for request, extension in _extensions_of_names(ways, unknown, delimiters, most):
        above = {request}
        frontier = above
        while frontier and len(named) < most:
            for start in sorted(frontier & extended.keys()):
                named[Request(start.domain_id, extended[start].local_part + extension)] = None
            frontier = {one for there in frontier for one in leading_to[there]} - above
            above |= frontier
    new = [start for start in named if start not in ways.leads_to]
    starts = [*starts, *extended, *named]
    return starts, ways_from(starts) if new else ways


def _addresses_among(requests: set[Request]) -> set[Request]:
    if not requests:
        return set()
    domain_ids = {request.domain_id for request in requests}
    local_parts = {request.local_part for request in requests}
    addresses = Address.objects.filter(domain__in=domain_ids, local_part__in=local_parts)
    return requests & {Request(*row) for row in addresses.values_list("domain_id", "local_part")}


def _extensions_of_names(ways: Ways, unknown: str, delimiters: str, most: int) -> list[tuple[Request, str]]:
    """Requests to which an unknown extension was carried on, with one that makes the name of an alias or a pattern."""
    carried = [request for request in ways.leads_to if request.local_part.endswith(unknown)]
    if not carried:
        return []
    answering, _local_ids = _answering_ids({request.domain_id for request in carried})
    asked = [(request, domain_id) for request in carried for domain_id in answering.get(request.domain_id, ())]
    with connection.cursor() as cursor:
        cursor.execute(
            EXTENSIONS,
            {
                "domain_ids": [domain_id for _request, domain_id in asked],
                "names": [request.local_part.removesuffix(unknown) for request, _domain_id in asked],
                "delimiters": list(delimiters),
                "most": most,
            },
        )
        return [(asked[place - 1][0], extension) for place, extension in cursor.fetchall()]


# A range of the names, so that an index finds them; the delimiters are ASCII.
EXTENSIONS = """
    SELECT asked.place, substr(named.local_part, length(asked.name) + 1)
    FROM unnest(%(domain_ids)s::bigint[], %(names)s::text[]) WITH ORDINALITY AS asked (domain_id, name, place)
    CROSS JOIN unnest(%(delimiters)s::text[]) AS delimiter
    CROSS JOIN LATERAL (
        SELECT address.id, address.local_part
        FROM mailboxes_address AS address
        WHERE address.domain_id = asked.domain_id
          AND address.local_part >= asked.name || delimiter
          AND address.local_part < asked.name || chr(ascii(delimiter) + 1)
        OFFSET 0
    ) AS named
    CROSS JOIN LATERAL (
        SELECT FROM mailboxes_alias AS alias WHERE alias.address_id = named.id OFFSET 0
    ) AS delivering
    LIMIT %(most)s
"""


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
    """An extension that only grows is left out."""
    names = dict(Domain.objects.filter(pk__in={request.domain_id for request in requests}).values_list("pk", "name"))
    local_parts = [request.local_part for request in requests]
    if any(len(local_part) > LONGEST_LOCAL_PART for local_part in local_parts):
        delimiters = MailSettings.current().recipient_delimiter
        local_parts = [split_address(local_part, delimiters)[0] or local_part for local_part in local_parts]
    return " → ".join(
        external_form(local_part, names[request.domain_id])
        for request, local_part in zip(requests, local_parts, strict=True)
    )


def _with_copies(ways: Ways) -> Ways:
    """By an alias domain, a copy has another name than what was asked for, and goes on from there."""
    copying = _keeping_a_copy(set(ways.taken_by.values()))
    for request, taker in list(ways.taken_by.items()):
        if taker in copying and taker.domain_id != request.domain_id:
            copy = Request(taker.domain_id, request.local_part)
            theres = ways.leads_to[request]
            ways.leads_to.setdefault(copy, theres)
            ways.taken_by[copy] = taker
            ways.leads_to[request] = [*theres, copy]
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
    asked_by: dict[int, list[tuple[Request, str]]] = defaultdict(list)
    for request, taker, address_id, extension in _answering(requests):
        asked_by[address_id].append((request, extension))
        taken_by[request] = taker
    rows = list(
        AliasDestination.objects.filter(alias__address__in=asked_by)
        .select_related("alias", "address", "domain")
        .order_by("alias_id", "position")
    )
    ours = _domains_in_texts(rows)
    found: dict[Request, list[Request]] = defaultdict(list)
    for row in rows:
        for request, extension in asked_by[row.alias.address_id]:
            found[request].append(_followed(row, request, extension, ours))
    return found


def _answering(requests: set[Request]) -> Iterator[tuple[Request, Request, int, str]]:
    """The address that takes each request, its id, and the extension that goes on from there, in the order of
    postfix.virtual_alias_maps: itself, its base, the longest pattern, the catch-all. Before itself its base, if that
    takes the mail while an alias with an extension in its name is asleep."""
    delimiters = MailSettings.current().recipient_delimiter
    answering, local_ids = _answering_ids({request.domain_id for request in requests})
    requests = {request for request in requests if request.domain_id in answering}
    parted = {request: split_address(request.local_part, delimiters) for request in requests}
    domain_ids = {domain_id for answers in answering.values() for domain_id in answers}
    patterns: dict[int, list[str]] = defaultdict(list)
    for domain_id, pattern in Address.objects.patterns_in(domain_ids - local_ids):
        patterns[domain_id].append(pattern)
    candidates: dict[Request, list[str]] = {}
    for request in requests:
        names = [request.local_part, parted[request][0]]
        if request.domain_id not in local_ids:
            names.append(fitting_pattern(request.local_part, patterns[answering[request.domain_id][0]]))
        names = list(dict.fromkeys(filter(None, names)))  # a pattern fits itself
        candidates[request] = names if request.domain_id in local_ids else [*names, ""]
    local_parts = {local_part for names in candidates.values() for local_part in names}
    addresses = Address.objects.filter(domain__in=domain_ids, local_part__in=local_parts)
    known = {
        Request(domain_id, local_part): pk
        for pk, domain_id, local_part in addresses.values_list("pk", "domain_id", "local_part")
    }
    takers = {
        request: [
            Request(domain_id, local_part)
            for local_part in candidates[request]
            for domain_id in answering[request.domain_id]
            if Request(domain_id, local_part) in known
        ]
        for request in requests
    }
    awake = _always_awake(
        {
            known[first]
            for request, (first, *others) in ((request, found) for request, found in takers.items() if found)
            if parted[request][0] and others and first.local_part == request.local_part
        }
    )
    for request, found in takers.items():
        base, extension = parted[request]
        for taker in found[1::-1]:
            is_base = taker.local_part == base != ""
            if taker == found[0] or is_base and known[found[0]] not in awake:
                yield request, taker, known[taker], extension if is_base and request.domain_id not in local_ids else ""


def _answering_ids(domain_ids: set[int]) -> tuple[dict[int, list[int]], set[int]]:
    """The domains whose addresses answer for each: its target or itself; and of a local one all that are local, which
    come second. An alias of local(8) has no domain."""
    rows = Domain.objects.filter(pk__in=domain_ids).values_list("pk", "target_id", "address_class")
    found = {pk: (target_id or pk, address_class == AddressClass.LOCAL) for pk, target_id, address_class in rows}
    local_ids: set[int] = set()
    if any(is_local for _pk, is_local in found.values()):
        local_ids = set(Domain.objects.filter(address_class=AddressClass.LOCAL).values_list("pk", flat=True))
    return {
        pk: sorted(local_ids) if is_local else [answering_id] for pk, (answering_id, is_local) in found.items()
    }, local_ids


def _always_awake(address_ids: set[int]) -> set[int]:
    """Addresses whose mail their base never takes: postfix.virtual_alias_maps, step 3, or an alias that never ends."""
    if not address_ids:
        return set()
    never_ends = Q(alias__active=True, alias__starts_at=None, alias__ends_at=None)
    never = never_ends | Q(mailbox__isnull=False) | Q(relay_recipient__isnull=False)
    return set(Address.objects.filter(never, pk__in=address_ids).values_list("pk", flat=True))


def _domains_in_texts(rows: Iterable[AliasDestination]) -> dict[str, int]:
    """A destination that was elsewhere when it was typed may have become ours since."""
    names = {row.text.rpartition("@")[2].lower() for row in rows if not row.is_ours}
    return dict(Domain.objects.filter(name__in=names).values_list("name", "pk"))


def _followed(row: AliasDestination, request: Request, extension: str, ours: dict[str, int]) -> Request:
    """Where a destination sends a request."""
    if row.address:
        return _known_by(Request(row.address.domain_id, row.address.local_part + row.extension + extension))
    if row.domain:
        domain_id, local_part = row.domain.pk, row.text
    else:
        ours_id = ours.get(row.text.rpartition("@")[2].lower())
        if ours_id is None:
            return Request(ELSEWHERE, row.text)
        domain_id, local_part = ours_id, parse_address(row.text, may_be_whole_domain=True).local_part
    return _known_by(Request(domain_id, local_part + extension if local_part else request.local_part))


def _known_by(request: Request) -> Request:
    """An extension may grow and grow. Of what is longer than any name, no more counts than whether it can be split, and
    by what (split_address): so a loop comes back to where it was."""
    if len(request.local_part) <= LONGEST_LOCAL_PART:
        return request
    end = "-request" if request.local_part.endswith("-request") else ""
    return request._replace(local_part=request.local_part[: LONGEST_LOCAL_PART + 1] + end)
