"""Dovecot's password schemes (doc.dovecot.org/2.3, Password Schemes): what `{SCHEME}digest` says of a password.

Each scheme checks whether a password is the one of a digest, as Dovecot would, and reads a digest, which is quick. Both
raise ValueError for what is none. A digest says itself how long a check takes, and Dovecot checks one after another:
what takes about a second or more is refused, or whoever writes a hash stops the sign-ins and the mail of everybody."""

import ctypes
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from dataclasses import dataclass
from functools import cache, partial
from threading import Lock
from typing import Any

from passlib.hash import argon2, bcrypt, des_crypt, md5_crypt, sha256_crypt, sha512_crypt

Check = Callable[[bytes, str], bool]
Read = Callable[[str], object]

# What a check may cost: each takes less than a second on a machine of today.
LARGEST_COST = 14  # of bcrypt: 2 to the power of it
LARGEST_ROUNDS = 1_000_000  # of SHA-crypt, PBKDF2 and SCRAM; passlib makes 656,000
LARGEST_MEMORY = 512 * 1024  # KiB, of an argon2 hash; the process of Dovecot may take 1 GiB
LARGEST_WORK = 1024 * 1024  # KiB, of an argon2 hash: its memory, as often as it goes through it
MOST_LANES = 16  # of an argon2 hash, each a thread
LARGEST_BLOCKS = 128 * 1024**2  # bytes, of yescrypt and scrypt; Debian makes 16 MiB

LONGEST_FOR_BCRYPT = 72  # bytes; bcrypt reads no further

# crypt(5). Both go on with salt and digest; the logarithm of N and r are digits of ALPHABET, and p is 1.
ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
YESCRYPT = re.compile(r"\$g?y\$j([./0-9A-Za-j])([./0-9A-Za-j])\$[./0-9A-Za-z]{0,86}\$[./0-9A-Za-z]{43}")
SCRYPT = re.compile(r"\$7\$([./0-9A-Za-z])([./0-9A-Za-z])\.{4}/\.{4}[./0-9A-Za-z]*\$[./0-9A-Za-z]{43}")

_alone = Lock()


class TooCostly(ValueError):
    """A check of this digest takes too long. Says what is the most, as a digest says it."""


def _refuse_costly(is_costly: bool, most: str) -> None:
    if is_costly:
        raise TooCostly(most)


def _by(handler: Any, password: bytes, digest: str) -> bool:
    return bool(handler.verify(password, digest))


def _bcrypt(password: bytes, digest: str) -> bool:
    return len(password) <= LONGEST_FOR_BCRYPT and _by(bcrypt, password, digest)


def _read_bcrypt(digest: str) -> None:
    _read_crypted(bcrypt, digest)
    _refuse_costly(bcrypt.from_string(digest).rounds > LARGEST_COST, f"$2y${LARGEST_COST}$")


def _read_sha_crypt(handler: Any, digest: str) -> None:
    _read_crypted(handler, digest)
    _refuse_costly(handler.from_string(digest).rounds > LARGEST_ROUNDS, f"rounds={LARGEST_ROUNDS}")


def _read_argon2(kind: str, digest: str) -> None:
    found = argon2.from_string(digest)
    if found.type.upper() != kind:
        raise ValueError(digest)
    is_costly = found.memory_cost > LARGEST_MEMORY or found.memory_cost * found.rounds > LARGEST_WORK
    most = f"m={LARGEST_MEMORY}, m·t={LARGEST_WORK}, p={MOST_LANES}"
    _refuse_costly(is_costly or found.parallelism > MOST_LANES, most)


def _plain_digest(algorithm: str, password: bytes, digest: str) -> bool:
    """In base64 or in hexadecimal: Dovecot tells them apart by their length."""
    size = hashlib.new(algorithm, usedforsecurity=False).digest_size
    octets = bytes.fromhex(digest) if len(digest) == 2 * size else b64decode(digest, validate=True)
    if len(octets) != size:
        raise ValueError(digest)
    return hmac.compare_digest(hashlib.new(algorithm, password, usedforsecurity=False).digest(), octets)


