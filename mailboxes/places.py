"""What cannot stand at an address, and what stands there already, in words."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from domains.models import Domain
from mailboxes.models import Address


def refuse_alias_in(domain: Domain, local_part: str) -> None:
    if not domain.has_aliases:
        raise ValidationError(
            {
                "local_part": _("%(domain)s is an alias domain: it answers for %(target)s. Add the alias there.")
                % {"domain": domain, "target": domain.target}
            }
        )
    if (not local_part or local_part.endswith("*")) and not domain.has_catch_all:
        raise ValidationError(
            {"local_part": _("A local domain has no catch-all and no patterns. Type the whole part before the @.")}
        )
    namesake = (
        Address.objects.filter(domain__address_class="local", local_part=local_part).exclude(domain=domain).first()
    )
    if domain.address_class == "local" and namesake:
        # aliases(5) knows names without a domain: they are the same in all local domains
        sentence = _(
            "%(address)s is there already, and local aliases are the same in all local domains. Change that one."
        )
        raise ValidationError({"local_part": sentence % {"address": namesake}})


def taken(address: Address) -> str:
    if hasattr(address, "mailbox"):
        return _("%(address)s is a mailbox already. Choose another local part, or change the mailbox.") % {
            "address": address
        }
    if hasattr(address, "relay_recipient"):
        return _("%(address)s is a relay recipient. Delete that first, or choose another local part.") % {
            "address": address
        }
    return taken_by_alias(address)


def taken_by_alias(address: Address) -> str:
    return _("%(address)s is an alias already. Choose another local part, or change the alias.") % {"address": address}
