"""Which parameters main.cf needs for what the tables hold: each costs lookups, so an empty table has none."""

from typing import Any

from django.utils.translation import gettext as _

from lookup_tables.models import Bcc, Canonical, Entry, RelayPassword, Relocated, SenderRelay, TlsPolicy, Transport

TABLES: tuple[type[Entry], ...] = (Transport, TlsPolicy, SenderRelay, Bcc, Relocated, Canonical)


def all_parameters() -> list[str]:
    return [parameter for model in TABLES for parameter in model.parameters.values()]


def parameters_in_use() -> list[str]:
    """Rows that are inactive count: who wakes one up need not write the configuration again."""
    found: list[str] = []
    for model in TABLES:
        rows: Any = model._default_manager.order_by()
        if len(model.parameters) == 1:
            found += model.parameters.values() if rows.exists() else ()
        else:
            used = set(rows.values_list("applies_to", flat=True).distinct())
            found += [parameter for kind, parameter in model.parameters.items() if kind in used]
    return found


def uses_dane() -> bool:
    """smtp(8) takes `dane` for `may`, and defers mail for `dane-only`, until it asks the DNS for DNSSEC."""
    return TlsPolicy.objects.filter(active=True, result__startswith="dane").exists()


def has_passwords() -> bool:
    return RelayPassword.objects.filter(retired_at=None).exists()


def what_is_written() -> tuple[object, ...]:
    """All of the tables that stands in files of the mail host. Two that differ: `postfix_config` is to be run again."""
    signs_in = SenderRelay.objects.filter(credential__isnull=False, credential__retired_at=None, active=True).order_by(
        "pk"
    )
    return (
        *parameters_in_use(),
        uses_dane(),
        *signs_in.values_list("key", "result", "username", "credential__changed_at"),
    )


def remark_since(before: tuple[object, ...]) -> str:
    """A sentence if the files on the mail host no longer say what they must; empty if they do."""
    if what_is_written() == before:
        return ""
    return _("Write the configuration again on the mail host (postfix_config): main.cf does not know of this yet.")
