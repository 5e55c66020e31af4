"""Every write about restriction lists and classes: one change set each, checked as a whole before it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actors import Actor
from accounts.history import recorded
from accounts.saving import refuse_other_version, save_checked
from domains.fields import shown
from domains.services import locked_version
from mailboxes.relay import MOST_NAMED
from restrictions import recommended
from restrictions.access_models import AccessTable, AppliesTo
from restrictions.catalogue import (
    ASKS_FOR_FINGERPRINTS,
    CATALOGUE,
    OLD_NAMES,
    STAGES,
    Argument,
    fault_of_argument,
    kind_asked_by,
    parameter_of,
)
from restrictions.lists import Lists
from restrictions.models import Restriction, RestrictionClass
from restrictions.relaying import refuse_open_relay
from restrictions.ways import lock_lists, refuse_451

Place = str | RestrictionClass  # the list of a stage, or of a class
Values = Mapping[str, Any]
CHANGEABLE = ("name", "argument", "warn_only", "active", "comment")
ASK_BY_THEMSELVES = tuple(f"check_{kind}_access" for kind in AppliesTo.values)  # a table without a name
NO_LIST = ""
LONGEST_LIST = 100  # entries; smtpd itself gives up at 100 restrictions inside each other


def add_restriction(place: Place, name: str, *, position: int | None = None, by: Actor, **values: Any) -> Restriction:
    """Adds an entry to a list, at `position` (from 1) or at its end. `name` is one of the catalogue or of a class."""
    entry = Restriction(**_of(place))
    with recorded("add", "restriction", f"{_called(place)}: {name}", by=by):
        lock_lists()
        _set(entry, {"name": name, **values})
        _refuse_unfitting_table(entry)
        entry.position = _last(place) + 1
        _save(entry)
        if position is not None:
            _put(place, entry, position)
        _check()
    return entry


def change_restriction(entry: Restriction, *, by: Actor, version: int | None = None, **changes: Any) -> Restriction:
    """Changes what is named of an entry."""
    with recorded("change", "restriction", _label(entry), by=by):
        lock_lists()
        entry = locked_version(Restriction.objects, entry.pk, version)
        before = (entry.called, entry.takes)
        _set(entry, changes)
        if (entry.called, entry.takes) != before:
            _refuse_unfitting_table(entry)
        entry.version += 1
        _save(entry)
        _check()
    return entry


def move_restriction(entry: Restriction, position: int, *, version: int | None = None, by: Actor) -> Restriction:
    """Moves an entry within its list; `position` counts from 1, and what is beyond the end is the end."""
    with recorded("move", "restriction", _label(entry), by=by):
        lock_lists()
        entry = locked_version(Restriction.objects, entry.pk, version)
        _put(_place_of(entry), entry, position)
        _check()
    return entry


def delete_restriction(entry: Restriction, *, version: int | None = None, by: Actor) -> None:
    """Deletes an entry. The last one of a stage hands the list back to the host."""
    with recorded("delete", "restriction", _label(entry), by=by):
        lock_lists()
        locked_version(Restriction.objects, entry.pk, version).delete()
        _check()


def version_of_list(stage: str) -> str:
    """Another one after each change: no row gets a version that it had, and no new row the number of an old one.
    NO_LIST without rows."""
    rows = Restriction.objects.filter(stage=stage)
    found = rows.aggregate(newest=models.Max("pk"), number=models.Count("pk"), changes=models.Sum("version"))
    return f"{found['newest']}-{found['number']}-{found['changes']}" if found["number"] else NO_LIST


def set_list(stage: str, entries: Sequence[Values], *, version: str | None = None, by: Actor) -> list[Restriction]:
    """Makes the list of a stage exactly this. Without entries the host's own list stands again. `version` is what the
    person saw of it (version_of_list)."""
    set_lists({stage: entries}, versions={} if version is None else {stage: version}, by=by)
    return list(Restriction.objects.of_stage(stage))


def set_lists(lists: Mapping[str, Sequence[Values]], *, versions: Mapping[str, str] | None = None, by: Actor) -> None:
    """Makes the lists of these stages exactly this, and judges them together: one may guard another."""
    for stage in lists:
        if stage not in STAGES:
            raise ValidationError(_("There is no stage “%(stage)s”. Known are: %(known)s.") % _stages(stage))
    with recorded("set", "restriction_list", ", ".join(map(parameter_of, lists)), by=by):
        lock_lists()
        for stage, version in (versions or {}).items():
            refuse_other_version(version, version_of_list(stage))
        for stage, entries in lists.items():
            _replace(stage, entries)
        _check()


def add_class(name: str, entries: Sequence[Values] = (), *, comment: str = "", by: Actor) -> RestrictionClass:
    """Adds a class with its entries."""
    new = RestrictionClass(name=name.strip(), comment=comment)
    with recorded("add", "restriction_class", new.name, by=by):
        lock_lists()
        save_checked(new)
        _replace(new, entries)
        _check()
    return new


def change_class(
    one: RestrictionClass,
    *,
    by: Actor,
    version: int | None = None,
    entries: Sequence[Values] | None = None,
    **changes: Any,
) -> RestrictionClass:
    """Changes name and comment, and all entries if they are given. Whoever names the class follows its name."""
    with recorded("change", "restriction_class", one.name, by=by):
        lock_lists()
        one = locked_version(RestrictionClass.objects, one.pk, version)
        for name, value in changes.items():
            if name not in ("name", "comment"):
                raise TypeError(f"a restriction class has no field {name} that can be changed")
            setattr(one, name, value.strip() if name == "name" else value)
        one.version += 1
        save_checked(one)
        if entries is not None:
            _replace(one, entries)
        _check()
    return one


def delete_class(one: RestrictionClass, *, version: int | None = None, by: Actor) -> None:
    """Deletes a class that nothing names, with its entries."""
    with recorded("delete", "restriction_class", one.name, by=by):
        lock_lists()
        one = locked_version(RestrictionClass.objects, one.pk, version)
        try:
            one.delete()
        except models.ProtectedError as error:
            users = Lists.current().users_of(one.name)
            users += [str(rule) for rule in one.access_rules.all()[:MOST_NAMED]]
            users += [str(recipient) for recipient in one.recipients.all()[:MOST_NAMED]]
            raise ValidationError(
                _("%(name)s is named in %(users)s. Take it out there first.")
                % {"name": one.name, "users": ", ".join(users)}
            ) from error


def load_recommended(*, by: Actor) -> list[str]:
    """Fills every stage that has no list yet with what is recommended; the stages that it filled. What would ask
    servers elsewhere comes inactive."""
    with recorded("load", "restriction_list", "", by=by):
        lock_lists()
        taken = set(Restriction.objects.filter(stage__isnull=False).values_list("stage", flat=True))
        free = [stage for stage in recommended.LISTS if stage not in taken]
        if not free:
            raise ValidationError(_("Every stage has a list already. Empty one first, or change it."))
        for stage in free:
            _replace(stage, recommended.LISTS[stage])
        _check()
    return free


def check_undone(model: type[models.Model], ids: Sequence[int]) -> None:
    """What an undo brought back or took away is judged like any other change."""
    lock_lists()
    _check()


def what_is_lost(entry: Restriction) -> list[str]:
    """Sentences for the question before an entry is deleted."""
    sentences = [_("%(list)s no longer has %(entry)s.") % {"list": _called(_place_of(entry)), "entry": entry}]
    if entry.stage and not Restriction.objects.of_stage(entry.stage).exclude(pk=entry.pk).exists():
        sentences.append(
            _("It is the last one: the panel writes this list no more, and what main.cf says of it stays as it is.")
        )
    return sentences


def what_is_lost_with(one: RestrictionClass) -> list[str]:
    """Sentences for the question before a class is deleted."""
    count = one.entries.count()
    return [ngettext("It goes with %(number)d entry.", "It goes with %(number)d entries.", count) % {"number": count}]


def _stages(stage: str) -> dict[str, str]:
    return {"stage": shown(stage), "known": ", ".join(STAGES)}


def _of(place: Place) -> dict[str, Any]:
    if isinstance(place, RestrictionClass):
        return {"in_class": place}
    if place not in STAGES:
        raise ValidationError(_("There is no stage “%(stage)s”. Known are: %(known)s.") % _stages(place))
    return {"stage": place}


def _called(place: Place) -> str:
    return place.name if isinstance(place, RestrictionClass) else parameter_of(place)


def _place_of(entry: Restriction) -> Place:
    return entry.in_class or str(entry.stage)


def _label(entry: Restriction) -> str:
    return f"{_called(_place_of(entry))}: {entry}"


def _set(entry: Restriction, values: Values) -> None:
    """What was typed, as Postfix writes it; each fault at its field."""
    for name in values:
        if name not in CHANGEABLE:
            raise TypeError(f"a restriction has no field {name} that can be changed")
    for name in ("warn_only", "active", "comment"):
        if name in values:
            setattr(entry, name, values[name])
    if "name" in values:
        _set_name(entry, values["name"].strip())
    known = entry.known
    if known and known.argument == Argument.TABLE:
        if "argument" in values:
            entry.access_table = _access_table(values["argument"].strip())
        entry.argument = ""
        return
    entry.access_table = None
    if "argument" in values:
        entry.argument = _normalised(entry.name, values["argument"])
    fault = fault_of_argument(entry.name, entry.argument) if known else None
    if fault or (known is None and entry.argument):
        raise ValidationError({"argument": fault or _("A class takes no argument.")})


def _access_table(name: str) -> AccessTable | None:
    """The table of this name; without one, a restriction asks the table that stands by itself."""
    found = AccessTable.objects.filter(name=name).first()
    if name and found is None:
        raise ValidationError({"argument": _("There is no access table %(name)s.") % {"name": shown(name)}})
    return found


def _refuse_unfitting_table(entry: Restriction) -> None:
    """One with other keys than the restriction asks for would never be found to say anything. An entry that was there
    before this was looked at may stay, and be switched off."""
    if entry.known is None or entry.known.argument != Argument.TABLE:
        return
    name, table, kind = entry.name, entry.access_table, kind_asked_by(entry.name)
    if name == ASKS_FOR_FINGERPRINTS:
        sentence = _("No access table has such keys as %(name)s asks for. Leave this one to main.cf.")
        raise ValidationError({"name": sentence % {"name": name}})
    if table is None and name not in ASK_BY_THEMSELVES:
        raise ValidationError({"argument": _("Name the access table that %(name)s asks.") % {"name": name}})
    if table and table.applies_to != kind:
        sentence = _("%(name)s asks an access table that applies to: %(wanted)s. %(table)s applies to: %(kind)s.")
        words = {"wanted": AppliesTo(kind).label, "kind": AppliesTo(table.applies_to).label}
        raise ValidationError({"argument": sentence % (words | {"name": name, "table": table})})


def _set_name(entry: Restriction, name: str) -> None:
    if name in OLD_NAMES:
        raise ValidationError(
            {"name": _("%(old)s is an old name. Use %(new)s.") % {"old": name, "new": OLD_NAMES[name]}}
        )
    if name in CATALOGUE:
        if entry.name != name:
            entry.name, entry.of_class = name, None
        return
    one = RestrictionClass.objects.filter(name=name).first()
    if one is None:
        raise ValidationError(
            {
                "name": _("Postfix knows no restriction “%(name)s”, and there is no class of this name.")
                % {"name": shown(name)}
            }
        )
    entry.name, entry.of_class, entry.argument = "", one, ""


def _normalised(name: str, argument: str) -> str:
    """Blanks and the braces of main.cf go; a zone is small."""
    argument = argument.strip()
    kind = CATALOGUE[name].argument if name else Argument.NONE
    if kind == Argument.SERVICE:
        if argument.startswith("{") and argument.endswith("}"):
            argument = argument[1:-1].strip()
        parts = [part.strip() for part in argument.replace(" = ", "=").split(",")]
        return ", ".join(part for part in parts if part)
    return argument.lower() if kind == Argument.ZONE else argument


def _save(entry: Restriction) -> None:
    """Positions are left to the database, which looks at them when all is done."""
    if entry.in_class and entry.of_class:
        _refuse_circle(entry.in_class, entry.of_class)
    save_checked(entry, exclude=["position"])


def _refuse_circle(outer: RestrictionClass, inner: RestrictionClass) -> None:
    """Where classes alone lead back; refuse_451 knows the ways through access tables too."""
    lists = Lists.current()

    def leads_to_outer(name: str, seen: frozenset[str]) -> bool:
        if name == outer.name:
            return True
        names = {entry.called for entry in lists.classes.get(name, ()) if entry.of_class} - seen
        return any(leads_to_outer(one, seen | names) for one in names)

    if leads_to_outer(inner.name, frozenset({inner.name})):
        raise ValidationError(
            {
                "name": _("%(inner)s leads back to %(outer)s, and smtpd would go round for ever. Name another class.")
                % {"inner": inner.name, "outer": outer.name}
            }
        )


def _rows(place: Place) -> list[Restriction]:
    return list(
        Restriction.objects.filter(**_of(place))
        .select_related("of_class", "in_class", "access_table")
        .order_by("position")
    )


def _last(place: Place) -> int:
    rows = _rows(place)
    if len(rows) >= LONGEST_LIST:
        raise ValidationError(_too_long(place))
    return rows[-1].position if rows else 0


def _too_long(place: Place) -> str:
    return _("%(list)s has %(number)d entries at most. Put some of them into a class.") % {
        "list": _called(place),
        "number": LONGEST_LIST,
    }


def _put(place: Place, entry: Restriction, position: int) -> None:
    rows = [one for one in _rows(place) if one.pk != entry.pk]
    rows.insert(max(position - 1, 0), entry)
    _number(rows)


def _number(rows: Iterable[Restriction]) -> None:
    """Writes only what changes, so that the history tells of nothing else."""
    for number, row in enumerate(rows, 1):
        if row.position != number:
            row.position = number
            row.version += 1
            row.save(update_fields=["position", "version", "changed_at"])


def _replace(place: Place, entries: Sequence[Values]) -> None:
    """Rows that say the same stay what they are."""
    if len(entries) > LONGEST_LIST:
        raise ValidationError(_too_long(place))
    left = _rows(place)
    after = left[-1].position if left else 0
    rows: list[Restriction] = []
    faults: list[str] = []
    for number, values in enumerate(entries, 1):
        try:
            row, after = _placed(place, values, left, after)
        except ValidationError as error:
            faults += [
                _("Entry %(number)d: %(sentence)s") % {"number": number, "sentence": one} for one in error.messages
            ]
        else:
            rows.append(row)
    if faults:
        raise ValidationError({"entries": faults})
    if left:
        Restriction.objects.filter(pk__in=[row.pk for row in left]).delete()
    _number(rows)


def _placed(place: Place, values: Values, left: list[Restriction], after: int) -> tuple[Restriction, int]:
    """The row that says this: one of those that are left, or a new one behind the place `after`."""
    wanted = Restriction(**_of(place))
    _set(wanted, {"name": "", **values})
    same = next((row for row in left if (row.called, row.takes) == (wanted.called, wanted.takes)), None)
    if same is None:
        _refuse_unfitting_table(wanted)
        wanted.position = after + 1
        _save(wanted)
        return wanted, after + 1
    left.remove(same)
    if any(getattr(same, name) != getattr(wanted, name) for name in ("warn_only", "active", "comment")):
        for name in ("warn_only", "active", "comment"):
            setattr(same, name, getattr(wanted, name))
        same.version += 1
        _save(same)
    return same, after


def _check() -> None:
    """What must be true of all lists together. Circles first: who looks for a relay would go round for ever."""
    refuse_451()
    refuse_open_relay(Lists.current())
