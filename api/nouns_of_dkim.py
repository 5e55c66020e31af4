"""The DKIM keys of the domains: their public half and their steps."""

from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from operator import attrgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.serializers import BooleanField

from accounts.actors import Actor
from accounts.history import recorded
from accounts.models import User
from accounts.saving import said_at
from api.fields import Text, Texts
from api.noun import (
    ADD,
    CHANGE,
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
from domains.dkim_hosts import SigningHost, forget_host
from domains.dkim_keys import PrivateKey, public_text, read_pem
from domains.dkim_models import DkimKey
from domains.dkim_services import COMES_FROM, change_dkim_key, delete_dkim_key, import_dkim_key, move_dkim_key
from domains.dkim_waits import to_do, wait_of
from domains.fields import normalised_domain


def _one_line(local_parts: list[str], _user: User) -> str:
    return " ".join(local_parts)


class DkimKeys(Noun):
    """No private key is ever shown, under no name; one is sent where a key is imported. The worker makes others:
    api/dkim_views.py."""

    name, slug, resource, words = "DkimKey", "dkim-keys", "domains", gettext_lazy("DKIM keys")
    added_by_superusers = True
    fields = [
        key_field("domain", gettext_lazy("The name of the domain."), read=attrgetter("domain.name")),
        key_field("selector", gettext_lazy("The name of the key in the DNS."), read=attrgetter("selector")),
        Field(
            "private_key",
            partial(Text, help_text=gettext_lazy("In PEM, as opendkim-genkey writes it. It is never shown again.")),
            on=frozenset({ADD, PUT}),
        ),
        *shown_only(DkimKey, "algorithm"),
        *of_model(DkimKey, "state", on=frozenset({CHANGE}), only_superusers=True),
        *of_model(DkimKey, "reason", on=frozenset({CHANGE}), only_superusers=True),
        *of_model(DkimKey, "for_subdomains for_alias_domains signs_by_itself", only_superusers=True),
        Field(
            "local_parts",
            partial(Texts, help_text=gettext_lazy("It signs only for these; empty: for every address.")),
            attrgetter("senders"),
            _one_line,
            default="",
            only_superusers=True,
        ),
        Field("to_do", Text, to_do, on=frozenset(), moves=True),
        Field("waits_for", Text, lambda key: wait.why if (wait := wait_of(key)) else "", on=frozenset(), moves=True),
        Field("record_name", Text, attrgetter("record_name"), on=frozenset()),
        Field("record", Text, attrgetter("record_text"), on=frozenset()),
        Field("zone_line", Text, attrgetter("zone_line"), on=frozenset()),
        Field("hosts", Texts, lambda key: sorted(one.host for one in key.on_hosts.all()), on=frozenset(), moves=True),
        *shown_only(DkimKey, "created_at published_at signing_at retiring_at revoked_at gone_at version changed_at"),
    ]
    orderings = {"domain": ("domain_id", "selector")}
    filters = {
        "domain": OF_DOMAIN,
        "to_do": gettext_lazy("true or false: whether it waits for a person."),
    }

    def rows(self, user: User) -> QuerySet[Any]:
        return DkimKey.objects.visible_to(user).select_related("domain", "wait").prefetch_related("on_hosts")

    def lookup(self, key: str) -> Mapping[str, Any]:
        values = self.key_values(key)
        return {"domain__name": values["domain"], "selector": values["selector"]}

    def key_values(self, key: str) -> Values:
        domain, slash, selector = key.partition("/")
        if not slash:
            raise ValidationError(_("The key is a domain and a selector: example.org/s2026."))
        return {"domain": normalised_domain(domain), "selector": selector.strip().lower()}

    def normal_key_value(self, name: str, value: str) -> Any:
        return normalised_domain(value) if name == "domain" else value.strip().lower()

    def key_of(self, row: Any) -> str:
        return f"{row.domain.name}/{row.selector}"

    def domain_of(self, key: str) -> str:
        return normalised_domain(key.partition("/")[0])

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        if name == "to_do":
            waiting = Q(wait__needs_person=True, wait__state=F("state"))
            return rows.filter(waiting if truth(text) else ~waiting)
        return rows.filter(domain=domain_seen_by(user, text))

    def add(self, values: Values, by: Actor) -> Any:
        domain = sent_domain(values.pop("domain"), by)
        return import_dkim_key(domain, values.pop("selector"), _sent(values), by=by, **values)

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        """A new state and other changes are one change set."""
        if pem := values.pop("private_key", ""):
            _refuse_another(row, pem)
        state, reason = values.pop("state", row.state), values.pop("reason", "")
        with recorded("change", "dkim_key", str(row), domain=row.domain.name, by=by) if values else nullcontext():
            if state != row.state:
                if state not in COMES_FROM:
                    raise ValidationError({"state": _("Nothing goes back to this state.")})
                row = move_dkim_key(row, state, reason=reason, version=version, by=by)
                version = None
            return change_dkim_key(row, version=version, by=by, **values) if values else row

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_dkim_key(row, version=version, by=by)


class SigningHosts(Noun):
    """opendkim_sync reports from there; a host that is gone is deleted here."""

    name, slug, resource, words = "SigningHost", "signing-hosts", "dns", gettext_lazy("Hosts that sign")
    only_superusers, is_only_deleted, can_change = True, True, False
    searches = gettext_lazy("names that begin like this")
    fields = [
        key_field("name", gettext_lazy("The name of the host, as opendkim_sync says it.")),
        *shown_only(SigningHost, "reported_at", moves=True),
        Field("is_silent", BooleanField, attrgetter("is_silent"), on=frozenset(), moves=True),
    ]
    orderings = {"name": ("name",)}

    def rows(self, user: User) -> QuerySet[Any]:
        return SigningHost.objects.all()

    def lookup(self, key: str) -> Mapping[str, Any]:
        return self.key_values(key)

    def key_values(self, key: str) -> Values:
        return {"name": key}

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return rows.filter(name__startswith=text)

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        forget_host(row, by=by)


def _sent(values: Values) -> str:
    pem = values.pop("private_key", "")
    if not pem:
        sentence = _("Send the private key. To let the worker make one, use dkim-generations.")
        raise ValidationError({"private_key": ValidationError(sentence, code="required")})
    _read(pem)
    return str(pem)


def _read(pem: str) -> PrivateKey:
    with said_at("private_key"):
        return read_pem(pem)


def _refuse_another(row: DkimKey, pem: str) -> None:
    if public_text(_read(pem)) != row.public_key:
        sentence = _("This selector has another key already. Take another selector.")
        raise ValidationError({"private_key": ValidationError(sentence, code="other_key")})
