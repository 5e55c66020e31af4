"""The aliases that every domain has, from the shell."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.commands import NounCommand, Options
from mailboxes.default_aliases import (
    add_all_default_aliases,
    delete_default_alias,
    missing_default_aliases,
    set_default_aliases,
)
from mailboxes.models import DefaultAlias


class Command(NounCommand):
    help = _("Say which aliases every new domain gets, and add them to the domains that lack some.")

    def add_verbs(self) -> None:
        change = self.verb("set", _("Name default aliases and where they go, or give them another destination."))
        change.add_argument("local_parts", nargs="+", metavar="LOCAL_PART")
        change.add_argument("--to", dest="destination", required=True, metavar="ADDRESS", help=_("Where they go."))

        delete = self.verb("delete", _("New domains no longer get it; the aliases that are there stay."))
        delete.add_argument("local_part", metavar="LOCAL_PART")

        self.verb("list", _("List the default aliases."))
        missing = self.verb("add-missing", _("Add to every domain the default aliases that it lacks."))
        missing.add_argument("--dry-run", action="store_true", help=_("Only say how many are missing."))

    def do_set(self, options: Options) -> None:
        rows = set_default_aliases(options["local_parts"], options["destination"], by=self.by)
        sentence = ngettext(
            "New domains get %(names)s, which goes to %(destination)s.",
            "New domains get %(names)s, which go to %(destination)s.",
            len(rows),
        )
        words = {"names": ", ".join(map(str, rows)), "destination": rows[0].destination}
        self.done(sentence % words, {"default_aliases": [_row(row) for row in rows]}, options)

    def do_delete(self, options: Options) -> None:
        row = DefaultAlias.objects.filter(local_part=options["local_part"].lower()).first()
        if row is None:
            raise ValidationError(_("There is no default alias %(name)s.") % {"name": options["local_part"]})
        delete_default_alias(row, by=self.by)
        self.done(_("New domains no longer get %(name)s.") % {"name": row}, {"deleted": row.local_part}, options)

    def do_list(self, options: Options) -> None:
        rows = (_row(row) for row in DefaultAlias.objects.all())
        self.table(rows, {"local_part": 20, "destination": 0}, options)

    def do_add_missing(self, options: Options) -> None:
        if options["dry_run"]:
            missing = missing_default_aliases()
            number = sum(map(len, missing.values()))
            words = {"aliases": number, "domains": len(missing)}
            sentence = _("Missing default aliases: %(aliases)d, in %(domains)d domains.") % words
            self.done(sentence, words, options)
            return
        result = add_all_default_aliases(by=self.by)
        for fault in result["faults"]:
            self.remark(fault)
        sentence = _("Added default aliases: %(added)d, to %(domains)d domains.")
        self.done(sentence % result, result, options)


def _row(row: DefaultAlias) -> dict[str, Any]:
    return {
        "local_part": row.local_part,
        "destination": row.destination,
        "version": row.version,
        "changed_at": row.changed_at,
    }
