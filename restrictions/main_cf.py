"""What main.cf says of the lists and classes (postconf(5)), each parameter with a comment: where it is from."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.utils.translation import gettext as _

from restrictions import access_main_cf as access
from restrictions.access_main_cf import DIRECTORY, Classes
from restrictions.catalogue import Argument, Stage, parameter_of
from restrictions.lists import Entries, Lists
from restrictions.models import Restriction

# smtpd does not start with a class that is named and has no definition. This one asks a table that says nothing.
NOTHING = "check_client_access static:DUNNO"

# What the host has in this list stays, behind what is ours, until the panel has a recipient list of its own.
RECIPIENT_RESTRICTIONS = parameter_of(Stage.RECIPIENT)
RESTRICTION_CLASSES = "smtpd_restriction_classes"
HELO_REQUIRED = "smtpd_helo_required"

# Comes first of all recipients, whoever writes the rest.
SUSPENDED = f"check_recipient_access proxy:pgsql:{DIRECTORY}/suspended_domains.cf"
OF_THE_HOST = "suspended domains; what the host has in this list goes behind (install-commands)"
MADE = "made by the panel for protected aliases and rules of domains"


class Parameter(NamedTuple):
    """A line of main.cf, and the comment before it."""

    name: str
    value: str
    reason: str


def written(entry: Restriction, defined: Classes) -> str:
    """An entry as main.cf has it, where these classes are defined."""
    argument = entry.argument
    if entry.known and entry.known.argument == Argument.SERVICE and ", " in argument:
        argument = f"{{ {argument} }}"
    if entry.known and entry.known.argument == Argument.TABLE:
        argument = access.written(defined.map_asked_by(entry))
    words = ["warn_if_reject"] if entry.warn_only else []
    return " ".join([*words, entry.called, *([argument] if argument else [])])


def value_of(entries: Entries, defined: Classes) -> str:
    """A list as main.cf has it: what is active, in order. Empty: it restricts nothing."""
    return ", ".join(written(entry, defined) for entry in entries if entry.active)


def parameters(lists: Lists) -> Iterator[Parameter]:
    """Classes first, by name, then the stages in the order of the conversation."""
    if lists.classes:
        names = sorted(lists.classes)
        yield Parameter(RESTRICTION_CLASSES, ", ".join(names), "the restriction classes of the panel")
        for name in names:
            value = value_of(lists.classes[name], lists.defined)
            yield Parameter(name, value or NOTHING, f"restriction class {name}{'' if value else ', without entries'}")
    for stage, entries in lists.stages.items():
        value, reason = value_of(entries, lists.defined), f"the {stage.replace('_', ' ')} list of the panel, all of it"
        yield Parameter(parameter_of(stage), value, reason)
        if stage == Stage.HELO and value:
            yield Parameter(HELO_REQUIRED, "yes", "a client that says no HELO would pass the helo list")


def asked_first(lists: Lists) -> list[str]:
    """What chooses the class of a recipient, before any entry of a list."""
    return [f"check_recipient_access {access.written(one)}" for one in lists.defined.maps_before_all]


def all_parameters(lists: Lists, after_suspended: Iterable[str] = ()) -> list[Parameter]:
    """The same with what the panel adds: whose mail is put off, which class a recipient has, and the classes that it
    makes. In an order in which any smtpd may start meanwhile: a class is defined before it is named, and named before
    a list uses it. `after_suspended` is asked of every recipient too."""
    found = {one.name: one for one in parameters(lists)}
    theirs, named = found.get(RECIPIENT_RESTRICTIONS), found.pop(RESTRICTION_CLASSES, None)
    first = [SUSPENDED, *asked_first(lists)]
    found[RECIPIENT_RESTRICTIONS] = Parameter(
        RECIPIENT_RESTRICTIONS,
        ", ".join([*first, *after_suspended, *filter(None, [theirs.value if theirs else ""])]),
        f"suspended domains, then {theirs.reason}" if theirs else OF_THE_HOST,
    )
    reasons = access.reasons_of_made(lists.defined)
    made = [Parameter(name, value, reasons.get(name, MADE)) for name, value in lists.defined.definitions.items()]
    made += [found.pop(name) for name in sorted(lists.classes)]
    if made:
        names = [*lists.defined.definitions, *sorted(lists.classes)]
        made.append(Parameter(RESTRICTION_CLASSES, ", ".join(names), named.reason if named else MADE))
    return [*made, *found.values()]


def what_is_written() -> tuple[Parameter, ...]:
    """Two that differ: `postfix_config` is to be run again."""
    return tuple(parameters(Lists.current()))


def remark_since(before: tuple[Parameter, ...]) -> str:
    """A sentence if main.cf on the mail host no longer says what it must; empty if it does."""
    if what_is_written() == before:
        return ""
    return _("Write the configuration again on the mail host (postfix_config): main.cf does not know of this yet.")
