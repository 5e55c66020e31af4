"""Every write about local users: those of the mail host become rows, so that unknown ones are refused at the door."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import recorded
from mailboxes.destinations import lock_alias_graph
from mailboxes.models import LOCAL_USER, LocalUser
from mailboxes.parsing import LONGEST_LOCAL_PART
from mailboxes.relay import named


@dataclass(frozen=True)
class Difference:
    """What an import changes, by name; `skipped` are names that Postfix could not ask for."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    skipped: list[str]

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.removed)


def difference_to(users: Mapping[str, int]) -> Difference:
    """What is other than in `users` (name -> uid). Raises ValidationError if there is none that could get mail."""
    wanted = _that_get_mail(users)
    if not wanted:
        raise ValidationError(_("There is no user to whom mail could go. Nothing was changed."))
    there = dict(LocalUser.objects.values_list("name", "uid"))
    return Difference(
        added=sorted(set(wanted) - set(there)),
        changed=sorted(name for name in wanted if name in there and there[name] != wanted[name]),
        removed=sorted(set(there) - set(wanted)),
        skipped=sorted(set(users) - set(wanted)),
    )


def import_local_users(users: Mapping[str, int], *, by: Actor) -> Difference:
    """Makes the local users those of `users` (name -> uid); who is no longer there goes. One change set, and none where
    nothing differs."""
    difference = difference_to(users)
    if difference.is_empty:
        return difference
    label = named([*difference.added, *difference.changed, *difference.removed])
    with recorded("import", "local_users", label, by=by):
        lock_alias_graph()
        difference = difference_to(users)
        LocalUser.objects.filter(name__in=difference.removed).delete()
        for name in difference.changed:
            LocalUser.objects.filter(name=name).update(uid=users[name])
        LocalUser.objects.bulk_create(
            [LocalUser(name=name, uid=users[name]) for name in difference.added], batch_size=5000
        )
    return difference


def _that_get_mail(users: Mapping[str, int]) -> dict[str, int]:
    return {
        name: uid for name, uid in users.items() if re.fullmatch(LOCAL_USER, name) and len(name) <= LONGEST_LOCAL_PART
    }
