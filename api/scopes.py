"""What a token may touch: read or write, for each kind of thing. Who may write may also read."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

READ, WRITE = "read", "write"

RESOURCES: dict[str, "StrOrPromise"] = {
    "domains": _("Domains"),
    "domain_admins": _("Domain admins"),
    "people": _("People"),
    "mailboxes": _("Mailboxes"),
    "aliases": _("Aliases"),
    "relay_recipients": _("Relay recipients"),
    "lookup_tables": _("Lookup tables"),
    "restrictions": _("Restrictions"),
    "mail_settings": _("Mail settings"),
    "dns": _("DNS settings and publishing"),
    "history": _("History"),
    "jobs": _("Work"),
    "diagnostics": _("Lookup and health"),
}
ONLY_READ = {"jobs", "diagnostics"}
ONLY_SUPERUSERS = {"domain_admins", "people", "lookup_tables", "mail_settings", "dns"}

ALL = [
    f"{resource}:{access}"
    for resource in RESOURCES
    for access in (READ, WRITE)
    if access == READ or resource not in ONLY_READ
]


def is_within(scope: str, others: Collection[str]) -> bool:
    """Whether another one says as much: who may write may also read."""
    resource, _colon, access = scope.partition(":")
    return access == READ and f"{resource}:{WRITE}" in others


def covers(scopes: list[str], resource: str, access: str) -> bool:
    return f"{resource}:{access}" in scopes or (access == READ and f"{resource}:{WRITE}" in scopes)
