"""What was done, by whom and through which door, from the shell."""

from typing import Any

from django.db.models.fields.json import KT
from django.utils.translation import gettext as _

from accounts.actors import Door
from accounts.commands import NounCommand, Options, at_least_one, in_words, stream
from accounts.models import ChangeSet
from domains.fields import normalised_domain


class Command(NounCommand):
    help = _("List what was done, the last first.")

    def add_verbs(self) -> None:
        changes = self.verb("list", _("List what was done, the last first."))
        changes.add_argument("--domain", metavar="DOMAIN", help=_("What touched this domain; it may be gone since."))
        changes.add_argument("--limit", type=at_least_one, default=50, metavar="N", help=_("This many at most."))

    def do_list(self, options: Options) -> None:
        changes = ChangeSet.objects.order_by("-created_at", "id")
        if options["domain"]:
            name = normalised_domain(options["domain"])  # perhaps of a domain that is gone
            changes = changes.alias(domain_name=KT("metadata__domain")).filter(domain_name=name)
        rows = (_row(change_set) for change_set in stream(changes, options["limit"]))
        columns = {"at": 23, "who": 20, "door": 12, "sentence": 0}
        self.table(rows if options["json"] else map(_for_people, rows), columns, options)


def _row(change_set: ChangeSet) -> dict[str, Any]:
    keys = ("who", "door", "host", "verb", "noun", "label", "domain")
    return {
        "id": change_set.pk,
        "at": change_set.created_at,
        "sentence": change_set.sentence,
        **{key: change_set.value(key) for key in keys},
    }


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    who = f"{row['who'] or '-'}@{row['host']}" if row["host"] else row["who"]
    door = Door(row["door"]).label if row["door"] in Door.values else row["door"]
    return row | {"at": in_words(row["at"]), "who": who, "door": str(door)}
