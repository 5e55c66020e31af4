"""What goes when an address goes: destinations that pointed at it, and aliases that are left without any."""

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actors import Actor
from accounts.history import recorded
from accounts.models import User
from domains.models import Domain
from domains.services import locked_version
from mailboxes.afterwards import how_long_in_quarantine, what_becomes_of_mail
from mailboxes.app_passwords import remove_app_passwords
from mailboxes.destinations import lock_alias_graph
from mailboxes.loops import refuse_loop_of_what_falls_back
from mailboxes.models import (
    Address,
    Alias,
    AliasDestination,
    DefaultAlias,
    Mailbox,
    MailboxCredential,
    OutOfOffice,
    PermittedSender,
    RecoveryAddress,
    RelayRecipient,
)
from mailboxes.protection import refuse_loss_of_default_aliases
from mailboxes.quarantine import quarantine, quarantine_former
from mailboxes.ways import Request

MOST_LOOKED_AT = 1_000  # destinations, for the question before a deletion

Losses = Callable[[Domain], Iterable[str]]
_losses: list[Losses] = []


def register_losses(losses: Losses) -> None:
    """`losses(domain)` gives sentences about what else goes with a domain: rooms to the right know."""
    _losses.append(losses)


Left = Callable[[str], Iterable[str]]
_left: list[Left] = []


def register_left(left: Left) -> None:
    """`left(address)` gives sentences about what names an address and stays when that goes. Superusers read them."""
    _left.append(left)


def delete_domain(domain: Domain, *, version: int | None = None, by: Actor) -> UUID:
    """Deletes a domain with its addresses and what pointed only at them; an alias domain of it stops this. Gives the
    number of the change set, for an undo."""
    with recorded("delete", "domain_with_addresses", domain.name, domain=domain.name, by=by) as change_set:
        lock_alias_graph()
        domain = locked_version(Domain.objects, domain.pk, version)
        alias_domain = domain.alias_domains.first()
        if alias_domain:
            sentence = _(
                "%(alias_domain)s is an alias domain of %(domain)s. Delete it or give it another target first."
            )
            raise ValidationError(sentence % {"alias_domain": alias_domain, "domain": domain})
        remove_mailboxes(Mailbox.objects.filter(address__domain=domain))
        PermittedSender.objects.filter(domain_name=domain.name).delete()
        AliasDestination.objects.filter(alias__address__domain=domain).delete()
        Alias.objects.filter(address__domain=domain).delete()
        RelayRecipient.objects.filter(address__domain=domain).delete()
        _cut(AliasDestination.objects.filter(domain=domain), by)
        _cut(AliasDestination.objects.filter(address__domain=domain), by)
        quarantine_former(Address.objects.filter(domain=domain))
        Address.objects.filter(domain=domain).delete()
        domain.delete()
    return change_set


def remove_mailboxes(mailboxes: QuerySet[Mailbox]) -> None:
    """Deletes mailboxes with what belongs to them. Their addresses stay, and go into quarantine; one with an alias does
    so again when that goes."""
    retire_credentials(mailboxes)
    quarantine(mailboxes)
    here = mailboxes.filter(address=OuterRef("pk")).values("pk")
    left_to_aliases = Address.objects.filter(mailbox__in=mailboxes, alias__isnull=False)
    left_to_aliases.update(former_mailbox_id=Subquery(here))
    User.objects.filter(owned__mailbox__in=mailboxes).delete()
    PermittedSender.objects.filter(mailbox__in=mailboxes).delete()
    remove_app_passwords(mailboxes.values_list("pk", flat=True))
    RecoveryAddress.objects.filter(mailbox__in=mailboxes).delete()
    OutOfOffice.objects.filter(mailbox__in=mailboxes).delete()
    mailboxes.delete()


