"""JSON as it comes in: of a size that fits, and nothing in it that PostgreSQL cannot be asked about."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

LARGEST = 2**63 - 1


class PlainJSON(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        body: bytes = stream.body  # Django refuses what is larger than DATA_UPLOAD_MAX_MEMORY_SIZE
        try:
            value = json.loads(body.decode(), parse_constant=_refuse_constant)
            _refuse_strange(value)
        except (ValueError, RecursionError) as error:  # UnicodeDecodeError is one
            raise ParseError(_("This is not JSON that can be read: %(fault)s.") % {"fault": _fault(error)}) from error
        return value


def _fault(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return _("line %(line)d, column %(column)d") % {"line": error.lineno, "column": error.colno}
    if isinstance(error, RecursionError):
        return _("it is nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return _("it is not UTF-8")
    return str(error)


def _refuse_constant(name: str) -> Any:
    raise ValueError(_("%(name)s is no number") % {"name": name})


def _refuse_strange(value: Any) -> None:
    if isinstance(value, str):
        refuse_strange_text(value)
    elif isinstance(value, dict):
        for name, one in value.items():
            refuse_strange_text(name)
            _refuse_strange(one)
    elif isinstance(value, list):
        for one in value:
            _refuse_strange(one)
    elif isinstance(value, int | float) and abs(value) > LARGEST:
        raise ValueError(_("a number is too large"))


def refuse_strange_text(text: str) -> None:
    """NUL cannot be stored, and half of a surrogate pair is no letter."""
    if "\0" in text:
        raise ValueError(_("a text holds a NUL character"))
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError(_("a text holds half a letter"))
