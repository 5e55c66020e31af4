"""Secrets that must be read again, so that no hash will do, encrypted with keys of the state directory.

A key file has one Fernet key a line: the first encrypts, all of them decrypt."""

from cryptography.fernet import Fernet, MultiFernet

IS_FERNET = r"^gAAAA[A-Za-z0-9_=-]+$"  # version 0x80 in base64url


def keeper(keys: str) -> MultiFernet:
    """What encrypts with the first key of a key file, and decrypts with all of them."""
    return MultiFernet([Fernet(line) for line in keys.split()])
