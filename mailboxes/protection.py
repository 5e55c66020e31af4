"""Default aliases belong to every domain: a domain admin may say where they go, and no more."""

from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.actors import Actor
from domains.models import AddressClass
from mailboxes.models import Alias, DefaultAlias

# An alias domain answers for its target. Local aliases are the same in all local domains, and the host has its own.
CLASSES_WITH_DEFAULTS = (AddressClass.VIRTUAL_MAILBOX, AddressClass.VIRTUAL_ALIAS, AddressClass.RELAY)


MOST_NAMED = 3


def default_aliases_at(address_ids: Collection[int]) -> list[Alias]:
    """Those of the aliases at these addresses that every domain has; a few are enough."""
    names = DefaultAlias.objects.values("local_part")
    aliases = Alias.objects.filter(address__in=address_ids, address__local_part__in=names)
    of_classes = aliases.filter(address__domain__address_class__in=CLASSES_WITH_DEFAULTS)
    return list(of_classes.select_related("address__domain").order_by("pk")[:MOST_NAMED])


def default_aliases_among(aliases: Collection[Alias]) -> set[int]:
    """The primary keys of those that every domain has; they come with their address and domain."""
    names = {alias.address.local_part for alias in aliases}
    default = set(DefaultAlias.objects.filter(local_part__in=names).values_list("local_part", flat=True))
    return {
        alias.pk
        for alias in aliases
        if alias.address.local_part in default and alias.address.domain.address_class in CLASSES_WITH_DEFAULTS
    }


def refuse_loss_of_default_aliases(address_ids: Collection[int], by: Actor) -> None:
    """Raises ValidationError if a domain admin would delete, rename or stop a default alias at one of them."""
    kept = default_aliases_at(address_ids) if is_domain_admin(by) and address_ids else []
    if kept:
        sentence = _(
            "%(alias)s is an alias that every domain has. Only a superuser deletes, renames or deactivates it, or "
            "limits its time. You may give it another destination."
        )
        raise ValidationError([sentence % {"alias": alias} for alias in kept])


def is_domain_admin(by: Actor) -> bool:
    return by.user is not None and not by.user.is_superuser
