"""What one noun of the API is made of. api/nouns.py holds them; views, schema and documentation are the same for all.

A new field is a word in `fields`; a new noun is a class with its fields, how a key finds a row, and its services."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from accounts.actors import Actor
from accounts.models import User
from accounts.saving import said_at
from api.fields import Text, like
from domains.fields import normalised_domain
from domains.models import Domain

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Values = dict[str, Any]
ACTIVE = gettext_lazy("true or false.")
OF_DOMAIN = gettext_lazy("The name of a domain: only what belongs to it.")
STAYS: Any = object()  # what a PUT without this field means for a thing that is there already

ADD, PUT, CHANGE, SHOW = "Add", "Put", "Change", ""


@dataclass(frozen=True)
class Field:
    """One member of the JSON object. `kind` makes the serializer's field, `read` takes the value out of a row (None: it
    is written, never shown), `clean` makes of what was sent what services take. What a PUT leaves out becomes
    `default`. `only_superusers` may change it. `moves`: it changes by itself, or by mail."""

    name: str
    kind: Callable[..., Any]
    read: Callable[[Any], Any] | None = None
    clean: Callable[[Any, User], Any] | None = None
    on: frozenset[str] = frozenset({ADD, PUT, CHANGE})
    required: bool = False
    default: Any = STAYS
    only_superusers: bool = False
    is_key: bool = False
    moves: bool = False

    def serializer_field(self, purpose: str) -> Any:
        if purpose == SHOW:
            return self.kind(read_only=True)
        # The URL of a PUT says the key already.
        required = purpose == ADD if self.is_key else self.required and purpose != CHANGE
        return self.kind(required=required, **({"write_only": True} if self.read is None else {}))


def of_model(model: type[Model], names: str, **options: Any) -> list[Field]:
    """Fields that are columns of the model."""
    return [
        Field(name, partial(like, model, name), attrgetter(name), default=_default_of(model, name), **options)
        for name in names.split()
    ]


def shown_only(model: type[Model], names: str, *, moves: bool = False) -> list[Field]:
    return of_model(model, names, on=frozenset(), moves=moves)


def key_field(
    name: str,
    help_text: "StrOrPromise",
    *,
    read: Callable[[Any], Any] = str,
    kind: Callable[..., Any] = Text,
    may_change: bool = False,
) -> Field:
    """The name by which the thing is found in a URL, or a part of it."""
    on = frozenset({ADD, PUT, CHANGE} if may_change else {ADD, PUT})
    return Field(name, partial(kind, help_text=help_text), read, on=on, is_key=True)


def secret(help_text: Any) -> Field:
    """A password: it is sent and never shown. A PUT without it leaves it as it is."""
    return Field("password", partial(Text, allow_blank=False, max_length=255, help_text=help_text))


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


def sent_domain(text: str, by: Actor) -> Domain:
    """The domain in the body of a request; what is wrong with it is said of that field."""
    with said_at("domain"):
        return domain_seen_by(acting(by), text)


def plain(body: Any) -> Any:
    """REST framework gives the empty form of a browser where nothing was sent."""
    return {} if isinstance(body, QueryDict) else body


def acting(by: Actor) -> User:
    assert by.user is not None  # noqa: S101  nobody else gets in (api/access.py)
    return by.user


def _default_of(model: type[Model], name: str) -> Any:
    column: Any = model._meta.get_field(name)
    if column.has_default() and not callable(column.default):
        return column.default
    if column.null:
        return None
    return "" if column.blank else STAYS


class Noun:
    """A kind of thing. `slug` stands in URLs, `resource` in scopes, `name` in the schema."""

    name: str
    slug: str
    resource: str
    words: "StrOrPromise"  # the plural, for people
    fields: list[Field]
    # What `ordering=` takes, the first one being usual: columns that are unique together, with an index behind them.
    orderings: Mapping[str, tuple[str, ...]]
    ordered_in_domain: ClassVar[str] = ""  # the ordering that has its index only within one domain
    filters: Mapping[str, "StrOrPromise"] = {}
    searches: ClassVar["StrOrPromise"] = ""  # what `search=` looks for
    service_names: ClassVar[Mapping[str, str]] = {}  # a service's name for a field -> ours
    only_superusers: ClassVar[bool] = False
    added_by_superusers: ClassVar[bool] = False  # and deleted
    is_single: ClassVar[bool] = False
    can_change: ClassVar[bool] = True
    is_read_only: ClassVar[bool] = False
    is_only_deleted: ClassVar[bool] = False  # read as well; adding and changing is for pages

    # Reading

    def rows(self, user: User) -> QuerySet[Any]:
        """What this person may see, with all that showing a row needs."""
        raise NotImplementedError

    def listed(self, user: User) -> QuerySet[Any]:
        """The same rows, for a list."""
        return self.rows(user)

    def find(self, user: User, key: str) -> Any:
        """The row of this key, or None. A text that cannot be a key raises ValidationError."""
        return self.rows(user).filter(**self.lookup(key)).first()

    def lookup(self, key: str) -> Mapping[str, Any]:
        """How a key is found in the database, in whatever spelling it came."""
        raise NotImplementedError

    def key_values(self, key: str) -> Values:
        """The fields that the key stands for, in the normal spelling."""
        raise NotImplementedError

    def key_of(self, row: Any) -> str:
        return str(row)

    def domain_of(self, key: str) -> str:
        """The domain that the history names; "" for none."""
        return ""

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        raise NotImplementedError

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        raise NotImplementedError

    # Writing

    def add(self, values: Values, by: Actor) -> Any:
        raise NotImplementedError

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        raise NotImplementedError

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        raise NotImplementedError

    def lost_with(self, row: Any, user: User) -> list[str]:
        """Sentences about what a deletion takes or leaves behind, as its page has them."""
        return []

    def version_of(self, row: Any) -> Any:
        """What services hold against the row, so that nobody overwrites what they have not seen. What is nothing but
        its key never changes."""
        return row.version if self.can_change else None

    def has_password(self, row: Any, password: str) -> bool:
        """Whether this is the password already, so that setting it changes nothing."""
        return False

    # What follows from that

    def shown(self, row: Any) -> Values:
        return {field.name: field.read(row) for field in self.fields if field.read}

    def at_rest(self, row: Any) -> Values:
        """What changes only when somebody changes something."""
        return {field.name: field.read(row) for field in self.fields if field.read and not field.moves}

    def serializer_for(self, purpose: str) -> type[serializers.Serializer[Any]]:
        """The same class each time it is asked for: the schema names its parts by it."""
        if (self.name, purpose) not in _serializers:
            bases, members = (NounSerializer,), {"noun": self, "purpose": purpose, "__doc__": None}
            _serializers[self.name, purpose] = type(f"{self.name}{purpose}Serializer", bases, members)
        return _serializers[self.name, purpose]

    def read_body(self, body: Any, purpose: str) -> Values:
        """What was sent, with true types and no unknown names. Raises the serializer's ValidationError."""
        serializer = self.serializer_for(purpose)(data=plain(body))
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def cleaned_for(self, values: Values, row: Any | None, user: User) -> Values:
        """What services take. All faults at once."""
        by_name, faults, cleaned = {field.name: field for field in self.fields}, {}, {}
        for name, value in values.items():
            clean = by_name[name].clean
            try:
                cleaned[name] = clean(value, user) if clean else value
            except ValidationError as error:
                faults[name] = error.messages
        if faults:
            raise ValidationError(faults)
        return cleaned if user.is_superuser else self._without_superusers_fields(cleaned, row)

    def _without_superusers_fields(self, values: Values, row: Any | None) -> Values:
        """A domain admin may send back what is there, and change the rest."""
        reserved = {field.name: field for field in self.fields if field.only_superusers and field.name in values}
        for name, field in reserved.items():
            before = field.default if row is None else getattr(row, name)
            if values[name] != before:
                raise ValidationError({name: ValidationError(_("Only a superuser changes this."), code="forbidden")})
        return {name: value for name, value in values.items() if name not in reserved}

    def defaults_for(self, user: User) -> Values:
        """What a PUT makes of the fields that it leaves out."""
        return {
            field.name: field.default
            for field in self.fields
            if PUT in field.on and field.default is not STAYS and (user.is_superuser or not field.only_superusers)
        }

    def normal_key_value(self, name: str, value: str) -> Any:
        """A part of the key as it was sent, in the normal spelling."""
        return self.key_values(value)[name]


