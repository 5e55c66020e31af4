"""Quarantine: the address of a deleted mailbox is nobody else's for a while. Whoever got it next would get the mail
that is still meant for the former owner, and with it the accounts that send their new passwords there."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import recorded
from accounts.history_reading import Event
from domains.models import Domain, MailSettings
from mailboxes.models import Address, Mailbox, QuarantinedAddress
from mailboxes.parsing import external_form

AT_ONCE = 1_000  # rows in a statement


def quarantine(mailboxes: QuerySet[Mailbox]) -> None:
    """Keeps the addresses of mailboxes that are about to leave them from anybody else."""
    _keep_from_others(mailboxes.values_list("address__domain__name", "address__local_part", "pk"))


def quarantine_former(addresses: QuerySet[Address]) -> None:
    """The same for addresses that are about to go, and that a mailbox had left to the aliases at them: until now these
    took the mail for the former owner."""
    former = addresses.exclude(former_mailbox_id=None)
    rows = former.values_list("domain__name", "local_part", "former_mailbox_id")
    _keep_from_others((domain, local_part, pk) for domain, local_part, pk in rows if pk is not None)


def _keep_from_others(leaving: Iterable[tuple[str, str, int]]) -> None:
    days = MailSettings.current().quarantine_days
    if not days:
        return
    until = timezone.now() + timedelta(days=days)
    QuarantinedAddress.objects.bulk_create(
        [
            QuarantinedAddress(domain_name=domain, local_part=local_part, former_mailbox_id=pk, until=until)
            for domain, local_part, pk in leaving
        ],
        batch_size=AT_ONCE,
        update_conflicts=True,
        unique_fields=["domain_name", "local_part"],
        update_fields=["former_mailbox_id", "until"],
    )


def refuse_quarantined(
    domain: Domain, local_part: str, *, returning: int | None = None, despite: bool = False, by: Actor
) -> None:
    """The mailbox with the number `returning` may have its own address back. `despite` is for superusers: it ends the
    quarantine."""
    row = QuarantinedAddress.objects.filter(domain_name=domain.name, local_part=local_part).first()
    if row is None or row.until <= timezone.now():
        return
    if returning is not None and row.former_mailbox_id == returning:
        row.delete()
        return
    words = {
        "address": external_form(local_part, domain.name),
        "until": date_format(timezone.localtime(row.until), "DATETIME_FORMAT"),
    }
    if not despite:
        sentence = _(
            "%(address)s belonged to a mailbox that is gone, and mail for its former owner may still arrive. Nobody "
            "else gets it until %(until)s. Undo the deletion, choose another address, or ask a superuser."
        )
        raise ValidationError({"local_part": sentence % words})
    if by.user and not by.user.is_superuser:
        sentence = _("Only a superuser gives %(address)s to somebody else before %(until)s.")
        raise ValidationError({"local_part": sentence % words})
    row.delete()


def delete_ended_quarantines(*, by: Actor) -> int:
    """Keeps the table small; returns how many had ended. An undo that comes later misses none of them."""
    ended = QuarantinedAddress.objects.filter(until__lte=timezone.now())
    number = ended.count()
    if number:
        with recorded("delete", "ended_quarantines", str(number), by=by):
            ended.delete()
    return number


def take_back(events: Iterable[Event]) -> None:
    """Part of an undo: what a deletion kept from others is free for what comes back; what was kept before is again."""
    for event in events:
        row: Mapping[str, Any] = event.before or event.after or {}
        key = {"domain_name": row["domain_name"], "local_part": row["local_part"]}
        until = parse_datetime(event.before["until"]) if event.before else None
        left = (event.after or row)["former_mailbox_id"]
        if QuarantinedAddress.objects.filter(**key).exclude(former_mailbox_id=left).exists():
            continue  # by now it is kept from others for the sake of somebody else
        if until and until > timezone.now():
            former = row["former_mailbox_id"]
            QuarantinedAddress.objects.update_or_create(**key, defaults={"until": until, "former_mailbox_id": former})
        else:
            QuarantinedAddress.objects.filter(**key).delete()
