"""Broadcasts: one mail to each mailbox of some domains, or of all, sent by the worker at a speed that the settings say.

The mailboxes are written down once, at the beginning. Then a run of the job sends what the speed allows, takes away the
row of each mailbox that has got its mail, and goes on later; so a worker that dies skips nobody, and sends one mail
twice at most: the one between the answer of the server and the line that remembers it, with the same Message-ID."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, override

from accounts.actors import Actor
from accounts.history import recorded
from accounts.models import User
from domains.fields import normalised_domain
from domains.models import AddressClass, Domain, DomainCount
from domains.services import locked_version
from jobs.mail import LONGEST_REFUSAL, Answer, answers, automatic_mail
from jobs.models import Job
from jobs.services import Later, show_progress, start_job
from mailboxes.mail_texts import filled, language_of, refuse_nul, tidy
from mailboxes.mailing_models import LONGEST_SUBJECT
from mailboxes.models import Broadcast, BroadcastProgress, BroadcastRecipient, Mailbox, MailingSettings
from mailboxes.parsing import parse_address

BROADCAST = "broadcast"  # the kind of job
A_RUN = 10  # seconds between two
MOST_PENT_UP = 30  # seconds for which mails are sent at once after a pause
TRY_AGAIN = 60  # seconds after a server did not take mail for now
MOST_TRIES = 5  # of one mailbox
SHOWN_EVERY = 50  # mails
WAITING = Q(refusal="")
WRITE_DOWN = """
    INSERT INTO mailboxes_broadcastrecipient (broadcast_id, mailbox_id, tries, refusal)
    SELECT %s, chosen.mailbox_id, 0, ''
    FROM ({chosen}) AS chosen (mailbox_id)
"""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a broadcast would be: how many mailboxes get it, in how many domains, and what one of them gets."""

    mailboxes: int
    domains: int
    sender: str
    to: str
    subject: str
    text: str


def preview_of_broadcast(
    subject: str, text: str, *, domain_names: Iterable[str] = (), sender: str = "", by: Actor
) -> Preview:
    """Refuses what start_broadcast() refuses, and changes nothing."""
    broadcast = _checked(subject, text, domain_names, sender, by)
    domains = _domains_of(broadcast)
    # In no order: sorted by number, all mailboxes might be read to find one of a small domain.
    somebody = list(_mailboxes_of(broadcast).with_address().select_related("owner__user").order_by()[:1])
    if not somebody:
        raise ValidationError(_("No mailbox would get this: none in these domains receives mail."))
    mail = _mail(broadcast, somebody[0])
    mail.message()  # as it will be written
    return Preview(
        mailboxes=_number_in(domains),
        domains=domains.count(),
        sender=mail.from_email,
        to=mail.to[0],
        subject=str(mail.subject),
        text=str(mail.body),
    )


def start_broadcast(
    subject: str, text: str, *, domain_names: Iterable[str] = (), sender: str = "", by: Actor
) -> Broadcast:
    """To the mailboxes of these domains; of all domains that this person may see, if none is named. The sender is the
    panel, or an address of a domain that this person may see."""
    broadcast = _checked(subject, text, domain_names, sender, by)
    if not _mailboxes_of(broadcast).exists():
        raise ValidationError(_("No mailbox would get this: none in these domains receives mail."))
    names = broadcast.domain_names
    with recorded("start", "broadcast", broadcast.subject, domain=names[0] if len(names) == 1 else "", by=by):
        broadcast.save()
        job = start_job(BROADCAST, by=by, label=gettext_noop("Broadcast"), broadcast=broadcast.pk)
        BroadcastProgress.objects.create(broadcast=broadcast, job=job, of_a_person=by.user is not None)
    return broadcast


def stop_broadcast(broadcast: Broadcast, *, by: Actor) -> Broadcast:
    """Whoever has not got it yet gets none. A stopped broadcast does not go on; one that failed is over then."""
    names = broadcast.domain_names
    with recorded("stop", "broadcast", str(broadcast), domain=names[0] if len(names) == 1 else "", by=by):
        broadcast = locked_version(Broadcast.objects, broadcast.pk, None)
        state = broadcast.state
        if state not in ("sending", "failed"):
            raise ValidationError(_("This broadcast is over: nothing is left to stop."))
        broadcast.stopped_at = timezone.now()
        broadcast.save(update_fields=["stopped_at"])
        if state == "failed":
            _finish(broadcast)
    return broadcast


