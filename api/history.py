"""What the history says to programs: the nouns as in URLs, the fields by their names there, the values as stored."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import Model
from pghistory.core import event_models
from rest_framework.request import Request

from accounts.history_reading import Event, Names, Row, events_of, latest_events
from accounts.models import ChangeSet, User
from api.access import has_scope
from api.scopes import READ
from domains.history import events_visible_to
from mailboxes.models import Address, Alias, Mailbox, RelayRecipient

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
# Under which scope these rows are, which no noun of the API has.
SCOPES = {
    "quarantined-addresses": "mailboxes",
    "broadcasts": "mailboxes",
    "tokens": "people",
}
ON_ADDRESSES: tuple[tuple[str, type[Model]], ...] = (
    ("mailboxes", Mailbox),
    ("aliases", Alias),
    ("relay_recipients", RelayRecipient),
)
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


def changes_of(change_sets: list[UUID], request: Request) -> dict[str, Any]:
    """What was added, changed and deleted; of that, what the reader may see. What the token has no scope for is named,
    without its values."""
    reader = request.user
    found = events_of(change_sets, limit=EVENTS_SHOWN + 1)
    events = [event for number in change_sets for event in found.get(number, [])]
    is_visible = events_visible_to(reader)
    shown = [event for event in events[:EVENTS_SHOWN] if is_visible(event)]
    usernames = _usernames(shown)
    return {
        "changes": [_change(event, usernames, request) for event in shown],
        "is_cut": len(events) > EVENTS_SHOWN,
    }


def noun_of(model: type[Model], row: Row) -> str:
    name = model.__name__
    if name in NOUNS_BY_ROW:
        return NOUNS_BY_ROW[name](row)
    return NOUNS.get(name) or _slugs()[name]


def scopes_of(noun: str) -> list[str]:
    """One of these is needed to see rows of a noun."""
    if noun == "addresses":
        return [resource for resource, _model in ON_ADDRESSES]
    return [_resources().get(noun) or SCOPES[noun]]


def scopes_to_undo(change_set: ChangeSet) -> set[str]:
    """All of these are needed to take back what a change set did: those of every noun that it touched."""
    found: set[str] = set()
    for table in event_models():
        model: type[Model] = table.pgh_tracked_model  # type: ignore[attr-defined]
        rows = table._default_manager.filter(pgh_context_id=change_set.pk)
        if model is Address:  # whoever was renamed goes back, with all that has the name
            ids = rows.values("pgh_obj_id")
            found |= {one for one, on_it in ON_ADDRESSES if on_it._default_manager.filter(address__in=ids).exists()}
        elif rows.exists():
            # Of people, an undo only takes back the rows with which owners sign in, and these belong to a mailbox.
            found |= {"mailboxes"} if model is User else {*scopes_of(noun_of(model, defaultdict(str)))}
    return found


@cache
def _slugs() -> dict[str, str]:
    from api.nouns import NOUNS as all_nouns  # which need what this module is for

    return {noun.name: noun.slug for noun in all_nouns}


@cache
def _resources() -> dict[str, str]:
    from api.nouns import NOUNS as all_nouns

    return {noun.slug: noun.resource for noun in all_nouns}


def _usernames(events: list[Event]) -> Names:
    """For people the history has their full names, which do not find them."""
    people = {pk for event in events for model, pk in event.names if model is User}
    return {(User, pk): username for pk, (username,) in latest_events(User, people, "username").items()}


def _change(event: Event, usernames: Names, request: Request) -> dict[str, Any]:
    noun = noun_of(event.model, event.after or event.before or {})
    named = {"kind": event.kind, "noun": noun, "subject": event.subject, "fields": None}
    if not any(has_scope(request, resource, READ) for resource in scopes_of(noun)):
        return named
    stored = replace(event, names={**event.names, **usernames}).stored_changes
    return named | {
        "fields": [
            {"name": FIELDS.get((noun, name), name), "before": before, "after": after} for name, before, after in stored
        ],
    }
