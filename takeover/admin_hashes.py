"""Passwords of people that came with a hash of another panel: checked once more as they are, and hashed anew by that
sign-in (django.contrib.auth.hashers)."""

from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher
from django.core.exceptions import ValidationError

from mailboxes.credentials import hash_with_scheme, is_password
from mailboxes.password_schemes import SCHEMES

LONGEST = 128  # characters, of User.password


class TakenOverHasher(BasePasswordHasher):
    """`taken_over$` and the hash as it was stored there, its scheme known by its beginning. Nothing new is hashed so:
    there is no encode()."""

    algorithm = "taken_over"

    def verify(self, password: str, encoded: str) -> bool:
        try:
            return is_password(password, hash_with_scheme(encoded.removeprefix(f"{self.algorithm}$")))
        except ValidationError:  # it came when it was still taken
            return False

    def decode(self, encoded: str) -> dict[str, Any]:
        return {"algorithm": self.algorithm, "hash": encoded.removeprefix(f"{self.algorithm}$"), "salt": ""}

    def safe_summary(self, encoded: str) -> Any:
        return {"algorithm": self.algorithm}

    def must_update(self, encoded: str) -> bool:
        return True

    def harden_runtime(self, password: str, encoded: str) -> None:
        """The next sign-in takes the time of the hash that is then there."""


def taken_over(value: str) -> str:
    """What goes into User.password; empty if this panel could not check it."""
    try:
        stored = hash_with_scheme(value.strip())
    except ValidationError:
        return ""
    scheme, _brace, digest = stored.removeprefix("{").partition("}")
    encoded = f"{TakenOverHasher.algorithm}${digest}"
    is_known = scheme in SCHEMES and digest.startswith("$")  # by its beginning
    return encoded if is_known and len(encoded) <= LONGEST else ""