def go_on(job: Job) -> dict[str, Any]:
    """What the worker does: one run. Gives the figures when all is done, else raises Later."""
    broadcast = Broadcast.objects.with_progress().get(pk=job.arguments["broadcast"])
    progress = broadcast.progress
    if progress.total is None:
        progress.total = 0 if broadcast.stopped_at else _write_down(broadcast)
        progress.save(update_fields=["total"])
    show_progress(job, progress.done, progress.total)
    is_reached = _send(broadcast, job)
    progress.refresh_from_db()
    show_progress(job, progress.done, progress.total)
    first = BroadcastRecipient.objects.filter(WAITING, broadcast=broadcast).order_by("tries", "id").first()
    if first and not _is_stopped(broadcast):
        usual = max(A_RUN, 60 / MailingSettings.current().mails_per_minute)
        raise Later(usual if is_reached and not first.tries else TRY_AGAIN)
    _finish(broadcast)
    progress.refresh_from_db()
    show_progress(job, progress.done, progress.total)
    figures = {name: getattr(progress, name) for name in ("total", "reached", "refused", "left_out")}
    return {"broadcast": broadcast.pk, **figures}


def _checked(subject: str, text: str, domain_names: Iterable[str], sender: str, by: Actor) -> Broadcast:
    """As it would be saved."""
    if by.user is not None and (by.user.is_owner or by.user.limited_to is not None or not by.user.is_active):
        raise ValidationError(_("Only superusers and domain admins send broadcasts."), code="forbidden")
    refuse_nul(subject=subject, text=text, sender=sender)
    faults: dict[str, list[str]] = {}
    broadcast = Broadcast(subject=subject.strip(), text=tidy(text), who=by.label, started_by=by.user)
    for name, read in (
        ("sender", lambda: _sender(sender, by)),
        ("domain_names", lambda: _names(domain_names, by)),
        ("__all__", lambda: broadcast.full_clean(exclude=["sender", "domain_names"])),
    ):
        try:
            found = read()
        except ValidationError as error:
            faults |= error.message_dict if hasattr(error, "error_dict") else {name: error.messages}
        else:
            if name != "__all__":
                setattr(broadcast, name, found)
    if faults:
        raise ValidationError(faults)
    return broadcast


def _own_domains(by: Actor) -> QuerySet[Domain]:
    return Domain.objects.visible_to(by.user) if by.user else Domain.objects.all()


def _sender(text: str, by: Actor) -> str:
    """An address of ours: mail from elsewhere's would fail the SPF and DMARC of that domain."""
    if not text.strip():
        return ""
    address = parse_address(text)
    if not _own_domains(by).filter(name=address.domain).exists():
        sentence = _("%(name)s is not here. The sender is an address of a domain of this panel, or the panel itself.")
        raise ValidationError(sentence % {"name": address.domain})
    return str(address)


def _names(texts: Iterable[str], by: Actor) -> list[str]:
    """All of these are here and have mailboxes. For a domain admin, no name means each of the own ones."""
    names = list(dict.fromkeys(map(normalised_domain, texts)))
    if not names and (by.user is None or by.user.is_superuser):
        return []
    own = dict(_own_domains(by).filter(**({"name__in": names} if names else {})).values_list("name", "address_class"))
    if not names:
        return sorted(name for name, of_class in own.items() if of_class == AddressClass.VIRTUAL_MAILBOX)
    faults = []
    for name in names:
        if name not in own:
            faults.append(_("%(name)s is not here yet. Add it first, or correct the name.") % {"name": name})
        elif own[name] != AddressClass.VIRTUAL_MAILBOX:
            words = {"domain": name, "class": AddressClass(own[name]).label}
            faults.append(_("%(domain)s is of the class “%(class)s”, which has no mailboxes.") % words)
    if faults:
        raise ValidationError(faults)
    return names


def _domains_of(broadcast: Broadcast) -> QuerySet[Domain]:
    """Those whose mailboxes get it at this moment: a suspended domain takes no mail."""
    domains = Domain.objects.filter(address_class=AddressClass.VIRTUAL_MAILBOX, active=True, suspended=False)
    sender = broadcast.started_by
    if sender and not sender.is_superuser:
        domains = domains.visible_to(sender)
        return domains.filter(name__in=broadcast.domain_names)
    return domains.filter(name__in=broadcast.domain_names) if broadcast.domain_names else domains


def _mailboxes_of(broadcast: Broadcast) -> Any:
    """Of some domains by their numbers: then PostgreSQL knows how few rows they have, and begins with these."""
    domains = _domains_of(broadcast)
    chosen: Any = list(domains.values_list("pk", flat=True)) if broadcast.domain_names else domains
    return Mailbox.objects.receiving().filter(address__domain__in=chosen)


def _number_in(domains: QuerySet[Domain]) -> int:
    """By what is counted already, less those that an index finds: nobody counts a million mailboxes."""
    all_of_them = DomainCount.objects.filter(domain__in=domains).aggregate(number=Sum("mailboxes"))["number"] or 0
    silent = Q(active=False) | Q(receives=False) | Q(expires_at__lte=timezone.now())
    return int(all_of_them) - Mailbox.objects.filter(silent, address__domain__in=domains).count()


