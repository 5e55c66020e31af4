"""Addresses as text: taking them apart and writing them down (RFC 5321, section 4.1.2)."""

import re
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from domains.fields import normalised_domain, shown

LONGEST_LOCAL_PART = 64  # octets; RFC 5321, section 4.5.3.1.1
LONGEST_ADDRESS = 254  # octets; RFC 5321, section 4.5.3.1.3, less the angle brackets

ATEXT = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]"
DOT_STRING = re.compile(rf"{ATEXT}+(\.{ATEXT}+)*", re.IGNORECASE)
NEEDS_NO_QUOTES_FROM_PEOPLE = re.compile(rf"({ATEXT}|\.)+", re.IGNORECASE)
PROGRAM_OR_FILE = re.compile(r'"?(\||:include:|/[^@]*$)', re.IGNORECASE)  # aliases(5)
ONE_OF_SEVERAL = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s,])+')
QUOTED_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class ParsedAddress:
    """`local_part` is unquoted and in lower case; empty for `@domain`."""

    local_part: str
    domain: str

    def __str__(self) -> str:
        return external_form(self.local_part, self.domain)


def external_form(local_part: str, domain: str) -> str:
    """The address as it is written: `"a b"@example.org`. Quoted only where RFC 5321 asks for it, as Postfix does."""
    if not local_part or DOT_STRING.fullmatch(local_part):
        return f"{local_part}@{domain}"
    escaped = re.sub(r'(["\\])', r"\\\1", local_part)
    return f'"{escaped}"@{domain}'


def split_address(local_part: str, delimiters: str) -> tuple[str, str]:
    """(base, extension with its delimiter) as split_addr() of Postfix does it; no extension: ("", "").

    The first of the delimiters counts, unless nothing stands before it. postmaster, mailer-daemon, double-bounce and,
    with a hyphen among the delimiters, owner-x and x-request are never split."""
    if local_part in ("postmaster", "mailer-daemon", "double-bounce"):
        return "", ""
    if "-" in delimiters and (local_part.startswith("owner-") or local_part.endswith("-request")):
        return "", ""
    at = min((place for mark in delimiters if (place := local_part.find(mark)) >= 0), default=-1)
    if at < 1:
        return "", ""
    return local_part[:at], local_part[at:]


def written_local_part(local_part: str) -> str:
    """As people type it: in quotes where it needs them."""
    return external_form(local_part, "").removesuffix("@")


def parse_address(text: str, *, may_be_whole_domain: bool = False, keep_case: bool = False) -> ParsedAddress:
    """Takes an address apart, or says in a sentence what is wrong with it (ValidationError)."""
    stripped = text.strip()
    refuse_long_address(stripped)
    local_part, at, domain = stripped.rpartition("@")
    if PROGRAM_OR_FILE.match(stripped):
        raise ValidationError(
            _("“%(text)s” is a program or a file. These belong in /etc/aliases of the mail host: local(8) reads it."),
            params={"text": shown(text)},
        )
    if not at or not domain:
        raise ValidationError(
            _("“%(text)s” has no domain. Write it as name@example.org."), params={"text": shown(text)}
        )
    if not local_part and not may_be_whole_domain:
        raise ValidationError(_("“%(text)s” has nothing before the @."), params={"text": shown(text)})
    normalised = normalised_local_part(local_part, may_be_empty=True, keep_case=keep_case)
    parsed = ParsedAddress(normalised, normalised_domain(domain))
    refuse_long_address(str(parsed))
    return parsed


def several(text: str) -> list[str]:
    """What is typed with blanks or commas between; within quotes these belong to an address."""
    return ONE_OF_SEVERAL.findall(text)


def parse_result(text: str) -> ParsedAddress:
    """Takes apart what a map answered. It was judged when it was stored; with the extension of what was asked for, its
    local part may be longer than one that people may type, and Postfix takes it."""
    local_part, _at, domain = text.rpartition("@")
    return ParsedAddress(_unquoted(local_part).lower(), domain.lower())


def refuse_long_address(address: str) -> None:
    if len(address) > LONGEST_ADDRESS:
        raise ValidationError(
            _("“%(text)s” is too long: %(length)d characters, an address has %(most)d at most."),
            params={"text": shown(address, 40), "length": len(address), "most": LONGEST_ADDRESS},
        )


def normalised_local_part(text: str, *, may_be_empty: bool = False, keep_case: bool = False) -> str:
    """The unquoted local part in lower case, as Postfix looks it up, or a sentence (ValidationError).

    The case is kept for addresses elsewhere, where it belongs to somebody else (RFC 5321, section 2.4)."""
    local_part = _unquoted(text.strip())
    if not keep_case and local_part.isascii():  # the Kelvin sign in lower case would be the letter k
        local_part = local_part.lower()
    # `""@example.org` is not the catch-all
    sentence = "" if not text.strip() and may_be_empty else fault_of_local_part(local_part)
    if sentence:
        raise ValidationError(
            sentence, params={"text": shown(text), "most": LONGEST_LOCAL_PART, "length": len(local_part)}
        )
    return local_part


def fault_of_local_part(local_part: str) -> str:
    """What Postfix would not take, or would take for something else; empty if nothing."""
    if not local_part:
        return _("Type the part before the @.")
    if not local_part.isascii():
        return _(
            "“%(text)s” holds letters beyond ASCII. Most mail servers refuse them before the @; use a to z and digits."
        )
    if not local_part.isprintable():
        return _("“%(text)s” holds a control character. Remove it.")
    if len(local_part) > LONGEST_LOCAL_PART:
        return _("The part before the @ has %(length)d characters. %(most)d are allowed.")
    if re.search(r"[@%!]", local_part):
        # resolve_dequoted_address, allow_percent_hack, swap_bangpath: Postfix routes by these, even in quotes
        return _("“%(text)s” holds one of @ %% !, which Postfix reads as a route. Leave it out.")
    if "*" in local_part[:-1] or local_part == "*":
        return _(
            "“%(text)s”: a * stands at the end, behind at least one letter. sales-* is all that begins with sales-."
        )
    if local_part[0] in "-|/:":
        # aliases(5): a command, a file, :include:; allow_min_user: an option of a command
        return _("“%(text)s” begins with one of - | / :, which Postfix does not take. Choose another first letter.")
    if local_part != local_part.strip():
        return _("“%(text)s” begins or ends with a blank. Remove it.")
    return ""


def _unquoted(text: str) -> str:
    """What stands in quotes is taken out of them; what is not quoted may hold no blanks and the like.

    Dots anywhere are taken: mail providers in Japan gave out addresses such as `a..b.@example.ne.jp` for years."""
    if text.startswith('"'):
        quoted = QUOTED_STRING.fullmatch(text)
        if not quoted:
            raise ValidationError(_("“%(text)s”: the quotes do not match."), params={"text": shown(text)})
        return re.sub(r"\\(.)", r"\1", quoted.group(1), flags=re.DOTALL)
    if text and text.isascii() and text.isprintable() and not NEEDS_NO_QUOTES_FROM_PEOPLE.fullmatch(text):
        sentence = _("“%(text)s” is not an address. Put the part before the @ in quotes if you mean it.")
        raise ValidationError(sentence, params={"text": shown(text)})
    return text
