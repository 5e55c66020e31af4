"""How a model is written into the history: statement triggers, so that bulk changes are seen too."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import pghistory
from django.db import models

Model = TypeVar("Model", bound=type[models.Model])


def tracked(
    *, exclude: Sequence[str] = (), manual: Sequence[str] = (), fields_only: bool = False
) -> Callable[[Model], Model]:
    """Tracks a model's inserts, updates and deletions. `exclude` names columns that are secret or of no interest,
    `manual` names events that a service writes itself (a changed password: the hash must not be in the history).
    `fields_only`: the table has a column that is no field, and a change of that alone is none."""

    def decorate(model: Model) -> Model:
        # Named one by one, and without the key, which never changes: named all they would become `*`, any column.
        fields = [one.name for one in model._meta.concrete_fields if not one.primary_key]
        condition = pghistory.AnyChange(*fields) if fields_only else pghistory.AnyChange()
        track: Callable[[Model], Model] = pghistory.track(
            pghistory.InsertEvent("added", level=pghistory.Statement),
            pghistory.UpdateEvent("changed", level=pghistory.Statement, condition=condition),
            pghistory.DeleteEvent("deleted", level=pghistory.Statement),
            *(pghistory.ManualEvent(label) for label in manual),
            exclude=list(exclude) or None,
        )
        return track(model)

    return decorate
