"""Who is signed in and may not be any more. Sessions of Dovecot are ended by its hosts (`end_sessions`), which say here
that they have looked; those of the panel end with the next request."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Any, NamedTuple

from django.db import connection, models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import User

SILENCE = timedelta(minutes=10)  # after which a host does not end sessions any more, as far as anybody can see

# A right that was taken away is looked for this much longer: who had just got in by it is perhaps not seen at once.
OVERLAP = timedelta(seconds=10)

# Asked of all sessions at once; each is a few probes of an index. A service that the panel does not know is not judged,
# and no address that Dovecot does not know.
MAY_NOT = """
    SELECT asked.number
    FROM unnest(%(logins)s::text[], %(services)s::text[], %(addresses)s::text[])
        WITH ORDINALITY AS asked (login, service, remote_ip, number)
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
          AND (
              mailbox.allowed_networks = '{}'
              OR asked.remote_ip IS NULL
              OR EXISTS (
                  SELECT FROM unnest(mailbox.allowed_networks) AS network
                  WHERE asked.remote_ip::inet <<= network::inet
              )
          )
          AND NOT EXISTS (
              SELECT FROM mailboxes_endofsessions AS ended
              WHERE ended.mailbox_id = mailbox.id AND ended.signed_in_before > %(since)s
          )
          AND NOT EXISTS (
              SELECT FROM mailboxes_apppassword AS app_password
              WHERE app_password.mailbox_id = mailbox.id
                AND app_password.expires_at > %(since)s
                AND app_password.expires_at <= clock_timestamp()
          )
    )
    ORDER BY asked.number
"""


class Session(NamedTuple):
    """One that goes on, as Dovecot says: the login as passdb wrote it, the service, and from where, if it knows."""

    login: str
    service: str
    remote_ip: str


class SessionCheck(models.Model):
    """When a host with Dovecot last ended the sessions of those who may not sign in any more, by the clock of the
    database."""

    host = models.CharField(_("host"), max_length=253, unique=True, db_collation="C")
    looked_at = models.DateTimeField(_("looked"))
    goes_on = models.BooleanField(default=False, db_default=False, editable=False)  # it looks again and again

    class Meta:
        ordering = ["host"]

    def __str__(self) -> str:
        return self.host


class EndOfSessions(models.Model):
    """Who signed in to a mailbox before then may have done so by a right that is gone. Dovecot says of no session which
    password opened it, nor Postfix from where it was opened: so all of the mailbox end, once. Triggers of migrations
    0031 and 0035 write it, by the clock of the database."""

    mailbox = models.OneToOneField(
        # The foreign key is in the migration, with ON DELETE CASCADE: who deletes a mailbox need not know this.
        "mailboxes.Mailbox",
        primary_key=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
    )
    signed_in_before = models.DateTimeField(null=True)
    sends_before = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.mailbox_id)


def sessions_to_end(sessions: Sequence[Session], *, since: datetime | None) -> list[Session]:
    """Those that would not get in now, and those that may have got in by a password that is another one since then, or
    by an app password that has been revoked or has expired since then; ever, if None."""
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {
            "logins": [session.login for session in sessions],
            "services": [session.service for session in sessions],
            "addresses": [_as_inet(session.remote_ip) for session in sessions],
            "since": since or "-infinity",
        }
        cursor.execute(MAY_NOT, asked)
        return [sessions[number - 1] for (number,) in cursor.fetchall()]


def now_by_the_database() -> datetime:
    """One clock for all that is compared: hosts and panels have others."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def silent_hosts() -> list[SessionCheck]:
    """Those that looked again and again, but have not for long."""
    return list(SessionCheck.objects.filter(goes_on=True, looked_at__lt=Now() - SILENCE))


def forget_host(check: SessionCheck) -> None:
    """One that is gone. What a host says of itself has no history; if it looks again, it is there again."""
    SessionCheck.objects.filter(pk=check.pk).delete()


def end_panel_sessions(mailbox: models.Model) -> None:
    """Those of its owner: sessions hang on the password of that row, which is random (get_session_auth_hash)."""
    for user in User.objects.filter(owned__mailbox=mailbox.pk):
        user.set_unusable_password()
        user.save(update_fields=["password"])


def _as_inet(text: str) -> str | None:
    """As PostgreSQL reads it: without the interface of a link, and an IPv4 address within IPv6 as itself."""
    try:
        there = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return str(there.ipv4_mapped or there) if isinstance(there, IPv6Address) else str(there)
