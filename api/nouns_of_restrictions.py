"""Restriction lists and classes: each is sent as a whole, with its entries in order."""

from collections.abc import Iterable, Mapping
from functools import partial
from operator import attrgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Max, Prefetch, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from accounts.actors import Actor
from accounts.models import User
from api.fields import Text, Texts, Truth
from api.noun import Field, Noun, Values, key_field, of_model, shown_only
from restrictions import main_cf as restrictions_main_cf
from restrictions.catalogue import STAGES, parameter_of
from restrictions.class_use import chosen_of, with_chosen
from restrictions.lists import names_of_lists
from restrictions.models import NO_CLASS_NAME, Restriction, RestrictionClass
from restrictions.services import NO_LIST, add_class, change_class, delete_class, set_list, version_of_list


class RestrictionEntrySerializer(serializers.Serializer[Any]):
    """One entry of a list."""

    name = Text(help_text=gettext_lazy("A restriction of Postfix, or a restriction class."))
    argument = Text(
        required=False,
        allow_blank=True,
        max_length=500,
        help_text=gettext_lazy("What the restriction takes, if it does."),
    )
    warn_only = Truth(
        required=False,
        help_text=gettext_lazy("Writes into the mail log what it would refuse, and refuses nothing."),
    )
    active = Truth(required=False, help_text=gettext_lazy("What is inactive is not written to main.cf."))
    comment = Text(required=False, allow_blank=True, max_length=500, help_text=gettext_lazy("Why it is there."))

    def to_internal_value(self, data: Any) -> Any:
        """An unknown name is a slip of the pen."""
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, Mapping) else []
        if unknown:
            sentence = _("There is no field of this name. Known are: %(known)s.") % {"known": ", ".join(self.fields)}
            raise serializers.ValidationError(dict.fromkeys(unknown, sentence), code="unknown_field")
        return super().to_internal_value(data)


def shown_entries(entries: Iterable[Restriction]) -> list[Values]:
    return [
        {
            "name": entry.called,
            "argument": entry.takes,
            "warn_only": entry.warn_only,
            "active": entry.active,
            "comment": entry.comment,
        }
        for entry in entries
    ]


def _in_order() -> QuerySet[Restriction]:
    """Entries with all that showing them needs."""
    return Restriction.objects.select_related("of_class", "access_table").order_by("position")


def _changed_at(stage: str) -> Any:
    return Restriction.objects.filter(stage=stage).aggregate(Max("changed_at"))["changed_at__max"]


ENTRIES = partial(RestrictionEntrySerializer, many=True, help_text=gettext_lazy("In order: the first decision wins."))


class RestrictionLists(Noun):
    """The list of a stage. Without one, what the mail host has stands."""

    name, slug, resource = "RestrictionList", "restriction-lists", "restrictions"
    words = gettext_lazy("Restriction lists")
    only_superusers = True
    main_cf = (restrictions_main_cf,)
    fields = [
        key_field(
            "stage",
            gettext_lazy("client, helo, sender, relay, recipient, data or end_of_data."),
            read=attrgetter("stage"),
        ),
        Field(
            "entries",
            partial(ENTRIES, allow_empty=False),
            lambda row: shown_entries(_in_order().filter(stage=row.stage)),
            required=True,
        ),
        Field("parameter", Text, lambda row: parameter_of(row.stage), on=frozenset()),
        Field("changed_at", serializers.DateTimeField, lambda row: _changed_at(row.stage), on=frozenset()),
    ]
    orderings = {"stage": ("stage",)}

    def rows(self, user: User) -> QuerySet[Any]:
        """One row of each list stands for all of it."""
        rows: QuerySet[Any] = Restriction.objects.filter(stage__isnull=False).order_by("stage").distinct("stage")
        return rows

    def lookup(self, key: str) -> Mapping[str, Any]:
        return self.key_values(key)

    def key_values(self, key: str) -> Values:
        if key not in STAGES:
            sentence = _("There is no stage “%(stage)s”. Known are: %(known)s.")
            raise ValidationError({"stage": sentence % {"stage": key, "known": ", ".join(STAGES)}})
        return {"stage": key}

    def key_of(self, row: Any) -> str:
        return str(row.stage)

    def add(self, values: Values, by: Actor) -> Any:
        stage = self.key_values(values["stage"])["stage"]
        if Restriction.objects.filter(stage=stage).exists():
            raise ValidationError({"stage": _("This stage has a list already. Change that one.")})
        return set_list(stage, values["entries"], version=NO_LIST, by=by)[0]

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        return set_list(row.stage, values["entries"], version=version, by=by)[0] if "entries" in values else row

    def version_of(self, row: Any) -> str:
        return version_of_list(row.stage)

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        set_list(row.stage, [], version=version, by=by)


class ChosenSerializer(serializers.Serializer[Any]):
    """How many addresses, domains and access rules a class was chosen for, and whether it is that of everybody else.
    `recipient-classes/?of_class=` lists the recipients."""

    addresses = serializers.IntegerField(read_only=True)
    domains = serializers.IntegerField(read_only=True)
    everybody = serializers.BooleanField(read_only=True)
    rules = serializers.IntegerField(read_only=True)


class RestrictionClasses(Noun):
    """A named list."""

    name, slug, resource = "RestrictionClass", "restriction-classes", "restrictions"
    words = gettext_lazy("Restriction classes")
    only_superusers = True
    main_cf = (restrictions_main_cf,)
    fields = [
        key_field("name", gettext_lazy("Small letters, digits and _."), read=attrgetter("name"), may_change=True),
        Field("entries", ENTRIES, lambda row: shown_entries(row.entries.all()), default=()),
        *of_model(RestrictionClass, "comment"),
        Field(
            "used_in",
            partial(Texts, help_text=gettext_lazy("The parameters of main.cf and the classes that name it.")),
            lambda row: names_of_lists(row.used_in.all()),
            on=frozenset(),
        ),
        Field("chosen_for", ChosenSerializer, lambda row: chosen_of(row).as_row, on=frozenset()),
        *shown_only(RestrictionClass, "version created_at changed_at"),
    ]
    orderings = {"name": ("name",)}

    def rows(self, user: User) -> QuerySet[Any]:
        """What a page of them shows takes as many statements as one of them does."""
        named_by = Restriction.objects.select_related("in_class")
        classes = RestrictionClass.objects.prefetch_related(
            Prefetch("entries", _in_order()), Prefetch("used_in", named_by)
        )
        return with_chosen(classes)

    def lookup(self, key: str) -> Mapping[str, Any]:
        return self.key_values(key)

    def key_values(self, key: str) -> Values:
        if not key.isascii() or not key.strip().isidentifier():
            raise ValidationError({"name": NO_CLASS_NAME})
        return {"name": key.strip()}

    def normal_key_value(self, name: str, value: str) -> Any:
        return value.strip()

    def add(self, values: Values, by: Actor) -> Any:
        return add_class(**values, by=by)

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        return change_class(row, **values, version=version, by=by)

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_class(row, version=version, by=by)
