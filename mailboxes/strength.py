"""Whether a password is good enough: its length, and how hard it is to guess, as zxcvbn estimates it.

Parts of the address count for nothing: whoever guesses tries them first."""

import re
from itertools import chain
from unicodedata import normalize

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from domains.fields import unicode_domain
from mailboxes.credentials import refuse_unfit
from mailboxes.models import PasswordSettings

READ = 72  # characters; zxcvbn takes a long time over more
SHORTEST_PART = 4  # characters of an address that are looked for in a password


def refuse_weak(password: str, address: str, settings: PasswordSettings | None = None) -> None:
    """Raises ValidationError with a sentence. `address` is that of the mailbox; who asks for many passwords reads the
    settings once."""
    settings = settings or PasswordSettings.current()
    refuse_unfit(password)
    least, left, part = settings.least_length, *_without_parts(password, address)
    if len(password) < least:
        sentence = _("This password has %(length)d characters. Choose one with %(least)d or more.")
        raise ValidationError({"password": sentence % {"length": len(password), "least": least}})
    if len(left) < least:
        sentence = _("“%(part)s” is a part of the address. Without it, choose %(least)d characters or more.")
        raise ValidationError({"password": sentence % {"part": part, "least": least}})
    if strength(password, address) < settings.least_strength:
        sentence = _("This password is easy to guess. Several words that do not belong together do well.")
        raise ValidationError({"password": sentence})


def strength(password: str, address: str) -> int:
    """From 0, the first that anybody tries, to 4."""
    from zxcvbn import zxcvbn  # its lists of words take a while, and memory

    left, _part = _without_parts(password, address)
    found: int = zxcvbn(left[:READ])["score"] if left else 0
    return found


def _without_parts(password: str, address: str) -> tuple[str, str]:
    """What is left of a password, and the longest part of the address that was in it. A domain is known by its A-label
    and by its U-label, which is what people type."""
    local_part, _at, domain = address.lower().rpartition("@")
    labels = [name.split(".")[:-1] for name in (domain, unicode_domain(domain))]
    parts = {local_part, *re.split(r"[^a-z0-9]+", local_part), *chain(*labels)}
    left, found = normalize("NFC", password), ""
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= SHORTEST_PART and part in left.lower():
            left, found = re.sub(re.escape(part), "", left, flags=re.IGNORECASE), found or part
    return left, found