def remove_aliases(alias_ids: Sequence[int], *, by: Actor) -> None:
    """Deletes aliases; an address that then has no mailbox goes too, with what pointed at it."""
    address_ids = list(Alias.objects.filter(pk__in=alias_ids).values_list("address_id", flat=True))
    refuse_loss_of_default_aliases(address_ids, by)
    AliasDestination.objects.filter(alias__in=alias_ids).delete()
    Alias.objects.filter(pk__in=alias_ids).delete()
    kept = set(Mailbox.objects.filter(address__in=address_ids).values_list("address_id", flat=True))
    remove_addresses([pk for pk in address_ids if pk not in kept], by=by)


def remove_addresses(address_ids: Sequence[int], *, by: Actor) -> None:
    """Deletes addresses on which nothing hangs any more, cuts what pointed at them, and forbids to send as them."""
    if address_ids:
        _cut(AliasDestination.objects.filter(address__in=address_ids), by)
        _cut(known_only_to(Address.objects.filter(pk__in=address_ids)), by)
        gone = Address.objects.filter(pk__in=address_ids)
        PermittedSender.objects.named(gone).delete()
        quarantine_former(gone)
        names = [Request(*row) for row in gone.values_list("domain_id", "local_part")]
        gone.delete()
        refuse_loop_of_what_falls_back({name.domain_id for name in names}, names)


def known_only_to(addresses: QuerySet[Address]) -> QuerySet[AliasDestination]:
    """Destinations without an address of their own, which only catch-alls and patterns among these addresses take."""
    is_pattern = Q(local_part__endswith="*")
    domains = addresses.filter(Q(local_part="") | is_pattern).values("domain")
    begins_like_it = Func(
        OuterRef("text"),
        Func(F("local_part"), Value("*"), function="rtrim"),
        function="starts_with",
        output_field=BooleanField(),
    )
    others = Address.objects.filter(domain=Coalesce(OuterRef("domain__target"), OuterRef("domain"))).exclude(
        pk__in=addresses.filter(Q(local_part="") | is_pattern).values("pk")
    )
    typed = AliasDestination.objects.filter(Q(domain__in=domains) | Q(domain__target__in=domains)).exclude(text="")
    return typed.filter(
        ~Exists(others.filter(local_part=OuterRef("text"))),
        ~Exists(others.filter(local_part="")),
        ~Exists(others.filter(is_pattern, begins_like_it)),
    ).exclude(domain__any_recipient=True)  # a relay domain that takes any recipient needs no catch-all for it


