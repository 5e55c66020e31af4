"""Whose history a person may read: a domain admin that of the own domains, a superuser all of it."""

from collections.abc import Callable, Collection

from django.db.models import QuerySet
from django.db.models.fields.json import KT

from accounts.history_reading import Event, is_for_superusers
from accounts.models import ChangeSet, User
from domains.models import Domain


def names_visible_to(user: User) -> frozenset[str]:
    """The names of the domains whose history it is; who asks for change sets and events finds them once. Not for
    superusers, who see all."""
    return (
        frozenset() if user.is_superuser else frozenset(Domain.objects.visible_to(user).values_list("name", flat=True))
    )


def change_sets_visible_to(user: User, names: Collection[str] | None = None) -> QuerySet[ChangeSet]:
    """Newest first. A change set that concerns several domains belongs to superusers."""
    change_sets = ChangeSet.objects.order_by("-created_at", "id")
    if user.is_superuser:
        return change_sets
    names = names_visible_to(user) if names is None else names
    return change_sets.alias(domain_name=KT("metadata__domain")).filter(domain_name__in=sorted(names))


def change_sets_of(domain: Domain) -> QuerySet[ChangeSet]:
    """Newest first; the index change_sets_by_domain holds this order."""
    return (
        ChangeSet.objects.alias(domain_name=KT("metadata__domain"))
        .filter(domain_name=domain.name)
        .order_by("-created_at", "id")
    )


def events_visible_to(user: User, names: Collection[str] | None = None) -> Callable[[Event], bool]:
    """A deletion in one's own domain may change aliases of other domains: those are not a domain admin's to see. Nor
    are lookup tables, where a row may follow a renamed address: a BCC is unseen."""
    if user.is_superuser:
        return lambda event: True
    seen = names_visible_to(user) if names is None else names
    return lambda event: event.subject.rpartition("@")[2] in seen and not is_for_superusers(event.model)
