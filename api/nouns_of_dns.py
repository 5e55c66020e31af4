"""DNS records as they were seen last, the settings from which they follow, and the name servers that take updates."""

from collections.abc import Mapping
from functools import partial
from operator import attrgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.serializers import DateTimeField

from accounts.actors import Actor
from accounts.models import User
from api.fields import Text, Texts
from api.noun import (
    OF_DOMAIN,
    Field,
    Noun,
    Values,
    domain_seen_by,
    key_field,
    of_model,
    secret,
    sent_domain,
    shown_only,
)
from dns_records.fields import key_name, record_name
from dns_records.models import DnsSettings, DomainDns, UpdateSecret, UpdateServer
from dns_records.record_models import Record, RecordState
from dns_records.secrets import opened
from dns_records.services import (
    SETTINGS,
    add_update_server,
    change_dns_settings,
    change_domain_dns,
    change_update_server,
    delete_update_server,
    forget_domain_dns,
    server_named,
)
from dns_records.sts import held_by_anybody
from dns_records.words import sentence
from domains.fields import normalised_domain

TYPES = ("MX", "TXT", "CNAME", "SRV", "A", "AAAA", "TLSA")


class DnsRecords(Noun):
    """What was expected and seen at the last check, a record each."""

    name, slug, resource, words = "DnsRecord", "dns-records", "domains", gettext_lazy("DNS records")
    is_read_only, can_change = True, False
    fields = [
        key_field("domain", gettext_lazy("The name of the domain."), read=attrgetter("domain.name")),
        key_field("type", gettext_lazy("The type of the record."), read=attrgetter("rdtype")),
        key_field("name", gettext_lazy("The name at which it stands."), read=attrgetter("name")),
        *shown_only(Record, "purpose state"),
        Field("expected", Texts, attrgetter("expected"), on=frozenset()),
        Field("published", Texts, attrgetter("published"), on=frozenset()),
        Field("why", Text, lambda record: sentence(record.why, record.words), on=frozenset()),
        *shown_only(Record, "since"),
    ]
    orderings = {"domain": ("domain_id", "position")}
    filters = {"domain": OF_DOMAIN, "state": gettext_lazy("One of the states: only records that are so.")}

    def rows(self, user: User) -> QuerySet[Any]:
        return Record.objects.visible_to(user).filter(domain__isnull=False).select_related("domain")

    def lookup(self, key: str) -> Mapping[str, Any]:
        values = self.key_values(key)
        return {"domain__name": values["domain"], "rdtype": values["type"], "name": values["name"]}

    def key_values(self, key: str) -> Values:
        domain, _slash, rest = key.partition("/")
        rdtype, slash, name = rest.partition("/")
        if not slash:
            raise ValidationError(_("The key is a domain, a type and a name: example.org/TXT/_dmarc.example.org."))
        if rdtype.upper() not in TYPES:
            raise ValidationError(_("The type of a record is one of: %(known)s.") % {"known": ", ".join(TYPES)})
        return {"domain": normalised_domain(domain), "type": rdtype.upper(), "name": record_name(name)}

    def key_of(self, row: Any) -> str:
        return f"{row.domain.name}/{row.rdtype}/{row.name}"

    def domain_of(self, key: str) -> str:
        return normalised_domain(key.partition("/")[0])

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        if name == "domain":
            return rows.filter(domain=domain_seen_by(user, text))
        if text not in RecordState.values:
            raise ValidationError(_("“state” is one of: %(known)s.") % {"known": ", ".join(RecordState.values)})
        return rows.filter(state=text)


