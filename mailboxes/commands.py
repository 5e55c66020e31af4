"""What the commands about mailboxes and aliases share: addresses and quotas as people type them in a shell."""

import argparse
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.commands import Options, at_least_one
from domains.commands import domain_named
from domains.fields import size_in_bytes
from domains.models import Domain
from mailboxes.models import Alias, Mailbox, OutOfOffice, RecoveryAddress, RelayRecipient
from mailboxes.parsing import external_form, parse_address, written_local_part
from mailboxes.times import read_time

Row = TypeVar("Row", Mailbox, Alias, RelayRecipient)
Listed = TypeVar("Listed", Mailbox, Alias, RelayRecipient, OutOfOffice, RecoveryAddress)

NO_QUOTA = "none"
NO_TIME = ("now", "never")  # at once for a start, never for an end
LONGEST_KEPT = 3650  # days


def quota_bytes(text: str) -> int | str:
    """`10G`, `500M` or bytes -> bytes; `none` stays a word, since None means "not typed"."""
    if text.strip().lower() == NO_QUOTA:
        return NO_QUOTA
    octets = size_in_bytes(text)
    if octets is None:
        raise argparse.ArgumentTypeError(_("“%s” is not a quota. Write 10G, 500M, a number of bytes, or none.") % text)
    return octets


def time(text: str) -> datetime | str:
    """A time as mailboxes.times has it; `now` and `never` stay words, since None means "not typed"."""
    if text.strip().lower() in NO_TIME:
        return text.strip().lower()
    at = read_time(text)
    if at is None:
        sentence = _("“%(text)s” is no time. Write 2027-01-31 18:00 (time zone %(zone)s) or 2027-01-31T17:00:00Z.")
        raise argparse.ArgumentTypeError(sentence % {"text": text, "zone": settings.TIME_ZONE})
    return at


def given_times(options: Options, *names: str) -> dict[str, datetime | None]:
    """The times that were typed, None for `now` and `never`."""
    typed = {name: options[name] for name in names if options[name] is not None}
    return {name: None if at in NO_TIME else at for name, at in typed.items()}


def place_for(text: str) -> tuple[Domain, str]:
    """Where a new address goes: its domain and its local part as it was typed, `@x.org` being the catch-all."""
    address = parse_address(text, may_be_whole_domain=True)
    return domain_named(address.domain), written_local_part(address.local_part)


def found_at(rows: QuerySet[Row], text: str, missing: str, remark: Callable[[str], None]) -> Row:
    """What is at an address; at one of an alias domain, what is at the target's, with a remark about it."""
    typed = parse_address(text, may_be_whole_domain=True)
    domain = domain_named(typed.domain)
    here = domain.answers_for
    row = rows.filter(address__domain=here, address__local_part=typed.local_part).first()
    address = external_form(typed.local_part, here.name)
    if row is None:
        raise ValidationError(missing % {"address": address})
    if here != domain:
        sentence = _("%(alias_domain)s is an alias domain of %(domain)s. This is about %(address)s.")
        remark(sentence % {"alias_domain": domain, "domain": here, "address": address})
    return row


def listed(rows: QuerySet[Listed], options: Options, *, of: str = "address") -> QuerySet[Listed]:
    """Sorted by address, of one domain or all, from the one behind --after on: a key, no counting. `of` leads to the
    address: `mailbox__address` for what a mailbox has one of."""
    name, here = f"{of}__domain__name", f"{of}__local_part"
    if options["domain"]:
        rows = rows.filter(**{f"{of}__domain": domain_named(options["domain"])}).order_by(here)
    else:
        rows = rows.order_by(name, here)
    if options["search"]:
        local_part, at, domain_part = options["search"].lower().partition("@")
        exact = Q(**{here: local_part, f"{name}__startswith": domain_part})
        rows = rows.filter(exact if at else Q(**{f"{here}__startswith": local_part}))
    if options["after"]:
        last = parse_address(options["after"], may_be_whole_domain=True)
        same_domain = Q(**{name: last.domain, f"{here}__gt": last.local_part})
        rows = rows.filter(same_domain | Q(**{f"{name}__gt": last.domain}))
    return rows


def quarantine_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--despite-quarantine",
        action="store_true",
        help=_("Take the address even if it belonged to a mailbox that was deleted lately."),
    )


def rename_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", metavar="OLD")
    parser.add_argument("new", metavar="NEW", help=_("The whole new address; with another domain it moves there."))
    parser.add_argument("--keep-old", action="store_true", help=_("The old address becomes an alias of the new one."))
    parser.add_argument("--keep-days", type=at_least_one, metavar="N", help=_("It does so for this many days only."))
    quarantine_argument(parser)


def values_of_rename(options: Options) -> dict[str, Any]:
    """What `rename_address` takes."""
    domain, local_part = place_for(options["new"])
    days = options["keep_days"]
    return {
        "domain": domain,
        "local_part": local_part,
        "keep_old": options["keep_old"] or bool(days),
        "keep_until": timezone.now() + timedelta(days=min(days, LONGEST_KEPT)) if days else None,
        "despite_quarantine": options["despite_quarantine"],
    }
