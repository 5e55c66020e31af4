"""The servers that mail programs are to use: one row, and the writes about it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.history import recorded
from accounts.tracking import tracked
from domains.fields import DOMAIN_REGEX, normalised_domain
from domains.services import locked_version

HOSTS = ("imap_host", "pop_host", "submission_host")
SERVICES = {  # of SRV records (RFC 6186, RFC 8314)
    "imaps": "imap_host",
    "imap": "imap_host",
    "pop3s": "pop_host",
    "submissions": "submission_host",
    "submission": "submission_host",
}


@tracked()
class ServerNames(models.Model):
    """What a mail program is told. The ports are those of RFC 8314: TLS from the first byte, and 587 with STARTTLS."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    imap_host = models.CharField(
        _("IMAP server"), max_length=253, blank=True, db_collation="C", help_text=_("Empty: there is none.")
    )
    pop_host = models.CharField(
        _("POP server"), max_length=253, blank=True, db_collation="C", help_text=_("Empty: there is none.")
    )
    submission_host = models.CharField(
        _("submission server"), max_length=253, blank=True, db_collation="C", help_text=_("Empty: there is none.")
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("server names")
        constraints = [
            models.CheckConstraint(name="one_row_of_server_names", condition=Q(id=1)),
            models.CheckConstraint(
                name="a_server_name_is_a_domain",
                condition=(Q(imap_host="") | Q(imap_host__regex=DOMAIN_REGEX))
                & (Q(pop_host="") | Q(pop_host__regex=DOMAIN_REGEX))
                & (Q(submission_host="") | Q(submission_host__regex=DOMAIN_REGEX)),
            ),
        ]

    def __str__(self) -> str:
        return str(_("Server names"))

    @classmethod
    def current(cls) -> "ServerNames":
        return cls.objects.get(pk=1)


def host_by_service() -> dict[str, str]:
    """The host of each service; "" where there is none."""
    names = ServerNames.current()
    return {service: str(getattr(names, host)) for service, host in SERVICES.items()}


def change_server_names(*, by: Actor, version: int | None = None, **changes: Any) -> ServerNames:
    """Changes imap_host, pop_host and submission_host; an empty one says that there is no such service."""
    with recorded("change", "server_names", "", by=by):
        names: ServerNames = locked_version(ServerNames.objects, 1, version)
        faults = {}
        for field, text in changes.items():
            if field not in HOSTS:
                raise TypeError(f"there is no server {field}")
            try:
                setattr(names, field, normalised_domain(text) if text.strip() else "")
            except ValidationError as error:
                faults[field] = error.messages
        if faults:
            raise ValidationError(faults)
        names.version += 1
        names.full_clean()
        names.save()
    return names
