"""Undo: what a change set did is taken back, row by row, in one transaction that is a change set of its own.

It may be about a million rows, so these are read a piece at a time, and only their keys are kept (NetEvents).
Nothing is overwritten: what a change set added must still be as it left it, and of what it changed, the columns that it
changed. Rows come back with their primary keys, so that a mailbox finds its password and an undo can itself be undone.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import UNDO, recorded
from accounts.history_reading import Event
from accounts.models import ChangeSet, User
from accounts.net_events import NetEvents, number_of_events
from domains.models import Domain, DomainAdmin
from mailboxes import undo_rules
from mailboxes.app_passwords import bring_back_secrets, remove_app_passwords
from mailboxes.dead_ends import default_aliases_deliver
from mailboxes.destinations import lock_alias_graph
from mailboxes.limits import refusal_of
from mailboxes.models import Address, AliasDestination, AppPassword, Mailbox, MailboxCredential, QuarantinedAddress
from mailboxes.protection import is_domain_admin
from mailboxes.quarantine import take_back
from mailboxes.relinking import link_texts_in
from mailboxes.renaming import name_owners_anew
from mailboxes.undo_rules import in_pieces

# An added mailbox that is taken back within this time was a slip: its address is free at once.
A_SLIP = timedelta(days=1)
MOST_AT_ONCE = 2_000  # rows that are taken back within a request; of more, the worker takes care


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What an undo would do: `events` say what each row would be, `obstacles` why nothing will happen."""

    events: Iterable[Event]
    remarks: list[str] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)


class _Rehearsed(Exception):
    """All went well; now nothing of it must stay."""


def undo_change_set(change_set: ChangeSet, *, tell: Callable[[str], None] = lambda remark: None, by: Actor) -> UUID:
    """Takes back what a change set did, or says in sentences what stands in the way. Gives the number of the change set
    that the undo is, which can be undone as well. `tell` hears what does not come back, though the rest does."""
    with _recorded(change_set, by) as number:
        remarks = _take_back(NetEvents.of_change_set(change_set.pk), change_set, by)
    for remark in remarks:
        tell(remark)
    return number


def is_long_work(change_set: ChangeSet) -> bool:
    """Whether an undo would take longer than a request should."""
    number = number_of_events(change_set.pk)  # net events are never more than these
    if not MOST_AT_ONCE < number <= 2 * MOST_AT_ONCE:
        return number > MOST_AT_ONCE
    return len(NetEvents.of_change_set(change_set.pk)) > MOST_AT_ONCE


def preview_of_undo(change_set: ChangeSet, *, by: Actor) -> Preview:
    """The undo is really done and rolled back: so it cannot promise anything else than what will happen."""
    events = NetEvents([])
    remarks: list[str] = []
    try:
        with _recorded(change_set, by):
            events = NetEvents.of_change_set(change_set.pk)
            remarks = _take_back(events, change_set, by)
            raise _Rehearsed
    except _Rehearsed:
        return Preview(events=TakenBack(events), remarks=remarks)
    except ValidationError as error:
        return Preview(events=TakenBack(events), obstacles=list(dict.fromkeys(error.messages)))


def _recorded(change_set: ChangeSet, by: Actor) -> Any:
    verb, noun = UNDO + str(change_set.value("verb")), change_set.value("noun")
    label, domain = change_set.value("label"), change_set.value("domain")
    return recorded(verb, noun, label, domain=domain, by=by, undid=str(change_set.pk))


class TakenBack:
    """The events the other way round, from the last to the first; read whenever somebody walks over them."""

    KINDS = {"added": "deleted", "deleted": "added"}

    def __init__(self, events: NetEvents) -> None:
        self.events = events

    def __iter__(self) -> Iterator[Event]:
        for one in reversed(self.events):
            if not undo_rules.is_of_owner(one):
                kind = self.KINDS.get(one.kind, one.kind)
                yield Event(one.model, kind, one.object_id, one.at, one.after, one.before, one.names)


