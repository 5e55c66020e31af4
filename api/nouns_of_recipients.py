"""Which class mail to somebody meets, and who may write to an alias."""

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
from accounts.saving import said_at
from api.fields import Text, Texts
from api.noun import OF_DOMAIN, Field, Noun, Values, acting, domain_seen_by, key_field, shown_only
from domains.fields import normalised_domain, shown
from domains.models import Domain
from mailboxes.models import Address, Alias
from mailboxes.parsing import parse_address
from restrictions import access_main_cf
from restrictions.access_models import ProtectedAlias, RecipientClass, Writers
from restrictions.access_services import NO_CLASS, choose_class, protect_alias, version_of_choice

EVERYBODY = "*"


def _at_address(text: str) -> Values:
    """How what hangs on an address is found."""
    address = parse_address(text, may_be_whole_domain=True)
    return {"address__domain__name": address.domain, "address__local_part": address.local_part}


class RecipientClasses(Noun):
    """The class that mail to an address, to a domain or to everybody else meets."""

    name, slug, resource = "RecipientClass", "recipient-classes", "restrictions"
    words = gettext_lazy("Restriction classes of recipients")
    only_superusers = True
    main_cf = (access_main_cf,)
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
    filters = {"of_class": gettext_lazy("The name of a restriction class: only who meets that.")}

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

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        return rows.filter(of_class__name=text)

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
        with said_at("recipient"):
            domain = domain_seen_by(user, address.domain)
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
    main_cf = (access_main_cf,)
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
