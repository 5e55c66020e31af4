"""Access rules of the server, of a table with a name and of a domain; which class mail to somebody meets; who may write
to an alias."""

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
    acting,
    domain_seen_by,
    key_field,
    of_model,
    sent_domain,
    shown_only,
    truth,
)
from domains.fields import normalised_domain, shown
from domains.models import Domain
from mailboxes.models import Address, Alias
from mailboxes.parsing import parse_address
from restrictions.access_actions import Action
from restrictions.access_models import (
    KEYS,
    NO_TABLE_NAME,
    OF_DOMAINS,
    AccessRule,
    AccessTable,
    AllowedAction,
    AppliesTo,
    ProtectedAlias,
    RecipientClass,
    Writers,
)
from restrictions.access_services import (
    NO_CLASS,
    add_rule,
    add_table,
    allow_action,
    asked_in,
    change_rule,
    change_table,
    choose_class,
    delete_rule,
    delete_table,
    forbid_action,
    protect_alias,
    version_of_choice,
)
from restrictions.models import RestrictionClass

WHOM = gettext_lazy("Whom the rule is about.")
A_KEY = gettext_lazy("An address, a domain, a host or a network.")
EVERYBODY = "*"


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
    *shown_only(AccessRule, "version created_at changed_at"),
]


class OfRules(Noun):
    """What the rules of all access tables have in common."""

    resource = "restrictions"
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
            kind=partial(ChoiceField, choices=Action.values),
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


def _at_address(text: str) -> Values:
    """How what hangs on an address is found."""
    address = parse_address(text, may_be_whole_domain=True)
    return {"address__domain__name": address.domain, "address__local_part": address.local_part}


class RecipientClasses(Noun):
    """The class that mail to an address, to a domain or to everybody else meets."""

    name, slug, resource = "RecipientClass", "recipient-classes", "restrictions"
    words = gettext_lazy("Restriction classes of recipients")
    only_superusers = True
    fields = [
        key_field("recipient", gettext_lazy("An address, the name of a domain, or * for everybody else.")),
        Field(
            "of_class",
            partial(Text, help_text=gettext_lazy("The name of a restriction class.")),
            attrgetter("of_class.name"),
            required=True,
        ),
        *shown_only(RecipientClass, "changed_at"),
    ]
    orderings = {"added": ("pk",)}

    def rows(self, user: User) -> QuerySet[Any]:
        return RecipientClass.objects.select_related("address__domain", "domain", "of_class")

    def lookup(self, key: str) -> Mapping[str, Any]:
        recipient = self.key_values(key)["recipient"]
        if recipient == EVERYBODY:
            return {"address__isnull": True, "domain__isnull": True}
        if "@" not in recipient:
            return {"domain__name": recipient}
        return _at_address(recipient)

    def key_values(self, key: str) -> Values:
        word = key.strip()
        if word == EVERYBODY:
            return {"recipient": EVERYBODY}
        if "@" not in word:
            return {"recipient": normalised_domain(word)}
        return {"recipient": str(parse_address(word, may_be_whole_domain=True))}

    def domain_of(self, key: str) -> str:
        return str(self.key_values(key)["recipient"]).rpartition("@")[2].strip(EVERYBODY)

    def add(self, values: Values, by: Actor) -> Any:
        recipient = self.key_values(values["recipient"])["recipient"]
        if self.rows(acting(by)).filter(**self.lookup(recipient)).exists():
            sentence = _("%(recipient)s has a class already. Change that one.")
            raise ValidationError({"recipient": sentence % {"recipient": recipient}})
        return choose_class(self._place(recipient, acting(by)), values["of_class"], version=NO_CLASS, by=by)

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        if "of_class" not in values:
            return row
        return choose_class(row.address or row.domain, values["of_class"], version=version, by=by)

    def version_of(self, row: Any) -> str:
        return version_of_choice(row)

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        choose_class(row.address or row.domain, "", version=version, by=by)

    def _place(self, recipient: str, user: User) -> Address | Domain | None:
        if recipient == EVERYBODY:
            return None
        address = parse_address(f"@{recipient}" if "@" not in recipient else recipient, may_be_whole_domain=True)
        try:
            domain = domain_seen_by(user, address.domain)
        except ValidationError as error:
            raise ValidationError({"recipient": error.messages}) from error
        if "@" not in recipient:
            return domain
        rows = Address.objects.select_related("domain")
        found = rows.filter(domain=domain.answers_for, local_part=address.local_part).first()
        if found is None:
            raise ValidationError({"recipient": _("There is no address %(address)s.") % {"address": address}})
        return found


class ProtectedAliases(Noun):
    """An alias to which not everybody may write. Without one, anybody may."""

    name, slug, resource = "ProtectedAlias", "protected-aliases", "aliases"
    words = gettext_lazy("Protected aliases")
    fields = [
        key_field("address", gettext_lazy("The address of the alias.")),
        Field(
            "writers",
            partial(ChoiceField, choices=Writers.values, help_text=gettext_lazy("Who may write to it.")),
            attrgetter("writers"),
            required=True,
        ),
        Field(
            "named",
            partial(
                Texts,
                help_text=gettext_lazy("These may in any case: addresses, or @example.org for a whole domain."),
            ),
            lambda row: [one.key for one in row.named.all()],
            default=(),
        ),
        *shown_only(ProtectedAlias, "version changed_at"),
    ]
    orderings = {"added": ("pk",)}
    filters = {"domain": OF_DOMAIN}

    def rows(self, user: User) -> QuerySet[Any]:
        rows = ProtectedAlias.objects.select_related("alias__address__domain").prefetch_related("named")
        if user.is_superuser:
            return rows
        numbers = Domain.objects.visible_to(user).values_list("pk", flat=True)
        return rows.filter(alias__address__domain__in=list(numbers))

    def lookup(self, key: str) -> Mapping[str, Any]:
        return {f"alias__{path}": value for path, value in _at_address(key).items()}

    def key_values(self, key: str) -> Values:
        return {"address": str(parse_address(key, may_be_whole_domain=True))}

    def domain_of(self, key: str) -> str:
        return parse_address(key, may_be_whole_domain=True).domain

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        return rows.filter(alias__address__domain=domain_seen_by(user, text))

    def add(self, values: Values, by: Actor) -> Any:
        address = values.pop("address")
        found = Alias.objects.visible_to(acting(by)).with_destinations().filter(**_at_address(address)).first()
        if found is None:
            sentence = _("There is no alias %(address)s.")
            raise ValidationError({"address": sentence % {"address": shown(address)}})
        if ProtectedAlias.objects.filter(alias=found).exists():
            sentence = _("%(address)s is protected already. Change that.")
            raise ValidationError({"address": sentence % {"address": found}})
        return protect_alias(found, values["writers"], values.get("named", ()), version=0, by=by)

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        if not values:
            return row
        writers = values.get("writers", row.writers)
        return protect_alias(row.alias, writers, values.get("named"), version=version, by=by)

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        protect_alias(row.alias, "", version=version, by=by)