def _write_down(broadcast: Broadcast) -> int:
    """Who is to get it, in one statement; a mailbox that is added later gets none."""
    chosen, words = _mailboxes_of(broadcast).order_by("pk").values("pk").query.sql_with_params()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(WRITE_DOWN.format(chosen=chosen), [broadcast.pk, *words])
        BroadcastProgress.objects.filter(pk=broadcast.pk).update(total=cursor.rowcount)
        return int(cursor.rowcount)


def _send(broadcast: Broadcast, job: Job) -> bool:
    """As many as the speed allows; False if the server went away, or was not there at all."""
    rows = _next_rows(broadcast)
    mails = ((row, _mail(broadcast, row.mailbox)) for row in _until_stopped(rows, broadcast))
    number = 0
    for number, (row, answer) in enumerate(answers(mails), 1):
        _remember(row, answer)
        if number % SHOWN_EVERY == 0:
            progress = BroadcastProgress.objects.get(pk=broadcast.pk)
            show_progress(job, progress.done, progress.total)
    return number == len(rows)


def _next_rows(broadcast: Broadcast) -> list[BroadcastRecipient]:
    """Who is next, without those that get no mail any more: they are left out."""
    now = timezone.now()
    waiting = BroadcastRecipient.objects.filter(WAITING, broadcast=broadcast).order_by("tries", "id")
    found = list(
        waiting.select_related("mailbox__address__domain", "mailbox__owner__user")[: _allowed(broadcast.progress)]
    )
    BroadcastProgress.objects.filter(pk=broadcast.pk).update(paced_at=now)
    sender: User | None = broadcast.started_by
    still = _mailboxes_of(broadcast).filter(pk__in=[row.mailbox_id for row in found])
    may_still = sender.is_active if sender else not broadcast.progress.of_a_person
    numbers = set(still.values_list("pk", flat=True)) if may_still else set()
    gone = [row.pk for row in found if row.mailbox_id not in numbers]
    if gone:
        with transaction.atomic():
            BroadcastRecipient.objects.filter(pk__in=gone).delete()
            BroadcastProgress.objects.filter(pk=broadcast.pk).update(left_out=F("left_out") + len(gone))
    return [row for row in found if row.mailbox_id in numbers]


def _allowed(progress: BroadcastProgress) -> int:
    """Mails that the speed allows since the last ones began to be sent."""
    since = (timezone.now() - progress.paced_at) if progress.paced_at else timedelta(seconds=A_RUN)
    seconds = min(max(since.total_seconds(), 0), MOST_PENT_UP)
    return max(1, int(MailingSettings.current().mails_per_minute * seconds / 60))


def _until_stopped(rows: Sequence[BroadcastRecipient], broadcast: Broadcast) -> Iterator[BroadcastRecipient]:
    for row in rows:
        if _is_stopped(broadcast):
            return
        yield row


def _is_stopped(broadcast: Broadcast) -> bool:
    return Broadcast.objects.filter(pk=broadcast.pk, stopped_at__isnull=False).exists()


def _remember(row: BroadcastRecipient, answer: Answer) -> None:
    one, progress = BroadcastRecipient.objects.filter(pk=row.pk), BroadcastProgress.objects.filter(pk=row.broadcast_id)
    with transaction.atomic():
        if not answer.refusal:
            one.delete()
            progress.update(reached=F("reached") + 1)
        elif answer.for_good or row.tries + 1 >= MOST_TRIES:
            one.update(refusal=answer.refusal[:LONGEST_REFUSAL], tries=row.tries + 1)
            progress.update(refused=F("refused") + 1)
        else:
            one.update(tries=row.tries + 1)


def _finish(broadcast: Broadcast) -> None:
    """Whoever was not reached and did not refuse is left out: stopped before, or deleted meanwhile."""
    with transaction.atomic():
        BroadcastRecipient.objects.filter(WAITING, broadcast=broadcast).delete()
        progress = BroadcastProgress.objects.filter(pk=broadcast.pk)
        progress.update(left_out=F("total") - F("reached") - F("refused"), finished_at=timezone.now())


def _mail(broadcast: Broadcast, mailbox: Mailbox) -> EmailMessage:
    """One recipient a mail: nobody sees the others."""
    sender = broadcast.sender or settings.DEFAULT_FROM_EMAIL
    with override(language_of(mailbox)):
        subject, text = filled(broadcast.subject, mailbox), filled(broadcast.text, mailbox)
    number = f"<broadcast.{broadcast.pk}.{mailbox.pk}@{sender.rpartition('@')[2].strip('<> ')}>"
    headers = {"Precedence": "bulk", "Message_ID": number}
    return automatic_mail(subject[:LONGEST_SUBJECT], f"{text}\n", str(mailbox), sender=sender, **headers)