def _take_back(events: NetEvents, change_set: ChangeSet, by: Actor) -> list[str]:
    """Returns remarks: what does not come back, though the rest does."""
    undo_rules.refuse_what_cannot_be_undone(events)
    undo_rules.refuse_what_is_not_of(by, events)
    undo_rules.refuse_default_aliases(by, events)
    rows, remarks = _without_what_may_stay_away(events)
    lock_alias_graph()
    _lock(rows)
    undo_rules.refuse_changed_since(rows)
    take_back(events.of(QuarantinedAddress))
    undo_rules.refuse_addresses_in_quarantine(rows, by)
    try:
        with default_aliases_deliver(undo_rules.where_mail_may_stop(rows) if is_domain_admin(by) else (), by):
            _write(rows, is_old=change_set.created_at < timezone.now() - A_SLIP)
        undo_rules.ask_rooms(rows)  # they refuse in a sentence, before a constraint does in none
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except IntegrityError as error:
        past_limit = refusal_of(error)
        if past_limit:
            raise past_limit from error
        sentence = _("What is there now does not go together with what was there before: %(constraint)s.")
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or "?"
        raise ValidationError(sentence % {"constraint": name}) from error
    link_texts_in(_names_that_are_back(rows))
    undo_rules.refuse_what_services_would_refuse(rows, by)
    for some in in_pieces(rows.of(Address).ids()):
        name_owners_anew(some)
    return remarks + _bring_back_passwords(rows)


def _without_what_may_stay_away(events: NetEvents) -> tuple[NetEvents, list[str]]:
    """Owners sign in anew; a domain comes back even if one of its admins is gone."""
    remarks = []
    without_secret = undo_rules.without_secret(events)

    def stays(event: Event) -> bool:
        if event.model is DomainAdmin and event.before and not _is_person(event.before["user_id"]):
            name = event.names.get((User, event.before["user_id"]), "?")
            remarks.append(_("%(person)s is gone and is no longer domain admin.") % {"person": name})
            return False
        if event.model is AppPassword and event.object_id in without_secret:
            sentence = _("App password “%(name)s” of %(mailbox)s does not come back: it was deleted too long ago.")
            remarks.append(sentence % {"name": (event.before or {})["name"], "mailbox": event.subject})
            return False
        return not (undo_rules.is_of_owner(event) or event.model is QuarantinedAddress)

    return events.where(stays, User, DomainAdmin, QuarantinedAddress, AppPassword), remarks


def _names_that_are_back(rows: NetEvents) -> set[str]:
    """Domains that may have been typed as elsewhere while they were not ours, or that became ours since."""
    back = ((event.model, event.before or {}) for event in rows.of(Domain, AliasDestination, kinds=["deleted"]))
    return {row["name"] if model is Domain else row["text"].rpartition("@")[2] for model, row in back}


def _is_person(pk: int) -> bool:
    return User.objects.filter(pk=pk).exists()


def _lock(rows: NetEvents) -> None:
    """In the order in which services lock: domains, then what hangs on them."""
    domains = undo_rules.domains_of(rows)
    wanted: list[tuple[type[models.Model], list[int]]] = [(Domain, sorted(domains))]
    for model, ids in [*wanted, *((model, sorted(one.ids())) for model, one in _by_model(rows))]:
        for some in in_pieces(ids):
            locked = model._base_manager.select_for_update(no_key=True, of=("self",)).filter(pk__in=some)
            list(locked.order_by("pk").values_list("pk"))


def _by_model(rows: NetEvents) -> list[tuple[type[models.Model], NetEvents]]:
    """The models in an order in which what a row hangs on comes before it."""
    found = rows.about
    ordered: list[type[models.Model]] = []

    def add(model: type[models.Model]) -> None:
        if model in ordered or model not in found:
            return
        for one in model._meta.concrete_fields:
            if one.remote_field and one.remote_field.model is not model:
                add(one.remote_field.model)
        ordered.append(model)

    for model in sorted(found, key=lambda model: model._meta.label):
        add(model)
    return [(model, rows.of(model)) for model in ordered]