def _salted_digest(algorithm: str, password: bytes, digest: str) -> bool:
    """The salt is what stands behind the digest."""
    size = hashlib.new(algorithm, usedforsecurity=False).digest_size
    octets = b64decode(digest, validate=True)
    if len(octets) < size:
        raise ValueError(digest)
    made = hashlib.new(algorithm, password + octets[size:], usedforsecurity=False).digest()
    return hmac.compare_digest(made, octets[:size])


def _pbkdf2(password: bytes, digest: str) -> bool:
    salt, rounds, wanted = _read_pbkdf2(digest)
    return hmac.compare_digest(hashlib.pbkdf2_hmac("sha1", password, salt, rounds, 20), wanted)


def _read_pbkdf2(digest: str) -> tuple[bytes, int, bytes]:
    """$1$salt$rounds$hexadecimal, with SHA-1."""
    empty, one, salt, rounds, wanted = digest.split("$")
    if (empty, one, len(wanted)) != ("", "1", 40):
        raise ValueError(digest)
    return salt.encode(), _rounds(rounds), bytes.fromhex(wanted)


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(text)
    _refuse_costly(int(text) > LARGEST_ROUNDS, f"rounds={LARGEST_ROUNDS}")
    return int(text)


def _scram(algorithm: str, password: bytes, digest: str) -> bool:
    rounds, salt, stored = _read_scram(algorithm, digest)
    key = hmac.digest(hashlib.pbkdf2_hmac(algorithm, password, salt, rounds), b"Client Key", algorithm)
    return hmac.compare_digest(hashlib.new(algorithm, key).digest(), stored)


def _read_scram(algorithm: str, digest: str) -> tuple[int, bytes, bytes]:
    """RFC 5802: rounds,salt,StoredKey,ServerKey."""
    rounds, salt, stored, server = digest.split(",")
    keys = [b64decode(key, validate=True) for key in (stored, server)]
    if {len(key) for key in keys} != {hashlib.new(algorithm).digest_size}:
        raise ValueError(digest)
    return _rounds(rounds), b64decode(salt, validate=True), keys[0]


def _crypt(password: bytes, digest: str) -> bool:
    """What crypt(3) of this machine knows: on Debian also yescrypt ($y$)."""
    scheme = _of_crypt(digest)
    if scheme:
        return SCHEMES[scheme].check(password, digest)
    with _alone:
        made: bytes | None = _library().crypt(password, digest.encode())
    if made is None or made.startswith(b"*"):
        raise ValueError(digest)
    return hmac.compare_digest(made, digest.encode())


def _read_crypt(digest: str) -> None:
    scheme = _of_crypt(digest)
    if scheme:
        SCHEMES[scheme].read(digest)
    else:
        _read_yescrypt(digest)


def _read_yescrypt(digest: str) -> None:
    found = YESCRYPT.fullmatch(digest) or SCRYPT.fullmatch(digest)
    if found is None:
        raise ValueError(digest)
    exponent, size = (ALPHABET.index(digit) for digit in found.groups())
    if found.re is YESCRYPT:  # counts from 1
        exponent, size = exponent + 1, size + 1
    _refuse_costly(128 * size << exponent > LARGEST_BLOCKS, f"{LARGEST_BLOCKS // 1024**2} MiB")


def _of_crypt(digest: str) -> str:
    beginnings = {"$1$": "MD5-CRYPT", "$2": "BLF-CRYPT", "$5$": "SHA256-CRYPT", "$6$": "SHA512-CRYPT"}
    found = next((scheme for start, scheme in beginnings.items() if digest.startswith(start)), "")
    return found or ("" if digest.startswith("$") else "DES-CRYPT")


@cache
def _library() -> Any:
    name = find_library("crypt")
    if name is None:
        raise ValueError("this machine has no libcrypt")
    library = ctypes.CDLL(name)
    library.crypt.restype = ctypes.c_char_p
    return library


def _md5(password: bytes, digest: str) -> bool:
    """crypt(3)'s, or what LDAP calls so (RFC 2307)."""
    return SCHEMES["MD5-CRYPT" if digest.startswith("$1$") else "LDAP-MD5"].check(password, digest)


@dataclass(frozen=True)
class Scheme:
    check: Check
    read: Read
    is_text: bool = True  # of its own, not octets in base64 or hexadecimal


def _read_crypted(handler: Any, digest: str) -> None:
    if handler.from_string(digest).checksum is None:
        raise ValueError(digest)


