"""What the history says to programs: the nouns as in URLs, the fields by their names there, the values as stored."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import Model

from accounts.history_reading import Event, Names, Row, events_of, latest_events
from accounts.models import User
from domains.history import events_visible_to

EVENTS_SHOWN = 500  # of one change set

# Rows that are a part of a noun, or have no URL of their own under the name of their model.
NOUNS = {
    "User": "people",
    "Address": "addresses",
    "AliasDestination": "aliases",
    "QuarantinedAddress": "quarantined-addresses",
    "Broadcast": "broadcasts",
    "Token": "tokens",
    "PublishedRecord": "dns-records",
    "NamedWriter": "protected-aliases",
}
# Rows of one table that several nouns have.
NOUNS_BY_ROW: dict[str, Callable[[Row], str]] = {
    "Restriction": lambda row: "restriction-classes" if row["in_class_id"] else "restriction-lists",
    "AccessRule": lambda row: (
        "access-table-rules" if row["table_id"] else "domain-access-rules" if row["domain_id"] else "access-rules"
    ),
}
FIELDS = {
    ("people", "is_active"): "active",
    ("domain-admins", "user"): "username",
    ("protected-aliases", "key"): "named",
}


def changes_of(change_sets: list[UUID], reader: User) -> dict[str, Any]:
    """What was added, changed and deleted; of that, what the reader may see."""
    found = events_of(change_sets, limit=EVENTS_SHOWN + 1)
    events = [event for number in change_sets for event in found.get(number, [])]
    is_visible = events_visible_to(reader)
    shown = [event for event in events[:EVENTS_SHOWN] if is_visible(event)]
    usernames = _usernames(shown)
    return {
        "changes": [_change(event, usernames) for event in shown],
        "is_cut": len(events) > EVENTS_SHOWN,
    }


def noun_of(model: type[Model], row: Row) -> str:
    name = model.__name__
    if name in NOUNS_BY_ROW:
        return NOUNS_BY_ROW[name](row)
    return NOUNS.get(name) or _slugs()[name]


@cache
def _slugs() -> dict[str, str]:
    from api.nouns import NOUNS as all_nouns  # which need what this module is for

    return {noun.name: noun.slug for noun in all_nouns}


def _usernames(events: list[Event]) -> Names:
    """For people the history has their full names, which do not find them."""
    people = {pk for event in events for model, pk in event.names if model is User}
    return {(User, pk): username for pk, (username,) in latest_events(User, people, "username").items()}


def _change(event: Event, usernames: Names) -> dict[str, Any]:
    noun = noun_of(event.model, event.after or event.before or {})
    stored = replace(event, names={**event.names, **usernames}).stored_changes
    return {
        "kind": event.kind,
        "noun": noun,
        "subject": event.subject,
        "fields": [
            {"name": FIELDS.get((noun, name), name), "before": before, "after": after} for name, before, after in stored
        ],
    }
