"""The left-hand side of access tables: what people type becomes what Postfix asks for (access(5))."""

import re
from ipaddress import ip_network

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from domains.fields import LABEL, normalised_domain, shown
from mailboxes.parsing import external_form, normalised_local_part, parse_address

NULL_SENDER = "<>"  # smtpd_null_access_lookup_key, postconf(5)
WIDEST = {4: 8, 6: 16}  # bits of the widest network, by the version of IP

IS_NAME = rf"{LABEL}(\.{LABEL})*"
IS_CLIENT_KEY = rf"^({IS_NAME}|[0-9.]+(/[0-9]+)?|[0-9a-f.]*:[0-9a-f:.]+(/[0-9]+)?)$"
IS_HELO_KEY = rf"^({IS_NAME}|\[[0-9a-z:.]+\])$"
IS_MAIL_KEY = rf"^({IS_NAME}|[ -?\[-~]+@({IS_NAME})?)$"
IS_SENDER_KEY = rf"^({IS_NAME}|<>|[ -?\[-~]+@({IS_NAME})?)$"

_literal = re.compile(r"\[(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|ipv6:[0-9a-f:.]+)\]")


def client_key(text: str) -> str:
    """A host name, an address or a network. `192.0.2` is 192.0.2.0/24, as in tables of Postfix."""
    word = text.strip().lower()
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}", word):
        parts = word.split(".")
        word = ".".join([*parts, *["0"] * (4 - len(parts))]) + f"/{8 * len(parts)}"
    elif re.fullmatch(r"[0-9a-f]{1,4}(:[0-9a-f]{1,4}){0,6}:?", word) and ":" in word:
        groups = word.rstrip(":").split(":")
        word = f"{':'.join(groups)}::/{16 * len(groups)}"
    if ":" in word or "/" in word or re.fullmatch(r"[0-9.]+", word):
        return _network(word)
    return _name(word)


def helo_key(text: str) -> str:
    """A host name, or an address in brackets as HELO has it (RFC 5321, section 4.1.3)."""
    word = text.strip().lower()
    if word.startswith("["):
        if not _literal.fullmatch(word):
            sentence = _("“%(text)s” is no address as HELO has it. Write it as [192.0.2.7] or [IPv6:2001:db8::7].")
            raise ValidationError(sentence, params={"text": shown(text)})
        return word
    return word if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", word) else _name(word)


def recipient_key(text: str) -> str:
    """An address, a domain with all below it, or `name@` in every domain."""
    word = text.strip()
    if word.endswith("@"):
        return external_form(_no_pattern(normalised_local_part(word[:-1]), text), "")
    if word.startswith("@"):
        return _name(word[1:])
    if "@" in word:
        parsed = parse_address(word)
        _no_pattern(parsed.local_part, text)
        return str(parsed)
    return _name(word)


def sender_key(text: str) -> str:
    """The same, or `<>` for the null sender of bounces."""
    return NULL_SENDER if text.strip() == NULL_SENDER else recipient_key(text)


def _name(word: str) -> str:
    if word.startswith("."):
        sentence = _("“%(text)s”: a domain stands for all names below it as well. Leave out the dot at the beginning.")
        raise ValidationError(sentence, params={"text": shown(word)})
    return normalised_domain(word)


def _no_pattern(local_part: str, text: str) -> str:
    if local_part.endswith("*"):
        sentence = _("“%(text)s” is a pattern, which no access table knows. Name each address, or the whole domain.")
        raise ValidationError(sentence, params={"text": shown(text)})
    return local_part


def _network(word: str) -> str:
    try:
        network = ip_network(word, strict=False)
    except ValueError as error:
        sentence = _("“%(text)s” is no address or network. Write it as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32.")
        raise ValidationError(sentence, params={"text": shown(word)}) from error
    if "%" in word or "/" in word and not word.rpartition("/")[2].isdigit():
        sentence = _("“%(text)s” is no address or network. Write it as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32.")
        raise ValidationError(sentence, params={"text": shown(word)})
    if "/" in word and ip_network(word.partition("/")[0]).network_address != network.network_address:
        sentence = _("“%(text)s” has bits behind its prefix. The network is %(network)s.")
        raise ValidationError(sentence, params={"text": shown(word), "network": network})
    least = WIDEST[network.version]
    if network.prefixlen < least:
        sentence = _(
            "“%(text)s” is too wide: /%(least)d is the widest network. A restriction list speaks of everybody."
        )
        raise ValidationError(sentence, params={"text": shown(word), "least": least})
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)
