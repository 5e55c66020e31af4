"""How changes to the restriction lists read in the history."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from accounts.history import register_sentences
from accounts.history_reading import Names, Reading, Row, in_words, latest_events, register_namer, register_reading
from mailboxes.undo_rules import register_undo
from restrictions.catalogue import parameter_of
from restrictions.models import Restriction, RestrictionClass
from restrictions.services import check_undone

register_sentences(
    {
        ("add", "restriction"): _("Added restriction %(label)s"),
        ("change", "restriction"): _("Changed restriction %(label)s"),
        ("move", "restriction"): _("Moved restriction %(label)s"),
        ("delete", "restriction"): _("Deleted restriction %(label)s"),
        ("set", "restriction_list"): _("Set restriction list %(label)s"),
        ("load", "restriction_list"): _("Loaded the recommended restriction lists"),
        ("add", "restriction_class"): _("Added restriction class %(label)s"),
        ("change", "restriction_class"): _("Changed restriction class %(label)s"),
        ("delete", "restriction_class"): _("Deleted restriction class %(label)s"),
    }
)


def _names_of_classes(ids: Iterable[int]) -> dict[int, str]:
    return {pk: name for pk, (name,) in latest_events(RestrictionClass, ids, "name").items()}


def _list(row: Row, names: Names) -> str:
    if row["stage"]:
        return parameter_of(row["stage"])
    return names.get((RestrictionClass, row["in_class_id"]), "")


register_reading(
    RestrictionClass,
    Reading(subject=lambda row, names: row["name"], values=in_words(RestrictionClass, "name", "comment")),
)
register_reading(
    Restriction,
    Reading(
        subject=_list,
        values=in_words(
            Restriction, "name", "of_class", "argument", "access_table", "position", "warn_only", "active", "comment"
        ),
    ),
)
register_namer(RestrictionClass, _names_of_classes)
register_undo(RestrictionClass, check_undone)
register_undo(Restriction, check_undone)
