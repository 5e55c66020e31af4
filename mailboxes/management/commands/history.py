"""What was done, by whom and through which door, from the shell; and how it is undone."""

import re
from argparse import ArgumentTypeError
from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models.fields.json import KT
from django.utils.translation import gettext as _

from accounts.actors import Door
from accounts.commands import CHUNK, NounCommand, Options, at_least_one, in_words, stream
from accounts.history_reading import Event, undone_by
from accounts.models import ChangeSet
from domains.fields import normalised_domain
from mailboxes.undo import Preview, preview_of_undo, undo_change_set

SHOWN, WHOLE = 8, 32  # hexadecimal digits of a number


class Command(NounCommand):
    help = _("List what was done, the last first, and undo it.")

    def add_verbs(self) -> None:
        changes = self.verb("list", _("List what was done, the last first."))
        changes.add_argument("--domain", metavar="DOMAIN", help=_("What touched this domain; it may be gone since."))
        changes.add_argument("--limit", type=at_least_one, default=50, metavar="N", help=_("This many at most."))
        undo = self.verb("undo", _("Undo a change set, all of it or nothing; the undo can be undone as well."))
        undo.add_argument("id", type=_beginning, metavar="ID", help=_("As “history list” prints it."))
        undo.add_argument("--dry-run", action="store_true", help=_("Only say what would happen."))
        undo.add_argument("--yes", action="store_true", help=_("Do not ask."))

    def do_list(self, options: Options) -> None:
        changes = ChangeSet.objects.order_by("-created_at", "id")
        if options["domain"]:
            name = normalised_domain(options["domain"])  # perhaps of a domain that is gone
            changes = changes.alias(domain_name=KT("metadata__domain")).filter(domain_name=name)
        rows = _rows(stream(changes, options["limit"]))
        columns = {"id": SHOWN, "at": 23, "who": 20, "door": 12, "sentence": 0}
        self.table(rows if options["json"] else map(_for_people, rows), columns, options)

    def do_undo(self, options: Options) -> None:
        change_set = _found(options["id"])
        preview = preview_of_undo(change_set, by=self.by)
        if preview.obstacles:
            raise ValidationError(preview.obstacles)
        row = {"undid": change_set.pk, "sentence": change_set.sentence, "change_set": None}
        if options["dry_run"]:
            changes = "\n".join(_changes_in_words(preview))
            self.done(changes, row | {"would_change": list(map(_json, preview.events))}, options)
            return
        question = _("Undo “%(sentence)s”?") % {"sentence": change_set.sentence}
        self.make_sure(question, _changes_in_words(preview), options)
        row["change_set"] = undo_change_set(change_set, by=self.by)
        for remark in preview.remarks:
            self.remark(remark)
        self.done(_("Undid: %(sentence)s.") % {"sentence": change_set.sentence}, row, options)


def _beginning(text: str) -> str:
    """The digits of a number, or the first of them."""
    digits = text.replace("-", "").lower()
    if not re.fullmatch(rf"[0-9a-f]{{{SHOWN},{WHOLE}}}", digits):
        raise ArgumentTypeError(_("Type it as “history list” prints it."))
    return digits


def _found(beginning: str) -> ChangeSet:
    first, last = (UUID(beginning.ljust(WHOLE, digit)) for digit in "0f")
    found = ChangeSet.objects.filter(pk__range=(first, last))[:2]
    if not found:
        raise ValidationError(_("There is no change set %(id)s.") % {"id": beginning})
    if len(found) > 1:
        sentence = _("More than one change set begins with %(id)s. “history list --json” prints the whole numbers.")
        raise ValidationError(sentence % {"id": beginning})
    return found[0]


def _changes_in_words(preview: Preview) -> list[str]:
    """One line for each thing: added, changed or deleted, and its fields before and after."""
    lines = []
    for event in preview.events:
        fields = ", ".join(f"{name}: {in_words(old)} → {in_words(new)}" for name, old, new in event.changes)
        if fields:
            lines.append(f"{event.kind_in_words}  {event.noun} {event.subject}  {fields}")
    return lines + preview.remarks


def _json(event: Event) -> dict[str, Any]:
    return {"kind": event.kind, "noun": event.model._meta.model_name, "subject": event.subject}


def _rows(change_sets: Iterator[ChangeSet]) -> Iterator[dict[str, Any]]:
    while some := list(islice(change_sets, CHUNK)):
        undone = undone_by([change_set.pk for change_set in some])
        for change_set in some:
            yield _row(change_set) | {
                "undid": change_set.value("undid") or None,
                "undone_by": undone.get(change_set.pk),
            }


def _row(change_set: ChangeSet) -> dict[str, Any]:
    keys = ("who", "token", "door", "host", "verb", "noun", "label", "domain")
    return {
        "id": change_set.pk,
        "at": change_set.created_at,
        "sentence": change_set.sentence,
        **{key: change_set.value(key) for key in keys},
    }


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    who = f"{row['who'] or '-'}@{row['host']}" if row["host"] else row["who"]
    door = Door(row["door"]).label if row["door"] in Door.values else row["door"]
    return row | {"id": row["id"].hex[:SHOWN], "at": in_words(row["at"]), "who": who, "door": str(door)}
