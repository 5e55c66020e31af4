"""What main.cf has for access tables: the maps that answer for them, and the classes that the panel itself makes.

A class can be answered only where main.cf defines it; anything else is 451 for whoever meets it (access(5)). So the
query of each map names the classes that stand in the same main.cf, and the name of its file changes with them: Postfix
goes on with the old file and the old classes until it reads the new main.cf."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from restrictions.access_models import AccessRule, AccessTable, AppliesTo, ProtectedAlias, RecipientClass
from restrictions.catalogue import Argument, named
from restrictions.models import Restriction, RestrictionClass

DIRECTORY = "{directory}"  # stands for where Postfix finds the files, which only a host knows
SIGNED_IN = "Signed_in"  # capitals: no class that people name begins with one

# Who sends as one of us must have signed in, or be a host of mynetworks.
SIGNED_IN_FIRST = (
    "permit_mynetworks, reject_authenticated_sender_login_mismatch, permit_sasl_authenticated, "
    "check_sender_access static:{550 5.7.1 Sign in first: this sender writes here from our own servers only}"
)


@dataclass(frozen=True, kw_only=True)
class AccessMap:
    """A map of type pgsql: the name of its file without .cf, and the call that answers. `number` stands before a key,
    so that one map, and one connection of each proxymap(8), serves the classes of all protected aliases or domains."""

    name: str
    call: str
    number: int | None = None

    def key(self, asked: str) -> str:
        """What the call gets of it."""
        return asked if self.number is None else f"{self.number} {asked}"


def known_classes() -> list[str]:
    """The classes that people made; all of them are written, also without entries (restrictions/main_cf.py)."""
    return list(RestrictionClass.objects.order_by("name").values_list("name", flat=True))


def classes_answered() -> set[str]:
    """The classes that a rule or a recipient names."""
    answered = RestrictionClass.objects.filter(Q(access_rules__isnull=False) | Q(recipients__isnull=False))
    return set(answered.values_list("name", flat=True))


def domains_with_sender_rules() -> list[int]:
    rules = AccessRule.objects.filter(domain__isnull=False, applies_to=AppliesTo.SENDER)
    return list(rules.order_by("domain").values_list("domain", flat=True).distinct())


def protected_ids() -> list[int]:
    return list(ProtectedAlias.objects.order_by("pk").values_list("pk", flat=True))


def map_asked_by(restriction: Restriction) -> AccessMap:
    """The map of a restriction that asks an access table (catalogue: Argument.TABLE)."""
    if restriction.access_table:
        return _of_table(restriction.access_table.name, _stamp())
    return _of_kind(_kind_of(restriction.name), _stamp())


def access_maps() -> list[AccessMap]:
    """Every map that main.cf may name: tables with rules, active or not, and those that a restriction asks."""
    stamp = _stamp()
    rules = AccessRule.objects.filter(table__isnull=True, domain__isnull=True).order_by()
    kinds = set(rules.values_list("applies_to", flat=True).distinct())
    asked = Restriction.objects.filter(name__in=named(Argument.TABLE), access_table__isnull=True).order_by()
    kinds |= {_kind_of(name) for name in asked.values_list("name", flat=True).distinct()}
    if RecipientClass.objects.exists() or AccessRule.objects.filter(domain__isnull=False).exists():
        kinds.add(AppliesTo.RECIPIENT)
    tables = AccessTable.objects.order_by("name").values_list("name", flat=True)
    return [
        *(_of_kind(kind, stamp) for kind in AppliesTo.values if kind in kinds),
        *(_of_table(name, stamp) for name in tables),
        *maps_before_all(),
        *(one for _name, maps in generated_classes() for one in maps),
    ]


def maps_before_all() -> list[AccessMap]:
    """What is asked about each recipient before any other restriction, if there is anything to protect."""
    if not generated_classes():
        return []
    known = _literal([*known_classes(), *(name for name, _maps in generated_classes())])
    name = f"recipient_classes{_stamp()}"
    return [AccessMap(name=name, call=f"recipient_classes('%s', {known})")]


def generated_classes() -> list[tuple[str, list[AccessMap]]]:
    """The classes that the panel makes, each with the maps that its check_sender_access asks."""
    classes, protected, domains = known_classes(), protected_ids(), domains_with_sender_rules()
    stamp, known = _stamp_of(classes, protected, domains), _literal(classes)
    writers = "writers_by_number('%s')"
    found = [(f"Writers_{pk}", [AccessMap(name="writers", call=writers, number=pk)]) for pk in protected]
    found += [
        (
            f"Senders_{pk}",
            [AccessMap(name=f"senders{stamp}", call=f"senders_by_number('%s', {known})", number=pk)],
        )
        for pk in domains
    ]
    return found


def written_classes() -> dict[str, str]:
    """The classes that the panel makes as main.cf defines them: name -> value."""
    found = {
        name: ", ".join(f"check_sender_access {written(one)}" for one in maps) for name, maps in generated_classes()
    }
    return {SIGNED_IN: SIGNED_IN_FIRST} | found if protected_ids() else found


def written(one: AccessMap) -> str:
    """A map as main.cf names it. What stands before the key, a table of Postfix itself puts there (DATABASE_README); in
    main.cf $ is written $$."""
    asked = f"proxy:pgsql:{DIRECTORY}/{one.name}.cf"
    return asked if one.number is None else f"pipemap:{{regexp:{{{{/(.*)/ {one.number} $$1}}}}, {asked}}}"


def what_is_written() -> tuple[object, ...]:
    """All about access tables that stands in files of the mail host. Two that differ: `postfix_config` is to be run."""
    return (*known_classes(), *(one.name for one in access_maps()))


def remark_since(before: tuple[object, ...]) -> str:
    """A sentence if the files on the mail host no longer say what they must; empty if they do."""
    if what_is_written() == before:
        return ""
    return _("Write the configuration again on the mail host (postfix_config): main.cf does not know of this yet.")


def unasked(kind: str, table: AccessTable | None = None) -> str:
    """A sentence if no list and no class asks the table of `kind`, or the one with a name, so that its rules do
    nothing; empty otherwise."""
    asked = Restriction.objects.filter(access_table=table, active=True)
    if (asked if table else asked.filter(name=f"check_{kind}_access")).exists():
        return ""
    restriction = f"check_{kind}_access {table.name}" if table else f"check_{kind}_access"
    return _("No restriction list asks this table yet. Add %(restriction)s to a list.") % {"restriction": restriction}


def _kind_of(restriction_name: str) -> str:
    """check_helo_mx_access asks for names and addresses of hosts, as clients have them."""
    for kind in (AppliesTo.HELO, AppliesTo.SENDER, AppliesTo.RECIPIENT):
        if restriction_name == f"check_{kind}_access":
            return str(kind)
    return str(AppliesTo.CLIENT)


def _of_kind(kind: str, stamp: str) -> AccessMap:
    name = f"check_{kind}_access"
    return AccessMap(name=f"{name}{stamp}", call=f"{name}('%s', {_literal(known_classes())})")


def _of_table(name: str, stamp: str) -> AccessMap:
    return AccessMap(
        name=f"access_table_{name}{stamp}", call=f"access_table('{name}', '%s', {_literal(known_classes())})"
    )


def _literal(names: list[str]) -> str:
    """An array of PostgreSQL. Names of classes are plain words."""
    return f"'{{{','.join(names)}}}'"


def _stamp() -> str:
    return _stamp_of(known_classes(), protected_ids(), domains_with_sender_rules())


def _stamp_of(classes: list[str], protected: list[int], domains: list[int]) -> str:
    """Of all classes that the maps may answer; empty without any."""
    names = [*classes, *(f"w{pk}" for pk in protected), *(f"s{pk}" for pk in domains)]
    return f"-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:8]}" if names else ""