class TheDnsSettings(Noun):
    """One row, so no list and no key."""

    name, slug, resource, words = "DnsSettings", "dns-settings", "dns", gettext_lazy("DNS settings")
    only_superusers, is_single = True, True
    fields = [
        *of_model(DnsSettings, " ".join(SETTINGS)),
        Field(
            "sts_held_until",
            partial(
                DateTimeField,
                allow_null=True,
                help_text=gettext_lazy("Until when senders may hold a policy of MTA-STS that is not “none”."),
            ),
            lambda settings: held_by_anybody(),
            on=frozenset(),
            moves=True,
        ),
        *shown_only(DnsSettings, "version changed_at"),
    ]
    orderings: Mapping[str, tuple[str, ...]] = {}

    def rows(self, user: User) -> QuerySet[Any]:
        return DnsSettings.objects.all()

    def lookup(self, key: str) -> Mapping[str, Any]:
        return {"pk": 1}

    def key_values(self, key: str) -> Values:
        return {}

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        return change_dns_settings(**values, version=version, by=by)


class DomainDnsSettings(Noun):
    """Where a domain differs from the DNS settings."""

    name, slug, resource, words = "DomainDns", "domain-dns", "dns", gettext_lazy("DNS settings of a domain")
    only_superusers = True
    fields = [
        key_field("domain", gettext_lazy("The name of the domain."), read=attrgetter("domain.name")),
        *of_model(DomainDns, "is_checked dmarc_policy dmarc_reports spf_senders"),
        Field(
            "server",
            partial(Text, allow_null=True, help_text=gettext_lazy("The update server, by the name of its key.")),
            lambda own: own.server.name if own.server else None,
            lambda name, user: server_named(name) if name else None,
            default=None,
        ),
        *shown_only(DomainDns, "version changed_at"),
    ]
    orderings = {"domain": ("domain_id",)}
    filters = {"domain": OF_DOMAIN}

    def rows(self, user: User) -> QuerySet[Any]:
        return DomainDns.objects.select_related("domain", "server")

    def lookup(self, key: str) -> Mapping[str, Any]:
        return {"domain__name": normalised_domain(key)}

    def key_values(self, key: str) -> Values:
        return {"domain": normalised_domain(key)}

    def key_of(self, row: Any) -> str:
        return str(row.domain.name)

    def domain_of(self, key: str) -> str:
        return normalised_domain(key)

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        return rows.filter(domain=domain_seen_by(user, text))

    def add(self, values: Values, by: Actor) -> Any:
        domain = sent_domain(values.pop("domain"), by)
        if DomainDns.objects.filter(domain=domain).exists():
            raise ValidationError({"domain": _("This domain has settings of its own already. Change those.")})
        return change_domain_dns(domain, **values, version=0, by=by)

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        return change_domain_dns(row.domain, **values, version=version, by=by)

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        forget_domain_dns(row, version=version, by=by)


class UpdateServers(Noun):
    """A name server that takes dynamic updates. Its secret is written and never shown."""

    name, slug, resource, words = "UpdateServer", "update-servers", "dns", gettext_lazy("Update servers")
    only_superusers = True
    fields = [
        key_field("name", gettext_lazy("The name of the key (TSIG)."), read=attrgetter("name")),
        Field(
            "address",
            partial(Text, max_length=45, help_text=gettext_lazy("Of the primary server, which takes updates.")),
            attrgetter("address"),
            required=True,
        ),
        *of_model(UpdateServer, "port algorithm for_all"),
        secret(gettext_lazy("The secret of the key, in base64. It is never shown.")),
        *shown_only(UpdateServer, "version changed_at"),
    ]
    orderings = {"name": ("name",)}
    service_names = {"secret": "password"}

    def rows(self, user: User) -> QuerySet[Any]:
        return UpdateServer.objects.all()

    def lookup(self, key: str) -> Mapping[str, Any]:
        return self.key_values(key)

    def key_values(self, key: str) -> Values:
        return {"name": key_name(key)}

    def add(self, values: Values, by: Actor) -> Any:
        return add_update_server(secret=values.pop("password", ""), **values, by=by)

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        return change_update_server(row, secret=values.pop("password", ""), **values, version=version, by=by)

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_update_server(row, version=version, by=by)

    def has_password(self, row: Any, password: str) -> bool:
        kept = UpdateSecret.objects.filter(server=row).first()
        return kept is not None and opened(kept.token) == password
