"""Passwords for relays, encrypted with keys of the state directory: Postfix must read them, so no hash will do.

The file `relay_password_keys` holds one Fernet key a line (32 random bytes in base64url). The first encrypts, all
decrypt: to rotate, put a new one on top."""

import os

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LONGEST = 255  # characters


def keeper() -> MultiFernet:
    """What encrypts and decrypts; the file is made at first use, mode 0600."""
    path = settings.STATE / "relay_password_keys"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
    return MultiFernet([Fernet(line) for line in path.read_text().split()])


def encrypted(password: str) -> str:
    """Raises ValidationError with a sentence where Postfix could not read it back from a line of its file."""
    if not password:
        raise ValidationError({"password": _("Type the password for the relay.")})
    if not password.isascii() or not password.isprintable() or password != password.strip():
        sentence = _("A password for a relay is one line of ASCII that neither begins nor ends with a blank.")
        raise ValidationError({"password": sentence})
    if len(password) > LONGEST:
        raise ValidationError({"password": _("This password is longer than %(most)d characters.") % {"most": LONGEST}})
    return keeper().encrypt(password.encode()).decode()


def decrypted(token: str) -> str:
    try:
        return keeper().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise ValidationError(
            _("A password for a relay was encrypted with a key that relay_password_keys no longer has. Type it again.")
        ) from error
