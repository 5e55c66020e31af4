"""Who meets a restriction class beside lists that name it: recipients for whom it was chosen, and access rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from restrictions.access_models import AccessRule, RecipientClass
from restrictions.models import RestrictionClass


@dataclass(frozen=True)
class Chosen:
    """How many addresses, domains and access rules, and whether it is the one of everybody else."""

    addresses: int = 0
    domains: int = 0
    is_default: bool = False
    rules: int = 0

    @property
    def as_row(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "addresses": self.addresses,
            "domains": self.domains,
            "everybody": self.is_default,
            "rules": self.rules,
        }

    @property
    def by_recipients(self) -> bool:
        return bool(self.addresses or self.domains or self.is_default)

    def __str__(self) -> str:
        """In words; empty for a class that nobody meets in this way."""
        words = [
            self.addresses and ngettext("%(n)d address", "%(n)d addresses", self.addresses) % {"n": self.addresses},
            self.domains and ngettext("%(n)d domain", "%(n)d domains", self.domains) % {"n": self.domains},
            self.is_default and _("everybody else"),
            self.rules and ngettext("%(n)d access rule", "%(n)d access rules", self.rules) % {"n": self.rules},
        ]
        return ", ".join(word for word in words if word)


NOBODY = Chosen()


def with_chosen(classes: QuerySet[Any]) -> QuerySet[Any]:
    """Classes with what chosen_of() says of each: one look at an index for each number, in the same statement."""
    recipients = RecipientClass.objects.filter(of_class=OuterRef("pk"))
    return classes.annotate(
        chosen_addresses=_number(recipients.filter(address__isnull=False)),
        chosen_domains=_number(recipients.filter(domain__isnull=False)),
        chosen_by_default=Exists(recipients.filter(address=None, domain=None)),
        chosen_rules=_number(AccessRule.objects.filter(of_class=OuterRef("pk"))),
    )


def chosen_of(one: Any) -> Chosen:
    """Who meets a class of with_chosen()."""
    return Chosen(one.chosen_addresses, one.chosen_domains, one.chosen_by_default, one.chosen_rules)


def _number(rows: QuerySet[Any]) -> Coalesce:
    return Coalesce(Subquery(rows.order_by().values("of_class").annotate(n=Count("pk")).values("n")), 0)


def chosen_classes() -> dict[str, Chosen]:
    """By the name of the class; those that nobody meets are not among them. One statement."""
    found = {one.name: chosen_of(one) for one in with_chosen(RestrictionClass.objects.all())}
    return {name: chosen for name, chosen in found.items() if chosen != NOBODY}
