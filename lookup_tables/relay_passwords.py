"""Passwords for relays, encrypted with keys of the state directory: Postfix must read them, so no hash will do.

Those of relays that are gone, or have no user name any more, are kept for an undo, not for ever.
To rotate, put a new key on top of the file `relay_password_keys` and start the panel again."""

from collections.abc import Iterable

from cryptography.fernet import InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import sealing
from lookup_tables.models import RelayPassword, SenderRelay
from mailboxes.credentials_purge import KEPT

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


def is_password(password: str, token: str) -> bool:
    """Whether this is the password; False also where no key reads the stored one any more."""
    try:
        return decrypted(token) == password
    except ValidationError:
        return False


def retire_passwords(relay_ids: Iterable[int]) -> None:
    """Those of relays that are gone or sign in no more. They are kept until they are purged."""
    RelayPassword.objects.filter(relay__in=list(relay_ids), retired_at=None).update(retired_at=timezone.now())


def bring_back_passwords(relays: QuerySet[SenderRelay]) -> None:
    """Those of relays that an undo lets sign in again."""
    RelayPassword.objects.filter(relay__in=relays, retired_at__isnull=False).update(retired_at=None)


def purge_passwords() -> None:
    """Deletes what was retired longer ago than KEPT."""
    RelayPassword.objects.filter(retired_at__lt=timezone.now() - KEPT).delete()
