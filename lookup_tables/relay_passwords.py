"""Passwords for relays, encrypted with keys of the state directory: Postfix must read them, so no hash will do.

To rotate, put a new key on top of the file `relay_password_keys` and start the panel again."""

from cryptography.fernet import InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts import sealing

LONGEST = 255  # characters


def keeper() -> MultiFernet:
    return sealing.keeper(settings.RELAY_PASSWORD_KEYS)


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
