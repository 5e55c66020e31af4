"""Who meets a restriction class beside lists that name it: recipients for whom it was chosen, and access rules."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from restrictions.access_models import AccessRule, RecipientClass


@dataclass(frozen=True)
class Chosen:
    """How many addresses, domains and access rules, and whether it is the one of everybody else."""

    addresses: int = 0
    domains: int = 0
    is_default: bool = False
    rules: int = 0

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


def chosen_classes() -> dict[str, Chosen]:
    """By the name of the class; those that nobody meets are not among them. Two statements."""
    recipients = (
        RecipientClass.objects.order_by()
        .values("of_class__name")
        .annotate(
            addresses=Count("address"),
            domains=Count("domain"),
            everybody=Count("pk", filter=Q(address=None, domain=None)),
        )
    )
    rules = (
        AccessRule.objects.filter(of_class__isnull=False).order_by().values("of_class__name").annotate(n=Count("pk"))
    )
    by_rules = {row["of_class__name"]: row["n"] for row in rules}
    found = {name: Chosen(rules=number) for name, number in by_rules.items()}
    for row in recipients:
        name = row["of_class__name"]
        found[name] = Chosen(row["addresses"], row["domains"], row["everybody"] > 0, by_rules.get(name, 0))
    return found
