"""The DKIM keys of the domains: their public half. The panel and the command dkim move them on."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from api.fields import Text
from api.noun import OF_DOMAIN, Field, Noun, Values, domain_seen_by, key_field, shown_only
from domains.dkim_models import DkimKey
from domains.fields import normalised_domain


class DkimKeys(Noun):
    """No private key is in it, under no name."""

    name, slug, resource, words = "DkimKey", "dkim-keys", "domains", gettext_lazy("DKIM keys")
    is_read_only = True
    fields = [
        key_field("domain", gettext_lazy("The name of the domain."), read=attrgetter("domain.name")),
        key_field("selector", gettext_lazy("The name of the key in the DNS."), read=attrgetter("selector")),
        *shown_only(DkimKey, "algorithm state for_subdomains for_alias_domains"),
        Field("record_name", Text, attrgetter("record_name"), on=frozenset()),
        Field("record", Text, attrgetter("record_text"), on=frozenset()),
        Field("zone_line", Text, attrgetter("zone_line"), on=frozenset()),
        *shown_only(DkimKey, "created_at published_at signing_at retiring_at revoked_at gone_at changed_at"),
    ]
    orderings = {"domain": ("domain_id", "selector")}
    filters = {"domain": OF_DOMAIN}

    def rows(self, user: User) -> QuerySet[Any]:
        return DkimKey.objects.visible_to(user).select_related("domain")

    def lookup(self, key: str) -> Mapping[str, Any]:
        values = self.key_values(key)
        return {"domain__name": values["domain"], "selector": values["selector"]}

    def key_values(self, key: str) -> Values:
        domain, slash, selector = key.partition("/")
        if not slash:
            raise ValidationError(_("The key is a domain and a selector: example.org/s2026."))
        return {"domain": normalised_domain(domain), "selector": selector.strip().lower()}

    def key_of(self, row: Any) -> str:
        return f"{row.domain.name}/{row.selector}"

    def domain_of(self, key: str) -> str:
        return normalised_domain(key.partition("/")[0])

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        return rows.filter(domain=domain_seen_by(user, text))
