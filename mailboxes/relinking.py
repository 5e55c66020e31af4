"""Destinations that were typed as text while they were elsewhere, and are ours now: they become links.

Mail goes the same way before and after. But a deletion, a rename, the report and an undo follow links only."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower

from domains.models import Domain, MailSettings
from mailboxes.destinations import resolved_anew
from mailboxes.models import Address, Alias, AliasDestination
from mailboxes.parsing import external_form

LOOKED_FOR_BY_NAME = 20  # addresses; of more, all that was typed in their domains is looked at


def link_texts_to(addresses: Sequence[Address]) -> None:
    """To addresses of one domain that are new, or have a new name. Within the caller's change set."""
    if not addresses:
        return
    domain_id = addresses[0].domain_id
    names = list(Domain.objects.filter(Q(pk=domain_id) | Q(target=domain_id)).values_list("name", flat=True))
    typed = AliasDestination.objects.of_domains_elsewhere(names)
    takes_many = any(not address.local_part or address.local_part.endswith("*") for address in addresses)
    if len(addresses) <= LOOKED_FOR_BY_NAME and not takes_many:
        typed = AliasDestination.objects.elsewhere().alias(lower_text=Lower("text")).filter(_typed(addresses, names))
    _link(typed)


def link_texts_to_domains(domain_ids: Iterable[int]) -> None:
    """To whatever is new in these domains. Within the caller's change set."""
    ids = list(domain_ids)
    link_texts_in(Domain.objects.filter(Q(pk__in=ids) | Q(target__in=ids)).values_list("name", flat=True))


@contextmanager
def linking_texts_in(*names: str) -> Iterator[None]:
    """Guards the change of domains (domains.guards.register_guard): added, or answering for another one."""
    yield
    link_texts_in(names)


def link_texts_in(names: Iterable[str]) -> None:
    _link(AliasDestination.objects.of_domains_elsewhere(names))


def _typed(addresses: Iterable[Address], names: Sequence[str]) -> Q:
    """As people type them: the address, or with an extension, at its domain or an alias domain of that."""
    delimiters = MailSettings.current().recipient_delimiter
    forms, found = [], Q()
    for address in addresses:
        forms += [external_form(address.local_part, name).lower() for name in names]
        for delimiter in delimiters:
            start = f"{address.local_part}{delimiter}"
            found |= Q(lower_text__startswith=start) | Q(lower_text__startswith=f'"{start}')
    found &= Q(domain_of_text__in=names)
    return found | Q(lower_text__in=forms)


def _link(typed: QuerySet[AliasDestination]) -> None:
    """Aliases are locked before their destinations, as everybody does it."""
    alias_ids = sorted(set(typed.values_list("alias_id", flat=True)))
    if not alias_ids:
        return
    list(Alias.objects.select_for_update(no_key=True).filter(pk__in=alias_ids).order_by("pk").values_list("pk"))
    rows = list(typed.select_related("alias__address__domain").order_by("alias_id", "position"))
    others = AliasDestination.objects.filter(alias__in=alias_ids).exclude(address=None, domain=None)
    there = {(row.alias_id, str(row)) for row in others.with_targets()}
    linked: list[AliasDestination] = []
    twice: list[AliasDestination] = []
    for row, anew in resolved_anew(rows):
        key = (row.alias_id, str(anew))
        row.address, row.extension, row.domain, row.text = anew.address, anew.extension, anew.domain, anew.text
        (twice if key in there else linked).append(row)
        there.add(key)
    AliasDestination.objects.bulk_update(linked, ["address", "extension", "domain", "text"], batch_size=1000)
    AliasDestination.objects.filter(pk__in=[row.pk for row in twice]).delete()
    changed = {row.alias_id for row in [*linked, *twice]}
    Alias.objects.filter(pk__in=changed).update(version=F("version") + 1)
