"""`manage.py restriction_class list|show|add|change|delete`; what is in a class, `manage.py restriction` changes."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.commands import Options, delete_arguments, given, version_argument
from restrictions import services
from restrictions.class_use import NOBODY, Chosen, chosen_classes
from restrictions.commands import ListCommand, class_of
from restrictions.lists import Lists
from restrictions.main_cf import value_of, what_is_written
from restrictions.models import RestrictionClass


class Command(ListCommand):
    help = _("Add, change, delete and list restriction classes: named lists of restrictions.")

    def add_verbs(self) -> None:
        self.verb("list", _("List the restriction classes."))
        show = self.verb("show", _("Show a restriction class."))
        add = self.verb("add", _("Add a restriction class."))
        change = self.verb("change", _("Change a restriction class."))
        delete = self.verb("delete", _("Delete a restriction class that nothing names."))
        for parser in (show, add, change, delete):
            parser.add_argument("name", metavar="NAME", help=_("Small letters, digits and _."))
        add.add_argument("--comment", default="", help=_("Why it is there."))
        change.add_argument("--name", dest="new_name", metavar="NAME", help=_("This name instead of the old one."))
        change.add_argument("--comment", help=_("Why it is there."))
        version_argument(change)
        delete_arguments(delete)

    def do_list(self, options: Options) -> None:
        lists = Lists.current()
        chosen = chosen_classes()
        rows = [_row(one, lists, chosen) for one in RestrictionClass.objects.all()]
        self.table(rows, {"name": 20, "main_cf": 0}, options)

    def do_show(self, options: Options) -> None:
        one, chosen = class_of(options["name"]), chosen_classes()
        row = _row(one, Lists.current(), chosen)
        self.card(row if options["json"] else row | {"chosen_for": str(chosen.get(one.name, NOBODY))}, options)

    def do_add(self, options: Options) -> None:
        before = what_is_written()
        one = services.add_class(options["name"], comment=options["comment"], by=self.by)
        self.done(_("Added %(name)s.") % {"name": one}, _row(one, Lists.current(), chosen_classes()), options)
        self.say_what_main_cf_needs(before)

    def do_change(self, options: Options) -> None:
        changes = given(options, "comment")
        if options["new_name"] is not None:
            changes["name"] = options["new_name"]
        if not changes:
            self.wrong_usage(_("Say what is to change; “restriction_class change --help” names the options."))
        before = what_is_written()
        one = class_of(options["name"])
        one = services.change_class(one, **changes, version=options["if_version"], by=self.by)
        self.done(_("Changed %(name)s.") % {"name": one}, _row(one, Lists.current(), chosen_classes()), options)
        self.say_what_main_cf_needs(before)

    def do_delete(self, options: Options) -> None:
        one = class_of(options["name"])
        self.make_sure(_("Delete %(name)s?") % {"name": one}, services.what_is_lost_with(one), options)
        before = what_is_written()
        services.delete_class(one, by=self.by)
        self.done(_("Deleted %(name)s.") % {"name": one.name}, {"deleted": one.name}, options)
        self.say_what_main_cf_needs(before)


def _row(one: RestrictionClass, lists: Lists, chosen: Mapping[str, Chosen]) -> dict[str, Any]:
    by = chosen.get(one.name, NOBODY)
    return {
        "name": one.name,
        "main_cf": value_of(lists.classes.get(one.name, ()), lists.defined),
        "used_in": lists.users_of(one.name),
        "chosen_for": by.as_row,
        "comment": one.comment,
        "version": one.version,
        "created_at": one.created_at,
        "changed_at": one.changed_at,
    }
