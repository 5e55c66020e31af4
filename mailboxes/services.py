"""Every write about mailboxes and aliases, each in one transaction with one history context."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pghistory
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import recorded
from accounts.models import OWNER_PREFIX, User
from accounts.saving import save_checked, set_fields
from domains.models import Domain, MailSettings
from domains.networks import normalised_networks
from domains.services import locked_version
from mailboxes import destinations as destination_rows
from mailboxes.credentials import hash_password
from mailboxes.dead_ends import default_aliases_deliver
from mailboxes.destinations import lock_alias_graph
from mailboxes.labels import domain_of, few
from mailboxes.limits import within_limits
from mailboxes.loops import refuse_loops
from mailboxes.mail_paths import free_path
from mailboxes.models import (
    Address,
    Alias,
    AliasDestination,
    Mailbox,
    MailboxCredential,
    MailboxOwner,
    MailingSettings,
    PasswordLink,
    RecoveryAddress,
)
from mailboxes.parsing import (
    external_form,
    normalised_local_part,
    refuse_long_address,
    split_address,
    written_local_part,
)
from mailboxes.places import refuse_alias_in, taken, taken_by_alias
from mailboxes.protection import refuse_loss_of_default_aliases
from mailboxes.quarantine import refuse_quarantined
from mailboxes.relinking import link_texts_to
from mailboxes.removal import remove_addresses, remove_aliases, remove_mailboxes
from mailboxes.sessions import end_panel_sessions
from mailboxes.strength import refuse_weak
from mailboxes.welcome import welcome_later

__all__ = [
    "add_alias",
    "add_mailbox",
    "change_alias",
    "change_mailbox",
    "delete_alias",
    "delete_mailbox",
    "delete_mailboxes",
    "owner_of",
    "set_mailbox_password",
    "set_mailboxes_active",
]

WHEN_IT_DELIVERS = ("active", "starts_at", "ends_at")
CHANGEABLE = (
    "name",
    "quota_bytes",
    "mail_path",
    "active",
    "receives",
    "sends",
    "imap",
    "pop",
    "expires_at",
    "allowed_networks",
)


def add_mailbox(
    domain: Domain,
    local_part: str,
    *,
    password: str | None = None,
    must_change_password: bool = False,
    name: str = "",
    quota_bytes: int | None = None,
    mail_path: str = "",
    mail_format: str = "maildir",
    active: bool = True,
    receives: bool = True,
    sends: bool = True,
    imap: bool = True,
    pop: bool = True,
    expires_at: datetime | None = None,
    allowed_networks: Iterable[str] = (),
    also_deliver_to: Iterable[str] = (),
    despite_quarantine: bool = False,
    welcome: bool | None = None,
    by: Actor,
) -> Mailbox:
    """Adds a mailbox; without a password nobody can sign in to it. An empty `mail_path` is made from the template,
    and is none that another mailbox ever had. `also_deliver_to` becomes an alias on the same address: mail goes there,
    and the mailbox keeps a copy. `welcome` says whether the worker sends a welcome mail, None: as the settings say;
    what receives no mail gets none."""
    local_part, also_deliver_to = _local_part(local_part, domain), list(also_deliver_to)
    if local_part.endswith("*"):
        raise ValidationError(
            {"local_part": _("A mailbox has one address. Add an alias for all that begin like this.")}
        )
    with within_limits(), recorded("add", "mailbox", external_form(local_part, domain.name), domain=domain.name, by=by):
        if also_deliver_to:
            lock_alias_graph()
        domain = _locked(domain)
        if not domain.has_mailboxes:
            raise ValidationError(
                {
                    "local_part": _("%(domain)s is of the class “%(class)s”, which has no mailboxes.")
                    % {"domain": domain, "class": domain.get_address_class_display()}
                }
            )
        address = Address.objects.filter(domain=domain, local_part=local_part).first()
        if address:
            raise ValidationError({"local_part": taken(address)})
        refuse_quarantined(domain, local_part, despite=despite_quarantine, by=by)
        address = Address.objects.create(domain=domain, local_part=local_part)
        link_texts_to([address])
        if mail_path:
            _refuse_path_from(by)
        path = mail_path or free_path(domain, local_part, mail_format)
        mailbox = Mailbox(
            address=address,
            name=name,
            quota_bytes=quota_bytes,
            mail_path=path,
            active=active,
            receives=receives,
            sends=sends,
            imap=imap,
            pop=pop,
            expires_at=expires_at,
            allowed_networks=_networks(allowed_networks),
        )
        save_checked(mailbox)
        if password is not None:
            refuse_weak(password, str(address))
            new = {"hash": hash_password(password), "must_change": must_change_password}
            MailboxCredential.objects.create(mailbox=mailbox, **new)
        if also_deliver_to:
            add_alias(domain, written_local_part(local_part), also_deliver_to, by=by)
        if MailingSettings.current().welcomes if welcome is None else welcome:
            welcome_later(mailbox)
    return mailbox


def change_mailbox(
    mailbox: Mailbox,
    *,
    by: Actor,
    version: int | None = None,
    also_deliver_to: Iterable[str] | None = None,
    **changes: Any,
) -> Mailbox:
    """Changes what CHANGEABLE names. A new mail path does not move the mail that is stored.
    `also_deliver_to` replaces what the alias on the same address delivers to; an empty list deletes that alias."""
    with within_limits(), recorded("change", "mailbox", str(mailbox), domain=mailbox.address.domain.name, by=by):
        is_stopped = False in (changes.get("active"), changes.get("receives"))
        may_stop = is_stopped or also_deliver_to is not None or "expires_at" in changes
        if also_deliver_to is not None or is_stopped:
            lock_alias_graph()
        mailbox = locked_version(Mailbox.objects.with_address(), mailbox.pk, version)
        if changes.get("mail_path", mailbox.mail_path) != mailbox.mail_path:
            _refuse_path_from(by)
        if "allowed_networks" in changes:
            changes["allowed_networks"] = _networks(changes["allowed_networks"])
        with default_aliases_deliver([mailbox.address_id] if may_stop else [], by):
            _set(mailbox, CHANGEABLE, changes)
            save_checked(mailbox)
            if also_deliver_to is not None:
                _deliver_also(mailbox, list(also_deliver_to), by)
        if is_stopped:
            _refuse_loop_without([mailbox.address_id])
    return mailbox


def _deliver_also(mailbox: Mailbox, texts: Sequence[str], by: Actor) -> None:
    alias = Alias.objects.filter(address=mailbox.address_id).select_related("address__domain").first()
    if alias and texts:
        change_alias(alias, destinations=texts, by=by)
    elif alias:
        delete_alias(alias, by=by)
    elif texts:
        add_alias(mailbox.address.domain, written_local_part(mailbox.address.local_part), texts, by=by)


def _refuse_path_from(by: Actor) -> None:
    """A domain admin must not be able to reach the mail of another domain by its path."""
    if by.user and not by.user.is_superuser:
        raise ValidationError(
            {"mail_path": _("Only a superuser chooses where mail is stored. Leave it to the template of the settings.")}
        )


def set_mailbox_password(
    mailbox: Mailbox, password: str, *, must_change: bool = False, by_owner: bool = False, by: Actor
) -> None:
    """Sets the password and ends the owner's sessions; where there was another one, a trigger ends those of mail
    programs, too. The history says that it changed, never what it is. With `must_change` the owner chooses another one
    at the next sign-in to the panel; mail programs are let in meanwhile. Links that were sent are no longer good.
    Unless it is set `by_owner` the recovery address goes, too: an intruder may have put it there. App passwords stay as
    they are."""
    with recorded("change_password", "mailbox", str(mailbox), domain=mailbox.address.domain.name, by=by):
        mailbox = locked_version(Mailbox.objects.with_address(), mailbox.pk, None)
        refuse_weak(password, str(mailbox))
        new = {"hash": hash_password(password), "changed_at": timezone.now(), "must_change": must_change}
        new["is_costly"] = False
        MailboxCredential.objects.update_or_create(mailbox=mailbox, defaults=new)
        mailbox.version += 1
        mailbox.save(update_fields=["version"])
        pghistory.create_event(mailbox, label="password_changed")
        PasswordLink.use_up(mailbox)
        if not by_owner:
            RecoveryAddress.objects.filter(mailbox=mailbox).delete()
        end_panel_sessions(mailbox)


def delete_mailbox(mailbox: Mailbox, *, version: int | None = None, by: Actor) -> UUID:
    """Deletes the mailbox and what pointed only at it. The files stay where they are: the panel never touches mail.
    Gives the number of the change set, for an undo."""
    with recorded("delete", "mailbox", str(mailbox), domain=mailbox.address.domain.name, by=by) as change_set:
        lock_alias_graph()
        locked_version(Mailbox.objects, mailbox.pk, version)
        _delete_mailboxes([mailbox.pk], by)
    return change_set


def delete_mailboxes(mailboxes: Sequence[Mailbox], *, by: Actor) -> UUID:
    with recorded("delete", "mailboxes", few(mailboxes), domain=domain_of(mailboxes), by=by) as change_set:
        _delete_mailboxes([mailbox.pk for mailbox in mailboxes], by)
    return change_set


def set_mailboxes_active(mailboxes: Sequence[Mailbox], active: bool, *, by: Actor) -> None:
    """Activates or deactivates many mailboxes as one change set."""
    verb = "activate" if active else "deactivate"
    with recorded(verb, "mailboxes", few(mailboxes), domain=domain_of(mailboxes), by=by):
        for mailbox in sorted(mailboxes, key=lambda mailbox: mailbox.pk):  # locked in the same order by everybody
            change_mailbox(mailbox, active=active, by=by)


def add_alias(
    domain: Domain,
    local_part: str,
    destinations: Iterable[str],
    *,
    comment: str = "",
    active: bool = True,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    despite_quarantine: bool = False,
    by: Actor,
) -> Alias:
    """Adds an alias; an empty local part is the catch-all, `sales-*` takes all that begin with `sales-`. At the address
    of a mailbox, the mailbox keeps a copy. It delivers from `starts_at` until `ends_at`, where these are given."""
    local_part = _local_part(local_part, domain, may_be_empty=True)
    with within_limits(), recorded("add", "alias", external_form(local_part, domain.name), domain=domain.name, by=by):
        lock_alias_graph()
        domain = _locked(domain)
        refuse_alias_in(domain, local_part)
        address, is_new = Address.objects.get_or_create(domain=domain, local_part=local_part)
        if is_new:
            refuse_quarantined(domain, local_part, despite=despite_quarantine, by=by)
            link_texts_to([address])
        if hasattr(address, "relay_recipient"):
            raise ValidationError({"local_part": taken(address)})
        if hasattr(address, "alias"):
            raise ValidationError({"local_part": taken_by_alias(address)})
        alias = Alias(address=address, comment=comment, active=active, starts_at=starts_at, ends_at=ends_at)
        alias.full_clean()
        alias.save()
        _write_destinations(alias, destinations)
    return alias


def change_alias(
    alias: Alias, *, by: Actor, version: int | None = None, destinations: Iterable[str] | None = None, **changes: Any
) -> Alias:
    """Changes destinations, comment, active, starts_at or ends_at."""
    with recorded("change", "alias", str(alias), domain=alias.address.domain.name, by=by):
        lock_alias_graph()
        alias = locked_version(Alias.objects.select_related("address__domain"), alias.pk, version)
        is_other_time = any(
            changes.get(field, getattr(alias, field)) != getattr(alias, field) for field in WHEN_IT_DELIVERS
        )
        if is_other_time:
            refuse_loss_of_default_aliases([alias.address_id], by)
        with default_aliases_deliver([alias.address_id], by):
            _set(alias, ("comment", *WHEN_IT_DELIVERS), changes)
            alias.full_clean()
            alias.save()
            if destinations is not None:
                _write_destinations(alias, destinations)
        if is_other_time and split_address(alias.address.local_part, MailSettings.current().recipient_delimiter)[0]:
            refuse_loops([alias])  # while it does not deliver, its base does
    return alias


def delete_alias(alias: Alias, *, version: int | None = None, by: Actor) -> UUID:
    with recorded("delete", "alias", str(alias), domain=alias.address.domain.name, by=by) as change_set:
        lock_alias_graph()
        locked_version(Alias.objects, alias.pk, version)
        with default_aliases_deliver([alias.address_id], by):
            remove_aliases([alias.pk], by=by)
    return change_set


def owner_of(mailbox: Mailbox, *, by: Actor) -> User:
    """The row with which the owner signs in; it is made at the first sign-in, without a password."""
    owner = MailboxOwner.objects.select_related("user").filter(mailbox=mailbox).first()
    if owner:
        return owner.user
    with recorded("sign_in", "owner", str(mailbox), domain=mailbox.address.domain.name, by=by):
        locked_version(Mailbox.objects, mailbox.pk, None)
        user, is_new = User.objects.get_or_create(
            username=f"{OWNER_PREFIX}{mailbox.pk}", defaults={"name": str(mailbox)}
        )
        if is_new:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        MailboxOwner.objects.get_or_create(mailbox=mailbox, user=user)
    return user


def _delete_mailboxes(mailbox_ids: Sequence[int], by: Actor) -> None:
    lock_alias_graph()
    mailboxes = Mailbox.objects.filter(pk__in=mailbox_ids)
    address_ids = list(mailboxes.values_list("address_id", flat=True))
    with default_aliases_deliver(address_ids, by):
        remove_mailboxes(mailboxes)
        remove_addresses([pk for pk in address_ids if not Alias.objects.filter(address=pk).exists()], by=by)
    _refuse_loop_without(address_ids)


def _refuse_loop_without(address_ids: Sequence[int]) -> None:
    """Where a mailbox kept a copy, mail stopped going round; once that mailbox is gone or inactive, it does not."""
    refuse_loops(Alias.objects.filter(address__in=address_ids).select_related("address__domain"))


def _write_destinations(alias: Alias, texts: Iterable[str]) -> None:
    """Replaces the destinations, writing only rows that differ."""
    rows = destination_rows.resolve(texts, for_address=alias.address, has_mailbox=alias.has_mailbox)
    old = [str(row) for row in AliasDestination.objects.filter(alias=alias).with_targets()]
    if old == [str(row) for row in rows]:
        return
    AliasDestination.objects.filter(alias=alias).delete()
    for position, row in enumerate(rows):
        row.alias, row.position = alias, position
    AliasDestination.objects.bulk_create(rows)
    refuse_loops([alias])


def _set(row: Mailbox | Alias, changeable: Sequence[str], changes: Mapping[str, Any]) -> None:
    set_fields(row, changeable, changes)
    row.version += 1


def _local_part(text: str, domain: Domain, *, may_be_empty: bool = False) -> str:
    try:
        local_part = normalised_local_part(text, may_be_empty=may_be_empty)
        refuse_long_address(external_form(local_part, domain.name))
    except ValidationError as error:
        raise ValidationError({"local_part": error.messages}) from error
    return local_part


def _networks(texts: Iterable[str]) -> list[str]:
    try:
        return normalised_networks(texts)
    except ValidationError as error:
        raise ValidationError({"allowed_networks": error.messages}) from error


def _locked(domain: Domain) -> Domain:
    locked: Domain = locked_version(Domain.objects, domain.pk, None)
    return locked
