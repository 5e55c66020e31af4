"""Default aliases deliver somewhere: whoever may not stop one does not stop what it leads to either."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.actors import Actor
from domains.models import AddressClass, Domain
from mailboxes.models import Address, Alias
from mailboxes.protection import MOST_NAMED, default_aliases_among, is_domain_admin
from mailboxes.ways import ELSEWHERE, Request, starts_at, ways_from

MOST_ABOVE = 1_000  # aliases that lead to what is changed; the daily check looks at all


@contextmanager
def default_aliases_deliver(address_ids: Collection[int], by: Actor) -> Iterator[None]:
    """Around a change of what is at these addresses, with the graph of aliases locked. Raises ValidationError if a
    default alias that delivered somewhere would deliver nowhere, unless a superuser makes the change."""
    default = _default_aliases_above(address_ids) if is_domain_admin(by) else []
    delivering = [alias for alias in default if _delivers(alias)]
    yield
    dead = [alias for alias in delivering if not _delivers(alias)]
    if dead:
        sentence = _(
            "%(alias)s is an alias that every domain has, and would deliver nowhere then. Give it another destination."
        )
        raise ValidationError([sentence % {"alias": alias} for alias in dead[:MOST_NAMED]])


def _default_aliases_above(address_ids: Collection[int]) -> list[Alias]:
    """Those at these addresses, and those that lead there over any number of aliases."""
    frontier, found = set(address_ids), set(address_ids)
    while frontier and len(found) < MOST_ABOVE:
        above = Alias.objects.filter(destinations__address__in=frontier).order_by().values_list("address", flat=True)
        frontier = set(above[:MOST_ABOVE]) - found
        found |= frontier
    aliases = list(Alias.objects.filter(address__in=found).select_related("address__domain").order_by("pk"))
    default = default_aliases_among(aliases)
    return [alias for alias in aliases if alias.pk in default]


def _delivers(alias: Alias) -> bool:
    """Whether a mailbox or another server gets mail to it at this moment."""
    waiting = starts_at(alias)
    ways = ways_from(waiting)
    names = ways.leads_to.keys() | set(ways.taken_by.values())
    domains = Domain.objects.in_bulk({name.domain_id for name in names})
    there = {Request(one.domain_id, one.local_part): one for one in _addresses_named(names)}
    reached = set(waiting)
    while waiting:
        request = waiting.pop()
        address = there.get(ways.taken_by.get(request, request))
        if request.domain_id == ELSEWHERE or _ends_well(address, domains[request.domain_id]):
            return True
        if address and hasattr(address, "alias") and address.domain.active and address.alias.state == "active":
            new = set(ways.leads_to[request]) - reached
            reached |= new
            waiting += new
    return False


def _addresses_named(names: Collection[Request]) -> QuerySet[Address]:
    rows = Address.objects.select_related("domain", "mailbox", "alias", "relay_recipient")
    return rows.filter(
        domain__in={name.domain_id for name in names}, local_part__in={name.local_part for name in names}
    )


def _ends_well(address: Address | None, domain: Domain) -> bool:
    if address is None:  # users of the host itself, or any that the domain's own server knows
        return domain.active and (domain.address_class == AddressClass.LOCAL or domain.any_recipient)
    receives = hasattr(address, "mailbox") and address.mailbox.active and address.mailbox.receives
    is_mailbox = receives and not address.mailbox.has_expired
    return address.domain.active and (is_mailbox or hasattr(address, "relay_recipient"))
