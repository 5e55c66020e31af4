"""How a model is written into the history: statement triggers, so that bulk changes are seen too."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import pghistory
from django.db import models

Model = TypeVar("Model", bound=type[models.Model])


def tracked(*, exclude: Sequence[str] = (), manual: Sequence[str] = ()) -> Callable[[Model], Model]:
    """Tracks a model's inserts, updates and deletions. `exclude` names columns that are secret or of no interest,
    `manual` names events that a service writes itself (a changed password: the hash must not be in the history)."""
    return pghistory.track(
        pghistory.InsertEvent("added", level=pghistory.Statement),
        pghistory.UpdateEvent("changed", level=pghistory.Statement),
        pghistory.DeleteEvent("deleted", level=pghistory.Statement),
        *(pghistory.ManualEvent(label) for label in manual),
        exclude=list(exclude) or None,
    )
