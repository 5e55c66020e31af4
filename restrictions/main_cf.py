"""What main.cf says of the lists and classes (postconf(5)), each parameter with a comment: where it is from."""

from collections.abc import Iterator
from typing import NamedTuple

from django.utils.translation import gettext as _

from restrictions import access_main_cf as access
from restrictions.catalogue import Argument, parameter_of
from restrictions.lists import Entries, Lists
from restrictions.models import Restriction

# smtpd does not start with a class that is named and has no definition. This one asks a table that says nothing.
NOTHING = "check_client_access static:DUNNO"


class Parameter(NamedTuple):
    """A line of main.cf, and the comment before it."""

    name: str
    value: str
    reason: str


def written(entry: Restriction) -> str:
    """An entry as main.cf has it."""
    argument = entry.argument
    if entry.known and entry.known.argument == Argument.SERVICE and ", " in argument:
        argument = f"{{ {argument} }}"
    if entry.known and entry.known.argument == Argument.TABLE:
        argument = access.written(access.map_asked_by(entry))
    words = ["warn_if_reject"] if entry.warn_only else []
    return " ".join([*words, entry.called, *([argument] if argument else [])])


def value_of(entries: Entries) -> str:
    """A list as main.cf has it: what is active, in order. Empty: it restricts nothing."""
    return ", ".join(written(entry) for entry in entries if entry.active)


def parameters(lists: Lists) -> Iterator[Parameter]:
    """Classes first, by name, then the stages in the order of the conversation."""
    if lists.classes:
        names = sorted(lists.classes)
        yield Parameter("smtpd_restriction_classes", ", ".join(names), "the restriction classes of the panel")
        for name in names:
            value = value_of(lists.classes[name])
            yield Parameter(name, value or NOTHING, f"restriction class {name}{'' if value else ', without entries'}")
    for stage, entries in lists.stages.items():
        yield Parameter(
            parameter_of(stage), value_of(entries), f"the {stage.replace('_', ' ')} list of the panel, all of it"
        )


def what_is_written() -> tuple[Parameter, ...]:
    """Two that differ: `postfix_config` is to be run again."""
    return tuple(parameters(Lists.current()))


def remark_since(before: tuple[Parameter, ...]) -> str:
    """A sentence if main.cf on the mail host no longer says what it must; empty if it does."""
    if what_is_written() == before:
        return ""
    return _("Write the configuration again on the mail host (postfix_config): main.cf does not know of this yet.")
