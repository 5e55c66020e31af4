"""The doors at which aliases are judged: no loop, by which mail would be handed round and round and never arrive
(virtual(5)), and no expansion that Postfix would put off (mailboxes/fan_out.py).

Two mailboxes that send each other copies are none: cleanup(8) does not expand an address again that expanded into
itself. So a way ends at an alias beside an active mailbox, asked for by its own name, with an extension or without."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from graphlib import CycleError, TopologicalSorter

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from domains.models import AddressClass, Domain, MailSettings
from mailboxes.destinations import lock_alias_graph
from mailboxes.fan_out import refuse_fan_out
from mailboxes.models import Alias
from mailboxes.parsing import split_address
from mailboxes.ways import (
    Request,
    Ways,
    in_words,
    split_names,
    starts_at,
    typed_in,
    ways_with_extensions,
    whole_destinations,
)

MOST_SPLIT = 1_000  # destinations with an extension that are followed when the delimiter changes


def refuse_loops(aliases: Iterable[Alias]) -> None:
    """Follows what is saved from these aliases on; raises ValidationError where mail would never arrive, or to too many
    addresses."""
    _refuse_from([start for alias in aliases for start in starts_at(alias)], "destinations")


def refuse_loop_of_what_falls_back(domain_ids: Iterable[int], gone: Iterable[Request] = ()) -> None:
    """An address that goes leaves its mail to its base, to a pattern or to the catch-all, whose destinations were
    looked at while it still ended the way. Raises ValidationError where mail would never arrive."""
    falls_to = Q(address__local_part="") | Q(address__local_part__endswith="*")
    aliases = Alias.objects.filter(falls_to, address__domain__in=list(domain_ids)).select_related("address__domain")
    delimiters = MailSettings.current().recipient_delimiter
    names = [name for name in gone if split_address(name.local_part, delimiters)[0]]
    _refuse_from([*names, *(start for alias in aliases for start in starts_at(alias))], "destinations")


@contextmanager
def no_loop_through(*names: str) -> Iterator[None]:
    """Guards the change of domains (domains.guards.register_guard): an alias domain that gets a target lets through
    what ended at it before, and so does a local one, for aliases of all the others. Only ways that lead to it can have
    become loops."""
    lock_alias_graph()
    yield
    # What is in other domains was looked at when it was saved.
    is_shared = Q(target__isnull=False) | Q(address_class=AddressClass.LOCAL)
    answering = set(Domain.objects.filter(is_shared, name__in=names).values_list("pk", flat=True))
    if not answering:
        return
    starts = list(typed_in(answering))
    for row in whole_destinations(answering):
        starts += starts_at(row.alias)
    _refuse_from(starts, "target")


def refuse_loop_by_delimiter() -> None:
    """Another recipient delimiter: names with an extension may be taken by other addresses than before. Looks at these
    if they are not too many; the check of all aliases finds the rest. Raises ValidationError."""
    lock_alias_graph()
    starts = list(split_names(MOST_SPLIT + 1))
    if len(starts) <= MOST_SPLIT:
        _refuse_from(starts, "recipient_delimiter")


def _refuse_from(starts: Sequence[Request], field: str) -> None:
    starts, ways = ways_with_extensions(starts)
    loop = loop_in(ways)
    if loop:
        sentence = _("This would be a loop: %(chain)s. Mail to it would never arrive.")
        raise ValidationError({field: [sentence % {"chain": in_words(*loop)}]})
    refuse_fan_out(starts, ways, field)


def loop_in(ways: Ways) -> list[Request]:
    """One way that comes back to where it began; empty if there is none. Over an alias that also delivers to itself,
    mail does not go round."""
    graph = {
        request: [there for there in theres if not ways.keeps_a_copy(there)]
        for request, theres in ways.leads_to.items()
        if not ways.keeps_a_copy(request)
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        loop: list[Request] = error.args[1][:0:-1]
        first = next(loop.index(request) for request in graph if request in loop)
        return [*loop[first:], *loop[: first + 1]]
    return []
