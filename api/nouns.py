"""The nouns of the API, each with its fields and its services: domains and settings here, the others beside."""

from collections.abc import Mapping
from functools import partial
from operator import attrgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.models import User
from api.fields import Text
from api.noun import (
    ACTIVE,
    OF_DOMAIN,
    Field,
    Noun,
    OnlyRow,
    Values,
    domain_seen_by,
    key_field,
    of_model,
    sent_domain,
    shown_only,
    truth,
)
from api.nouns_of_access import AccessRules, AccessTableRules, AccessTables, AllowedActions, DomainAccessRules
from api.nouns_of_addresses import Aliases, Mailboxes, RelayRecipients
from api.nouns_of_dkim import DkimKeys, SigningHosts
from api.nouns_of_dns import DnsRecords, DomainDnsSettings, TheDnsSettings, UpdateServers
from api.nouns_of_mailboxes import (
    AppPasswords,
    DovecotHosts,
    OutOfOfficeAnswers,
    PermittedSenders,
    RecoveryAddresses,
    SignIns,
)
from api.nouns_of_people import LocalUsers, People, normal_username
from api.nouns_of_recipients import ProtectedAliases, RecipientClasses
from api.nouns_of_restrictions import RestrictionClasses, RestrictionLists
from api.nouns_of_tables import Entries
from domains.fields import normalised_domain
from domains.models import Domain, DomainAdmin, MailSettings
from domains.services import (
    LIMITS,
    MAIL_SETTINGS,
    add_domain,
    add_domain_admin,
    change_domain,
    change_mail_settings,
    remove_domain_admin,
)
from lookup_tables import nouns as tables
from mailboxes.default_aliases import delete_default_alias, set_default_aliases
from mailboxes.mailing_settings import change_mailing_settings
from mailboxes.models import DefaultAlias, MailingSettings, PasswordSettings, ServerNames
from mailboxes.parsing import normalised_local_part
from mailboxes.password_settings import change_password_settings
from mailboxes.removal import delete_domain, what_is_lost
from mailboxes.server_names import HOSTS, change_server_names


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
        "suspended": ACTIVE,
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
        if name in ("active", "suspended"):
            return rows.filter(**{name: truth(text)})
        return rows.filter(target=domain_seen_by(user, text)) if name == "target" else rows.filter(address_class=text)

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return rows.filter(name__startswith=text.lower())

    def add(self, values: Values, by: Actor) -> Any:
        return add_domain(**values, by=by)

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        return change_domain(row, **values, version=version, by=by)

    def lost_with(self, row: Any, user: User) -> list[str]:
        return what_is_lost(row) if user.is_superuser else []  # it names aliases of other domains, too

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_domain(row, version=version, by=by)


class DomainAdmins(Noun):
    """A pair of a domain and a person."""

    name, slug, resource, words = "DomainAdmin", "domain-admins", "domain_admins", gettext_lazy("Domain admins")
    only_superusers, can_change = True, False
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
        return {"domain": normalised_domain(domain), "username": normal_username(username)}

    def normal_key_value(self, name: str, value: str) -> Any:
        return normalised_domain(value) if name == "domain" else normal_username(value)

    def key_of(self, row: Any) -> str:
        return f"{row.domain.name}/{row.user.username}"

    def domain_of(self, key: str) -> str:
        return normalised_domain(key.partition("/")[0])

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        if name == "domain":
            return rows.filter(domain=domain_seen_by(user, text))
        return rows.filter(user__username=normal_username(text))

    def add(self, values: Values, by: Actor) -> Any:
        domain = sent_domain(values["domain"], by)
        person = User.objects.people().filter(username=normal_username(values["username"])).first()
        if person is None:
            sentence = _("There is no person “%(name)s”. Add them first, or correct the name.")
            raise ValidationError({"username": sentence % {"name": values["username"]}})
        return add_domain_admin(domain, person, by=by)

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        remove_domain_admin(row.domain, row.user, by=by)


