"""The right-hand side of access tables: the actions of access(5) and what each takes, or a sentence.

What smtpd does not take, it answers with "451 4.3.5 Server configuration error" to whoever meets it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from domains.fields import LABEL, shown
from lookup_tables.keys import host_and_port
from lookup_tables.results import HOST, one_address, one_line
from restrictions import catalogue
from restrictions.catalogue import CATALOGUE, Argument

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LONGEST_TEXT = 250  # characters; a line of an SMTP reply has 512 octets, and Postfix puts the address before it


class Action(models.TextChoices):
    """As Postfix calls them; a class and a list are what has no word of its own."""

    OK = "OK", gettext_lazy("OK: permit")
    REJECT = "REJECT", gettext_lazy("REJECT: refuse")
    DUNNO = "DUNNO", gettext_lazy("DUNNO: go on, and ask this table no further")
    DEFER = "DEFER", gettext_lazy("DEFER: put off")
    DEFER_IF_PERMIT = "DEFER_IF_PERMIT", gettext_lazy("DEFER_IF_PERMIT: put off unless a later rule refuses")
    DISCARD = "DISCARD", gettext_lazy("DISCARD: take it and throw it away")
    HOLD = "HOLD", gettext_lazy("HOLD: keep it in the queue until somebody looks")
    WARN = "WARN", gettext_lazy("WARN: write a warning into the mail log")
    INFO = "INFO", gettext_lazy("INFO: write a note into the mail log")
    REDIRECT = "REDIRECT", gettext_lazy("REDIRECT: send all of it to another address")
    BCC = "BCC", gettext_lazy("BCC: send a copy to another address")
    PREPEND = "PREPEND", gettext_lazy("PREPEND: add a header")
    FILTER = "FILTER", gettext_lazy("FILTER: send it through a content filter")
    CLASS = "CLASS", gettext_lazy("a restriction class")
    LIST = "LIST", gettext_lazy("a list of restrictions")


WITHOUT_TEXT = (Action.OK, Action.DUNNO, Action.CLASS)
WITH_A_TEXT = (
    Action.REJECT,
    Action.DEFER,
    Action.DEFER_IF_PERMIT,
    Action.DISCARD,
    Action.HOLD,
    Action.WARN,
    Action.INFO,
)
WITH_AN_ADDRESS = (Action.REDIRECT, Action.BCC)
# What these do, Postfix does to the whole message (access(5)): recipients in other domains lose it, or it is shown to
# others. So no domain admin chooses them.
OF_WHOLE_MESSAGES = (
    Action.DISCARD,
    Action.HOLD,
    Action.REDIRECT,
    Action.BCC,
    Action.PREPEND,
    Action.FILTER,
)
OF_ONE_RECIPIENT = tuple(action for action in Action if action not in OF_WHOLE_MESSAGES)

# What the master.cf that Postfix comes with has for FILTER to name; a content filter of one's own is added there.
SERVICES = ("smtp", "relay", "lmtp", "local", "virtual", "error", "retry", "discard")

# An answer cannot name another table or a service: smtpd refuses whatever has a colon that is no text of an action.
_ALONE = "|".join(catalogue.named(Argument.NONE))
_WITH_ZONE = "|".join(catalogue.named(Argument.ZONE))
_ONE = rf"({_ALONE}|({_WITH_ZONE}) {catalogue.IS_ZONE.strip('^$')})"

IS_TEXT = r"^([!-~]([ -~]*[!-~])?)?$"
IS_ADDRESS = rf"^[!-?A-~]+@{LABEL}(\.{LABEL})*$"
IS_HEADER = r"^[!-9;-~]+: [!-~]([ -~]*[!-~])?$"
IS_FILTER = rf"^[a-z0-9][a-z0-9_-]*:({HOST}|unix:[!-~]+)?$"
IS_LIST = rf"^{_ONE}(, {_ONE})*$"
IS_REJECT_CODE, IS_DEFER_CODE = r"^([45][0-5][0-9])?$", r"^(4[0-5][0-9])?$"


def normalised_text(action: str, text: str) -> str:
    """What stands behind an action, as Postfix takes it; ValidationError otherwise."""
    words = text.strip()
    if action in WITHOUT_TEXT:
        if words:
            raise ValidationError(_("This action takes no text. Leave it empty."))
        return ""
    if action in WITH_A_TEXT:
        return one_line(words) if words else ""
    if action in WITH_AN_ADDRESS:
        return _address(words)
    if action == Action.PREPEND:
        return _header(words)
    if action == Action.FILTER:
        return _filter(words)
    return _list(words)


def refuse_unfitting_code(action: str, code: str, text: str) -> None:
    """A reply code of SMTP, and an enhanced one (RFC 3463) before the text, say the same."""
    if action not in (Action.REJECT, Action.DEFER):
        if code:
            raise ValidationError({"code": _("Only REJECT and DEFER have a reply code.")})
    elif not re.fullmatch((IS_REJECT_CODE if action == Action.REJECT else IS_DEFER_CODE).strip("^$"), code):
        sentence = (
            _("“%(code)s” is no reply code of a refusal. Type 450 to 459 or 550 to 559, for example 554.")
            if action == Action.REJECT
            else _("“%(code)s” does not put off. Type 450 to 459.")
        )
        raise ValidationError({"code": sentence % {"code": shown(code)}})
    if code and not text:
        raise ValidationError({"text": _("Type a text: Postfix takes a code without one for OK.")})
    enhanced = re.match(r"([0-9])\.[0-9]{1,3}\.[0-9]{1,3}(?: |$)", text)
    wanted = code[:1] or {"REJECT": "5", "DEFER": "4", "DEFER_IF_PERMIT": "4"}.get(action, "")
    if enhanced and wanted and enhanced[1] != wanted:
        sentence = _("“%(code)s” does not fit. Here an enhanced code begins with %(digit)s.")
        raise ValidationError({"text": sentence % {"code": enhanced[0].strip(), "digit": wanted}})


def _address(words: str) -> str:
    address = one_address(words)
    if not re.fullmatch(IS_ADDRESS.strip("^$"), address):
        raise ValidationError(_("Postfix takes no address with a blank here. Choose another one."))
    return address


def _header(words: str) -> str:
    name, colon, value = words.partition(":")
    header = f"{name.strip()}: {value.strip()}"
    if not colon or not re.fullmatch(IS_HEADER.strip("^$"), header):
        sentence = _("“%(text)s” is no header. Type a name, a colon and a value in ASCII: X-Checked: yes.")
        raise ValidationError(sentence, params={"text": shown(words)})
    return header


def _filter(words: str) -> str:
    name, colon, nexthop = words.partition(":")
    nexthop = nexthop.strip()
    if nexthop and not nexthop.startswith("unix:"):
        nexthop = host_and_port(nexthop)
    found = f"{name}:{nexthop}"
    if not colon or not re.fullmatch(IS_FILTER.strip("^$"), found):
        sentence = _(
            "“%(text)s” is no filter. Write a name of master.cf, a colon and the next hop: smtp:[127.0.0.1]:10025."
        )
        raise ValidationError(sentence, params={"text": shown(words)})
    return found


def _list(words: str) -> str:
    restrictions: list[str] = []
    rest = [word for word in re.split(r"[,\s]+", words) if word]
    if not rest:
        raise ValidationError(_("Type at least one restriction."))
    while rest:
        name = rest.pop(0)
        known = CATALOGUE.get(name)
        fault: StrOrPromise | None = None
        if known is None:
            fault = _("Postfix does not know the restriction “%(text)s”.")
        elif known.argument == Argument.ZONE:
            zone = rest.pop(0) if rest else ""
            fault = catalogue.fault_of_argument(name, zone)
            restrictions.append(f"{name} {zone}")
        elif known.argument == Argument.NONE:
            restrictions.append(name)
        else:
            fault = _("An access table cannot answer “%(text)s”. Put it into a restriction class and choose that.")
        if fault:
            raise ValidationError(fault, params={"text": shown(name)})
    return ", ".join(restrictions)
