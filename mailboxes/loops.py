"""The search for alias loops: mail that would be handed round and round and never arrive (virtual(5)).

It follows requests, as Postfix makes them, and not rows: a catch-all that delivers to a whole domain keeps the local
part, so `x@b -> x@a` and `@a -> @b` are a loop, while `x@b -> y@a` and `@a -> @b` are none. An inactive alias counts
too: activating it must not close a loop.

Two mailboxes that send each other copies are none: cleanup(8) does not expand an address again that expanded into
itself. So a way ends at an alias beside an active mailbox, asked for by its own name."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from domains.models import Domain, MailSettings
from mailboxes.destinations import fitting_pattern, lock_alias_graph, split_address
from mailboxes.models import Address, Alias, AliasDestination, Mailbox
from mailboxes.parsing import external_form, parse_address

LONGEST_CHAIN = 100  # virtual_alias_recursion_limit is ten times this, postconf(5)


class Request(NamedTuple):
    """Mail for a local part, by the name of the domain that was asked for. Empty: any that only the catch-all takes."""

    domain_id: int
    local_part: str


Ways = dict[Request, list[Request]]


def refuse_loop(alias: Alias) -> None:
    """Follows what is saved from this alias on; raises ValidationError where mail would never arrive."""
    refuse_loops([alias])


def refuse_loops(aliases: Iterable[Alias]) -> None:
    """The same for many aliases at once, in as many statements as for one."""
    _refuse_loop_from([start for alias in aliases for start in _starts_at(alias)], "destinations")


def refuse_loop_of_what_falls_back(domain_ids: Iterable[int]) -> None:
    """An address that goes leaves its mail to a pattern or to the catch-all, whose destinations were looked at while it
    still ended the way. Raises ValidationError where mail would never arrive."""
    falls_to = Q(address__local_part="") | Q(address__local_part__endswith="*")
    aliases = Alias.objects.filter(falls_to, address__domain__in=list(domain_ids)).select_related("address__domain")
    refuse_loops(aliases)


@contextmanager
def no_loop_through(*names: str) -> Iterator[None]:
    """Guards the change of domains (domains.guards.register_guard): an alias domain that gets a target lets through
    what ended at it before. Only ways that lead to it can have become loops."""
    lock_alias_graph()
    yield
    # What is in other domains was looked at when it was saved.
    answering = set(Domain.objects.filter(name__in=names, target__isnull=False).values_list("pk", flat=True))
    if not answering:
        return
    starts = list(_typed_in(answering))
    for row in _whole_destinations(answering):
        starts += _starts_at(row.alias)
    _refuse_loop_from(starts, "target")


def _starts_at(alias: Alias) -> list[Request]:
    start = Request(alias.address.domain_id, alias.address.local_part)
    return [start, *(_what_falls_to(alias) if alias.is_catch_all else ())]


def _refuse_loop_from(starts: Iterable[Request], field: str) -> None:
    loop = _loop_in(_without_copies(_ways_from(starts)))
    if loop:
        sentence = _("This would be a loop: %(chain)s. Mail to it would never arrive.")
        raise ValidationError({field: [sentence % {"chain": _in_words(loop)}]})


def _what_falls_to(alias: Alias) -> Iterator[Request]:
    """Destinations that only this catch-all takes, or another one that keeps the local part and delivers to it."""
    if not alias.destinations.filter(Q(domain__isnull=False, text="") | Q(domain=None, text__startswith="@")).exists():
        return  # the same destinations whatever was asked for: the request for "any local part" shows a loop
    domain_ids: set[int] = set()
    found = {alias.address.domain_id}
    while found:
        domain_ids |= found
        found = {row.alias.address.domain_id for row in _whole_destinations(found)} - domain_ids
    yield from _typed_in(domain_ids)


def _whole_destinations(domain_ids: set[int]) -> Iterator[AliasDestination]:
    """Those that are these whole domains, or alias domains of them, also from before they were ours."""
    yield from AliasDestination.objects.filter(_is_of(domain_ids), text="").with_alias()
    names = Domain.objects.filter(Q(pk__in=domain_ids) | Q(target__in=domain_ids)).values_list("name", flat=True)
    yield from AliasDestination.objects.of_domains_elsewhere(names).filter(text__startswith="@").with_alias()


def _typed_in(domain_ids: set[int]) -> Iterator[Request]:
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


def _ways_from(starts: Iterable[Request]) -> Ways:
    """Where each request leads to in one step, for all that can be reached: a few statements a step."""
    ways: Ways = {}
    frontier = set(starts)
    for _step in range(LONGEST_CHAIN + 1):
        found = _next_of(frontier)
        ways |= {request: found.get(request, []) for request in frontier}
        frontier = {there for requests in found.values() for there in requests} - ways.keys()
        if not frontier:
            return ways
    sentence = ngettext(
        "This alias leads over more than %d other alias.",
        "This alias leads over more than %d other aliases.",
        LONGEST_CHAIN,
    )
    raise ValidationError({"destinations": [sentence % LONGEST_CHAIN]})


def _next_of(requests: set[Request]) -> Ways:
    asked_by: dict[int, list[Request]] = defaultdict(list)
    for request, address_id in _answering(requests):
        asked_by[address_id].append(request)
    rows = list(
        AliasDestination.objects.filter(alias__address__in=asked_by)
        .select_related("alias", "address", "domain")
        .order_by("alias_id", "position")
    )
    ours = _domains_in_texts(rows)
    found: Ways = defaultdict(list)
    for row in rows:
        for request in asked_by[row.alias.address_id]:
            there = _followed(row, request, ours)
            if there:
                found[request].append(there)
    return found


def _answering(requests: set[Request]) -> Iterator[tuple[Request, int]]:
    """The address that takes each request, in the order of postfix.virtual_alias_maps: itself, its base, the longest
    pattern, the catch-all."""
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
        (domain_id, local_part): pk
        for pk, domain_id, local_part in addresses.values_list("pk", "domain_id", "local_part")
    }
    for request, names in candidates.items():
        for local_part in names:
            address_id = known.get((answering[request.domain_id], local_part))
            if address_id:
                yield request, address_id
                break


def _domains_in_texts(rows: Iterable[AliasDestination]) -> dict[str, int]:
    """A destination that was elsewhere when it was typed may have become ours since."""
    names = {row.text.rpartition("@")[2].lower() for row in rows if not row.is_ours}
    return dict(Domain.objects.filter(name__in=names).values_list("name", "pk"))


def _followed(row: AliasDestination, request: Request, ours: dict[str, int]) -> Request | None:
    """Where a destination sends a request; None if that is elsewhere."""
    if row.address:
        return Request(row.address.domain_id, row.address.local_part + row.extension)
    if row.domain:
        return Request(row.domain.pk, row.text or request.local_part)
    domain_id = ours.get(row.text.rpartition("@")[2].lower())
    if domain_id is None:
        return None
    return Request(domain_id, parse_address(row.text, may_be_whole_domain=True).local_part or request.local_part)


def _without_copies(ways: Ways) -> Ways:
    """The ways on which mail could go round: not those over an alias that also delivers to itself."""
    domain_ids = {request.domain_id for request in ways}
    local_parts = {request.local_part for request in ways}
    copies = Mailbox.objects.receiving().filter(
        address__alias__isnull=False, address__domain__in=domain_ids, address__local_part__in=local_parts
    )
    own_names = {Request(*key) for key in copies.values_list("address__domain_id", "address__local_part")}
    return {
        request: [there for there in theres if there not in own_names]
        for request, theres in ways.items()
        if request not in own_names
    }


def _loop_in(ways: Ways) -> list[Request]:
    """One way that comes back to where it began; empty if there is none."""
    try:
        TopologicalSorter(ways).prepare()
    except CycleError as error:
        loop: list[Request] = error.args[1][:0:-1]
        first = next(loop.index(request) for request in ways if request in loop)
        return [*loop[first:], *loop[: first + 1]]
    return []


def _in_words(loop: list[Request]) -> str:
    names = dict(Domain.objects.filter(pk__in={request.domain_id for request in loop}).values_list("pk", "name"))
    return " → ".join(external_form(request.local_part, names[request.domain_id]) for request in loop)
