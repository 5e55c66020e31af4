"""Password hashes of mailboxes, in the words of Dovecot's password schemes: `{SCHEME}hash`."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from passlib.hash import argon2, bcrypt, md5_crypt, sha256_crypt, sha512_crypt

ROUNDS = 11  # bcrypt, about 100 ms a check
LONGEST_FOR_BCRYPT = 72  # bytes; bcrypt reads no further
SHORTEST = 8  # characters

SCHEMES = {
    "BLF-CRYPT": bcrypt,
    "ARGON2ID": argon2,
    "SHA512-CRYPT": sha512_crypt,
    "SHA256-CRYPT": sha256_crypt,
    "MD5-CRYPT": md5_crypt,  # what PostfixAdmin wrote by default until 3.3; nothing new is hashed so
}


def hash_password(password: str) -> str:
    """A new hash in the scheme BLF-CRYPT. Raises ValidationError with a sentence."""
    refuse_unfit(password)
    return "{BLF-CRYPT}" + bcrypt.using(rounds=ROUNDS, ident="2y").hash(password)


def is_password(password: str, stored: str) -> bool:
    """True if this is the password; False also for a scheme we do not know."""
    scheme, _brace, digest = stored.removeprefix("{").partition("}")
    handler = SCHEMES.get(scheme)
    if handler is None or "\0" in password:
        return False
    if scheme == "BLF-CRYPT" and len(password.encode()) > LONGEST_FOR_BCRYPT:
        return False
    try:
        return bool(handler.verify(password, digest))
    except ValueError:
        return False


def waste_time(password: str) -> None:
    """The work of one check, for an address that does not exist: the time must not tell."""
    bcrypt.using(rounds=ROUNDS).hash(password.replace("\0", "")[: LONGEST_FOR_BCRYPT // 4] or "-")


def refuse_unfit(password: str) -> None:
    if "\0" in password:
        raise ValidationError({"password": _("A password cannot hold a NUL character.")})
    if len(password) < SHORTEST:
        sentence = _("This password has %(length)d characters. Choose one with %(least)d or more.")
        raise ValidationError({"password": sentence % {"length": len(password), "least": SHORTEST}})
    size = len(password.encode())
    if size > LONGEST_FOR_BCRYPT:
        sentence = _("This password takes %(size)d bytes. bcrypt reads %(most)d; choose a shorter one.")
        raise ValidationError({"password": sentence % {"size": size, "most": LONGEST_FOR_BCRYPT}})