class DefaultAliases(Noun):
    """An alias that every new domain gets."""

    name, slug, resource = "DefaultAlias", "default-aliases", "mail_settings"
    words = gettext_lazy("Default aliases")
    only_superusers = True
    fields = [
        key_field("local_part", gettext_lazy("The part before the @.")),
        Field(
            "destination",
            partial(Text, help_text=gettext_lazy("The one address that gets its mail.")),
            attrgetter("destination"),
            required=True,
        ),
        *shown_only(DefaultAlias, "version changed_at"),
    ]
    orderings = {"local_part": ("local_part",)}
    service_names = {"local_parts": "local_part"}

    def rows(self, user: User) -> QuerySet[Any]:
        return DefaultAlias.objects.all()

    def lookup(self, key: str) -> Mapping[str, Any]:
        return self.key_values(key)

    def key_values(self, key: str) -> Values:
        return {"local_part": normalised_local_part(key)}

    def normal_key_value(self, name: str, value: str) -> Any:
        return normalised_local_part(value)

    def add(self, values: Values, by: Actor) -> Any:
        if DefaultAlias.objects.filter(**self.key_values(values["local_part"])).exists():
            raise ValidationError({"local_part": _("This default alias is here already. Change that one.")})
        return set_default_aliases([values["local_part"]], values["destination"], version=0, by=by)[0]

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        destination = values.get("destination", row.destination)
        return set_default_aliases([row.local_part], destination, version=version, by=by)[0]

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_default_alias(row, version=version, by=by)


class TheMailSettings(OnlyRow):
    name, slug, resource, words = "MailSettings", "mail-settings", "mail_settings", gettext_lazy("Mail settings")
    model = MailSettings
    fields = [
        *of_model(MailSettings, " ".join(MAIL_SETTINGS)),
        *shown_only(MailSettings, "version changed_at"),
    ]

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        return change_mail_settings(**values, version=version, by=by)


class ThePasswordSettings(OnlyRow):
    name, slug, resource = "PasswordSettings", "password-settings", "mail_settings"
    words = gettext_lazy("Password settings")
    model = PasswordSettings
    fields = [
        *of_model(PasswordSettings, "least_length least_strength valid_days grace_days"),
        *shown_only(PasswordSettings, "version changed_at"),
    ]

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        return change_password_settings(**values, version=version, by=by)


class TheServerNames(OnlyRow):
    name, slug, resource, words = "ServerNames", "server-names", "mail_settings", gettext_lazy("Server names")
    model = ServerNames
    fields = [
        *of_model(ServerNames, " ".join(HOSTS)),
        *shown_only(ServerNames, "version changed_at"),
    ]

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        return change_server_names(**values, version=version, by=by)


class TheMailingSettings(OnlyRow):
    name, slug, resource = "MailingSettings", "mailing-settings", "mail_settings"
    words = gettext_lazy("Mailing settings")
    model = MailingSettings
    fields = [
        *of_model(MailingSettings, "welcomes welcome_subject welcome_text mails_per_minute"),
        *shown_only(MailingSettings, "version changed_at"),
    ]

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        return change_mailing_settings(**values, version=version, by=by)


NOUNS: list[Noun] = [
    Domains(),
    DomainAdmins(),
    DkimKeys(),
    SigningHosts(),
    DnsRecords(),
    DomainDnsSettings(),
    UpdateServers(),
    People(),
    Mailboxes(),
    Aliases(),
    RelayRecipients(),
    PermittedSenders(),
    AppPasswords(),
    RecoveryAddresses(),
    SignIns(),
    DovecotHosts(),
    OutOfOfficeAnswers(),
    DefaultAliases(),
    *map(Entries, tables.NOUNS),
    LocalUsers(),
    RestrictionLists(),
    RestrictionClasses(),
    AccessRules(),
    AccessTables(),
    AccessTableRules(),
    DomainAccessRules(),
    AllowedActions(),
    RecipientClasses(),
    ProtectedAliases(),
    TheMailSettings(),
    ThePasswordSettings(),
    TheServerNames(),
    TheMailingSettings(),
    TheDnsSettings(),
]
BY_SLUG = {noun.slug: noun for noun in NOUNS}
