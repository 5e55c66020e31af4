"""What prevents an undo, each in a sentence that says what to do instead."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history_reading import Event
from accounts.models import OWNER_PREFIX, User
from accounts.net_events import NetEvents
from dns_records.models import DnsSettings, DomainDns, UpdateSecret, UpdateServer
from domains.dkim_models import DkimKey
from domains.dkim_waits import DkimWait
from domains.guards import delimiter_changed
from domains.models import Domain, DomainAdmin, MailSettings
from domains.services import refuse_unfitting_class
from mailboxes.destinations import resolve
from mailboxes.loops import refuse_loop_of_what_falls_back, refuse_loops
from mailboxes.models import (
    Address,
    Alias,
    AliasDestination,
    AppPassword,
    AppPasswordSecret,
    Broadcast,
    DefaultAlias,
    LocalUser,
    Mailbox,
    MailboxCredential,
    MailboxOwner,
    MailingSettings,
    OutOfOffice,
    PasswordSettings,
    PermittedSender,
    QuarantinedAddress,
    RecoveryAddress,
    RelayRecipient,
    ServerNames,
)
from mailboxes.places import refuse_alias_in
from mailboxes.protection import is_domain_admin, refuse_loss_of_default_aliases
from mailboxes.quarantine import quarantine, refuse_quarantined
from mailboxes.removal import known_only_to, retire_credentials
from mailboxes.services import WHEN_IT_DELIVERS

Check = Callable[[type[models.Model], Sequence[int]], None]
Within = Callable[[Mapping[int, str], Event], bool]
# What can be undone, with the rules that are asked afterwards of the rows that came and went.
_undoable: dict[type[models.Model], Check | None] = {}


# Whether a row of another room is within domains, by number and name: then their domain admins take it back.
_within: dict[type[models.Model], Within] = {}


def register_undo(model: type[models.Model], check: Check | None = None, *, within: Within | None = None) -> None:
    """A room says that its rows may be taken back; `check` raises ValidationError for what must not be then. `within`
    says which of them a domain admin may take back; without it, none."""
    _undoable[model] = check
    if within:
        _within[model] = within


for _model in (
    Domain,
    DomainAdmin,
    DkimKey,
    MailSettings,
    DnsSettings,
    DomainDns,
    UpdateServer,
    Address,
    Mailbox,
    Alias,
    AliasDestination,
    DefaultAlias,
    PermittedSender,
    AppPassword,
    RecoveryAddress,
    PasswordSettings,
    OutOfOffice,
    ServerNames,
    MailingSettings,
    RelayRecipient,
    LocalUser,
    QuarantinedAddress,
):
    register_undo(_model)

# What a domain admin may take back.
OF_A_DOMAIN = (
    Address,
    Mailbox,
    Alias,
    AliasDestination,
    PermittedSender,
    AppPassword,
    RecoveryAddress,
    OutOfOffice,
    RelayRecipient,
)
COUNTERS = ("version", "changed_at")
PIECE = 1_000  # rows in one statement
# What each row of another model has from its beginning, and nobody uses by itself.
_come_along: set[type[models.Model]] = {MailboxCredential, MailboxOwner, DkimWait, UpdateSecret}


def register_come_along(model: type[models.Model]) -> None:
    """A room says that these rows come and go with those that they hang on, and keep no undo from taking them away."""
    _come_along.add(model)


def is_of_owner(event: Event) -> bool:
    """The row with which a mailbox owner signs in comes and goes with the mailbox."""
    row = event.before or event.after or {}
    return event.model is User and str(row.get("username", "")).startswith(OWNER_PREFIX)


def in_pieces(ids: list[int]) -> Iterator[list[int]]:
    """As many as one statement is about, in their order."""
    for start in range(0, len(ids), PIECE):
        yield ids[start : start + PIECE]


def refuse_what_cannot_be_undone(events: NetEvents) -> None:
    if "password_changed" in events.kinds:
        raise ValidationError(_("A password cannot be changed back: the old one is not kept. Set a new one."))
    if "link_sent" in events.kinds:
        raise ValidationError(_("A link that was sent cannot be called back. It is good once, and for an hour."))
    if "exported" in events.kinds:
        raise ValidationError(_("A private key that was exported cannot be called back. Rotate the key."))
    if "resealed" in events.kinds:
        raise ValidationError(_("Private keys stay encrypted with the line that was on top. Rotate that line instead."))
    if Broadcast in events.about:
        raise ValidationError(_("Mail that was sent cannot be called back. Stop it if it is still being sent."))
    if AppPassword in events.about and Mailbox not in events.about:
        raise ValidationError(
            _("App passwords are not undone: revoke one, or add another. A revoked one stays revoked.")
        )
    if not all(is_of_owner(event) for event in events.of(User)):
        raise ValidationError(_("Changes to people are not undone here. Change the person instead."))
    if not set(events.about) - {User}:
        raise ValidationError(_("There is nothing here that could be undone."))
    for model in events.about:
        if model not in _undoable and model is not User:
            sentence = _("What is called %(noun)s here is not undone. Change it by hand.")
            raise ValidationError(sentence % {"noun": model._meta.verbose_name})
    if "unknown" in events.kinds or not all(map(_is_whole, events.of(kinds=["deleted"]))):
        raise ValidationError(_("The history does not know all that was there before. Nothing was changed."))


def _is_whole(event: Event) -> bool:
    columns = {one.column for one in event.model._meta.concrete_fields}
    return is_of_owner(event) or columns <= set(event.before or {})


def refuse_what_is_not_of(by: Actor, events: Iterable[Event]) -> None:
    """A domain admin takes back what happened within the own domains; the rest is for superusers."""
    if by.user is None or by.user.is_superuser:
        return
    own = dict(Domain.objects.visible_to(by.user).values_list("pk", "name"))
    if not all(is_of_owner(event) or _is_within(own, event) for event in events):
        raise ValidationError(_("This is not only about addresses of your domains. A superuser can undo it."))


def _is_within(own: Mapping[int, str], event: Event) -> bool:
    if event.model in _within:
        return _within[event.model](own, event)
    if event.model is Domain:
        return event.object_id in own and event.kind == "changed" and changed_columns(event) <= {"description"}
    if event.model is QuarantinedAddress:
        return event.subject.rpartition("@")[2] in own.values()
    if event.model is Address:
        return all(row["domain_id"] in own for row in _rows_of(event))
    if event.model is Mailbox and event.kind == "changed" and "mail_path" in changed_columns(event):
        return False  # it could be the path of another domain's mailbox by now
    if event.model is PermittedSender and not all(row["domain_name"] in own.values() for row in _rows_of(event)):
        return False
    return event.model in OF_A_DOMAIN and event.subject.rpartition("@")[2] in own.values()


def changed_columns(event: Event) -> set[str]:
    """The columns that a change set changed; one that the history began to know later has no value before."""
    before, after = event.before or {}, event.after or {}
    columns = {str(one.column) for one in event.model._meta.concrete_fields} - set(COUNTERS)
    return {column for column in columns & set(before) & set(after) if before[column] != after[column]}


def without_secret(events: NetEvents) -> set[int]:
    """App passwords that were purged, or revoked: they would come back and open nothing."""
    gone = set(events.of(AppPassword, kinds=["deleted"]).ids())
    return gone - set(AppPasswordSecret.objects.filter(pk__in=gone).values_list("pk", flat=True))


def domains_of(events: NetEvents) -> set[int]:
    """The domains that the rows belong or lead to, before and after."""
    about = [
        model
        for model in events.about
        if model is Domain or {"domain_id", "target_id"} & {one.column for one in model._meta.concrete_fields}
    ]
    return {pk for event in events.of(*about) for pk in _domains_of(event)} if about else set()


def _domains_of(event: Event) -> Iterator[int]:
    if event.model is Domain:
        yield event.object_id
    for row in (event.before, event.after):
        for column in ("domain_id", "target_id"):
            if row and row.get(column) is not None:
                yield row[column]


def refuse_default_aliases(by: Actor, events: NetEvents) -> None:
    """A domain admin does not take back that a default alias was added, renamed to this, or when it delivers."""
    if not is_domain_admin(by):
        return
    address_ids = set()
    for event in events.of(Address, Alias):
        is_alias = event.model is Alias and event.after is not None
        if event.model is Address and event.kind != "deleted":
            address_ids.add(event.object_id)
        elif is_alias and (event.kind == "added" or changed_columns(event) & set(WHEN_IT_DELIVERS)):
            address_ids.add((event.after or {})["address_id"])
    refuse_loss_of_default_aliases(address_ids, by)


def where_mail_may_stop(events: NetEvents) -> set[int]:
    """The addresses whose mailbox or alias, or its destinations, are taken back."""
    found = {row["address_id"] for row in _rows(events, Mailbox, Alias)}
    alias_ids = {row["alias_id"] for row in _rows(events, AliasDestination)}
    return found | set(Alias.objects.filter(pk__in=alias_ids).values_list("address_id", flat=True))


def refuse_changed_since(events: NetEvents) -> None:
    """What was added must be as it was left; of what was changed, the columns that were changed."""
    faults: dict[str, None] = {}
    gone = set(events.of(Domain, kinds=["added"]).ids())
    for model in events.about:
        walk = (event for event in events.of(model) if not _is_key_of(gone, event))
        while some := list(islice(walk, PIECE)):
            faults |= dict.fromkeys(_faults_since(some))
    if faults:
        raise ValidationError(list(faults))


def _is_key_of(gone: set[int], event: Event) -> bool:
    """A DKIM key moves on by itself, and goes with its domain wherever it stands."""
    return event.model is DkimKey and event.kind == "added" and (event.after or {}).get("domain_id") in gone


def _faults_since(events: Sequence[Event]) -> list[str]:
    faults: list[str] = []
    there = _rows_that_are_there(events)
    for event in events:
        row = there.get((event.model, event.object_id))
        if event.kind == "deleted":
            if row is not None:
                faults.append(_("%(thing)s is there again already.") % {"thing": _thing(event)})
        elif row is None:
            faults.append(_("%(thing)s was deleted since. Undo the deletion first.") % {"thing": _thing(event)})
        else:
            columns = changed_columns(event) if event.kind == "changed" else set(row) - set(COUNTERS)
            after = event.after or {}
            if any(row[column] != after[column] for column in columns if column in row and column in after):
                sentence = _("%(thing)s was changed since. Undo that first, or change it by hand.")
                faults.append(sentence % {"thing": _thing(event)})
    return faults


def _rows_that_are_there(events: Sequence[Event]) -> dict[tuple[type[models.Model], int], Mapping[str, Any]]:
    """As PostgreSQL writes them in JSON: as the history does."""
    found: dict[tuple[type[models.Model], int], Mapping[str, Any]] = {}
    for model in {event.model for event in events}:
        table, key = (connection.ops.quote_name(str(name)) for name in (model._meta.db_table, model._meta.pk.column))
        ids = [event.object_id for event in events if event.model is model]
        rows = model._base_manager.raw(
            f"SELECT {key}, to_jsonb(there)::text AS as_json FROM {table} AS there WHERE {key} = ANY(%s)",  # noqa: S608
            [ids],
        )
        found |= {(model, row.pk): json.loads(row.as_json) for row in rows}  # type: ignore[attr-defined]
    return found


def _thing(event: Event) -> str:
    return f"{event.subject} ({event.noun})" if event.subject else event.noun


def refuse_used(events: NetEvents) -> None:
    """What was added may carry more by now, which the undo would take with it; not what is itself taken back."""
    faults = []
    taken_back = {model: set(events.of(model, kinds=["added", "changed"]).ids()) for model in events.about}
    for model in events.about:
        for relation in model._meta.related_objects:
            other, reference = relation.related_model, relation.field
            comes_along = other in _come_along or not getattr(reference, "db_constraint", False)
            if comes_along or relation.on_delete is models.SET_NULL:
                continue
            for some in in_pieces(events.of(model, kinds=["added"]).ids()):
                using = other._base_manager.filter(**{f"{reference.name}__in": some})
                faults += _uses_of_others(using, taken_back.get(other, set()))
    added = events.of(Address, kinds=["added"]).ids()
    gone = Address.objects.filter(pk__in=added)
    if added and gone.filter(Q(local_part="") | Q(local_part__endswith="*")).exists():
        faults += _uses_of_others(known_only_to(gone), taken_back.get(AliasDestination, set()))
    if faults:
        raise ValidationError(list(dict.fromkeys(faults)))


def _uses_of_others(using: QuerySet[Any], taken_back: set[int]) -> list[str]:
    """A sentence for each of the first few that are not taken back themselves."""
    others = [pk for pk in using.order_by().values_list("pk", flat=True).iterator() if pk not in taken_back]
    return [_uses(row) for row in using.model._base_manager.filter(pk__in=sorted(others)[:3])]


def _uses(row: models.Model) -> str:
    if isinstance(row, AliasDestination):
        return _("Alias %(alias)s delivers there by now. Change it first.") % {"alias": row.alias}
    if isinstance(row, DomainAdmin):
        return _("%(domain)s has a domain admin by now. Remove the domain admin first.") % {"domain": row.domain}
    words = {"noun": row._meta.verbose_name, "thing": row}
    return _("There is more by now: %(thing)s (%(noun)s). Delete that first.") % words


def refuse_without_parents(row: models.Model, event: Event) -> None:
    for one in row._meta.concrete_fields:
        pk = getattr(row, one.attname)
        if one.remote_field and pk is not None and not one.remote_field.model._base_manager.filter(pk=pk).exists():
            model = one.remote_field.model
            words = {"thing": event.names.get((model, pk), f"#{pk}"), "noun": model._meta.verbose_name}
            raise ValidationError(_("%(thing)s (%(noun)s) is gone since. Undo its deletion first.") % words)


def refuse_taken(row: models.Model, event: Event) -> None:
    """In words of mail what the unique index would refuse."""
    if isinstance(row, Address):
        other = Address.objects.filter(domain=row.domain_id, local_part=row.local_part).exclude(pk=row.pk).first()
        if other:
            sentence = _("%(address)s was added anew since. Delete or rename it first.")
            raise ValidationError(sentence % {"address": other})
    if isinstance(row, Mailbox | Alias):
        others = type(row)._base_manager.filter(address=row.address_id).exclude(pk=row.pk)
        if others.exists():
            sentence = _("%(thing)s was added anew since. Delete it first.")
            raise ValidationError(sentence % {"thing": _thing(event)})


def refuse_class_of(domain: Domain) -> None:
    """Its addresses and alias domains must fit the class that it had."""
    if domain.target_id is not None:
        domain.target = Domain.objects.select_for_update(no_key=True).filter(pk=domain.target_id).first()
    refuse_unfitting_class(domain)


def quarantine_added(events: NetEvents) -> None:
    """Who takes back what was added or renamed long ago frees addresses that mail was sent to."""
    for some in in_pieces(events.of(Mailbox, kinds=["added"]).ids()):
        quarantine(Mailbox.objects.filter(pk__in=some))
    renamed = events.of(Address, kinds=["changed"])
    for some in in_pieces(
        [event.object_id for event in renamed if changed_columns(event) & {"domain_id", "local_part"}]
    ):
        quarantine(Mailbox.objects.filter(address__in=some))


def refuse_addresses_in_quarantine(events: NetEvents, by: Actor) -> None:
    """An address may have had another owner since, and be kept from others for that one's sake."""
    if not QuarantinedAddress.objects.exists():
        return
    mailbox_at = {row["address_id"]: row["id"] for event in events.of(Mailbox) for row in _rows_of(event)}
    domains: dict[int, Domain | None] = {}
    for event in events.of(Address):
        if event.before:
            pk = event.before["domain_id"]
            if pk not in domains:
                domains[pk] = Domain.objects.filter(pk=pk).first()
            domain = domains[pk]
            if domain:
                returning = mailbox_at.get(event.object_id)
                despite = by.user is None or by.user.is_superuser
                refuse_quarantined(domain, event.before["local_part"], returning=returning, despite=despite, by=by)


