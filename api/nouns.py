"""The nouns of the API, each with its fields and its services."""

from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.serializers import ChoiceField

from accounts.actors import Actor
from accounts.history import recorded
from accounts.models import User
from api.fields import Text, Texts, Truth
from api.noun import ADD, CHANGE, PUT, Field, Noun, Values, acting, key_field, of_model, shown_only
from domains.fields import normalised_domain
from domains.models import Domain, DomainAdmin, MailSettings
from domains.services import (
    LIMITS,
    add_domain,
    add_domain_admin,
    change_domain,
    change_mail_settings,
    locked_version,
    remove_domain_admin,
)
from lookup_tables import nouns as tables
from lookup_tables.models import RelayPassword
from lookup_tables.relay_passwords import decrypted
from lookup_tables.services import add_entry, change_entry, delete_entry
from mailboxes.credentials import is_password
from mailboxes.destinations import lock_alias_graph
from mailboxes.models import Alias, Mailbox, MailboxCredential, RelayRecipient
from mailboxes.parsing import parse_address, written_local_part
from mailboxes.relay import add_relay_recipients, delete_relay_recipients
from mailboxes.removal import delete_domain
from mailboxes.renaming import rename_address
from mailboxes.services import (
    add_alias,
    add_mailbox,
    change_alias,
    change_mailbox,
    delete_alias,
    delete_mailbox,
    set_mailbox_password,
)

ACTIVE = gettext_lazy("true or false.")
OF_DOMAIN = gettext_lazy("The name of a domain: only what belongs to it.")
ADDRESSES = gettext_lazy("addresses that begin like this")


def truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValidationError(_("This must be true or false."))
    return text == "true"


def domain_seen_by(user: User, text: str) -> Domain:
    name = normalised_domain(text)
    domain: Domain | None = Domain.objects.visible_to(user).select_related("target").filter(name=name).first()
    if domain is None:
        raise ValidationError(_("%(name)s is not here yet. Add it first, or correct the name."), params={"name": name})
    return domain


class Domains(Noun):
    name, slug, resource, words = "Domain", "domains", "domains", gettext_lazy("Domains")
    added_by_superusers = True
    fields = [
        key_field("name", gettext_lazy("The name of the domain; letters beyond ASCII become the A-label.")),
        Field("unicode_name", Text, attrgetter("unicode_name"), on=frozenset()),
        *of_model(Domain, "address_class", only_superusers=True),
        Field(
            "target",
            partial(Text, allow_null=True, help_text=gettext_lazy("The domain for which an alias domain answers.")),
            lambda domain: domain.target.name if domain.target else None,
            lambda name, user: domain_seen_by(user, name) if name else None,
            default=None,
            only_superusers=True,
        ),
        *of_model(Domain, "description"),
        *of_model(Domain, f"any_recipient active suspended {' '.join(LIMITS)}", only_superusers=True),
        *shown_only(Domain, "version created_at changed_at"),
    ]
    orderings = {"name": ("name",)}
    filters = {
        "address_class": gettext_lazy("One of the address classes."),
        "target": gettext_lazy("The name of a domain: only its alias domains."),
        "active": ACTIVE,
    }
    searches = gettext_lazy("names that begin like this")

    def rows(self, user: User) -> QuerySet[Any]:
        return Domain.objects.visible_to(user).select_related("target")

    def lookup(self, key: str) -> Mapping[str, Any]:
        return {"name": normalised_domain(key)}

    def key_values(self, key: str) -> Values:
        return {"name": normalised_domain(key)}

    def domain_of(self, key: str) -> str:
        return normalised_domain(key)

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        if name == "active":
            return rows.filter(active=truth(text))
        return rows.filter(target=domain_seen_by(user, text)) if name == "target" else rows.filter(address_class=text)

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return rows.filter(name__startswith=text.lower())

    def add(self, values: Values, by: Actor) -> Any:
        return add_domain(**values, by=by)

    def change(self, row: Any, values: Values, version: int | None, by: Actor) -> Any:
        return change_domain(row, **values, version=version, by=by)

    def delete(self, row: Any, by: Actor) -> None:
        delete_domain(row, by=by)


