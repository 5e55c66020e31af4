"""What rooms to the left are told: which aliases are protected, and what goes with a domain."""

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from domains.models import Domain
from mailboxes.models import Address
from restrictions.access_models import AccessRule, RecipientClass


def protected_of(addresses: Sequence[Address]) -> list[Address]:
    """Those whose alias is protected: by an owner who forwards there, anybody would write to it."""
    rows = Address.objects.filter(pk__in=[address.pk for address in addresses], alias__protected__isnull=False)
    return list(rows.select_related("domain"))


def lost_with_domain(domain: Domain) -> Iterator[str]:
    """Sentences for the question before a domain is deleted."""
    rules = AccessRule.objects.filter(domain=domain).count()
    if rules:
        sentence = ngettext("%(number)d access rule of it goes.", "%(number)d access rules of it go.", rules)
        yield sentence % {"number": rules}
    met = RecipientClass.objects.order_by().values_list("of_class__name", flat=True)
    names = met.filter(domain=domain).union(met.filter(address__domain=domain))
    if names:
        sentence = _("Restriction classes that were chosen for it or its addresses are chosen no more: %(names)s.")
        yield sentence % {"names": ", ".join(sorted(names))}
