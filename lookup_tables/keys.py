"""The left-hand side of the tables, and addresses on the right: what people type becomes what Postfix asks for."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from domains.fields import LABEL, folded_u_label, normalised_domain, shown
from mailboxes.parsing import parse_address

# Printable ASCII in lower case: Postfix folds a key before it asks (postmap(1)). No local part: the whole domain.
IS_ADDRESS_OR_DOMAIN = rf"^[ -?\[-~]*@{LABEL}(\.{LABEL})*$"
IS_TRANSPORT_KEY = rf"^(\*|\.?{LABEL}(\.{LABEL})*|[ -?\[-~]+@{LABEL}(\.{LABEL})*)$"

# One address on the right, whose local part may be in upper case: it may belong to somebody else (RFC 5321, 2.4).
IS_ONE_ADDRESS = rf"^[ -?A-~]+@{LABEL}(\.{LABEL})*$"
IS_ADDRESS_OR_DOMAIN_OF_ANYBODY = rf"^[ -?A-~]*@{LABEL}(\.{LABEL})*$"

_name = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_literal = re.compile(r"\[(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|ipv6:[0-9a-f:.]+|[0-9a-f]*:[0-9a-f:.]+)\]")


def address_or_domain(text: str) -> str:
    """`name@example.org`, or `@example.org` for all of a domain."""
    return str(parse_address(text, may_be_whole_domain=True))


def transport_key(text: str) -> str:
    """An address, a domain, `.example.org` for all below it, or `*` for everything else (transport(5))."""
    word = text.strip()
    if word == "*":
        return word
    if "@" in word:
        return str(parse_address(word))
    if word.startswith("."):
        return f".{normalised_domain(word[1:])}"
    return normalised_domain(word)


def nexthop_key(text: str) -> str:
    """A next hop as it is written elsewhere, `[mx.example.org]:587`, or `.example.org` for all below (postconf(5))."""
    word = text.strip()
    if word.startswith("."):
        return f".{normalised_domain(word[1:])}"
    return host_and_port(word).lower()


def in_own_script(key: str) -> str:
    """The key with the folded U-label of its domain, as Postfix asks for it where somebody names it by that (RFC 6531);
    empty where there is none, or where it is read as another name in ASCII."""
    local_part, at, name = key.rpartition("@")
    found = _name.sub(lambda one: folded_u_label(one[0]) or one[0], name) if "xn--" in name else ""
    return "" if found.isascii() else f"{local_part}{at}{found}"


def host_and_port(text: str) -> str:
    """`host`, `[host]`, either with `:port`; brackets mean that no MX record is asked for."""
    word = text.strip()
    found = re.fullmatch(r"(\[[^\[\]]*\]|[^:\[\]]+)(?::([0-9]{1,5}|[a-z][a-z0-9-]{0,30}))?", word, re.IGNORECASE)
    if not found or (found[2] and found[2].isdigit() and not 0 < int(found[2]) < 65536):
        raise ValidationError(
            _("“%(text)s” is no next hop. Write it as example.org, [mx.example.org] or [mx.example.org]:587."),
            params={"text": shown(text)},
        )
    host, port = found[1].lower(), f":{found[2].lower()}" if found[2] else ""
    if _literal.fullmatch(host) or re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", host):
        return f"{host}{port}"
    if host.startswith("["):
        return f"[{normalised_domain(host[1:-1])}]{port}"
    return f"{normalised_domain(host)}{port}"