def _handled(handler: Any, read: Callable[[Any, str], None] = _read_crypted) -> Scheme:
    return Scheme(partial(_by, handler), partial(read, handler))


def _digest(check: Check) -> Scheme:
    """To read it is to check it: that takes no time."""
    return Scheme(check, partial(check, b""), is_text=False)


SCHEMES = {
    "BLF-CRYPT": Scheme(_bcrypt, _read_bcrypt),
    "ARGON2ID": Scheme(partial(_by, argon2), partial(_read_argon2, "ID")),
    "ARGON2I": Scheme(partial(_by, argon2), partial(_read_argon2, "I")),
    "SHA512-CRYPT": _handled(sha512_crypt, _read_sha_crypt),
    "SHA256-CRYPT": _handled(sha256_crypt, _read_sha_crypt),
    "MD5-CRYPT": _handled(md5_crypt),
    "DES-CRYPT": _handled(des_crypt),
    "CRYPT": Scheme(_crypt, _read_crypt),
    "PBKDF2": Scheme(_pbkdf2, _read_pbkdf2),
    "SCRAM-SHA-1": Scheme(partial(_scram, "sha1"), partial(_read_scram, "sha1")),
    "SCRAM-SHA-256": Scheme(partial(_scram, "sha256"), partial(_read_scram, "sha256")),
    "SSHA512": _digest(partial(_salted_digest, "sha512")),
    "SSHA256": _digest(partial(_salted_digest, "sha256")),
    "SSHA": _digest(partial(_salted_digest, "sha1")),
    "SMD5": _digest(partial(_salted_digest, "md5")),
    "SHA512": _digest(partial(_plain_digest, "sha512")),
    "SHA256": _digest(partial(_plain_digest, "sha256")),
    "SHA": _digest(partial(_plain_digest, "sha1")),
    "SHA1": _digest(partial(_plain_digest, "sha1")),
    "LDAP-MD5": _digest(partial(_plain_digest, "md5")),
    "PLAIN-MD5": _digest(partial(_plain_digest, "md5")),
    "MD5": _digest(_md5),
}
# A password is not hidden in these, or what is stored opens the door as well as the password does.
OPEN = {"PLAIN", "CLEAR", "CLEARTEXT", "PLAIN-TRUNC", "OTP", "SKEY", "LANMAN", "NTLM", "PLAIN-MD4"}
# These answer a challenge, or depend on the name: nobody can hold a password that is typed here against them.
FOR_CHALLENGES = {"CRAM-MD5", "HMAC-MD5", "DIGEST-MD5", "RPA"}


def fits(scheme: str, encoding: str, digest: str, password: str) -> bool:
    """Whether this is the password. `encoding` is what stands behind the dot of a scheme: HEX, B64, BASE64 or nothing.
    Raises ValueError for a digest that is none of this scheme, TooCostly before it takes long, and KeyError for another
    scheme."""
    one = SCHEMES[scheme]
    with _refused(digest):
        text = _recoded(one, encoding, digest)
        one.read(text)
        return one.check(password.encode(), text)


def own_name(scheme: str, encoding: str, digest: str) -> str:
    """The scheme, or what a digest of CRYPT begins with. Raises KeyError and ValueError as `fits` does."""
    return _of_crypt(_recoded(SCHEMES[scheme], encoding, digest)) if scheme == "CRYPT" else scheme


def refuse_broken(scheme: str, encoding: str, digest: str) -> None:
    """Raises ValueError for a digest that is none of this scheme, cut off on its way for example, and TooCostly for one
    that takes too long to check."""
    one = SCHEMES[scheme]
    with _refused(digest):
        one.read(_recoded(one, encoding, digest))


@contextmanager
def _refused(digest: str) -> Iterator[None]:
    try:
        yield
    except (TypeError, OverflowError) as error:
        raise ValueError(digest) from error


def _recoded(scheme: Scheme, encoding: str, digest: str) -> str:
    """In base64, or as text where the scheme has a text of its own."""
    if not encoding:
        return digest
    octets = bytes.fromhex(digest) if encoding == "HEX" else b64decode(digest, validate=True)
    return octets.decode("ascii") if scheme.is_text or octets.startswith(b"$1$") else b64encode(octets).decode()
