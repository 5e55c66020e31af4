"""Password hashes of mailboxes, in the words of Dovecot's password schemes: `{SCHEME}digest`."""

import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from passlib.hash import argon2, bcrypt

from mailboxes.password_schemes import (
    FOR_CHALLENGES,
    LONGEST_FOR_BCRYPT,
    OPEN,
    TooCostly,
    fits,
    own_name,
    refuse_broken,
)

# What a new hash costs; settings.PASSWORD_SCHEME chooses the scheme. Either takes about 100 ms, here and in Dovecot.
BLF_CRYPT, ARGON2ID = "BLF-CRYPT", "ARGON2ID"
ROUNDS = 11  # of bcrypt: 2 to the power of it
MEMORY, PASSES = 64 * 1024, 2  # of argon2: KiB, and how often it goes through them
WITH_SCHEME = re.compile(r"\{([A-Za-z0-9-]+)(?:\.(HEX|hex|B64|b64|BASE64|base64))?\}([!-~]+)")
LONGEST_HASH = 500  # characters
COSTLY = "costly"  # the code of the sentence about a hash that takes too long to check
# What crypt(3) and others write without a scheme.
BEGINNINGS = {
    "$2a$": "BLF-CRYPT",
    "$2b$": "BLF-CRYPT",
    "$2y$": "BLF-CRYPT",
    "$6$": "SHA512-CRYPT",
    "$5$": "SHA256-CRYPT",
    "$1$": "MD5-CRYPT",
    "$y$": "CRYPT",
    "$argon2id$": "ARGON2ID",
    "$argon2i$": "ARGON2I",
}


def hash_password(password: str) -> str:
    """A new hash. Raises ValidationError with a sentence for what cannot be hashed; it does not ask whether the
    password is a good one."""
    refuse_unfit(password)
    return f"{{{settings.PASSWORD_SCHEME}}}{_maker().hash(password)}"


def _maker() -> Any:
    if settings.PASSWORD_SCHEME == ARGON2ID:
        return argon2.using(type="ID", memory_cost=MEMORY, time_cost=PASSES, parallelism=1)
    return bcrypt.using(rounds=ROUNDS, ident="2y")


def is_password(password: str, stored: str) -> bool:
    """True if this is the password; False also for a scheme that nobody can check, or a hash that takes too long."""
    found = WITH_SCHEME.fullmatch(stored)
    if found is None or "\0" in password:
        return False
    try:
        return fits(found[1].upper(), (found[2] or "").upper(), found[3], password)
    except (KeyError, ValueError):
        return False


def better_hash(password: str, stored: str) -> str | None:
    """A new hash of this password, where the stored one is of another scheme or cheaper to try out; else None. Also
    where the new scheme cannot keep it: bcrypt reads 72 bytes only. And where the stored one cannot tell whether this
    is all of the password: what its owner types elsewhere would be wrong from then on."""
    if _is_as_new(stored) or _may_go_on(password, stored):
        return None
    try:
        return hash_password(password)
    except ValidationError:
        return None


def reads_eight_bytes(stored: str) -> bool:
    """crypt(3) of old does, and of each byte seven bits: any password that begins alike is taken for the same."""
    return _own_name(stored) == "DES-CRYPT"


def _may_go_on(password: str, stored: str) -> bool:
    """Whether the password may be longer than what was typed and is right all the same."""
    is_cut = len(password.encode()) == LONGEST_FOR_BCRYPT and _own_name(stored) == BLF_CRYPT
    return is_cut or reads_eight_bytes(stored)


def _own_name(stored: str) -> str:
    found = WITH_SCHEME.fullmatch(stored)
    try:
        return own_name(found[1], (found[2] or "").upper(), found[3]) if found else ""
    except (KeyError, ValueError):
        return ""


def _is_as_new(stored: str) -> bool:
    return stored.startswith(f"{{{settings.PASSWORD_SCHEME}}}") and takes_as_long(stored)


def takes_as_long(stored: str) -> bool:
    """Whether a check takes as long as one of a new hash, or longer."""
    scheme, _brace, digest = stored.removeprefix("{").partition("}")
    try:
        found: Any = {BLF_CRYPT: bcrypt, ARGON2ID: argon2}[scheme].from_string(digest)
    except (KeyError, ValueError):
        return False
    least = (MEMORY, PASSES) if scheme == ARGON2ID else (0, ROUNDS)
    is_as_dear = getattr(found, "memory_cost", 0) >= least[0] and found.rounds >= least[1]
    return is_as_dear and not takes_too_long(stored)


def hash_with_scheme(text: str) -> str:
    """`$6$…` -> `{SHA512-CRYPT}$6$…`. Raises ValidationError with a sentence, which never holds what was typed. Its
    code is COSTLY for a hash that takes too long to check."""
    named = re.match(r"\{([A-Za-z0-9-]+)", text)
    if named and named[1].upper() in FOR_CHALLENGES:
        sentence = _("A hash of the scheme %(scheme)s is of use for challenges only. Leave it out; set a new password.")
        raise ValidationError(sentence % {"scheme": named[1].upper()})
    if named and named[1].upper() in OPEN:
        sentence = _("The scheme %(scheme)s hides no password. A plain password belongs into the column password.")
        raise ValidationError(sentence % {"scheme": named[1].upper()})
    found = WITH_SCHEME.fullmatch(text)
    if found:
        scheme, encoding, digest = found[1].upper(), (found[2] or "").upper(), found[3]
    else:
        scheme = next((name for start, name in BEGINNINGS.items() if text.startswith(start)), "")
        encoding, digest = "", text
    stored = f"{{{scheme}{encoding and '.' + encoding}}}{digest}"
    try:
        refuse_broken(scheme, encoding, digest)
        if len(stored) > LONGEST_HASH or not WITH_SCHEME.fullmatch(stored):
            raise ValueError(stored)
    except TooCostly as error:
        sentence = _(
            "A check of this hash takes too long, and everybody would wait for it. %(scheme)s is taken up to %(most)s. "
            "Leave it out; set a new password."
        )
        raise ValidationError(sentence % {"scheme": scheme, "most": error}, code=COSTLY) from None
    except (KeyError, ValueError):
        raise ValidationError(
            _(
                "This is no password hash that is known here. It begins with its scheme, as {BLF-CRYPT} or $6$ do. A "
                "plain password belongs into the column password."
            )
        ) from None
    return stored


def takes_too_long(stored: str) -> bool:
    """Whether a check of this hash would: one that was stored before such were refused."""
    found = WITH_SCHEME.fullmatch(stored)
    try:
        if found:
            refuse_broken(found[1].upper(), (found[2] or "").upper(), found[3])
    except TooCostly:
        return True
    except (KeyError, ValueError):
        pass
    return False


def waste_time(password: str) -> None:
    """The work of one check, for an address that does not exist, or a hash that is checked at once: the time must not
    tell."""
    _maker().hash(password.replace("\0", "")[: LONGEST_FOR_BCRYPT // 4] or "-")


def refuse_unfit(password: str) -> None:
    """What no hash can keep."""
    if "\0" in password:
        raise ValidationError({"password": _("A password cannot hold a NUL character.")})
    size = len(password.encode())
    if settings.PASSWORD_SCHEME == BLF_CRYPT and size > LONGEST_FOR_BCRYPT:
        sentence = _("This password takes %(size)d bytes. bcrypt reads %(most)d; choose a shorter one.")
        raise ValidationError({"password": sentence % {"size": size, "most": LONGEST_FOR_BCRYPT}})
