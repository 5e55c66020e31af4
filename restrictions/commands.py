"""What the commands about restrictions share: how a list and an entry are named, and how they are printed."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.commands import NounCommand
from domains.fields import shown
from restrictions.access_main_cf import Classes
from restrictions.catalogue import STAGES
from restrictions.main_cf import Parameter, remark_since, written
from restrictions.models import Restriction, RestrictionClass


class ListCommand(NounCommand):
    """A command after which main.cf may have to be written again."""

    def say_what_main_cf_needs(self, before: tuple[Parameter, ...]) -> None:
        sentence = remark_since(before)
        if sentence:
            self.remark(sentence)


def place_of(name: str) -> str | RestrictionClass:
    """The list that is called so: a stage, or a class."""
    return name if name in STAGES else class_of(name)


def class_of(name: str) -> RestrictionClass:
    one = RestrictionClass.objects.filter(name=name).first()
    if one is None:
        raise ValidationError(
            _("There is no stage and no restriction class “%(name)s”. Stages are: %(stages)s.")
            % {"name": shown(name), "stages": ", ".join(STAGES)}
        )
    return one


def entries_of(place: str | RestrictionClass) -> list[Restriction]:
    rows = Restriction.objects.select_related("in_class", "of_class", "access_table").order_by("position")
    return list(rows.filter(stage=place) if isinstance(place, str) else rows.filter(in_class=place))


def row_of(entry: Restriction, number: int, defined: Classes) -> dict[str, Any]:
    """`number` is its place in the list, from 1."""
    return {
        "list": entry.in_class.name if entry.in_class else entry.stage,
        "place": number,
        "name": entry.called,
        "argument": entry.takes,
        "warn_only": entry.warn_only,
        "active": entry.active,
        "comment": entry.comment,
        "main_cf": written(entry, defined),
        "version": entry.version,
        "created_at": entry.created_at,
        "changed_at": entry.changed_at,
    }