class OnlyRow(Noun):
    """Settings that are one row: no list and no key."""

    model: type[Model]
    only_superusers, is_single = True, True
    orderings: Mapping[str, tuple[str, ...]] = {}

    def rows(self, user: User) -> QuerySet[Any]:
        return self.model._default_manager.all()

    def lookup(self, key: str) -> Mapping[str, Any]:
        return {"pk": 1}

    def key_values(self, key: str) -> Values:
        return {}


_serializers: dict[tuple[str, str], type[serializers.Serializer[Any]]] = {}


class NounSerializer(serializers.Serializer[Any]):
    """The fields of a noun for one purpose: to show, to add, to put, to change."""

    noun: ClassVar[Noun]
    purpose: ClassVar[str]

    def get_fields(self) -> dict[str, Any]:
        wanted = (
            [field for field in self.noun.fields if field.read]
            if self.purpose == SHOW
            else [field for field in self.noun.fields if self.purpose in field.on]
        )
        return {field.name: field.serializer_field(self.purpose) for field in wanted}

    def to_internal_value(self, data: Any) -> Any:
        """What is only shown may be sent back as it was; an unknown name is a slip of the pen."""
        refuse_unknown_fields(data, {field.name for field in self.noun.fields}, self.fields)
        return super().to_internal_value(data)


def refuse_unknown_fields(data: Any, names: Collection[str], offered: Iterable[str]) -> None:
    unknown = sorted(set(data) - set(names)) if isinstance(data, Mapping) else []
    if unknown:
        sentence = _("There is no field of this name. Known are: %(known)s.") % {"known": ", ".join(offered)}
        raise serializers.ValidationError(dict.fromkeys(unknown, sentence), code="unknown_field")
