"""How a service saves a row: checked, and with a sentence even when somebody saved the same a moment ago."""

from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

CHANGED_MEANWHILE = "changed_meanwhile"  # the code of such an error


def save_checked(row: models.Model, *, exclude: Collection[str] = ()) -> None:
    """`full_clean` cannot see what another transaction is about to commit; the unique index waits for it and refuses.
    The second check then finds it and says so in words (ValidationError)."""
    row.full_clean(exclude=exclude)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        row.full_clean(exclude=exclude)
        raise


def set_fields(row: models.Model, changeable: Collection[str], changes: Mapping[str, Any]) -> None:
    """Another field than these is a mistake of the caller (TypeError), and nothing is set."""
    if unknown := set(changes) - set(changeable):
        raise TypeError(f"{row._meta.verbose_name}: no field {', '.join(sorted(unknown))} that can be changed")
    for field, value in changes.items():
        setattr(row, field, value)


def refuse_other_version(version: int | str | None, now: int | str) -> None:
    """`version` is the one that a person saw; None asks for nothing. Called when the row is locked, so that nobody
    overwrites a colleague."""
    if version is not None and version != now:
        raise ValidationError(
            _("Somebody else changed this while you were typing. Nothing was saved; look at it and try again."),
            code=CHANGED_MEANWHILE,
        )


@contextmanager
def said_at(field: str) -> Generator[None]:
    """What is refused within is said at this field."""
    try:
        yield
    except ValidationError as error:
        raise ValidationError({field: error.messages}) from error
