"""Values as JSON has them: a truth is true or false, a number a number, a text a text. Rules are not here: services and
models have them."""

import re
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class Truth(serializers.BooleanField):
    default_error_messages = {"invalid": _("This must be true or false.")}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class WholeNumber(serializers.IntegerField):
    default_error_messages = {"invalid": _("This must be a whole number.")}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class Text(serializers.CharField):
    default_error_messages = {"invalid": _("This must be a text."), "blank": _("This cannot be empty.")}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": False, **options})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Moment(serializers.DateTimeField):
    """A time as RFC 3339 has it. A day alone, or a time without its zone, is another one for each reader."""

    SHAPE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
    default_error_messages = {"invalid": _("This must be a time as RFC 3339 has it: 2026-01-31T12:00:00Z.")}

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str) or not self.SHAPE.fullmatch(value):
            self.fail("invalid")
        return super().to_internal_value(value.upper())


class Texts(serializers.ListField):
    child = Text()


def like(model: type[models.Model], name: str, **options: Any) -> serializers.Field[Any, Any, Any, Any]:
    """A field of the API for one of a model: its type, its words, whether it may be empty."""
    column: Any = model._meta.get_field(name)
    options = {"help_text": str(column.help_text or column.verbose_name), "allow_null": column.null} | options
    if column.choices:
        return serializers.ChoiceField(choices=column.flatchoices, allow_blank=column.blank, **options)
    if isinstance(column, models.BooleanField):
        return Truth(**options)
    if isinstance(column, models.IntegerField):
        return WholeNumber(**options)
    if isinstance(column, models.DateTimeField):
        return Moment(**options)
    if isinstance(column, models.CharField | models.TextField):
        return Text(allow_blank=column.blank, max_length=column.max_length, **options)
    raise TypeError(f"the API has no kind of value for {column}")
