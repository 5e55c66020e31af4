"""The right-hand side of the tables: what Postfix takes there, or a sentence about what it would not take."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from domains.fields import LABEL, shown
from lookup_tables.keys import host_and_port
from mailboxes.parsing import parse_address

# transport(5); the text behind these is said to people, not a place to go to (error(8), discard(8)).
WITH_A_TEXT = ("error", "retry", "discard")
HOST = r"(\[[A-Za-z0-9:.-]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(:[A-Za-z0-9-]+)?"
IS_TRANSPORT = (
    rf"^([a-z0-9_-]*:((inet:)?{HOST}(, ?{HOST})*)?|[a-z0-9_-]+:unix:[!-~]+"
    rf"|({'|'.join(WITH_A_TEXT)}):([!-~]([ -~]*[!-~])?)?)$"
)
IS_RELAY = rf"^{HOST}$"
IS_NEXTHOP_KEY = rf"^(\.{LABEL}(\.{LABEL})*|(\[[a-z0-9:.-]+\]|[a-z0-9][a-z0-9.-]*)(:[a-z0-9-]+)?)$"
IS_ONE_LINE = r"^[!-~]([ -~]*[!-~])?$"

LEVELS = ("none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure")
ATTRIBUTES = ("match", "protocols", "ciphers", "exclude", "servername", "connection_reuse")
IS_TLS_POLICY = rf"^({'|'.join(LEVELS)})( ({'|'.join(ATTRIBUTES)})=[!-~]+)*$"
CIPHERS = ("export", "low", "medium", "high", "null")
_PROTOCOL = re.compile(r"(!?(SSLv2|SSLv3|TLSv1|TLSv1\.[123])|[<>]=(SSLv3|TLSv1|TLSv1\.[0123]))", re.IGNORECASE)


def transport(text: str) -> str:
    """`transport:nexthop`; either may be empty."""
    word = text.strip()
    name, colon, nexthop = word.partition(":")
    nexthop = nexthop.strip()
    if not colon or not re.fullmatch(r"[a-z0-9_-]*", name):
        sentence = _(
            "“%(text)s” is no transport. Write a name of master.cf, a colon and the next hop: smtp:[mx.example.org]:25."
        )
        raise ValidationError(sentence, params={"text": shown(text)})
    if name in WITH_A_TEXT:
        return f"{name}:{one_line(nexthop)}" if nexthop else f"{name}:"
    if nexthop.startswith("unix:"):
        if not name or not re.fullmatch(r"unix:[!-~]+", nexthop):
            sentence = _("“%(text)s”: write a transport and a path without blanks, as in lmtp:unix:/run/lmtp.")
            raise ValidationError(sentence, params={"text": shown(text)})
        return f"{name}:{nexthop}"
    if not nexthop:
        return f"{name}:"
    inet = "inet:" if nexthop.startswith("inet:") else ""
    hosts = [host_and_port(host) for host in nexthop.removeprefix("inet:").split(",")]
    return f"{name}:{inet}{', '.join(hosts)}"


def tls_policy(text: str) -> str:
    """A level and its attributes, with single blanks between (postconf(5), smtp_tls_policy_maps)."""
    level, *words = text.split() or [""]
    if level.lower() not in LEVELS:
        sentence = _("“%(text)s” does not begin with a TLS level. Choose one of %(levels)s.")
        raise ValidationError(sentence, params={"text": shown(text), "levels": ", ".join(LEVELS)})
    level = level.lower()
    attributes = [_attribute(word, level) for word in words]
    names = [attribute.partition("=")[0] for attribute in attributes]
    if level == "fingerprint" and "match" not in names:
        raise ValidationError(_("The level fingerprint needs match= with the fingerprint itself."))
    return " ".join([level, *attributes])


def _attribute(word: str, level: str) -> str:
    name, equals, value = word.partition("=")
    name = name.lower()
    if name not in ATTRIBUTES or not equals or not re.fullmatch(r"[!-~]+", value):
        sentence = _("“%(text)s” is no attribute. Use %(names)s, each with = and a value without blanks.")
        raise ValidationError(sentence, params={"text": shown(word), "names": ", ".join(ATTRIBUTES)})
    fault = ""
    if level == "none":
        fault = _("The level none takes no attributes: there is no TLS to speak of. Remove “%(text)s”.")
    elif name == "match" and level not in ("fingerprint", "verify", "secure"):
        fault = _("“%(text)s” has no meaning here. match= belongs to the levels fingerprint, verify and secure.")
    elif name == "ciphers" and value.lower() not in CIPHERS:
        fault = _("“%(text)s” is no grade of ciphers. Choose one of export, low, medium, high, null.")
    elif name == "connection_reuse" and value not in ("yes", "no"):
        fault = _("“%(text)s”: connection_reuse is yes or no.")
    elif name == "protocols" and not all(_PROTOCOL.fullmatch(one) for one in re.split(r"[:,]", value)):
        fault = _("“%(text)s” names no protocols. Write >=TLSv1.2, or names with : between them.")
    if fault:
        raise ValidationError(fault, params={"text": shown(word)})
    return f"{name}={value}"


def one_line(text: str) -> str:
    """What smtpd says to somebody: one line of ASCII, as it stands in an SMTP reply."""
    words = text.strip()
    if not words:
        raise ValidationError(_("Type what is said to the sender."))
    if not re.fullmatch(r"[ -~]+", words):
        sentence = _("“%(text)s” holds letters beyond ASCII or a line end. An SMTP reply is one line of ASCII.")
        raise ValidationError(sentence, params={"text": shown(text)})
    return words


def one_address(text: str) -> str:
    return str(parse_address(text, keep_case=True))


def address_or_domain(text: str) -> str:
    """An address, or `@example.org` that keeps what stands before the @."""
    return str(parse_address(text, may_be_whole_domain=True, keep_case=True))
