"""What rooms to the left are told of protected aliases."""

from collections.abc import Sequence

from mailboxes.models import Address


def protected_of(addresses: Sequence[Address]) -> list[Address]:
    """Those whose alias is protected: by an owner who forwards there, anybody would write to it."""
    rows = Address.objects.filter(pk__in=[address.pk for address in addresses], alias__protected__isnull=False)
    return list(rows.select_related("domain"))
