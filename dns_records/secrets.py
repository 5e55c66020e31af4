"""Secrets of TSIG keys, encrypted with keys of the state directory: each update is signed with one, so no hash will do.

To rotate, put a new key on top of the file `tsig_sealing_keys`, start the panel again and type the secrets anew."""

import binascii
from base64 import b64decode

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts import sealing
from dns_records.models import UpdateServer

LEAST = 16  # octets


def sealed(secret: str) -> str:
    """Raises ValidationError with a sentence for what is no secret of TSIG."""
    try:
        octets = b64decode(secret.strip(), validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if len(octets) < LEAST:
        raise ValidationError({"secret": _("A secret is base64 of at least 16 bytes, as keymgr -t prints it.")})
    return sealing.keeper(settings.TSIG_SEALING_KEYS).encrypt(secret.strip().encode()).decode()


def opened(token: str) -> str:
    """Base64, as it was typed; "" where no line of the key file fits any more."""
    try:
        return sealing.keeper(settings.TSIG_SEALING_KEYS).decrypt(token.encode()).decode()
    except InvalidToken:
        return ""


def secret_of(server: UpdateServer) -> str:
    """Base64, as dnspython takes it."""
    kept = getattr(server, "secret", None)
    secret = opened(kept.token) if kept else ""
    if not secret:
        sentence = _("The secret of the key %(name)s is not here any more. Type it again.")
        raise ValidationError(sentence % {"name": server})
    return secret