def part_with_mailboxes(ids: Sequence[int]) -> None:
    """As a deletion does: the passwords are kept, the owners go."""
    retire_credentials(Mailbox.objects.filter(pk__in=ids))
    User.objects.filter(owned__mailbox__in=ids).delete()


def ask_rooms(events: NetEvents) -> None:
    """What the rooms of the rows have to say of what is there now."""
    for model in events.about:
        check = _undoable.get(model)
        if check:
            check(model, events.of(model).ids())


def refuse_what_services_would_refuse(events: NetEvents, by: Actor) -> None:
    """The rules that span several rows, asked of what is there now."""
    address_ids = set(events.of(Address).ids())
    address_ids |= {row["address_id"] for row in _rows(events, Mailbox, Alias, RelayRecipient)}
    alias_ids = set(events.of(Alias).ids())
    with_destinations = {row["alias_id"] for row in _rows(events, AliasDestination)}
    domain_ids = domains_of(events)
    for some in in_pieces(sorted(address_ids)):
        _refuse_in_wrong_class(some)
    if any("recipient_delimiter" in changed_columns(event) for event in events.of(MailSettings)):
        delimiter_changed(by)
    for admin in DomainAdmin.objects.select_related("user").filter(pk__in=events.of(DomainAdmin).ids()):
        if admin.user.is_superuser:
            sentence = _("%(person)s is a superuser by now and manages every domain.")
            raise ValidationError(sentence % {"person": admin.user.label})
    unlinked = set(events.of(AliasDestination, kinds=["changed"]).ids())
    for some in in_pieces(sorted(with_destinations)):
        for alias in Alias.objects.filter(pk__in=some).select_related("address__domain"):
            rows = alias.destinations.with_targets()
            destinations = [str(row) for row in rows if row.is_ours or row.pk not in unlinked]
            if destinations or not rows:
                resolve(destinations, for_address=alias.address, has_mailbox=alias.has_mailbox)
    concerned = alias_ids | with_destinations
    for some in in_pieces(sorted(address_ids)):
        there = Q(address__in=some) | Q(destinations__address__in=some)
        concerned |= set(Alias.objects.filter(there).values_list("pk", flat=True))
    for some in in_pieces(sorted(concerned)):
        refuse_loops(Alias.objects.filter(pk__in=some).select_related("address__domain"))
    refuse_loop_of_what_falls_back(domain_ids)


def _rows(events: NetEvents, *wanted: type[models.Model]) -> Iterator[Mapping[str, Any]]:
    for event in events.of(*wanted):
        yield from _rows_of(event)


def _rows_of(event: Event) -> list[Mapping[str, Any]]:
    return [row for row in (event.before, event.after) if row]


def _refuse_in_wrong_class(address_ids: Iterable[int]) -> None:
    hung = ("domain", "mailbox", "alias", "relay_recipient")
    for address in Address.objects.filter(pk__in=address_ids).select_related(*hung):
        if hasattr(address, "mailbox") and not address.domain.has_mailboxes:
            sentence = _("%(domain)s is of the class “%(class)s” by now, which has no mailboxes.")
            words = {"domain": address.domain, "class": address.domain.get_address_class_display()}
            raise ValidationError(sentence % words)
        if hasattr(address, "relay_recipient") and not address.domain.has_recipients:
            sentence = _("%(domain)s is of the class “%(class)s”. Only a relay domain has recipients.")
            words = {"domain": address.domain, "class": address.domain.get_address_class_display()}
            raise ValidationError(sentence % words)
        if hasattr(address, "alias"):
            refuse_alias_in(address.domain, address.local_part)