class DomainAdmins(Noun):
    """A pair of a domain and a person."""

    name, slug, resource, words = "DomainAdmin", "domain-admins", "domain_admins", gettext_lazy("Domain admins")
    only_superusers, can_change, has_version = True, False, False
    fields = [
        key_field("domain", gettext_lazy("The name of the domain."), read=attrgetter("domain.name")),
        key_field("username", gettext_lazy("The user name of the person."), read=attrgetter("user.username")),
    ]
    orderings = {"domain": ("domain_id", "user_id")}
    filters = {"domain": OF_DOMAIN, "username": gettext_lazy("A user name: only the domains of this person.")}
    service_names = {"user": "username"}

    def rows(self, user: User) -> QuerySet[Any]:
        return DomainAdmin.objects.select_related("domain", "user")

    def lookup(self, key: str) -> Mapping[str, Any]:
        values = self.key_values(key)
        return {"domain__name": values["domain"], "user__username": values["username"]}

    def key_values(self, key: str) -> Values:
        domain, _slash, username = key.partition("/")
        return {"domain": normalised_domain(domain), "username": username.strip().lower()}

    def normal_key_value(self, name: str, value: str) -> Any:
        return normalised_domain(value) if name == "domain" else value.strip().lower()

    def key_of(self, row: Any) -> str:
        return f"{row.domain.name}/{row.user.username}"

    def domain_of(self, key: str) -> str:
        return normalised_domain(key.partition("/")[0])

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        if name == "domain":
            return rows.filter(domain=domain_seen_by(user, text))
        return rows.filter(user__username=text.strip().lower())

    def add(self, values: Values, by: Actor) -> Any:
        try:
            domain = domain_seen_by(acting(by), values["domain"])
        except ValidationError as error:
            raise ValidationError({"domain": error.messages}) from error
        person = User.objects.people().filter(username=values["username"].strip().lower()).first()
        if person is None:
            sentence = _("There is no person “%(name)s”. Add them first, or correct the name.")
            raise ValidationError({"username": sentence % {"name": values["username"]}})
        return add_domain_admin(domain, person, by=by)

    def delete(self, row: Any, by: Actor) -> None:
        remove_domain_admin(row.domain, row.user, by=by)


class OfAddress(Noun):
    """What hangs on an address, and is found by it."""

    # The table of addresses holds all kinds: in the order of addresses, a list would walk past those of other kinds.
    orderings = {"added": ("pk",), "address": ("address__local_part", "address__domain_id")}
    ordered_in_domain = "address"
    searches = ADDRESSES
    service_names = {"local_part": "address", "recipients": "address"}

    def listed(self, user: User) -> QuerySet[Any]:
        """The domains by their numbers, too: then PostgreSQL knows how few rows they have, and begins with these."""
        rows = self.rows(user)
        if user.is_superuser:
            return rows
        numbers = Domain.objects.visible_to(user).values_list("pk", flat=True)
        return rows.filter(address__domain__in=list(numbers))

    def lookup(self, key: str) -> Mapping[str, Any]:
        address = parse_address(key, may_be_whole_domain=True)
        return {"address__domain__name": address.domain, "address__local_part": address.local_part}

    def key_values(self, key: str) -> Values:
        return {"address": str(parse_address(key, may_be_whole_domain=True))}

    def domain_of(self, key: str) -> str:
        return parse_address(key, may_be_whole_domain=True).domain

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        if name == "domain":
            return rows.filter(address__domain=domain_seen_by(user, text))
        return rows.filter(active=truth(text))

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        local_part, at, domain = text.lower().partition("@")
        if at:
            return rows.filter(address__local_part=local_part, address__domain__name__startswith=domain)
        return rows.filter(address__local_part__startswith=local_part)


def place_of(address: str, user: User) -> tuple[Domain, str]:
    """The domain, which must be one's own, and the local part as people write it."""
    try:
        parsed = parse_address(address, may_be_whole_domain=True)
        return domain_seen_by(user, parsed.domain), written_local_part(parsed.local_part)
    except ValidationError as error:
        raise ValidationError({"address": error.messages}) from error


