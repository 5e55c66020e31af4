"""The shape of what people type: a domain name becomes the A-label in lower case (RFC 5890), a size bytes, or a
sentence."""

import re
from decimal import Decimal
from typing import Any

import idna
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from accounts.text import printable

LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN_REGEX = rf"^{LABEL}(\.{LABEL})*$"  # RFC 1035, section 2.3.1, with the leading digits of RFC 1123
LONGEST_DOMAIN = 253  # octets; RFC 1035, section 2.3.4: 255 on the wire
_domain = re.compile(DOMAIN_REGEX)
_size = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,3})?) ?([KMGT]?)I?B?", re.ASCII)
UNITS = {unit: 1024**power for power, unit in enumerate(["", "K", "M", "G", "T"])}  # as Dovecot counts


def normalised_domain(text: str) -> str:
    """The A-label in lower case, without a trailing dot. Raises ValidationError with a sentence."""
    name = text.strip().removesuffix(".").lower()
    if not name:
        raise ValidationError(_("Type a domain name, for example example.org."))
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii").removesuffix(".")
        except (idna.IDNAError, UnicodeError) as error:
            raise ValidationError(
                _("“%(name)s” cannot be written in the DNS. Use letters, digits and hyphens, for example example.org."),
                params={"name": shown(text)},
            ) from error
    if len(name) > LONGEST_DOMAIN:
        raise ValidationError(
            _("This domain name has %(length)d characters. The DNS allows %(most)d."),
            params={"length": len(name), "most": LONGEST_DOMAIN},
        )
    if not _domain.match(name) or name.rsplit(".", 1)[-1].isdigit():
        raise ValidationError(
            _("“%(name)s” is not a domain name. Use letters, digits and hyphens, for example example.org."),
            params={"name": shown(text)},
        )
    return name


def unicode_domain(name: str) -> str:
    """The U-label for people; the A-label where there is none."""
    try:
        return idna.decode(name)
    except idna.IDNAError:
        return name


def folded_u_label(name: str) -> str:
    """The U-label as Postfix asks for it: it folds a key as Unicode does (casefold_append(3) of Postfix), ß to ss and ς
    to σ, so it may be the name of another domain. Empty where there is none."""
    own = unicode_domain(name)
    return "" if own == name else own.casefold()


def shown(text: str, most: int = 80) -> str:
    """What somebody typed, short enough and safe to be said back in a sentence."""
    plain = printable(text)
    return plain if len(plain) <= most else plain[:most] + "…"


def size_in_bytes(text: str) -> int | None:
    """`10G`, `500 MB`, `1.5 TB` or bytes -> bytes; None if it is no size."""
    found = _size.fullmatch(text.strip().upper())
    return int(Decimal(found[1]) * UNITS[found[2]]) if found else None


def size_as_typed(octets: int) -> str:
    """Bytes -> what size_in_bytes() reads as the same: `10 GB`, or bytes where no unit fits."""
    for unit, size in reversed(UNITS.items()):
        amount = Decimal(octets) / size
        if unit and amount >= 1 and amount == amount.quantize(Decimal("0.001")):
            return f"{amount.normalize():f} {unit}B"
    return str(octets)


class DomainNameField(models.CharField):
    """A domain name, stored as Postfix looks it up: lower case, ASCII, compared byte by byte."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", LONGEST_DOMAIN)
        kwargs.setdefault("db_collation", "C")
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return normalised_domain(value) if isinstance(value, str) and value else value

    def get_prep_value(self, value: Any) -> Any:
        """Looking for a text that is no domain name is no fault: nothing has that name."""
        try:
            return super().get_prep_value(value)
        except ValidationError:
            return str(value)
