"""Who is signed in and may not be any more. Sessions of Dovecot are ended by its hosts (`end_sessions`), which say here
that they have looked; those of the panel end with the next request."""

from collections.abc import Iterable

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from accounts.models import User

# Asked of many sessions at once; each is two probes of an index. A service that the panel does not know is not judged.
MAY_NOT = """
    SELECT asked.login, asked.service
    FROM unnest(%s::text[], %s::text[]) AS asked (login, service)
    WHERE NOT EXISTS (
        SELECT FROM domains_domain AS domain
        JOIN mailboxes_address AS address ON address.domain_id = domain.id
        JOIN mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
        WHERE domain.name = substring(asked.login FROM '[^@]*$')
          AND address.local_part = mail_map.unquoted(
              left(asked.login, -length(substring(asked.login FROM '[^@]*$')) - 1)
          )
          AND domain.active
          AND mail_map.signs_in(mailbox.active, mailbox.expires_at, mailbox.stopped_at)
          AND CASE asked.service WHEN 'imap' THEN mailbox.imap WHEN 'pop3' THEN mailbox.pop ELSE true END
    )
    ORDER BY asked.login, asked.service
"""


class SessionCheck(models.Model):
    """When a host with Dovecot last ended the sessions of those who may not sign in any more."""

    host = models.CharField(_("host"), max_length=253, unique=True, db_collation="C")
    looked_at = models.DateTimeField(_("looked"))

    class Meta:
        ordering = ["host"]

    def __str__(self) -> str:
        return self.host


def sessions_to_end(sessions: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of (login, service) those that would not get in now, each once."""
    asked = sorted(set(sessions))
    with connection.cursor() as cursor:
        cursor.execute(MAY_NOT, [[login for login, _service in asked], [service for _login, service in asked]])
        return list(cursor.fetchall())


def end_panel_sessions(mailbox: models.Model) -> None:
    """Those of its owner: sessions hang on the password of that row, which is random (get_session_auth_hash)."""
    for user in User.objects.filter(owned__mailbox=mailbox.pk):
        user.set_unusable_password()
        user.save(update_fields=["password"])
