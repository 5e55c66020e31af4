"""What a comparison does not ask. The maps of addresses are asked key by key; what else main.cf says of where mail
goes, who may send and what is refused is only read. Where the two sides differ in that, a sentence says so: a proof
names what it leaves out."""

import re
from collections.abc import Iterator
from hashlib import blake2b

from django.utils.translation import gettext as _

from takeover.comparison_keys import BY_ADDRESS, BY_KEY, BY_NAME
from takeover.comparison_sides import LISTS
from takeover.postfix_restrictions import CLASSES, OWN_CLASS, OWN_MAP
from takeover.postfix_tools import Configuration, Table, is_table, logical_lines

# By these alone, without a table in them, mail goes another way or is taken from others.
ROUTES = (
    "relayhost",
    "fallback_relay",
    "smtp_fallback_relay",
    "local_transport",
    "mailbox_transport",
    "fallback_transport",
    "mailbox_command",
    "home_mailbox",
    "mail_spool_directory",
    "luser_relay",
    "always_bcc",
    "mynetworks",
)
ASKED = {*BY_ADDRESS, *BY_NAME, *BY_KEY, *LISTS.values(), "virtual_transport", "relay_transport", "default_transport"}
NOT_ABOUT_MAIL = re.compile(r"proxy_(read|write)_maps|alias_database|address_verify_map|\w+_(cache|cache_map|database)")
ARE_RESTRICTIONS = re.compile(r"smtpd_\w+_restrictions|smtpd_restriction_classes")
SHOWN = 200  # characters of a value


def differences_not_asked(old: Configuration, new: Configuration) -> Iterator[str]:
    """A sentence for each parameter of which the two sides say something else, by name. Raises NotReadable as a
    comparison does, if a table cannot be read."""
    classes = {*old.words(CLASSES), *new.words(CLASSES)}
    for parameter in sorted({*ROUTES, *old.explicit, *new.explicit}):
        if parameter in ASKED or OWN_CLASS.fullmatch(parameter) or NOT_ABOUT_MAIL.fullmatch(parameter):
            continue
        before, after = (_without_ours(conf.words(parameter)) for conf in (old, new))
        is_restriction = parameter in classes or ARE_RESTRICTIONS.fullmatch(parameter)
        if not (parameter in ROUTES or is_restriction or any(map(is_table, (*before, *after)))):
            continue
        if _said(old, before) != _said(new, after):
            yield _sentence(parameter, _shown(old, before), _shown(new, after))


def _without_ours(words: list[str]) -> list[str]:
    """Without what postfix_config puts around the lists of a host."""
    left: list[str] = []
    for one in words:
        own = OWN_MAP.fullmatch(one)
        if own and own["first"]:
            left = left[:-1]  # check_recipient_access
        elif not OWN_CLASS.fullmatch(one):
            left.append(one)
    return left


def _said(conf: Configuration, words: list[str]) -> list[str]:
    """The words, and in place of a table what it says."""
    return [_content(conf, conf.table(one)) if is_table(one) else one for one in words]


def _content(conf: Configuration, table: Table) -> str:
    if table.can_be_listed and (table.type == "inline" or table.name.startswith("/")):
        total = 0  # in any order
        for row in conf.listing(table):
            total += int.from_bytes(blake2b("\t".join(row).encode(errors="replace"), digest_size=16).digest(), "big")
        return f"{total:x}"
    if table.source:
        return "\n".join(text for _number, text in logical_lines(table.source))
    return str(table)


def _shown(conf: Configuration, words: list[str]) -> str:
    """Files of the two sides by the same names."""
    text = " ".join(words)
    for place in filter(None, (str(conf.directory), conf.installed_at.rstrip("/"))):
        text = text.replace(f"{place}/", "")
    return text


def _sentence(parameter: str, old: str, new: str) -> str:
    if old == new or "password" in parameter or max(len(old), len(new)) > SHOWN:
        return _("%(parameter)s is not compared, and the two sides do not say the same.") % {"parameter": parameter}
    return _("%(parameter)s is not compared: “%(old)s” in the old configuration, “%(new)s” in the new one.") % {
        "parameter": parameter,
        "old": old,
        "new": new,
    }
