"""Aliases that every domain has: abuse, hostmaster, postmaster, webmaster and what else a superuser names (RFC 2142).

A domain of the classes of mailboxes/protection.py gets them when it is added."""

from collections.abc import Callable, Collection, Iterable
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import recorded
from accounts.saving import refuse_other_version, save_checked
from domains.models import Domain
from domains.services import locked_version
from mailboxes.destinations import lock_alias_graph, resolve
from mailboxes.models import Address, DefaultAlias
from mailboxes.parsing import normalised_local_part
from mailboxes.protection import CLASSES_WITH_DEFAULTS
from mailboxes.relay import named
from mailboxes.services import add_alias

USUAL = ("abuse", "hostmaster", "postmaster", "webmaster")
MOST_FAULTS = 100

# A default alias that goes to this very address is left out: that one is to be made by hand.
MISSING = """
    SELECT domain.id, array_agg(wanted.local_part ORDER BY wanted.local_part)
    FROM domains_domain AS domain
    CROSS JOIN mailboxes_defaultalias AS wanted
    WHERE domain.address_class = ANY (%(classes)s)
      AND (%(domain_id)s IS NULL OR domain.id = %(domain_id)s)
      AND wanted.destination <> wanted.local_part || '@' || domain.name
      AND NOT EXISTS (
          SELECT FROM mailboxes_address AS address
          WHERE address.domain_id = domain.id
            AND address.local_part = wanted.local_part
      )
    GROUP BY domain.id
    ORDER BY domain.id
"""


def set_default_aliases(
    local_parts: Iterable[str], destination: str, *, version: int | None = None, by: Actor
) -> list[DefaultAlias]:
    """Names default aliases and where they go; of those that are named already, the destination changes. Domains that
    are there stay as they are. `version` is what the person saw of the one that is named, 0 for nothing."""
    names = _names(local_parts)
    with recorded("set", "default_aliases", named(names), by=by):
        lock_alias_graph()
        there = {row.local_part: row for row in DefaultAlias.objects.select_for_update().filter(local_part__in=names)}
        rows = [there.get(name) or DefaultAlias(local_part=name, version=0) for name in names]
        for row in rows:
            refuse_other_version(version, row.version)
        destination = _resolved(destination, names)
        for row in rows:
            if row.destination != destination:
                row.destination = destination
                row.version += 1
                save_checked(row)
    return rows


def delete_default_alias(default: DefaultAlias, *, version: int | None = None, by: Actor) -> UUID:
    """New domains no longer get it. The aliases that are there stay."""
    with recorded("delete", "default_aliases", default.local_part, by=by) as change_set:
        locked_version(DefaultAlias.objects, default.pk, version).delete()
    return change_set


def add_default_aliases(domain: Domain, *, is_new: bool = False, by: Actor) -> int:
    """Adds those that a domain lacks; an address that is there stays what it is. A new domain has no address yet to
    which one could go: those are left out. Returns how many were added."""
    missing = missing_default_aliases(domain).get(domain.pk, [])
    destinations = dict(DefaultAlias.objects.filter(local_part__in=missing).values_list("local_part", "destination"))
    if is_new:
        missing = [name for name in missing if destinations[name].rpartition("@")[2].lower() != domain.name]
    if not missing:
        return 0
    with recorded("add", "default_aliases", domain.name, domain=domain.name, by=by):
        for local_part in missing:
            try:
                add_alias(domain, local_part, [destinations[local_part]], despite_quarantine=True, by=by)
            except ValidationError as error:
                sentence = _(
                    "The default alias %(address)s cannot be added: %(why)s Look at the default aliases first."
                )
                words = {"address": f"{local_part}@{domain}", "why": " ".join(error.messages)}
                raise ValidationError(sentence % words) from error
    return len(missing)


def missing_default_aliases(domain: Domain | None = None) -> dict[int, list[str]]:
    """Domain id -> the local parts of the default aliases that it lacks; of all domains, or of one."""
    with connection.cursor() as cursor:
        cursor.execute(
            MISSING,
            {"classes": [str(one.value) for one in CLASSES_WITH_DEFAULTS], "domain_id": domain.pk if domain else None},
        )
        return dict(cursor.fetchall())


def add_all_default_aliases(
    *, show: Callable[[int, int], None] = lambda done, total: None, by: Actor
) -> dict[str, Any]:
    """Adds to every domain the default aliases that it lacks, a change set for each domain. `show` is told how many
    domains are done, and of how many. What cannot be added is named, and the others go on."""
    domain_ids = list(missing_default_aliases())
    added, domains, faults = 0, 0, []
    for done, pk in enumerate(domain_ids):
        show(done, len(domain_ids))
        domain = Domain.objects.filter(pk=pk).first()
        try:
            number = add_default_aliases(domain, by=by) if domain else 0
        except ValidationError as error:
            faults += error.messages
        else:
            added, domains = added + number, domains + bool(number)
    show(len(domain_ids), len(domain_ids))
    return {"added": added, "domains": domains, "faults": faults[:MOST_FAULTS]}


def _names(local_parts: Iterable[str]) -> list[str]:
    faults: list[str] = []
    names: dict[str, None] = {}
    for text in local_parts:
        try:
            names[normalised_local_part(text)] = None
        except ValidationError as error:
            faults += error.messages
    if not names and not faults:
        faults = [_("Type at least one part before the @.")]
    if faults:
        raise ValidationError({"local_parts": faults})
    return list(names)


def _resolved(destination: str, names: Collection[str]) -> str:
    """The destination as it is written down; it must be an address, and be there if it is ours."""
    try:
        (row,) = resolve([destination], for_address=Address(local_part=names[0]), has_mailbox=False)  # type: ignore[index]
    except ValidationError as error:
        raise ValidationError({"destination": error.messages}) from error
    return str(row)
