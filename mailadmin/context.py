"""What every page shows around its content: the rooms a person may enter, and the work that is running."""

import socket
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs.models import Job
from mailboxes.models import Mailbox
from takeover.models import ForeignLogEntry

HOST = socket.gethostname()

# url name, icon, label, how the url names of the room begin (the longest that fits counts), only for superusers
ROOMS = [
    ("overview", "grid", _("Overview"), ("overview",), False),
    (
        "domain_list",
        "globe2",
        _("Domains"),
        ("domain", "dkim", "dns_domain", "dns_export", "dns_publish", "mailbox", "alias", "app_password", "import"),
        False,
    ),
    ("address_list", "at", _("Addresses"), ("address", "broadcast", "forward", "nearly"), False),
    ("lookup", "signpost-split", _("Lookup"), ("lookup",), False),
    ("restriction_list", "funnel", _("Restrictions"), ("restriction", "access", "default_class", "simulate"), True),
    ("dns_list", "key", _("DNS and DKIM"), ("dns", "keys"), False),
    (
        "transport_list",
        "hdd-stack",
        _("Mail servers"),
        ("transport", "tls", "sender", "bcc", "relocated", "canonical", "comparison"),
        True,
    ),
    ("job_list", "list-task", _("Work"), ("job", "takeover"), True),
    ("history", "clock-history", _("History"), ("history", "undo"), False),
    ("person_list", "people", _("People"), ("person",), True),
    ("mail_settings", "gear", _("Settings"), ("mail", "mailing", "default", "password", "server"), True),
]


@dataclass(frozen=True)
class Room:
    url: str
    icon: str
    label: str
    is_current: bool
    is_exact: bool


def house(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    around: dict[str, Any] = {"host": HOST}
    if isinstance(user, User) and user.is_authenticated and user.is_owner:
        around["owner_address"] = SimpleLazyObject(lambda: _address_of(user))
    elif isinstance(user, User) and user.is_authenticated:
        around["rooms"] = rooms_for(user, request)
        around["has_history_before"] = SimpleLazyObject(lambda: ForeignLogEntry.objects.visible_to(user).exists())
        around["work"] = SimpleLazyObject(lambda: _running_work(user))
    return {"house": around}


def rooms_for(user: User, request: HttpRequest) -> list[Room]:
    """What a person may not do is not shown."""
    match = request.resolver_match
    here = match.url_name if match and match.url_name else ""
    nearest = max((one for _n, _i, _l, family, _o in ROOMS for one in family if _is_in(here, one)), key=len, default="")
    return [
        Room(reverse(name), icon, str(label), nearest in family, here == name)
        for name, icon, label, family, only_superusers in ROOMS
        if user.is_superuser or not only_superusers
    ]


def _is_in(here: str, beginning: str) -> bool:
    return f"{here}_".startswith(f"{beginning}_")


def _running_work(user: User) -> Job | None:
    return Job.objects.visible_to(user).filter(state__in=[Job.State.WAITING, Job.State.RUNNING]).order_by("-id").first()


def _address_of(user: User) -> str:
    mailbox = Mailbox.objects.owned_by(user).select_related("address__domain").first()
    return str(mailbox.address) if mailbox else ""
