"""Another address for the same mailbox or alias: a new name before the @, another domain, or both.

Only the row of the address changes. What points at it follows, default aliases too, and who may send as it. Mail
stays where it is stored."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import recorded
from accounts.models import User
from domains.models import Domain
from domains.services import locked_version
from mailboxes.destinations import lock_alias_graph
from mailboxes.limits import within_limits
from mailboxes.loops import refuse_loop_of_what_falls_back, refuse_loops
from mailboxes.models import Address, Alias, DefaultAlias, Mailbox
from mailboxes.parsing import external_form, normalised_local_part, refuse_long_address, written_local_part
from mailboxes.places import refuse_alias_in
from mailboxes.protection import refuse_loss_of_default_aliases
from mailboxes.quarantine import quarantine, quarantine_former, refuse_quarantined
from mailboxes.relinking import link_texts_to
from mailboxes.senders import follow_address
from mailboxes.services import add_alias
from mailboxes.ways import Request

_followers: list[Callable[..., Any]] = []


def register_follower(follower: Callable[..., Any]) -> None:
    """`follower(former, new, keeps_old=…, tell=…, by=…)` is called when an address has another name, within the
    transaction and its change set: rooms to the right know what names it. ValidationError: it must not be."""
    _followers.append(follower)


def rename_address(
    address: Address,
    domain: Domain,
    local_part: str,
    *,
    keep_old: bool = False,
    keep_until: datetime | None = None,
    despite_quarantine: bool = False,
    tell: Callable[[str], None] = lambda remark: None,
    by: Actor,
) -> Address:
    """Gives what is at an address the address `local_part@domain`. With `keep_old` the old one becomes an alias of it,
    until `keep_until` where that is given; nobody else gets the old address of a mailbox for a while, from now on or
    from when that alias goes. `tell` hears what is to be done besides."""
    local_part, old = _normalised(local_part, domain), str(address)
    noun = "mailbox" if Mailbox.objects.filter(address=address).exists() else "alias"
    label = f"{old} → {external_form(local_part, domain.name)}"
    concerned = domain.name if domain.pk == address.domain_id else ""  # of two domains: for superusers to read
    with within_limits(), recorded("rename", noun, label, domain=concerned, by=by):
        lock_alias_graph()
        for pk in sorted({domain.pk, address.domain_id}):
            locked_version(Domain.objects, pk, None)
        # What hangs on an address before the address: so do the triggers that keep its answer.
        mailbox = Mailbox.objects.select_for_update(no_key=True).filter(address=address).first()
        alias = Alias.objects.select_for_update(no_key=True).filter(address=address).first()
        address = locked_version(Address.objects.select_related("domain"), address.pk, None)
        refuse_loss_of_default_aliases([address.pk], by)
        domain = Domain.objects.select_related("target").get(pk=domain.pk)
        former = (address.domain, address.local_part)
        _refuse_name(address, domain, local_part)
        _refuse_place(mailbox, alias, domain, local_part)
        returning = mailbox.pk if mailbox else None
        refuse_quarantined(domain, local_part, returning=returning, despite=despite_quarantine, by=by)
        left_by = returning or address.former_mailbox_id
        if not keep_old:
            quarantine(Mailbox.objects.filter(address=address))
            quarantine_former(Address.objects.filter(pk=address.pk))
        address.domain, address.local_part, address.former_mailbox_id = domain, local_part, None
        address.full_clean()
        address.save()
        link_texts_to([address])
        for row in (mailbox, alias):
            if row:
                row.version += 1
                row.save()
        name_owners_anew([address.pk])
        follow_address((former[1], former[0].name), address)
        DefaultAlias.objects.filter(destination=old).update(destination=str(address))
        if keep_old:
            kept = _keep(*former, address, keep_until, by)
            if left_by:
                Address.objects.filter(pk=kept.address_id).update(former_mailbox_id=left_by)
        for follow in _followers:
            follow(old, str(address), keeps_old=keep_old, tell=tell, by=by)
        _refuse_loops(address, Request(former[0].pk, former[1]))
    return address


def name_owners_anew(address_ids: list[int]) -> None:
    """Owners are called by the address of their mailbox."""
    for user in User.objects.filter(owned__mailbox__address__in=address_ids):
        user.name = str(user.owned.mailbox)
        user.save(update_fields=["name"])


def _normalised(text: str, domain: Domain) -> str:
    try:
        local_part = normalised_local_part(text)
        refuse_long_address(external_form(local_part, domain.name))
    except ValidationError as error:
        raise ValidationError({"local_part": error.messages}) from error
    return local_part


def _refuse_name(address: Address, domain: Domain, local_part: str) -> None:
    if not address.local_part:
        raise ValidationError(
            _("A catch-all has no name of its own. Add one to the other domain, and delete this one.")
        )
    if address.local_part.endswith("*") != local_part.endswith("*"):
        raise ValidationError({"local_part": _("A * at the end makes a pattern, which only a pattern can become.")})
    other = Address.objects.filter(domain=domain, local_part=local_part).first()
    if other and other.pk == address.pk:
        raise ValidationError({"local_part": _("%(address)s is its address already.") % {"address": address}})
    if other:
        sentence = _("%(address)s is there already. Choose another address, or delete that one first.")
        raise ValidationError({"local_part": sentence % {"address": other}})


def _refuse_place(mailbox: Mailbox | None, alias: Alias | None, domain: Domain, local_part: str) -> None:
    if mailbox and not domain.has_mailboxes:
        sentence = _("%(domain)s is of the class “%(class)s”, which has no mailboxes.")
        words = {"domain": domain, "class": domain.get_address_class_display()}
        raise ValidationError({"local_part": sentence % words})
    if alias:
        refuse_alias_in(domain, local_part)


def _keep(domain: Domain, local_part: str, address: Address, until: datetime | None, by: Actor) -> Alias:
    if until and until <= timezone.now():
        raise ValidationError(
            {"keep_until": _("This is past already. Choose a later time, or do not keep the address.")}
        )
    try:
        return add_alias(domain, written_local_part(local_part), [str(address)], ends_at=until, by=by)
    except ValidationError as error:
        raise ValidationError(error.messages) from error  # about the old address, not about the one that was typed


def _refuse_loops(address: Address, former: Request) -> None:
    """The old name now falls to its base, a pattern or a catch-all, and the new one no longer does."""
    concerned = Alias.objects.filter(Q(address=address) | Q(destinations__address=address))
    refuse_loops(concerned.distinct().select_related("address__domain"))
    refuse_loop_of_what_falls_back({former.domain_id, address.domain_id}, [former])
