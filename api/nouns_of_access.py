"""Access rules of the server, of a table with a name and of a domain, and what domain admins may choose there."""

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
from api.fields import Text, Texts
from api.noun import (
    ACTIVE,
    ADD,
    OF_DOMAIN,
    PUT,
    Field,
    Noun,
    Values,
    domain_seen_by,
    key_field,
    of_model,
    sent_domain,
    shown_only,
    truth,
)
from domains.fields import normalised_domain, shown
from domains.models import Domain
from restrictions import access_main_cf
from restrictions.access_actions import OF_ONE_RECIPIENT, Action
from restrictions.access_models import (
    KEYS,
    NO_TABLE_NAME,
    OF_DOMAINS,
    AccessRule,
    AccessTable,
    AllowedAction,
    AppliesTo,
)
from restrictions.access_services import (
    add_rule,
    add_table,
    allow_action,
    asked_in,
    change_rule,
    change_table,
    delete_rule,
    delete_table,
    forbid_action,
)
from restrictions.models import RestrictionClass

STATES = ("active", "inactive", "not_begun", "ended")
WHOM = gettext_lazy("Whom the rule is about.")
A_KEY = gettext_lazy("An address, a domain, a host or a network.")


def _class_named(name: str | None, user: User) -> RestrictionClass | None:
    if not name:
        return None
    found = RestrictionClass.objects.filter(name=name).first()
    if found is None:
        raise ValidationError(_("There is no restriction class %(name)s.") % {"name": shown(name)})
    return found


RULE = [
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
    Field(
        "state",
        partial(ChoiceField, choices=STATES, help_text=gettext_lazy("At this moment; Postfix finds what is active.")),
        attrgetter("state"),
        on=frozenset(),
        moves=True,
    ),
    *shown_only(AccessRule, "version created_at changed_at"),
]


class OfRules(Noun):
    """What the rules of all access tables have in common."""

    resource = "restrictions"
    main_cf = (access_main_cf,)
    searches = gettext_lazy("keys that begin like this")

    def lookup(self, key: str) -> Mapping[str, Any]:
        return self.key_values(key)

    def normal_key_value(self, name: str, value: str) -> Any:
        return value

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        return rows.filter(active=truth(text)) if name == "active" else rows.filter(**{name: text})

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return rows.filter(key__startswith=text.lower())

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        return change_rule(row, **values, version=version, by=by)

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_rule(row, version=version, by=by)


