"""Every write about the lookup tables. All tables have the same three services; a relay has a password as well."""

from collections.abc import Sequence
from typing import Any, TypeVar

import pghistory
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import recorded
from accounts.saving import save_checked
from domains.services import locked_version
from lookup_tables.keys import in_own_script
from lookup_tables.loops import refuse_loop, refuse_loop_by_delimiter
from lookup_tables.models import Canonical, Entry, RelayPassword, SenderRelay
from lookup_tables.relay_passwords import bring_back_passwords, encrypted, retire_passwords
from mailboxes.credentials_purge import KEPT

AnEntry = TypeVar("AnEntry", bound=Entry)
CHANGEABLE = ("key", "result", "comment", "active")
OF_SOME = ("applies_to", "username")  # columns that only some of the tables have


def add_entry(model: type[AnEntry], key: str, result: str, *, by: Actor, password: str = "", **values: Any) -> AnEntry:  # noqa: S107
    """Adds a row to the table of `model`; a sender relay may come with a user name and a password."""
    entry = model()
    _set(entry, {"key": key, "result": result, **values})
    with recorded("add", model.noun, entry.key, by=by):
        _lock(model)
        save_checked(entry)
        if password:
            _keep_password(entry, password)
        _check_others(entry)
    return entry


def add_again(entry: AnEntry, key: str, *, by: Actor) -> AnEntry:
    """Adds the same row under another key; the relay of another sender with the same password."""
    again = type(entry)()
    same = {name: getattr(entry, name) for name in (*CHANGEABLE, *OF_SOME) if hasattr(entry, name)}
    _set(again, {**same, "key": key})
    with recorded("add", again.noun, again.key, by=by):
        _lock(type(again))
        save_checked(again)
        if isinstance(again, SenderRelay):
            for password in RelayPassword.objects.filter(relay=entry.pk, retired_at=None):
                RelayPassword.objects.create(relay=again, token=password.token)
        _check_others(again)
    return again


def change_entry(
    entry: AnEntry,
    *,
    by: Actor,
    version: int | None = None,
    password: str = "",
    **changes: Any,  # noqa: S107
) -> AnEntry:
    """Changes what is named; an empty password leaves that of a relay as it is."""
    with recorded("change", entry.noun, entry.key, by=by):
        _lock(type(entry))
        entry = locked_version(type(entry)._default_manager, entry.pk, version)
        _set(entry, changes)
        entry.version += 1
        save_checked(entry)
        if password:
            _keep_password(entry, password)
        _check_others(entry)
    return entry


def delete_entry(entry: Entry, *, version: int | None = None, by: Actor) -> None:
    with recorded("delete", entry.noun, entry.key, by=by):
        _lock(type(entry))
        locked_version(type(entry)._default_manager, entry.pk, version).delete()
        if isinstance(entry, SenderRelay):
            retire_passwords([entry.pk])
            _refuse_foreign_sign_in()


def check_undone(model: type[Entry], ids: Sequence[int]) -> None:
    """What an undo brought back or took away is judged like any other change."""
    _lock(model)
    there = model._default_manager.filter(pk__in=ids)
    if model is SenderRelay:
        bring_back_passwords(SenderRelay.objects.filter(pk__in=ids).exclude(username=""))
        retire_passwords(set(ids) - set(there.values_list("pk", flat=True)))
        _refuse_purged_passwords(ids)
    for entry in there:
        _check_others(entry)
    if model is SenderRelay:
        _refuse_foreign_sign_in()


def check_delimiter(by: Actor) -> None:  # noqa: ARG001  as every watcher
    """Another recipient delimiter must not let canonical addresses go round in a circle."""
    _lock(Canonical)
    refuse_loop_by_delimiter()


def what_is_lost(entry: Entry) -> list[str]:
    """Sentences for the question before it is deleted."""
    return [
        _("Postfix no longer finds %(result)s for %(key)s.") % {"result": entry.result, "key": entry.key},
        *(
            [_("Only an undo within %(days)d days brings back the password for the relay.") % {"days": KEPT.days}]
            if getattr(entry, "username", "")
            else []
        ),
    ]


def _set(entry: Entry, values: dict[str, Any]) -> None:
    """Key and result in the way that Postfix writes them; each fault at its field."""
    faults = {}
    for name, value in values.items():
        if name not in CHANGEABLE and not (name in OF_SOME and hasattr(entry, name)):
            raise TypeError(f"a {entry.noun} has no field {name} that can be changed")
        try:
            if name == "key":
                value = type(entry).normalised_key(value)
                entry.own_script = in_own_script(value)
            elif name == "result":
                value = type(entry).normalised_result(value)
        except ValidationError as error:
            faults[name] = error.messages
        setattr(entry, name, value)
    if faults:
        raise ValidationError(faults)


def _lock(model: type[Entry]) -> None:
    """What several rows must agree on is checked while nobody else writes to the table; Postfix reads on."""
    if model in (Canonical, SenderRelay):
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {model._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")


def _check_others(entry: Entry) -> None:
    if isinstance(entry, Canonical):
        refuse_loop(entry)
    if isinstance(entry, SenderRelay):
        if not entry.username:
            retire_passwords([entry.pk])
        elif not RelayPassword.objects.filter(relay=entry, retired_at=None).exists():
            raise ValidationError({"password": _("Type the password that belongs to this user name.")})
        _refuse_foreign_sign_in()


def _keep_password(entry: Entry, password: str) -> None:
    if not isinstance(entry, SenderRelay):
        raise TypeError(f"a {entry.noun} has no password")
    if not entry.username:
        raise ValidationError({"username": _("Type the user name that belongs to this password.")})
    RelayPassword.objects.update_or_create(relay=entry, defaults={"token": encrypted(password), "retired_at": None})
    pghistory.create_event(entry, label="password_changed")


def _refuse_purged_passwords(ids: Sequence[int]) -> None:
    kept = RelayPassword.objects.filter(relay__in=ids, retired_at=None).values("relay")
    relay = SenderRelay.objects.filter(pk__in=ids).exclude(username="").exclude(pk__in=kept).first()
    if relay:
        sentence = _(
            "The password with which %(sender)s signs in at the relay is not kept any longer. Add or change the relay "
            "of this sender by hand."
        )
        raise ValidationError(sentence % {"sender": relay})


def _refuse_foreign_sign_in() -> None:
    """smtp(8) looks for a password by the sender's address, then by its domain. An address with another relay and no
    password of its own would hand the password of its domain to that relay."""
    whole = {
        relay.key: relay for relay in SenderRelay.objects.filter(active=True, key__startswith="@").exclude(username="")
    }
    if not whole:
        return
    for relay in SenderRelay.objects.filter(active=True, username="").exclude(key__startswith="@"):
        of_domain = whole.get(f"@{relay.key.rpartition('@')[2]}")
        if of_domain and of_domain.result != relay.result:
            raise ValidationError(
                {
                    "username": _(
                        "Postfix would show the password of %(domain)s to %(relay)s, the relay of %(address)s. "
                        "Give that one a user name and a password of its own."
                    )
                    % {"domain": of_domain.key, "relay": relay.result, "address": relay.key}
                }
            )
