"""Superusers and domain admins, who sign in with a password of the panel; and the users of the mail host."""

import re
from collections.abc import Mapping
from functools import partial
from operator import attrgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_lazy
from rest_framework.serializers import DateTimeField

from accounts.actors import Actor
from accounts.history import recorded
from accounts.models import User
from accounts.services import add_user, change_user, delete_user, set_user_password
from api.fields import Truth, like
from api.noun import ACTIVE, Field, Noun, Values, key_field, of_model, secret, shown_only, truth
from domains.fields import shown
from mailboxes.models import LOCAL_USER, LocalUser


def normal_username(text: str) -> str:
    user = User(username=text)
    user.clean()
    return user.username


class People(Noun):
    """Which domains a domain admin has, is said by domain-admins."""

    name, slug, resource, words = "Person", "people", "people", gettext_lazy("People")
    only_superusers = True
    fields = [
        key_field("username", gettext_lazy("The user name. Another one renames the person."), may_change=True),
        *of_model(User, "name language is_superuser"),
        Field("active", partial(like, User, "is_active"), attrgetter("is_active"), default=True),
        secret(gettext_lazy("With which the person signs in to the pages. It is sent and never shown.")),
        Field("has_password", Truth, lambda user: user.has_usable_password(), on=frozenset()),
        *shown_only(User, "version created_at"),
        Field(
            "last_sign_in_at",
            partial(DateTimeField, allow_null=True),
            attrgetter("last_login"),
            on=frozenset(),
            moves=True,
        ),
    ]
    orderings = {"username": ("username",)}
    filters = {"active": ACTIVE, "is_superuser": ACTIVE}
    searches = gettext_lazy("user names that begin like this")
    service_names = {"is_active": "active"}

    def rows(self, user: User) -> QuerySet[Any]:
        return User.objects.visible_to(user) & User.objects.people()

    def lookup(self, key: str) -> Mapping[str, Any]:
        return self.key_values(key)

    def key_values(self, key: str) -> Values:
        return {"username": normal_username(key)}

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        return rows.filter(**{"is_active" if name == "active" else name: truth(text)})

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return rows.filter(username__startswith=text.lower())

    def add(self, values: Values, by: Actor) -> Any:
        username, later = values["username"].strip().lower(), self._of_service(values)
        now = {name: later.pop(name) for name in ("username", "name", "password", "is_superuser") if name in later}
        with recorded("add", "person", username, by=by):
            person = add_user(**now, by=by)
            return change_user(person, **later, by=by) if later else person

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        values = self._of_service(values)
        password = values.pop("password", None)
        with recorded("change", "person", row.username, by=by):
            if values:
                row, version = change_user(row, **values, version=version, by=by), None
            if password is not None:
                set_user_password(row, password, version=version, by=by)
        return row

    def _of_service(self, values: Values) -> Values:
        return {"is_active" if name == "active" else name: value for name, value in values.items()}

    def has_password(self, row: Any, password: str) -> bool:
        return bool(row.check_password(password))

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_user(row, version=version, by=by)


class LocalUsers(Noun):
    """The command import_local_users brings them from the mail host; here they are only shown."""

    name, slug, resource, words = "LocalUser", "local-users", "lookup_tables", gettext_lazy("Local users")
    only_superusers, is_read_only = True, True
    fields = [
        key_field("name", gettext_lazy("The name, as in passwd(5) of the mail host.")),
        *shown_only(LocalUser, "uid"),
    ]
    orderings = {"name": ("name",)}
    searches = gettext_lazy("names that begin like this")

    def rows(self, user: User) -> QuerySet[Any]:
        return LocalUser.objects.all()

    def lookup(self, key: str) -> Mapping[str, Any]:
        return self.key_values(key)

    def key_values(self, key: str) -> Values:
        name = key.strip().lower()
        if not re.fullmatch(LOCAL_USER, name):
            raise ValidationError(gettext("“%(name)s” is no name of a local user.") % {"name": shown(name)})
        return {"name": name}

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return rows.filter(name__startswith=text.lower())
