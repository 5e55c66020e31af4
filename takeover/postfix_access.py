"""What a row of an access table of Postfix means here (access(5)): the same, nothing at all, or more than a rule of the
panel can say."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from restrictions.access_actions import WITHOUT_TEXT, Action, normalised_text, refuse_unfitting_code
from restrictions.access_models import KEYS, AppliesTo
from restrictions.catalogue import CATALOGUE, OLD_NAMES, Argument
from takeover.postfix_regexps import WHOLE_LINE

# Older names of the same restriction (postconf(5)); the other old ones meant something else.
RENAMED = {
    name: OLD_NAMES[name]
    for name in (
        "reject_unknown_client",
        "reject_invalid_hostname",
        "reject_unknown_hostname",
        "reject_non_fqdn_hostname",
        "reject_unknown_address",
        "check_recipient_maps",
    )
}
# By hosts, whatever they are the hosts of: names and addresses.
OF_HOSTS = re.compile(r"check_reverse_client_hostname_access|check_\w+_(a|mx|ns)_access")

_octets = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}")
_groups = re.compile(r"[0-9a-f]{1,4}(:[0-9a-f]{1,4}){0,6}")
_first_group = re.compile(r"(?=.*[0-9])[0-9a-f]{4}")  # no top-level domain has a digit

# Patterns that say no more and no less than a key here: they know no extension and no other spelling.
_name = r"(?P<name>[a-z0-9_-]+(?:\\\.[a-z0-9_-]+)+)"
_with_all_below = re.compile(rf"(?:\(\^\|\\\.\)|\^\(\.[*+]\\\.\)\?){_name}\$", re.IGNORECASE)
_at_all_below = re.compile(rf"(?:\[(?:@\.|\.@|@\\\.|\\\.@)\]|@\(\.[*+]\\\.\)\?){_name}\$", re.IGNORECASE)
_one_host = re.compile(r"\^(?P<name>[0-9]+(?:\\\.[0-9]+){3})\$")


class NotHere(Exception):
    """A sentence: why something cannot come in. `is_fault`: Postfix itself could not work with it, or a rule of the
    panel refuses it; otherwise it is well where it is."""

    def __init__(self, sentence: str, *, is_fault: bool = False) -> None:
        super().__init__(sentence)
        self.is_fault = is_fault


class NeverAsked(Exception):
    """A sentence: Postfix does nothing with this row, and so nothing is lost without it."""


class Meant(NamedTuple):
    """A rule; `of_class` as main.cf calls the class."""

    key: str
    action: str
    code: str = ""
    text: str = ""
    of_class: str = ""


def kind_of(restriction: str) -> str:
    """What the keys of its table look like; empty where no access table of the panel has such keys."""
    if OF_HOSTS.fullmatch(restriction):
        return str(AppliesTo.CLIENT)
    return next((kind for kind in AppliesTo.values if restriction == f"check_{kind}_access"), "")


def key_meant(kind: str, key: str, *, null_key: str = "<>") -> str:
    """The key as the panel has it, for one that Postfix finds in a table of type hash. Raises NeverAsked or NotHere."""
    if kind == AppliesTo.SENDER and key == null_key:
        return "<>"
    is_mail = kind in (AppliesTo.SENDER, AppliesTo.RECIPIENT)
    if key == "<>" or key.startswith(("@", ".")) or ("@" in key and not is_mail) or "/" in key:
        raise NeverAsked(_never(key))
    if kind == AppliesTo.CLIENT and (_octets.fullmatch(key) or ":" in key or _first_group.fullmatch(key)):
        return _network_meant(key)
    is_number = "@" not in key and not key.startswith("[") and (":" in key or _octets.fullmatch(key))
    if is_number and (is_mail or key.count(".") != 3):
        raise NeverAsked(_never(key))  # no domain is a number
    meant = _normal(kind, key)
    if meant != key:
        raise NotHere(_("“%(key)s” is another key for Postfix than for the panel.") % {"key": key}, is_fault=True)
    return meant


def _network_meant(key: str) -> str:
    """An address, or its first octets or groups as text: `192.0.2`, `2001:db8`."""
    try:
        if str(ip_address(key)) != key:
            raise NeverAsked(_never(key))
        return key
    except ValueError:
        pass
    if _octets.fullmatch(key):
        if any(str(int(part)) != part or int(part) > 255 for part in key.split(".")) or key.count(".") == 3:
            raise NeverAsked(_never(key))
        return _normal(AppliesTo.CLIENT, key)
    parts = key.split(":")
    if not _groups.fullmatch(key) or any(part.startswith("0") for part in parts):
        sentence = _("“%(key)s” is a part of the text of addresses, and no network.")
        raise NotHere(sentence % {"key": key})
    return _normal(AppliesTo.CLIENT, key if len(parts) > 1 else f"{key}::/16")


def _normal(kind: str, key: str) -> str:
    try:
        return KEYS[kind][0](key)
    except ValidationError as error:
        raise NotHere(" ".join(error.messages), is_fault=not key.isascii()) from error


def _never(key: str) -> str:
    return _("Postfix never asks for “%(key)s” here, so it did nothing and was left out.") % {"key": key}


def with_subdomains(rows: Mapping[str, str], kind: str) -> dict[str, str]:
    """Rows for a Postfix to which `example.org` is this name alone and `.example.org` are those below it
    (parent_domain_matches_subdomains): here a domain is both."""
    found = {}
    for key, value in rows.items():
        name = key.removeprefix(".")
        is_no_name = "@" in name or not name or name[0] in "<[" or name == "unknown"
        is_number = kind == AppliesTo.CLIENT and (
            ":" in name or _octets.fullmatch(name) or _first_group.fullmatch(name)
        )
        if not is_no_name and not is_number:
            if rows.get(name) != value or rows.get(f".{name}") != value:
                sentence = _(
                    "“%(key)s”: for this Postfix a domain and those below it are two things "
                    "(parent_domain_matches_subdomains), and here they are one."
                )
                raise NotHere(sentence % {"key": key})
            key = name
        found[key] = value
    return found


def result_meant(value: str, classes: Collection[str]) -> Meant:
    """An action of access(5) without its key. Raises NotHere with a sentence about what cannot be."""
    word, text = (value.split(None, 1) + ["", ""])[:2]
    action, text = word.upper(), text.strip()
    try:
        if value.isdigit() or action in ("OK", "RELAY"):
            return Meant("", Action.OK)
        if action in Action.values and action not in (Action.CLASS, Action.LIST):
            return _with_text(action, "", "" if action in WITHOUT_TEXT else text, value)
        if re.fullmatch(r"[45][0-9][0-9]", word) and text:
            return _with_text(Action.DEFER if word[0] == "4" else Action.REJECT, word, text, value)
        if action == "DEFER_IF_REJECT" and text:
            raise NotHere(_("“%(result)s” is an action that the panel does not have.") % {"result": value})
        if ":" in value:
            sentence = _("Postfix answers 451 to “%(result)s”: a table cannot name another table or a service.")
            raise NotHere(sentence % {"result": value}, is_fault=True)
        return _list_meant(value, classes)
    except ValidationError as error:
        raise NotHere(" ".join(error.messages), is_fault=not value.isascii()) from error


def _with_text(action: str, code: str, text: str, value: str) -> Meant:
    normal = normalised_text(action, text)
    refuse_unfitting_code(action, code, normal)
    if normal != text:
        raise NotHere(_("“%(result)s” is written in another way than the panel has it.") % {"result": value})
    return Meant("", action, code, text)


def _list_meant(value: str, classes: Collection[str]) -> Meant:
    words = [RENAMED.get(word.lower(), word) for word in re.split(r"[,\s]+", value) if word]
    names = [word.lower() if word.lower() in CATALOGUE else word for word in words]
    if len(names) == 1 and names[0] not in CATALOGUE and names[0] in classes:
        return Meant("", Action.CLASS, of_class=names[0])
    if "warn_if_reject" in names or any(name in classes and name not in CATALOGUE for name in names):
        sentence = _(
            "“%(result)s” is a list of its own. Make it a restriction class in main.cf, and let this row name it."
        )
        raise NotHere(sentence % {"result": value})
    known = [name in CATALOGUE for name in names]
    zones = [bool(at) and known[at - 1] and _takes_zone(names[at - 1]) for at in range(len(names))]
    for name, is_known, is_zone in zip(names, known, zones, strict=True):
        if not is_known and not is_zone:
            sentence = _("Postfix knows no restriction “%(name)s”, and main.cf names no class of this name.")
            raise NotHere(sentence % {"name": name}, is_fault=True)
    return Meant("", Action.LIST, text=normalised_text(Action.LIST, " ".join(names)))


def _takes_zone(name: str) -> bool:
    return CATALOGUE[name].argument == Argument.ZONE


# Tables in which the first line that fits answers

Line = tuple[int, str]
Read = tuple[int, str, str]  # number of the line, key, result


def cidr_rows(lines: Iterable[Line]) -> Iterator[Read]:
    """cidr_table(5). Raises NotHere for a line that says more."""
    for number, text in lines:
        network, *rest = text.split(None, 1)
        if network.startswith("!") or network.lower() in ("if", "endif") or not rest:
            raise NotHere(_("“%(text)s” says more than a network of the panel can say.") % {"text": text})
        yield number, network.strip("[]").lower(), rest[0].strip()


def pattern_rows(lines: Iterable[Line], kind: str) -> Iterator[Read]:
    """regexp_table(5) and pcre_table(5): the patterns that say what a key says, such as /(^|\\.)example\\.org$/."""
    for number, text in lines:
        line = WHOLE_LINE.fullmatch(text)
        key = _key_of_pattern(line["pattern"], kind) if line and not line["flags"] else ""
        result = line["result"].strip() if line else ""
        if not key or "$" in result:
            raise NotHere(_("“%(text)s” says more than a key of the panel can say.") % {"text": text})
        yield number, key, result


def _key_of_pattern(pattern: str, kind: str) -> str:
    is_mail = kind in (AppliesTo.SENDER, AppliesTo.RECIPIENT)
    found = (_at_all_below if is_mail else _with_all_below).fullmatch(pattern)
    if not found and kind == AppliesTo.CLIENT:
        found = _one_host.fullmatch(pattern)
    return found["name"].replace("\\", "").lower() if found else ""


def ordered_key(kind: str, key: str) -> str:
    """The key of such a line. Raises NeverAsked or NotHere."""
    if "/" in key:
        try:
            network = ip_network(key)
        except ValueError as error:
            raise NeverAsked(_never(key)) from error
        return _normal(AppliesTo.CLIENT, str(network))
    return _network_meant(key) if _octets.fullmatch(key) or ":" in key else _normal(kind, key)


def is_covered(key: str, earlier: Collection[str]) -> bool:
    """Whether a line before has answered for all that this key says."""
    if re.fullmatch(r"[0-9.]+(/[0-9]+)?|.*:.*", key):
        network = ip_network(key)
        wider = (network.supernet(new_prefix=length) for length in range(network.prefixlen, -1, -1))
        return any(_as_key(one) in earlier for one in wider)
    parts = key.split(".")
    return any(".".join(parts[at:]) in earlier for at in range(len(parts)))


def _as_key(network: object) -> str:
    text = str(network)
    return text.removesuffix("/32") if "." in text else text.removesuffix("/128")
