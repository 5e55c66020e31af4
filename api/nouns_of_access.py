"""Access rules of the server, and who may write to an alias."""

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
from api.noun import ACTIVE, Field, Noun, Values, key_field, of_model, shown_only, truth
from domains.fields import shown
from restrictions.access_actions import Action
from restrictions.access_models import KEYS, AccessRule, AppliesTo
from restrictions.access_services import add_rule, change_rule, delete_rule
from restrictions.models import RestrictionClass

WHOM = gettext_lazy("Whom the rule is about.")


def _class_named(name: str | None, user: User) -> RestrictionClass | None:
    if not name:
        return None
    found = RestrictionClass.objects.filter(name=name).first()
    if found is None:
        raise ValidationError(_("There is no restriction class %(name)s.") % {"name": shown(name)})
    return found


class AccessRules(Noun):
    """A rule of one of the four access tables of the server; those of domains have pages and a command."""

    name, slug, resource, words = "AccessRule", "access-rules", "restrictions", gettext_lazy("Access rules")
    only_superusers = True
    searches = gettext_lazy("keys that begin like this")
    fields = [
        key_field(
            "applies_to", WHOM, kind=partial(ChoiceField, choices=AppliesTo.values), read=attrgetter("applies_to")
        ),
        key_field("key", gettext_lazy("An address, a domain, a host or a network."), may_change=True),
        Field(
            "action",
            partial(ChoiceField, choices=Action.values, help_text=gettext_lazy("As access(5) calls it.")),
            attrgetter("action"),
            required=True,
        ),
        *of_model(AccessRule, "code text"),
        Field(
            "of_class",
            partial(Text, allow_null=True, help_text=gettext_lazy("The class of the action CLASS.")),
            lambda rule: rule.of_class.name if rule.of_class else None,
            _class_named,
            default=None,
        ),
        *of_model(AccessRule, "comment active starts_at ends_at"),
        *shown_only(AccessRule, "version created_at changed_at"),
    ]
    orderings = {"key": ("applies_to", "key")}
    filters = {"applies_to": WHOM, "active": ACTIVE}

    def rows(self, user: User) -> QuerySet[Any]:
        rows: QuerySet[Any] = AccessRule.objects.filter(table__isnull=True, domain__isnull=True)
        return rows.select_related("of_class")

    def key_values(self, key: str) -> Values:
        kind, slash, rest = key.partition("/")
        if not slash or kind not in KEYS:
            raise ValidationError(_("The key says first whom it is about: sender/spam.example."))
        return {"applies_to": kind, "key": KEYS[kind][0](rest)}

    def lookup(self, key: str) -> Mapping[str, Any]:
        return self.key_values(key)

    def normal_key_value(self, name: str, value: str) -> Any:
        return value

    def key_of(self, row: Any) -> str:
        return f"{row.applies_to}/{row.key}"

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        return rows.filter(active=truth(text)) if name == "active" else rows.filter(applies_to=text)

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return rows.filter(key__startswith=text.lower())

    def add(self, values: Values, by: Actor) -> Any:
        return add_rule(values.pop("applies_to"), values.pop("key"), values.pop("action"), **values, by=by)

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        return change_rule(row, **values, version=version, by=by)

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_rule(row, version=version, by=by)
