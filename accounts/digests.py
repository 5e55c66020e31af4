"""What stands for a secret that the panel made itself: random enough that its SHA-256 hides it."""

import hashlib

IS_SHA256 = r"^[0-9a-f]{64}$"


def sha256_of(text: str) -> str:
    """In hexadecimal, as Dovecot makes it, too (`%{sha256:password}`). Any text that somebody sends has one."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
