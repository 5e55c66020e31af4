"""The nouns of the API, each with its fields and its services."""

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
from api.noun import Field, Noun, Values, key_field, of_model, shown_only
from domains.fields import normalised_domain
from domains.models import Domain
from domains.services import add_domain, change_domain
from mailboxes.removal import delete_domain

ACTIVE = gettext_lazy("true or false.")
OF_DOMAIN = gettext_lazy("The name of a domain: only what belongs to it.")


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
        *of_model(Domain, "any_recipient active", only_superusers=True),
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


NOUNS: list[Noun] = [Domains()]
BY_SLUG = {noun.slug: noun for noun in NOUNS}
