"""Is this a host name? valid_hostname() and what stands around it in smtpd(8)."""

import re

from restrictions.engine.keys import is_address

LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")
LONGEST_LABEL, LONGEST_NAME = 63, 255


def is_host(name: str) -> bool:
    labels = name.split(".")
    fits = all(LABEL.fullmatch(label) and len(label) <= LONGEST_LABEL for label in labels)
    return fits and len(name) <= LONGEST_NAME and bool(re.search(r"[^0-9.]", name))


def without_last_dot(name: str) -> str:
    return name[:-1] if len(name) > 1 and name.endswith(".") and not name.endswith("..") else name


def is_qualified(name: str) -> bool:
    """A host name with a dot in it; one more at its end does not count."""
    name = without_last_dot(name)
    return "." in name and is_host(name)


def is_literal(text: str) -> bool:
    """An address in brackets (RFC 5321, 4.1.3)."""
    if not (text.startswith("[") and text.endswith("]") and len(text) > 2):
        return False
    inside = text[1:-1]
    if inside[:5].lower() == "ipv6:":
        return ":" in inside[5:] and is_address(inside[5:])
    return ":" not in inside and is_address(inside)
