"""Texts that the panel sends to mailboxes: what stands in braces is filled in for each."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from mailboxes.models import Mailbox

OF_ONE_LINE = ("address", "name")
PLACEHOLDERS = (*OF_ONE_LINE, "servers")
IN_BRACES = re.compile(r"\{([A-Za-z_]+)\}")


def refuse_unknown_placeholders(text: str, names: Sequence[str] = PLACEHOLDERS) -> None:
    unknown = [found for found in IN_BRACES.findall(text) if found not in names]
    if unknown:
        sentence = _("{%(unknown)s} is not known here. These are filled in: %(known)s.")
        known = ", ".join(f"{{{name}}}" for name in names)
        raise ValidationError(sentence % {"unknown": unknown[0], "known": known})


def refuse_unknown_placeholders_of_a_subject(text: str) -> None:
    refuse_unknown_placeholders(text, OF_ONE_LINE)


def filled(text: str, mailbox: "Mailbox") -> str:
    """With the address of the mailbox, its name (its address, if it has none) and the servers for its mail program."""
    words: dict[str, Callable[[Mailbox], str]] = {"address": str, "name": _name_of, "servers": _servers_for}
    return IN_BRACES.sub(lambda found: words[found[1]](mailbox), text)


def language_of(mailbox: "Mailbox") -> str:
    """Of its owner, once there is one; else of the server."""
    owner = getattr(mailbox, "owner", None)
    return (owner.user.language if owner else "") or settings.LANGUAGE_CODE


def tidy(text: str) -> str:
    """Lines end with LF, as browsers do not send them (HTML, form submission); none is empty at either end."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n ")


def refuse_nul(**texts: str) -> None:
    """PostgreSQL cannot even be asked about it."""
    if found := [field for field, text in texts.items() if "\0" in text]:
        raise ValidationError({field: _("A text cannot hold a NUL character.") for field in found})


def _name_of(mailbox: "Mailbox") -> str:
    return "".join(filter(str.isprintable, mailbox.name)) or str(mailbox)  # it may stand in a subject


def _servers_for(mailbox: "Mailbox") -> str:
    from mailboxes.client_settings import IMAP, POP, servers_of  # which knows the models

    labels = {IMAP: _("Read mail, IMAP"), POP: _("Fetch mail, POP")}
    return "\n".join(
        _("%(label)s: %(host)s, port %(port)d, %(security)s")
        % {
            "label": labels.get(server.service, _("Send mail, SMTP")),
            "host": server.host,
            "port": server.port,
            "security": "STARTTLS" if server.is_started_in_plain else "SSL/TLS",
        }
        for server in servers_of(mailbox)
    )
