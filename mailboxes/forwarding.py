"""Forwarding, as an owner sees it: the alias beside a mailbox on its address, and whether the mailbox keeps a copy."""

from collections.abc import Callable, Iterable, Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import recorded
from domains.services import locked_version
from mailboxes.destinations import lock_alias_graph
from mailboxes.models import Address, Alias, AliasDestination, Mailbox
from mailboxes.services import change_alias, change_mailbox

MOST_FORWARDS = 20  # of an owner; whoever needs more needs an alias

Closed = Callable[[Sequence[Address]], Sequence[Address]]
_closed: list[Closed] = []


def register_closed(closed: Closed) -> None:
    """`closed(addresses)` gives those of them to which not everybody may write: rooms to the right know."""
    _closed.append(closed)


def set_forwarding(mailbox: Mailbox, destinations: Iterable[str], *, keeps_copy: bool = True, by: Actor) -> None:
    """Sends mail on to these addresses, with a copy in the mailbox or without. Without destinations it stays here.
    Refuses loops, what would leave a mailbox without any mail, what would let anybody write where few may, and what
    wakes up an alias that an administrator deactivated; one that was for a time is for ever then."""
    own = str(mailbox)
    typed = list(dict.fromkeys(destinations))
    wanted = [text for text in typed if text.strip().lower() != own]
    keeps = keeps_copy or wanted != typed or not wanted  # to name one's own address is to keep a copy
    if len(wanted) > MOST_FORWARDS:
        sentence = _("Mail is forwarded to %(most)d addresses at most. Ask your administrator for an alias.")
        raise ValidationError({"destinations": sentence % {"most": MOST_FORWARDS}})
    with recorded("forward", "mailbox", own, domain=mailbox.address.domain.name, by=by):
        lock_alias_graph()
        mailbox = locked_version(Mailbox.objects.with_address(), mailbox.pk, None)
        alias = Alias.objects.filter(address=mailbox.address_id).select_related("address__domain").first()
        if not mailbox.receives and alias is None:
            raise ValidationError(_("Your administrator has stopped mail to this mailbox. Ask there."))
        if alias and not alias.active:  # also for no destinations: an alias that is deleted can be added anew
            raise ValidationError(_("Your administrator has stopped the forwarding of this mailbox. Ask there."))
        if alias and wanted and alias.state != "active":
            change_alias(alias, starts_at=None, ends_at=None, by=by)
        if alias and not wanted and closed_of([mailbox.address]):
            sentence = _("Not everybody may write to %(address)s. Ask your administrator to end the forwarding.")
            raise ValidationError({"destinations": sentence % {"address": own}})
        before = _led_to(mailbox)
        changes = {"receives": keeps} if keeps != mailbox.receives else {}
        change_mailbox(mailbox, also_deliver_to=wanted, **changes, by=by)
        new = [address for address in _led_to(mailbox) if address not in before]
        if closed := closed_of(new):
            sentence = _("Not everybody may write to %(address)s. Ask your administrator to forward there.")
            raise ValidationError({"destinations": [sentence % {"address": address} for address in closed]})


def _led_to(mailbox: Mailbox) -> list[Address]:
    rows = AliasDestination.objects.filter(alias__address=mailbox.address_id).with_targets()
    return [row.address for row in rows if row.address and row.address != mailbox.address]


def closed_of(addresses: Sequence[Address]) -> list[Address]:
    """Those to which not everybody may write."""
    return [address for closed in _closed for address in closed(addresses)]