def retire_credentials(mailboxes: QuerySet[Mailbox]) -> None:
    """Keeps the hashes until they are purged: an undo brings the same password back. The mailboxes are locked first,
    so that a password or an owner who just appears is waited for."""
    list(mailboxes.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
    MailboxCredential.objects.filter(mailbox__in=mailboxes).update(
        former_mailbox_id=F("mailbox_id"), mailbox=None, retired_at=timezone.now()
    )


def what_is_lost(thing: Domain | Mailbox | Alias, *, reader: User | None = None) -> list[str]:
    """Sentences for the question before a deletion; without a reader as for a superuser."""
    if isinstance(thing, Domain):
        return _lost_with_domain(thing)
    losses = []
    if isinstance(thing, Mailbox):
        losses.append(what_becomes_of_mail(thing.address))
        losses.append(_("The files at %(path)s stay where they are.") % {"path": thing.mail_path})
        losses += how_long_in_quarantine()
    else:
        number = thing.destinations.count()
        sentence = ngettext(
            "Mail to %(address)s no longer goes to its %(number)d destination.",
            "Mail to %(address)s no longer goes to its %(number)d destinations.",
            number,
        )
        losses.append(sentence % {"address": thing, "number": number})
    if hasattr(thing.address, "alias" if isinstance(thing, Mailbox) else "mailbox"):
        return losses
    if thing.address.former_mailbox_id:
        losses += how_long_in_quarantine()
    pointing: list[QuerySet[AliasDestination]] = [AliasDestination.objects.filter(address=thing.address_id)]
    if not isinstance(thing, Mailbox):  # a mailbox is neither catch-all nor pattern
        pointing.append(known_only_to(Address.objects.filter(pk=thing.address_id)))
    losses += _lost_aliases(*pointing) + _lost_default_aliases(Q(destination=str(thing)))
    if thing.address.local_part and (reader is None or reader.is_superuser):
        losses += [sentence for left in _left for sentence in left(str(thing))]
    return losses


def _lost_with_domain(domain: Domain) -> list[str]:
    counted = domain.counted
    mailboxes, aliases, recipients = counted.mailboxes, counted.aliases, counted.recipients
    losses = [_("Mail to %(domain)s is refused from then on.") % {"domain": domain}]
    if mailboxes:
        losses.append(
            ngettext(
                "%(number)d mailbox goes; the files stay where they are.",
                "%(number)d mailboxes go; the files stay where they are.",
                mailboxes,
            )
            % {"number": mailboxes}
        )
    if recipients:
        losses.append(
            ngettext("%(number)d relay recipient goes.", "%(number)d relay recipients go.", recipients)
            % {"number": recipients}
        )
    if aliases:
        losses.append(ngettext("%(number)d alias goes.", "%(number)d aliases go.", aliases) % {"number": aliases})
    losses += [sentence for of_room in _losses for sentence in of_room(domain)]
    from_elsewhere = AliasDestination.objects.exclude(alias__address__domain=domain)
    losses += _lost_aliases(from_elsewhere.filter(domain=domain), from_elsewhere.filter(address__domain=domain))
    return losses + _lost_default_aliases(Q(destination__endswith=f"@{domain.name}"))


def _lost_default_aliases(goes_here: Q) -> list[str]:
    names = list(DefaultAlias.objects.filter(goes_here).values_list("local_part", flat=True))
    if not names:
        return []
    sentence = ngettext(
        "The default alias %(names)s of new domains goes here. Give it another destination, or no domain can be added.",
        "The default aliases %(names)s of new domains go here. Give them another destination, or no domain can be "
        "added.",
        len(names),
    )
    return [sentence % {"names": ", ".join(names)}]


def _lost_aliases(*pointing: QuerySet[AliasDestination]) -> list[str]:
    rows = [row for one in pointing for row in one.values_list("pk", "alias_id")[:MOST_LOOKED_AT]]
    ids = {alias_id for _pk, alias_id in rows}
    others = AliasDestination.objects.filter(alias__in=ids).exclude(pk__in=[pk for pk, _alias_id in rows])
    gone = ids - set(others.values_list("alias_id", flat=True))
    losses = []
    for alias in Alias.objects.select_related("address__domain").filter(pk__in=sorted(ids)[:10]).order_by("pk"):
        if alias.pk in gone:
            losses.append(_("Alias %(alias)s delivers nowhere else and is deleted too.") % {"alias": alias})
        else:
            losses.append(_("Alias %(alias)s keeps its other destinations.") % {"alias": alias})
    if len(rows) >= MOST_LOOKED_AT:
        losses.append(_("More than %(number)d destinations elsewhere lead here.") % {"number": MOST_LOOKED_AT - 1})
    elif len(ids) > 10:
        losses.append(
            ngettext("%(number)d more alias delivers here.", "%(number)d more aliases deliver here.", len(ids) - 10)
            % {"number": len(ids) - 10}
        )
    return losses


def _cut(pointing: QuerySet[AliasDestination], by: Actor) -> None:
    """Deletes destinations; aliases left without any go the same way, and so on."""
    rows = list(pointing.values_list("pk", "alias_id"))
    if not rows:
        return
    AliasDestination.objects.filter(pk__in=[pk for pk, _alias_id in rows]).delete()
    cut = {alias_id for _pk, alias_id in rows}
    left = set(AliasDestination.objects.filter(alias__in=cut).values_list("alias_id", flat=True))
    Alias.objects.filter(pk__in=left).update(version=F("version") + 1)
    if cut - left:
        remove_aliases(sorted(cut - left), by=by)