def secret(help_text: Any) -> Field:
    """A password: it is sent and never shown. A PUT without it leaves it as it is."""
    return Field("password", partial(Text, allow_blank=False, max_length=255, help_text=help_text))


DESPITE_QUARANTINE = Field(
    "despite_quarantine",
    partial(Truth, help_text=gettext_lazy("Take the address of a mailbox that was deleted lately, all the same.")),
    on=frozenset({ADD, PUT, CHANGE}),
)
KEEP_OLD = Field(
    "keep_old",
    partial(Truth, help_text=gettext_lazy("With another address: the old one becomes an alias of the new one.")),
    on=frozenset({CHANGE}),
)
WHOLE_ADDRESS = gettext_lazy("The whole address. Another one renames it.")


def renaming(row: Any, values: Values, by: Actor) -> Callable[[], Any] | None:
    """What gives the row the address in `values`, if that is another one. Takes from `values` what is about it."""
    keep_old, despite = values.pop("keep_old", False), values.pop("despite_quarantine", False)
    wanted = values.pop("address", None)
    if wanted is None:
        return None
    domain, local_part = place_of(wanted, acting(by))
    if str(parse_address(wanted, may_be_whole_domain=True)) == str(row.address):
        return None
    options = {"keep_old": keep_old, "despite_quarantine": despite}
    return partial(rename_address, row.address, domain, local_part, **options, by=by)


def together(noun: str, row: Any, acts: list[Callable[[], Any] | None], version: int | None, by: Actor) -> None:
    """Several services for one thing are one change set, and none of them works on a row that is not what was seen."""
    wanted = [act for act in acts if act]
    if len(wanted) == 1 and version is None:
        wanted[0]()
    elif wanted:
        domain = row.address.domain.name
        with recorded("change", noun, str(row), domain="" if acts[-1] else domain, by=by):
            lock_alias_graph()
            locked_version(type(row)._default_manager, row.pk, version)
            for act in wanted:
                act()


class Mailboxes(OfAddress):
    name, slug, resource, words = "Mailbox", "mailboxes", "mailboxes", gettext_lazy("Mailboxes")
    fields = [
        key_field("address", WHOLE_ADDRESS, may_change=True),
        *of_model(Mailbox, "name quota_bytes active receives sends imap pop expires_at mail_path"),
        Field(
            "mail_format",
            partial(
                ChoiceField,
                choices=["maildir", "mbox"],
                help_text=gettext_lazy("Of a new mailbox; afterwards the mail path says it."),
            ),
            attrgetter("mail_format"),
            on=frozenset({ADD}),
        ),
        secret(gettext_lazy("Eight characters or more. It is sent and never shown.")),
        Field("has_password", Truth, attrgetter("has_password"), on=frozenset()),
        DESPITE_QUARANTINE,
        KEEP_OLD,
        *shown_only(Mailbox, "version created_at changed_at"),
    ]
    filters = {"domain": OF_DOMAIN, "active": ACTIVE}

    def rows(self, user: User) -> QuerySet[Any]:
        credential = MailboxCredential.objects.filter(mailbox=OuterRef("pk"))
        return Mailbox.objects.visible_to(user).with_address().annotate(has_password=Exists(credential))

    def add(self, values: Values, by: Actor) -> Any:
        domain, local_part = place_of(values.pop("address"), acting(by))
        return add_mailbox(domain, local_part, **values, by=by)

    def change(self, row: Any, values: Values, version: int | None, by: Actor) -> Any:
        password, rename = values.pop("password", None), renaming(row, values, by)
        acts = [
            partial(change_mailbox, row, **values, by=by) if values else None,
            partial(set_mailbox_password, row, password, by=by) if password is not None else None,
            rename,
        ]
        together("mailbox", row, acts, version, by)
        return row

    def has_password(self, row: Any, password: str) -> bool:
        credential = MailboxCredential.objects.filter(mailbox=row).first()
        return credential is not None and is_password(password, credential.hash)

    def delete(self, row: Any, by: Actor) -> None:
        delete_mailbox(row, by=by)


