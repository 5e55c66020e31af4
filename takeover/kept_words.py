"""How a kept row reads: of whom it is, and what may be said of it. What is not named here is not shown, and a secret is
named nowhere."""

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from takeover.kept_models import KeptRow

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Kind = KeptRow.Kind
FROM, UNTIL = gettext_lazy("from"), gettext_lazy("until")
ACTIVE, DESCRIPTION = gettext_lazy("active"), gettext_lazy("description")
PHONE, OTHER_ADDRESS = gettext_lazy("phone"), gettext_lazy("other address")

# Names of columns there, with the words for them.
SHOWN: dict[str, dict[str, "StrOrPromise"]] = {
    Kind.VACATION: {
        "subject": gettext_lazy("subject"),
        "activefrom": FROM,
        "activeuntil": UNTIL,
        "interval_time": gettext_lazy("seconds between two answers"),
        "active": ACTIVE,
    },
    Kind.VACATION_NOTIFICATION: {
        "notified": gettext_lazy("sender"),
        "notified_at": gettext_lazy("when"),
    },
    Kind.FETCHMAIL: {
        "src_server": gettext_lazy("server"),
        "src_port": gettext_lazy("port"),
        "protocol": gettext_lazy("protocol"),
        "usessl": gettext_lazy("TLS"),
        "src_user": gettext_lazy("user name"),
        "src_folder": gettext_lazy("folder"),
        "poll_time": gettext_lazy("minutes between two visits"),
        "keep": gettext_lazy("leaves the mail there"),
        "fetchall": gettext_lazy("fetches what was read, too"),
        "active": ACTIVE,
    },
    Kind.QUOTA_USED: {"bytes": gettext_lazy("bytes"), "messages": gettext_lazy("messages")},
    Kind.DKIM_KEY: {"selector": gettext_lazy("selector"), "description": DESCRIPTION},
    Kind.DKIM_SIGNING: {"key": gettext_lazy("key")},
    Kind.APP_PASSWORD: {"description": DESCRIPTION},
    Kind.TOTP: {},
    Kind.TOTP_EXCEPTION: {"ip": gettext_lazy("network"), "description": DESCRIPTION},
    Kind.DOMAIN_MORE: {"password_expiry_days": gettext_lazy("days until passwords expire")},
    Kind.MAILBOX_MORE: {
        "phone": PHONE,
        "email_other": OTHER_ADDRESS,
        "password_expiry": gettext_lazy("password expires"),
    },
    Kind.ADMIN_MORE: {"phone": PHONE, "email_other": OTHER_ADDRESS},
}
OF_WHOM = {
    Kind.VACATION_NOTIFICATION: "on_vacation",
    Kind.FETCHMAIL: "mailbox",
    Kind.DKIM_KEY: "domain_name",
    Kind.DKIM_SIGNING: "author",
    Kind.APP_PASSWORD: "username",
    Kind.TOTP_EXCEPTION: "username",
}


def subject_of(row: KeptRow) -> str:
    """The address, domain or person that it belongs to; "" for everybody."""
    if row.kind in OF_WHOM:
        return str(row.payload.get(OF_WHOM[Kind(row.kind)]) or "").lower()
    return row.key.rpartition(" ")[2]


def details_of(row: KeptRow) -> dict[str, Any]:
    """What may be shown, by the names that it had there."""
    names = [*SHOWN[row.kind], *(["body"] if row.kind == Kind.VACATION else [])]
    return {name: row.payload[name] for name in names if row.payload.get(name) not in (None, "")}


def lines_of(row: KeptRow) -> list[tuple[str, str]]:
    """The same for people, without the text of a message."""
    found = details_of(row)
    return [(str(words), _in_words(found[name])) for name, words in SHOWN[row.kind].items() if name in found]


def text_of(row: KeptRow) -> str:
    return str(row.payload.get("body") or "") if row.kind == Kind.VACATION else ""


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)
