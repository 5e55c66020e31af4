"""How a service saves a row: checked, and with a sentence even when somebody saved the same a moment ago."""

from collections.abc import Collection

from django.db import IntegrityError, models, transaction


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
