"""`manage.py restriction list|add|change|move|delete|recommended|catalogue`."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.commands import Options, active_arguments, at_least_one, delete_arguments, given, version_argument
from restrictions import services
from restrictions.access_main_cf import Classes
from restrictions.catalogue import STAGES, Argument, Known, found_in_catalogue, row_of_known
from restrictions.commands import ListCommand, entries_of, place_of, row_of
from restrictions.main_cf import what_is_written
from restrictions.models import Restriction, RestrictionClass


class Command(ListCommand):
    help = _(
        "Add, change, move, delete and list restrictions: the lists of smtpd by stage, and of restriction classes."
    )

    def add_verbs(self) -> None:
        entries = self.verb("list", _("List the restrictions of a stage or class, or all."))
        entries.add_argument("list", metavar="LIST", nargs="?", help=self._list_help())

        add = self.verb("add", _("Add a restriction to a list."))
        add.add_argument("list", metavar="LIST", help=self._list_help())
        add.add_argument("name", metavar="NAME", help=_("A restriction of Postfix, or a restriction class."))
        add.add_argument("argument", metavar="ARGUMENT", nargs="?", default="", help=_("What it takes, if it does."))
        add.add_argument("--place", type=at_least_one, metavar="N", help=_("At this place; otherwise at the end."))
        add.add_argument(
            "--warn-only", action="store_true", help=_("Only write into the mail log what it would refuse.")
        )
        add.add_argument("--inactive", dest="active", action="store_false", help=_("Keep it out of main.cf for now."))
        add.add_argument("--comment", default="", help=_("Why it is there."))

        change = self.verb("change", _("Change a restriction."))
        self._entry_arguments(change)
        change.add_argument("--name", metavar="NAME", help=_("This restriction or class instead of the old one."))
        change.add_argument("--argument", metavar="ARGUMENT", help=_("This argument instead of the old one."))
        change.add_argument("--warn-only", dest="warn_only", action="store_const", const=True, help=_("Only warn."))
        change.add_argument("--enforce", dest="warn_only", action="store_const", const=False, help=_("Refuse again."))
        change.add_argument("--comment", help=_("Why it is there."))
        active_arguments(change)
        version_argument(change)

        move = self.verb("move", _("Move a restriction within its list."))
        self._entry_arguments(move)
        move.add_argument("to", metavar="TO", type=at_least_one, help=_("Its new place, counted from 1."))

        delete = self.verb("delete", _("Delete a restriction."))
        self._entry_arguments(delete)
        delete_arguments(delete)

        self.verb("recommended", _("Fill every stage that has no list with what is recommended."))

        catalogue = self.verb(
            "catalogue", _("List the restrictions that Postfix knows: where each fits, what it takes, what it does.")
        )
        catalogue.add_argument("--stage", choices=STAGES, default="", help=_("Only what fits the list of this stage."))
        catalogue.add_argument("--search", default="", metavar="PART", help=_("Names that have this in them."))

    def _list_help(self) -> str:
        return _("A stage (%(stages)s) or a restriction class.") % {"stages": ", ".join(STAGES)}

    def _entry_arguments(self, parser: Any) -> None:
        parser.add_argument("list", metavar="LIST", help=self._list_help())
        parser.add_argument("place", metavar="PLACE", type=at_least_one, help=_("Its place in the list, from 1."))

    def do_list(self, options: Options) -> None:
        places: list[str | RestrictionClass] = [*STAGES, *RestrictionClass.objects.all()]
        if options["list"]:
            places = [place_of(options["list"])]
        classes = Classes.current()
        rows = [row_of(entry, number, classes) for place in places for number, entry in enumerate(entries_of(place), 1)]
        self.table(rows, {"list": 11, "place": 2, "active": 3, "main_cf": 0}, options)

    def do_add(self, options: Options) -> None:
        before = what_is_written()
        values = {name: options[name] for name in ("argument", "warn_only", "active", "comment")}
        place = place_of(options["list"])
        entry = services.add_restriction(place, options["name"], position=options["place"], **values, by=self.by)
        self.done(_("Added %(entry)s.") % {"entry": entry}, self._row(entry), options)
        self.say_what_main_cf_needs(before)

    def do_change(self, options: Options) -> None:
        changes = given(options, "name", "argument", "warn_only", "active", "comment")
        if not changes:
            self.wrong_usage(_("Say what is to change; “restriction change --help” names the options."))
        before = what_is_written()
        entry = self._found(options)
        entry = services.change_restriction(entry, **changes, version=options["if_version"], by=self.by)
        self.done(_("Changed %(entry)s.") % {"entry": entry}, self._row(entry), options)
        self.say_what_main_cf_needs(before)

    def do_move(self, options: Options) -> None:
        before = what_is_written()
        entry = services.move_restriction(self._found(options), options["to"], by=self.by)
        self.done(_("Moved %(entry)s.") % {"entry": entry}, self._row(entry), options)
        self.say_what_main_cf_needs(before)

    def do_delete(self, options: Options) -> None:
        entry = self._found(options)
        self.make_sure(_("Delete %(entry)s?") % {"entry": entry}, services.what_is_lost(entry), options)
        before = what_is_written()
        services.delete_restriction(entry, by=self.by)
        self.done(_("Deleted %(entry)s.") % {"entry": entry}, {"deleted": str(entry)}, options)
        self.say_what_main_cf_needs(before)

    def do_recommended(self, options: Options) -> None:
        before = what_is_written()
        stages = services.load_recommended(by=self.by)
        sentence = _("Loaded the recommended lists: %(stages)s.") % {"stages": ", ".join(stages)}
        self.done(sentence, {"stages": stages}, options)
        self.say_what_main_cf_needs(before)

    def do_catalogue(self, options: Options) -> None:
        found = found_in_catalogue(stage=options["stage"], part=options["search"])
        rows = [row_of_known(known) for known in found]
        if not options["json"]:
            rows = [row | _in_words(known) for row, known in zip(rows, found, strict=True)]
        self.table(rows, {"name": 0, "since": 4, "stages": 0, "argument": 0, "sentence": 0}, options)

    def _found(self, options: Options) -> Restriction:
        entries = entries_of(place_of(options["list"]))
        if options["place"] > len(entries):
            raise ValidationError(
                _("%(list)s has no entry %(place)d: it has %(number)d.")
                % {"list": options["list"], "place": options["place"], "number": len(entries)}
            )
        return entries[options["place"] - 1]

    def _row(self, entry: Restriction) -> dict[str, Any]:
        entries = entries_of(entry.in_class or str(entry.stage))
        place = next(number for number, one in enumerate(entries, 1) if one.pk == entry.pk)
        return row_of(entry, place, Classes.current())


def _in_words(known: Known) -> dict[str, str]:
    """Shorter than all stages, which are a part of the conversation."""
    stages = _("%(first)s to %(last)s") % {"first": known.stages[0], "last": known.stages[-1]}
    return {"stages": stages, "argument": str(Argument(known.argument).label)}
