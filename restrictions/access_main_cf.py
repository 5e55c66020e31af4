"""What main.cf has for access tables: the maps that answer for them, and the classes that the panel itself makes.

A class can be answered only where main.cf defines it; anything else is 451 for whoever meets it (access(5)). So the
query of each map names the classes that stand in the same main.cf, and the name of its file changes with them: Postfix
goes on with the old file, the old classes and their old names until it reads the new main.cf."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import Value
from django.utils.translation import gettext as _

from domains.models import Domain
from mailboxes.parsing import external_form
from restrictions.access_models import AccessRule, AccessTable, AppliesTo, ProtectedAlias, RecipientClass
from restrictions.catalogue import Argument, kind_asked_by, named
from restrictions.models import Restriction, RestrictionClass

DIRECTORY = "{directory}"  # stands for where Postfix finds the files, which only a host knows
OF_ONE_CLIENT = ("check_client_access", "check_reverse_client_hostname_access")
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


def names_by_people() -> tuple[str, ...]:
    """Of all classes that people made: they are written also without entries (restrictions/main_cf.py)."""
    return tuple(RestrictionClass.objects.order_by("name").values_list("name", flat=True))


@dataclass(frozen=True)
class Classes:
    """Every class that main.cf defines and a map may answer: those that people made, by name with their number, and by
    number those of protected aliases and of the rules of domains about senders."""

    by_people: Mapping[str, int] = field(default_factory=dict)
    protected: tuple[int, ...] = ()
    domains: tuple[int, ...] = ()

    @classmethod
    def current(cls) -> Classes:
        """Three statements."""
        rules = AccessRule.objects.filter(domain__isnull=False, applies_to=AppliesTo.SENDER)
        return cls(
            dict(RestrictionClass.objects.order_by("name").values_list("name", "pk")),
            tuple(ProtectedAlias.objects.order_by("pk").values_list("pk", flat=True)),
            tuple(rules.order_by("domain").values_list("domain", flat=True).distinct()),
        )

    @property
    def made(self) -> list[tuple[str, AccessMap]]:
        """The classes that the panel makes, each with the map that its check_sender_access asks."""
        writers = "writers_by_number('%s')"
        found = [(f"Writers_{pk}", AccessMap(name="writers", call=writers, number=pk)) for pk in self.protected]
        senders, name = f"senders_by_number('%s', {self._known})", f"senders{self._stamp}"
        return found + [(f"Senders_{pk}", AccessMap(name=name, call=senders, number=pk)) for pk in self.domains]

    @property
    def definitions(self) -> dict[str, str]:
        """The classes that the panel makes as main.cf defines them: name -> value."""
        found = {name: f"check_sender_access {written(one)}" for name, one in self.made}
        return {SIGNED_IN: SIGNED_IN_FIRST} | found if self.protected else found

    @property
    def maps_before_all(self) -> list[AccessMap]:
        """What is asked about each recipient before any other restriction, if there is anything to protect."""
        made = [name for name, _map in self.made]
        if not made:
            return []
        known = _literal(made)
        return [AccessMap(name=f"recipient_classes{self._stamp}", call=f"recipient_classes('%s', {known})")]

    def map_asked_by(self, restriction: Restriction) -> AccessMap:
        """The map of a restriction that asks an access table (catalogue: Argument.TABLE)."""
        if restriction.access_table:
            return self.map_of_table(restriction.access_table.name, of_client=restriction.name in OF_ONE_CLIENT)
        return self.map_of_kind(kind_asked_by(restriction.name))

    def map_of_kind(self, kind: str) -> AccessMap:
        name = f"check_{kind}_access"
        return AccessMap(name=f"{name}{self._stamp}", call=f"{name}('%s', {self._known})")

    def map_of_table(self, name: str, *, of_client: bool = False) -> AccessMap:
        """`of_client`: for a restriction that looks at one client."""
        function = "client_access_table" if of_client else "access_table"
        return AccessMap(name=f"{function}_{name}{self._stamp}", call=f"{function}('{name}', '%s', {self._known})")

    @property
    def _known(self) -> str:
        return _literal(self._numbered)

    @property
    def _numbered(self) -> list[str]:
        """As mail_map.name_of_class takes them."""
        return [f"{pk}={name}" for name, pk in self.by_people.items()]

    @property
    def _stamp(self) -> str:
        """Of all classes that the maps may answer; empty without any."""
        names = [*self._numbered, *(f"w{pk}" for pk in self.protected), *(f"s{pk}" for pk in self.domains)]
        return f"-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:8]}" if names else ""


def reasons_of_made(classes: Classes) -> dict[str, str]:
    """For whom the panel makes its classes, by the name of the class, as a comment of main.cf says it. Addresses and
    domains are printable ASCII there (constraints: local_part_is_plain_lower_case_ascii, A-labels), so no comment is
    more than a line. One statement."""
    if not classes.made:
        return {}
    writers = ProtectedAlias.objects.order_by().values_list(
        Value("Writers"), "pk", "alias__address__local_part", "alias__address__domain__name"
    )
    senders = (
        Domain.objects.order_by().filter(pk__in=classes.domains).values_list(Value("Senders"), "pk", Value(""), "name")
    )
    reasons = {}
    for made, pk, local_part, name in writers.union(senders, all=True):
        if made == "Writers":
            reasons[f"Writers_{pk}"] = f"made by the panel: who may write to {external_form(local_part, name)}"
        else:
            reasons[f"Senders_{pk}"] = f"made by the panel: the rules of {name} about senders"
    return reasons


def access_maps(classes: Classes) -> list[AccessMap]:
    """Every map that main.cf may name: tables with rules, active or not, and those that a restriction asks."""
    rules = AccessRule.objects.filter(table__isnull=True, domain__isnull=True).order_by()
    kinds = set(rules.values_list("applies_to", flat=True).distinct())
    asked = Restriction.objects.filter(name__in=named(Argument.TABLE), access_table__isnull=True).order_by()
    kinds |= {kind_asked_by(name) for name in asked.values_list("name", flat=True).distinct()}
    if RecipientClass.objects.exists() or AccessRule.objects.filter(domain__isnull=False).exists():
        kinds.add(AppliesTo.RECIPIENT)
    tables = AccessTable.objects.order_by("name").values_list("name", "applies_to")
    return [
        *(classes.map_of_kind(kind) for kind in AppliesTo.values if kind in kinds),
        *(classes.map_of_table(name) for name, _kind in tables),
        *(classes.map_of_table(name, of_client=True) for name, kind in tables if kind == AppliesTo.CLIENT),
        *classes.maps_before_all,
        *(one for _name, one in classes.made),
    ]


def written(one: AccessMap) -> str:
    """A map as main.cf names it. What stands before the key, a table of Postfix itself puts there (DATABASE_README); in
    main.cf $ is written $$."""
    asked = f"proxy:pgsql:{DIRECTORY}/{one.name}.cf"
    return asked if one.number is None else f"pipemap:{{regexp:{{{{/(.*)/ {one.number} $$1}}}}, {asked}}}"


def what_is_written() -> tuple[object, ...]:
    """All about access tables that stands in files of the mail host. Two that differ: `postfix_config` is to be run."""
    classes = Classes.current()
    return (*classes.by_people, *(one.name for one in access_maps(classes)))


def remark_since(before: tuple[object, ...]) -> str:
    """A sentence if the files on the mail host no longer say what they must; empty if they do."""
    if what_is_written() == before:
        return ""
    return _("Write the configuration again on the mail host (postfix_config): main.cf does not know of this yet.")


def unasked_by(rule: AccessRule) -> str:
    """The same for the table in which a rule stands. Rules of a domain about senders are asked by the panel itself."""
    if rule.domain and rule.applies_to != AppliesTo.RECIPIENT:
        return ""
    return unasked(rule.applies_to, rule.table)


def unasked(kind: str, table: AccessTable | None = None) -> str:
    """A sentence if no list and no class asks the table of `kind`, or the one with a name, so that its rules do
    nothing; empty otherwise."""
    asked = Restriction.objects.filter(access_table=table, active=True)
    if (asked if table else asked.filter(name=f"check_{kind}_access")).exists():
        return ""
    restriction = f"check_{kind}_access {table.name}" if table else f"check_{kind}_access"
    return sentence_of_unasked(restriction)


def sentence_of_unasked(restriction: str) -> str:
    return _("No restriction list asks this table yet. Add %(restriction)s to a list.") % {"restriction": restriction}


def _literal(names: Iterable[str]) -> str:
    """An array of PostgreSQL. Names of classes are plain words."""
    return f"'{{{','.join(names)}}}'"