class Aliases(OfAddress):
    name, slug, resource, words = "Alias", "aliases", "aliases", gettext_lazy("Aliases")
    fields = [
        key_field("address", WHOLE_ADDRESS, may_change=True),
        Field(
            "destinations",
            partial(Texts, help_text=gettext_lazy("Where the mail goes, in this order; 1 to 1000.")),
            lambda alias: [str(destination) for destination in alias.destinations.all()],
            required=True,
        ),
        *of_model(Alias, "comment active starts_at ends_at"),
        Field("is_catch_all", Truth, attrgetter("is_catch_all"), on=frozenset()),
        Field("keeps_copy", Truth, attrgetter("has_mailbox"), on=frozenset()),
        DESPITE_QUARANTINE,
        KEEP_OLD,
        *shown_only(Alias, "version created_at changed_at"),
    ]
    filters = {"domain": OF_DOMAIN, "active": ACTIVE}

    def rows(self, user: User) -> QuerySet[Any]:
        return Alias.objects.visible_to(user).with_destinations().select_related("address__mailbox")

    def add(self, values: Values, by: Actor) -> Any:
        domain, local_part = place_of(values.pop("address"), acting(by))
        return add_alias(domain, local_part, values.pop("destinations"), **values, by=by)

    def change(self, row: Any, values: Values, version: int | None, by: Actor) -> Any:
        rename = renaming(row, values, by)
        together("alias", row, [partial(change_alias, row, **values, by=by) if values else None, rename], version, by)
        return row

    def delete(self, row: Any, by: Actor) -> None:
        delete_alias(row, by=by)


class RelayRecipients(OfAddress):
    name, slug, resource = "RelayRecipient", "relay-recipients", "relay_recipients"
    words = gettext_lazy("Relay recipients")
    can_change, has_version = False, False
    fields = [
        key_field("address", gettext_lazy("The whole address.")),
        *shown_only(RelayRecipient, "created_at"),
    ]
    filters = {"domain": OF_DOMAIN}

    def rows(self, user: User) -> QuerySet[Any]:
        return RelayRecipient.objects.visible_to(user).with_address()

    def add(self, values: Values, by: Actor) -> Any:
        domain, local_part = place_of(values["address"], acting(by))
        if not add_relay_recipients(domain, [local_part], by=by):
            raise ValidationError({"address": _("%(address)s is a relay recipient already.") % values})
        return self.find(acting(by), values["address"])

    def delete(self, row: Any, by: Actor) -> None:
        delete_relay_recipients(row.address.domain, [row], by=by)


class Entries(Noun):
    """One of the lookup tables. Where a table has a key for senders and one for recipients, both stand in the URL."""

    resource = "lookup_tables"
    only_superusers = True
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

    def change(self, row: Any, values: Values, version: int | None, by: Actor) -> Any:
        return change_entry(row, **values, version=version, by=by)

    def has_password(self, row: Any, password: str) -> bool:
        kept = RelayPassword.objects.filter(relay=row.pk).first()
        return kept is not None and decrypted(kept.token) == password

    def delete(self, row: Any, by: Actor) -> None:
        delete_entry(row, by=by)


class TheMailSettings(Noun):
    """One row, so no list and no key."""

    name, slug, resource, words = "MailSettings", "mail-settings", "mail_settings", gettext_lazy("Mail settings")
    only_superusers, is_single = True, True
    fields = [
        *of_model(MailSettings, "recipient_delimiter mail_path_template quarantine_days"),
        *shown_only(MailSettings, "version changed_at"),
    ]
    orderings: Mapping[str, tuple[str, ...]] = {}

    def rows(self, user: User) -> QuerySet[Any]:
        return MailSettings.objects.all()

    def lookup(self, key: str) -> Mapping[str, Any]:
        return {"pk": 1}

    def key_values(self, key: str) -> Values:
        return {}

    def change(self, row: Any, values: Values, version: int | None, by: Actor) -> Any:
        return change_mail_settings(**values, version=version, by=by)


NOUNS: list[Noun] = [
    Domains(),
    DomainAdmins(),
    Mailboxes(),
    Aliases(),
    RelayRecipients(),
    *map(Entries, tables.NOUNS),
    TheMailSettings(),
]
BY_SLUG = {noun.slug: noun for noun in NOUNS}
