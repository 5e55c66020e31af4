"""Every write about the recipients of a relay domain: which addresses its own server takes."""

from collections.abc import Iterable, Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actors import Actor
from accounts.history import recorded
from domains.models import Domain
from domains.services import locked_version
from mailboxes.destinations import lock_alias_graph
from mailboxes.models import Address, QuarantinedAddress, RelayRecipient
from mailboxes.parsing import external_form, normalised_local_part, parse_address, refuse_long_address
from mailboxes.quarantine import refuse_quarantined
from mailboxes.relinking import link_texts_to
from mailboxes.removal import remove_addresses

MOST_NAMED = 5  # in one sentence


def add_relay_recipients(domain: Domain, texts: Iterable[str], *, despite_quarantine: bool = False, by: Actor) -> int:
    """Adds what is not there yet, given as local parts or whole addresses of the domain; returns how many were new."""
    local_parts = _local_parts(domain, texts)
    label = named([external_form(local_part, domain.name) for local_part in local_parts])
    with recorded("add", "relay_recipients", label, domain=domain.name, by=by):
        lock_alias_graph()
        domain = locked_version(Domain.objects, domain.pk, None)
        if not domain.has_recipients:
            raise ValidationError(
                {
                    "recipients": _("%(domain)s is of the class “%(class)s”. Only a relay domain has recipients.")
                    % {"domain": domain, "class": domain.get_address_class_display()}
                }
            )
        there = {
            address.local_part: address
            for address in Address.objects.filter(domain=domain, local_part__in=local_parts).select_related(
                "relay_recipient"
            )
        }
        taken = [str(address) for address in there.values() if not hasattr(address, "relay_recipient")]
        if taken:
            sentence = ngettext(
                "%(addresses)s is an alias: its mail goes on from here. Leave it out, or delete the alias.",
                "%(addresses)s are aliases: their mail goes on from here. Leave them out, or delete the aliases.",
                len(taken),
            )
            raise ValidationError({"recipients": sentence % {"addresses": named(taken)}})
        local_parts = [local_part for local_part in local_parts if local_part not in there]
        _refuse_quarantined(domain, local_parts, despite_quarantine, by)
        new = [Address(domain=domain, local_part=local_part) for local_part in local_parts]
        new = Address.objects.bulk_create(new, batch_size=5000)
        RelayRecipient.objects.bulk_create([RelayRecipient(address=address) for address in new], batch_size=5000)
        link_texts_to(new)
    return len(new)


def delete_relay_recipients(domain: Domain, recipients: Sequence[RelayRecipient], *, by: Actor) -> None:
    """Deletes recipients of one domain, and what pointed only at them."""
    with recorded("delete", "relay_recipients", named(list(map(str, recipients))), domain=domain.name, by=by):
        lock_alias_graph()
        found = RelayRecipient.objects.filter(pk__in=[one.pk for one in recipients], address__domain=domain)
        address_ids = list(found.values_list("address_id", flat=True))
        found.delete()
        remove_addresses(address_ids, by=by)


def named(texts: Sequence[str]) -> str:
    """A few of them, and how many they are."""
    few = ", ".join(texts[:MOST_NAMED])
    return few if len(texts) <= MOST_NAMED else f"{few} … ({len(texts)})"


def _refuse_quarantined(domain: Domain, local_parts: Sequence[str], despite: bool, by: Actor) -> None:
    """A mailbox may have had one of them while the domain was of another class. Says it of the first few."""
    faults: list[str] = []
    kept = QuarantinedAddress.objects.filter(domain_name=domain.name, local_part__in=local_parts)
    for local_part in kept.order_by("local_part").values_list("local_part", flat=True):
        try:
            refuse_quarantined(domain, local_part, despite=despite, by=by)
        except ValidationError as error:
            faults += error.messages
        if len(faults) == MOST_NAMED:
            break
    if faults:
        raise ValidationError({"recipients": faults})


def _local_parts(domain: Domain, texts: Iterable[str]) -> list[str]:
    """In order and without repetition. Raises ValidationError with a sentence for each that cannot be."""
    found: dict[str, None] = {}
    faults: list[str] = []
    for text in texts:
        try:
            found[_local_part(domain, text)] = None
        except ValidationError as error:
            faults += error.messages
    if not found and not faults:
        faults = [_("Type at least one address.")]
    if faults:
        raise ValidationError({"recipients": faults[: 2 * MOST_NAMED]})
    return list(found)


def _local_part(domain: Domain, text: str) -> str:
    if "@" in text and not text.rstrip().endswith('"'):
        address = parse_address(text)
        if address.domain != domain.name:
            raise ValidationError(
                _("%(address)s is no address of %(domain)s."), params={"address": address, "domain": domain}
            )
        local_part = address.local_part
    else:
        local_part = normalised_local_part(text)
    if local_part.endswith("*"):
        raise ValidationError(
            _("“%(text)s” is a pattern. A relay domain takes the recipients that are listed, or any."),
            params={"text": text.strip()},
        )
    refuse_long_address(external_form(local_part, domain.name))
    return local_part