class AccessRules(OfRules):
    """A rule of one of the four access tables of the server."""

    name, slug, words = "AccessRule", "access-rules", gettext_lazy("Access rules")
    only_superusers = True
    fields = [
        key_field(
            "applies_to", WHOM, kind=partial(ChoiceField, choices=AppliesTo.values), read=attrgetter("applies_to")
        ),
        key_field("key", A_KEY, may_change=True),
        *RULE,
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

    def key_of(self, row: Any) -> str:
        return f"{row.applies_to}/{row.key}"

    def add(self, values: Values, by: Actor) -> Any:
        return add_rule(values.pop("applies_to"), values.pop("key"), values.pop("action"), **values, by=by)


class AccessTables(Noun):
    """A table with a name of its own, which a restriction asks by it."""

    name, slug, resource, words = "AccessTable", "access-tables", "restrictions", gettext_lazy("Access tables")
    only_superusers = True
    main_cf = (access_main_cf,)
    fields = [
        key_field("name", gettext_lazy("Small letters, digits and _."), read=attrgetter("name")),
        Field(
            "applies_to",
            partial(ChoiceField, choices=AppliesTo.values, help_text=WHOM),
            attrgetter("applies_to"),
            on=frozenset({ADD, PUT}),
            required=True,
        ),
        *of_model(AccessTable, "comment"),
        Field("asked_in", partial(Texts, help_text=gettext_lazy("Lists and classes.")), asked_in, on=frozenset()),
        *shown_only(AccessTable, "version created_at changed_at"),
    ]
    orderings = {"name": ("name",)}

    def rows(self, user: User) -> QuerySet[Any]:
        return AccessTable.objects.all()

    def lookup(self, key: str) -> Mapping[str, Any]:
        return self.key_values(key)

    def key_values(self, key: str) -> Values:
        return {"name": _table_name(key)}

    def normal_key_value(self, name: str, value: str) -> Any:
        return value.strip()

    def add(self, values: Values, by: Actor) -> Any:
        return add_table(**values, by=by)

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        if values.pop("applies_to", row.applies_to) != row.applies_to:
            sentence = _("%(table)s is about another kind already. Delete it and add it anew.")
            raise ValidationError({"applies_to": sentence % {"table": row}})
        return change_table(row, **values, version=version, by=by) if values else row

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_table(row, version=version, by=by)


def _table_name(text: str) -> str:
    if not text.isascii() or not text.strip().isidentifier():
        raise ValidationError({"name": NO_TABLE_NAME})
    return text.strip()


class AccessTableRules(OfRules):
    """A rule of an access table with a name of its own."""

    name, slug, words = "AccessTableRule", "access-table-rules", gettext_lazy("Rules of access tables with a name")
    only_superusers = True
    fields = [
        key_field("table", gettext_lazy("The name of the access table."), read=attrgetter("table.name")),
        key_field("key", A_KEY, may_change=True),
        *RULE,
    ]
    orderings = {"key": ("table_id", "key")}
    filters = {"table": gettext_lazy("The name of a table: only its rules."), "active": ACTIVE}

    def rows(self, user: User) -> QuerySet[Any]:
        rows: QuerySet[Any] = AccessRule.objects.filter(table__isnull=False)
        return rows.select_related("of_class", "table")

    def lookup(self, key: str) -> Mapping[str, Any]:
        values = self.key_values(key)
        return {"table__name": values["table"], "key": values["key"]}

    def key_values(self, key: str) -> Values:
        name, _slash, rest = key.partition("/")
        return {"table": name, "key": KEYS[self._table(name).applies_to][0](rest)}

    def key_of(self, row: Any) -> str:
        return f"{row.table.name}/{row.key}"

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        return super().filtered(rows, "table__name" if name == "table" else name, text, user)

    def add(self, values: Values, by: Actor) -> Any:
        table = self._table(values.pop("table"))
        return add_rule(table.applies_to, values.pop("key"), values.pop("action"), table=table, **values, by=by)

    def _table(self, name: str) -> AccessTable:
        found = AccessTable.objects.filter(name=_table_name(name)).first()
        if found is None:
            raise ValidationError({"table": _("There is no access table %(name)s.") % {"name": shown(name)}})
        return found


class DomainAccessRules(OfRules):
    """A rule for mail to one domain; its domain admins write those with the actions that are allowed."""

    name, slug, words = "DomainAccessRule", "domain-access-rules", gettext_lazy("Access rules of domains")
    fields = [
        key_field("domain", gettext_lazy("The name of the domain."), read=attrgetter("domain.name")),
        key_field(
            "applies_to", WHOM, kind=partial(ChoiceField, choices=list(OF_DOMAINS)), read=attrgetter("applies_to")
        ),
        key_field("key", gettext_lazy("An address or a domain."), may_change=True),
        *RULE,
    ]
    orderings = {"key": ("domain_id", "applies_to", "key")}
    filters = {"domain": OF_DOMAIN, "applies_to": WHOM, "active": ACTIVE}

    def rows(self, user: User) -> QuerySet[Any]:
        rows: QuerySet[Any] = AccessRule.objects.filter(domain__isnull=False).select_related("of_class", "domain")
        if user.is_superuser:
            return rows
        return rows.filter(domain__in=list(Domain.objects.visible_to(user).values_list("pk", flat=True)))

    def lookup(self, key: str) -> Mapping[str, Any]:
        values = self.key_values(key)
        return {"domain__name": values.pop("domain"), **values}

    def key_values(self, key: str) -> Values:
        domain, kind, rest = [*key.split("/", 2), "", ""][:3]
        if kind not in OF_DOMAINS:
            raise ValidationError(
                _("The key is a domain, whom it is about, and a key: example.org/sender/spam.example.")
            )
        return {"domain": normalised_domain(domain), "applies_to": kind, "key": KEYS[kind][0](rest)}

    def normal_key_value(self, name: str, value: str) -> Any:
        return normalised_domain(value) if name == "domain" else value

    def key_of(self, row: Any) -> str:
        return f"{row.domain.name}/{row.applies_to}/{row.key}"

    def domain_of(self, key: str) -> str:
        return normalised_domain(key.partition("/")[0])

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        if name == "domain":
            return rows.filter(domain=domain_seen_by(user, text))
        return super().filtered(rows, name, text, user)

    def add(self, values: Values, by: Actor) -> Any:
        domain = sent_domain(values.pop("domain"), by)
        return add_rule(
            values.pop("applies_to"), values.pop("key"), values.pop("action"), domain=domain, **values, by=by
        )


class AllowedActions(Noun):
    """An action that domain admins may choose for rules of their domains."""

    name, slug, resource = "AllowedAction", "allowed-actions", "restrictions"
    words = gettext_lazy("Actions that domain admins may choose")
    only_superusers, can_change = True, False
    fields = [
        key_field(
            "action",
            gettext_lazy("As access(5) calls it."),
            kind=partial(ChoiceField, choices=list(OF_ONE_RECIPIENT)),
            read=attrgetter("action"),
        )
    ]
    orderings = {"action": ("action",)}

    def rows(self, user: User) -> QuerySet[Any]:
        return AllowedAction.objects.all()

    def lookup(self, key: str) -> Mapping[str, Any]:
        return self.key_values(key)

    def key_values(self, key: str) -> Values:
        action = key.strip().upper()
        if action not in Action.values:
            sentence = _("There is no action %(action)s. Known are: %(known)s.")
            raise ValidationError({"action": sentence % {"action": shown(key), "known": ", ".join(Action.values)}})
        return {"action": action}

    def add(self, values: Values, by: Actor) -> Any:
        return allow_action(values["action"], by=by)

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        forbid_action(row.action, by=by)
