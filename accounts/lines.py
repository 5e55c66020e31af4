"""Texts of one line: names, comments and descriptions."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db import models
from django.utils.translation import gettext as _

# Those of C0 and C1, with line breaks and ESC; those of Unicode that break a line; those that turn the direction of
# what follows (Unicode Standard Annex 9), by which a name reads as another one. NUL has a sentence of its own.
STRANGE = re.compile("[\x01-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def refuse_control_characters(text: str) -> None:
    """In a mail, a header or a terminal they would do something."""
    if STRANGE.search(text):
        raise ValidationError(_("Line breaks and control characters cannot stand here. Remove them."))


def in_one_line(text: str) -> str:
    """What comes from elsewhere, with blanks instead of what could not be saved."""
    return STRANGE.sub(" ", text).strip()


class LineField(models.CharField):  # type: ignore[type-arg]
    """A text of one line. To migrations it is a CharField: what it refuses is no matter of the database."""

    default_validators = [refuse_control_characters]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"validators": [ProhibitNullCharactersValidator()], **options})

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, _path, args, options = super().deconstruct()
        return str(name), "django.db.models.CharField", args, options
