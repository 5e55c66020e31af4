"""Private keys of DKIM: how they are made, read, kept encrypted and forgotten."""

import re
from base64 import b64encode
from datetime import timedelta

from cryptography.fernet import InvalidToken, MultiFernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import sealing
from domains.dkim_models import NAME_IS_LEFT_FREE, DkimKey, DkimPrivateKey, LeftDkimName

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
KEPT = timedelta(days=30)  # after a deletion, for an undo
BITS = (1024, 2048, 3072, 4096)


def generate(algorithm: str) -> PrivateKey:
    """A new key; RSA 4096 takes a second or more, so this is work for the worker."""
    if algorithm == DkimKey.Algorithm.ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, int(algorithm.removeprefix("rsa-")))


def read_pem(text: str) -> PrivateKey:
    """A private key in PEM, as opendkim-genkey and `openssl genpkey` write it. ValidationError says what is wrong."""
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except TypeError as error:
        raise ValidationError(_("This key is locked with a passphrase. Take that away first.")) from error
    except Exception as error:  # cryptography has many kinds, down to its backend's own
        raise ValidationError(_("This is not a private key in PEM.")) from error
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size in BITS:
        return key
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    raise ValidationError(_("A DKIM key is RSA with 1024, 2048, 3072 or 4096 bits, or Ed25519."))


def algorithm_of(key: PrivateKey) -> str:
    return f"rsa-{key.key_size}" if isinstance(key, rsa.RSAPrivateKey) else "ed25519"


def public_text(key: PrivateKey) -> str:
    """What stands in p=: RSA as SubjectPublicKeyInfo (RFC 6376, 3.6.1), Ed25519 as its 32 octets (RFC 8463, 4)."""
    public = key.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        return b64encode(public.public_bytes_raw()).decode()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b64encode(der).decode()


def is_record_of(key: PrivateKey, line: str) -> bool:
    """Whether a line of a zone file, as opendkim-genkey(8) writes it into S.txt, has the public half of this key."""
    text = "".join(re.findall(r'"([^"]*)"', line))
    found = re.search(r"(?:^|;)\s*p\s*=([^;]*)", text)
    return found is not None and "".join(found[1].split()) == public_text(key)


def pem_of(key: PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def keeper() -> MultiFernet:
    return sealing.keeper(settings.DKIM_SEALING_KEYS)


def sealed(key: PrivateKey) -> str:
    return keeper().encrypt(pem_of(key).encode()).decode()


def unsealed(private: DkimPrivateKey) -> str:
    """The PEM text. For the files of signing hosts and for an export, never for a page."""
    try:
        return keeper().decrypt(private.token.encode()).decode()
    except InvalidToken as error:
        raise ValidationError(
            _("A private key was encrypted with a key that dkim_sealing_keys no longer has. Put that line back.")
        ) from error


@transaction.atomic
def seal_anew() -> int:
    """Encrypts every private key with the first line of the key file; says how many."""
    rows = list(DkimPrivateKey.objects.select_for_update())
    for row in rows:
        row.token = keeper().encrypt(unsealed(row).encode()).decode()
    DkimPrivateKey.objects.bulk_update(rows, ["token"], batch_size=500)
    return len(rows)


def forget_private_keys() -> int:
    """Every night: private keys of what was deleted go after 30 days, so that an undo brings them back until then.
    Names that keys have left are free after 30 days, too."""
    LeftDkimName.objects.filter(left_at__lt=timezone.now() - NAME_IS_LEFT_FREE).delete()
    has_key = Exists(DkimKey.objects.filter(pk=OuterRef("pk")))
    DkimPrivateKey.objects.filter(has_key, retired_at__isnull=False).update(retired_at=None)
    DkimPrivateKey.objects.filter(~has_key, retired_at__isnull=True).update(retired_at=timezone.now())
    deleted, _by_model = DkimPrivateKey.objects.filter(retired_at__lt=timezone.now() - KEPT).delete()
    return deleted
