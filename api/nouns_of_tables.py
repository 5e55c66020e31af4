"""The lookup tables: one class for all of them."""

from collections.abc import Mapping
from functools import partial
from operator import attrgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.serializers import ChoiceField

from accounts.actors import Actor
from accounts.models import User
from api.fields import Text
from api.noun import ACTIVE, Field, Noun, Values, key_field, of_model, secret, shown_only, truth
from lookup_tables import main_cf as lookup_tables_main_cf
from lookup_tables import nouns as tables
from lookup_tables.models import RelayPassword
from lookup_tables.relay_passwords import is_password
from lookup_tables.services import add_entry, change_entry, delete_entry


class Entries(Noun):
    """One of the lookup tables. Where a table has a key for senders and one for recipients, both stand in the URL."""

    resource = "lookup_tables"
    only_superusers = True
    main_cf = (lookup_tables_main_cf,)
    searches = gettext_lazy("keys that begin like this")

    def __init__(self, table: tables.Noun) -> None:
        self.table = table
        model: Any = table.model
        self.name, self.slug, self.words = model.__name__, table.slug, table.title
        self.is_double = "applies_to" in table.has
        double: list[Field] = []
        if self.is_double:
            values = [value for value, _words in table.applies_to.choices]
            kind = partial(ChoiceField, choices=values)
            help_text = gettext_lazy("Which mail it is about.")
            double = [key_field("applies_to", help_text, kind=kind, read=attrgetter("applies_to"))]
        self.fields = [
            *double,
            key_field("key", table.key_help, may_change=True),
            Field("result", partial(Text, help_text=table.result_help), attrgetter("result"), required=True),
            *of_model(model, "username" if "username" in table.has else ""),
            *([secret(gettext_lazy("Stored encrypted and shown to nobody."))] if "username" in table.has else []),
            *of_model(model, "comment active"),
            Field("parameter", Text, attrgetter("parameter"), on=frozenset()),
            *shown_only(model, "version created_at changed_at"),
        ]
        self.orderings = {"key": ("applies_to", "key") if self.is_double else ("key",)}
        self.filters = {"active": ACTIVE} | (
            {"applies_to": gettext_lazy("Which mail it is about.")} if self.is_double else {}
        )

    def rows(self, user: User) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.table.rows
        return rows

    def key_values(self, key: str) -> Values:
        kind, slash, rest = key.partition("/") if self.is_double else ("", "/", key)
        if not slash or (self.is_double and kind not in {value for value, _words in self.table.applies_to.choices}):
            raise ValidationError(_("The key says first which mail it is about: recipient/info@example.org."))
        normal = self.table.model.normalised_key(rest)
        return {"applies_to": kind, "key": normal} if self.is_double else {"key": normal}

    def lookup(self, key: str) -> Mapping[str, Any]:
        return self.key_values(key)

    def normal_key_value(self, name: str, value: str) -> Any:
        return self.table.model.normalised_key(value) if name == "key" else value

    def key_of(self, row: Any) -> str:
        return f"{row.applies_to}/{row.key}" if self.is_double else str(row.key)

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        return rows.filter(active=truth(text)) if name == "active" else rows.filter(applies_to=text)

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return rows.filter(key__startswith=text.lower())

    def add(self, values: Values, by: Actor) -> Any:
        return add_entry(self.table.model, values.pop("key"), values.pop("result"), **values, by=by)

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        return change_entry(row, **values, version=version, by=by)

    def has_password(self, row: Any, password: str) -> bool:
        kept = RelayPassword.objects.filter(relay=row.pk, retired_at=None).first()
        return kept is not None and is_password(password, kept.token)

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_entry(row, version=version, by=by)