def _write(rows: NetEvents, *, is_old: bool) -> None:
    ordered = _by_model(rows)
    undo_rules.refuse_used(rows)
    if is_old:
        undo_rules.quarantine_added(rows)
    for model, events in reversed(ordered):
        _delete(model, events.of(kinds=["added"]).ids())
    for model, events in ordered:
        # The last first: of two rows that changed places, the one that took the place frees it.
        for event in reversed(events.of(kinds=["changed"])):
            _change_back(model, event)
    for model, events in ordered:
        back = events.of(kinds=["deleted"])
        for event in sorted(back, key=_has_target) if model is Domain else back:
            _bring_back(event)


def _has_target(event: Event) -> bool:
    """An alias domain, which comes back after the domain that it hangs on."""
    return bool(event.before and event.before["target_id"])


def _delete(model: type[models.Model], ids: list[int]) -> None:
    if model is Domain:  # alias domains before their targets
        Domain.objects.filter(pk__in=ids, target__isnull=False).delete()
    for some in in_pieces(ids):
        if model is AppPassword:  # those of mailboxes that go; no others are undone
            remove_app_passwords(AppPassword.objects.filter(pk__in=some).values_list("mailbox_id", flat=True))
        if model is Mailbox:
            undo_rules.part_with_mailboxes(some)
        model._base_manager.filter(pk__in=some).delete()


def _change_back(model: type[models.Model], event: Event) -> None:
    row = model._base_manager.get(pk=event.object_id)
    for one in model._meta.concrete_fields:
        if one.column in undo_rules.changed_columns(event):
            setattr(row, one.attname, one.to_python((event.before or {})[str(one.column)]))
    _count(row)
    _save(row, event)


def _bring_back(event: Event) -> None:
    values = {
        one.attname: one.to_python(event.before[one.column])  # type: ignore[index]
        for one in event.model._meta.concrete_fields
    }
    row = event.model(**values)
    undo_rules.refuse_without_parents(row, event)
    if isinstance(row, AliasDestination):
        _find_place_for(row)
    _count(row)
    _save(row, event)


def _find_place_for(destination: AliasDestination) -> None:
    """Its old place, or the end if another destination stands there by now."""
    others = AliasDestination.objects.filter(alias=destination.alias_id)
    if others.filter(position=destination.position).exists():
        last = others.order_by("-position").values_list("position", flat=True).first() or 0
        destination.position = last + 1


def _count(row: models.Model) -> None:
    for one in row._meta.concrete_fields:
        if one.name == "version":
            row.version += 1  # type: ignore[attr-defined]
        elif getattr(one, "auto_now", False):
            setattr(row, one.attname, timezone.now())


def _save(row: models.Model, event: Event) -> None:
    """As it was, without the fields that fill themselves; the rules of the model are asked first."""
    undo_rules.refuse_taken(row, event)
    row.clean()
    row.validate_unique()
    row.validate_constraints()
    if isinstance(row, Domain) and event.kind == "changed":
        undo_rules.refuse_class_of(row)
    with transaction.atomic():
        row.save_base(raw=True, force_insert=event.kind == "deleted", force_update=event.kind == "changed")


def _bring_back_passwords(rows: NetEvents) -> list[str]:
    """Gives mailboxes that are back their passwords; names those whose password was purged."""
    sentence = _("%(mailbox)s comes back without a password: it had none, or it was deleted too long ago.")
    remarks: list[str] = []
    for some in in_pieces(sorted(rows.of(Mailbox, kinds=["deleted"]).ids())):
        kept = MailboxCredential.objects.filter(former_mailbox_id__in=some)
        found = set(kept.values_list("former_mailbox_id", flat=True))
        kept.update(mailbox_id=models.F("former_mailbox_id"), former_mailbox_id=None, retired_at=None)
        without = Mailbox.objects.with_address().filter(pk__in=set(some) - found).order_by("pk")
        remarks += [sentence % {"mailbox": mailbox} for mailbox in without]
    for some in in_pieces(sorted(rows.of(AppPassword, kinds=["deleted"]).ids())):
        bring_back_secrets(some)
    return remarks


__all__ = ["Preview", "is_long_work", "preview_of_undo", "undo_change_set"]
