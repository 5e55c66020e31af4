"""Every write about permitted senders: as whom a mailbox may send, beside its own address and its aliases."""

from collections.abc import Iterable, Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import recorded
from domains.models import Domain
from domains.services import locked_version
from mailboxes.models import Address, Mailbox, PermittedSender
from mailboxes.parsing import ParsedAddress, parse_address
from mailboxes.relay import MOST_NAMED, named

MOST_SENDERS = 100  # of one mailbox; a page shows them all


def permit_senders(mailbox: Mailbox, texts: Iterable[str], *, by: Actor) -> int:
    """Permits what is not permitted yet: addresses, or `@example.org` for all of a domain; returns how many were new.
    A domain admin permits addresses of the own domains, a superuser any."""
    senders = _parsed(texts)
    label = f"{mailbox} → {named([str(sender) for sender in senders])}"
    with recorded("permit", "sender", label, domain=mailbox.address.domain.name, by=by):
        mailbox = locked_version(Mailbox.objects.with_address(), mailbox.pk, None)
        _refuse_senders(mailbox, senders, by)
        there = set(mailbox.permitted_senders.values_list("local_part", "domain_name"))
        new = [sender for sender in senders if (sender.local_part, sender.domain) not in there]
        if len(there) + len(new) > MOST_SENDERS:
            sentence = _("%(mailbox)s may send as %(most)d others at most. Permit a whole domain with @example.org.")
            raise ValidationError({"senders": sentence % {"mailbox": mailbox, "most": MOST_SENDERS}})
        PermittedSender.objects.bulk_create(
            PermittedSender(mailbox=mailbox, domain_name=sender.domain, local_part=sender.local_part) for sender in new
        )
    return len(new)


def forbid_senders(mailbox: Mailbox, senders: Sequence[PermittedSender], *, by: Actor) -> None:
    """Takes permissions back; what the mailbox may do by its own address and aliases stays."""
    label = f"{mailbox} → {named([str(sender) for sender in senders])}"
    with recorded("forbid", "sender", label, domain=mailbox.address.domain.name, by=by):
        locked_version(Mailbox.objects, mailbox.pk, None)
        PermittedSender.objects.filter(mailbox=mailbox, pk__in=[one.pk for one in senders]).delete()


def follow_address(former: tuple[str, str], address: Address) -> None:
    """A renamed address keeps those who may send as it. `former` is its old (local part, domain)."""
    local_part, domain_name = former
    rows = PermittedSender.objects.filter(domain_name=domain_name, local_part=local_part)
    new = {"domain_name": address.domain.name, "local_part": address.local_part}
    rows.filter(mailbox__in=PermittedSender.objects.filter(**new).values("mailbox")).delete()
    rows.update(**new)


def _parsed(texts: Iterable[str]) -> list[ParsedAddress]:
    """In order and without repetition. Raises ValidationError with a sentence for each that cannot be."""
    found: dict[ParsedAddress, None] = {}
    faults: list[str] = []
    for text in texts:
        try:
            sender = parse_address(text, may_be_whole_domain=True)
            if sender.local_part.endswith("*"):
                raise ValidationError(
                    _("“%(text)s” is a pattern. Permit each address, or @%(domain)s for the whole domain."),
                    params={"text": sender, "domain": sender.domain},
                )
            found[sender] = None
        except ValidationError as error:
            faults += error.messages
    if not found and not faults:
        faults = [_("Type at least one address.")]
    if faults:
        raise ValidationError({"senders": faults[: 2 * MOST_NAMED]})
    return list(found)


def _refuse_senders(mailbox: Mailbox, senders: Sequence[ParsedAddress], by: Actor) -> None:
    names = {sender.domain for sender in senders}
    if by.user and not by.user.is_superuser:
        others = names - set(Domain.objects.visible_to(by.user).filter(name__in=names).values_list("name", flat=True))
        if others:
            sentence = _("%(domain)s is not one of your domains. A superuser can permit it.")
            raise ValidationError({"senders": sentence % {"domain": ", ".join(sorted(others)[:MOST_NAMED])}})
    if str(mailbox) in map(str, senders):
        sentence = _("%(mailbox)s may send as its own address anyway. Leave it out.")
        raise ValidationError({"senders": sentence % {"mailbox": mailbox}})
