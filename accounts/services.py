"""Every write about people."""

from typing import Any

import pghistory
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import recorded
from accounts.models import OWNER_PREFIX, User
from accounts.saving import refuse_other_version, save_checked, set_fields

CHANGEABLE = ("username", "name", "language", "is_superuser", "is_active")


def add_user(
    username: str, *, name: str = "", password: str | None = None, is_superuser: bool = False, by: Actor
) -> User:
    """Adds a person who signs in with a password of the panel; without one nobody can sign in until it is set."""
    username = username.strip().lower()
    user = User(username=username, name=name, is_superuser=is_superuser)
    _refuse_owner_name(username)
    with recorded("add", "person", username, by=by):
        if password is None:
            user.set_unusable_password()
        else:
            _validate_password(password, user)
            user.set_password(password)
        save_checked(user)
    return user


def change_user(user: User, *, by: Actor, version: int | None = None, **changes: Any) -> User:
    """Changes what is named; `version` is the one the person saw, so that nobody overwrites a colleague."""
    with recorded("change", "person", user.username, by=by):
        user = _locked(user, version)
        was_superuser, was_owner, username = user.is_superuser and user.is_active, user.is_owner, user.username
        set_fields(user, CHANGEABLE, changes)
        if was_owner and user.username != username:
            raise ValidationError({"username": _("A mailbox owner has no user name of their own.")})
        if not was_owner:
            _refuse_owner_name(user.username)
        user.version += 1
        save_checked(user, exclude=["password"])
        if was_superuser and not (user.is_superuser and user.is_active):
            _keep_one_superuser()
    return user


def set_user_password(user: User, password: str, *, version: int | None = None, by: Actor) -> None:
    """Sets a password; the history says that it changed, never what it is."""
    with recorded("change_password", "person", user.username, by=by):
        user = _locked(user, version)
        if user.is_owner:
            raise ValidationError(_("A mailbox owner has no password here. Set the password of the mailbox."))
        _validate_password(password, user)
        user.set_password(password)
        user.version += 1
        user.save(update_fields=["password", "version"])
        pghistory.create_event(user, label="password_changed")


def delete_user(user: User, *, version: int | None = None, by: Actor) -> None:
    with recorded("delete", "person", user.username, by=by):
        user = _locked(user, version)
        was_superuser = user.is_superuser and user.is_active
        user.delete()
        if was_superuser:
            _keep_one_superuser()


def _refuse_owner_name(username: str) -> None:
    if username.strip().lower().startswith(OWNER_PREFIX):
        raise ValidationError(
            {"username": _("User names that begin with “mailbox:” belong to mailbox owners. Choose another one.")}
        )


def _validate_password(password: str, user: User) -> None:
    if "\0" in password:
        raise ValidationError({"password": _("A password cannot hold a NUL character.")})
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise ValidationError({"password": error.messages}) from error


def _locked(user: User, version: int | None = None) -> User:
    """The row, locked, with all superusers if it is one: two who leave at once must not leave nobody behind. Always in
    the same order, so that neither waits for the other."""
    wanted = Q(pk=user.pk) | Q(is_superuser=True, is_active=True) if user.is_superuser else Q(pk=user.pk)
    locked = {row.pk: row for row in User.objects.select_for_update().filter(wanted).order_by("pk")}
    if user.pk not in locked:
        raise ValidationError(_("This person was deleted meanwhile. Nothing was changed."), code="deleted_meanwhile")
    refuse_other_version(version, locked[user.pk].version)
    return locked[user.pk]


def _keep_one_superuser() -> None:
    if not User.objects.filter(is_superuser=True, is_active=True).exists():
        raise ValidationError(_("This is the last active superuser. Make another person a superuser first."))
