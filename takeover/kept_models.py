"""What came over from another panel beside mail: the takeovers themselves, what is kept until this panel has a place
for it, and the log of the other panel."""

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User

LONGEST_KEY = 600  # characters


def _of_own_domains(rows: Any, user: User) -> Any:
    """As the domains are: the own ones for a domain admin, those of its list for a token, all for a superuser."""
    if user.limited_to is not None:
        return rows.filter(domain_name__in=user.limited_to)
    return rows if user.is_superuser else rows.filter(domain_name__in=user.domains.values("name"))


class TakeoverQuerySet(models.QuerySet["Takeover"]):
    def visible_to(self, user: User) -> Self:
        """It is about all domains."""
        return self if user.is_superuser and user.limited_to is None else self.none()


class Takeover(models.Model):
    """One run that brought something: from where, by whom, how much, and the sentences of its report."""

    source = models.CharField(_("source"), max_length=500)  # without a password
    who = models.CharField(_("who"), max_length=200, blank=True)
    host = models.CharField(_("from where"), max_length=100, blank=True)
    at = models.DateTimeField(_("when"), default=timezone.now)
    counts = models.JSONField(default=dict)
    remarks = models.JSONField(default=list)  # {code, thing, …}: sentences in the reader's language
    change_sets = models.JSONField(default=list)
    kept = models.JSONField(default=list)  # {thing, code, why}: what became of lists, classes and tables

    objects = TakeoverQuerySet.as_manager()

    class Meta:
        verbose_name = _("takeover")
        verbose_name_plural = _("takeovers")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.source

    def get_absolute_url(self) -> str:
        return reverse("takeover", args=[self.pk])


class KeptRowQuerySet(models.QuerySet["KeptRow"]):
    def visible_to(self, user: User) -> Self:
        """As the lines of the other log are; what is about people, or about no domain, is for superusers."""
        return _of_own_domains(self, user)


class KeptRow(models.Model):
    """A row of another panel that nothing here reads yet. `secret` is encrypted (kept.py), not in the history, and
    never shown."""

    class Kind(models.TextChoices):
        VACATION = "vacation", _("vacation messages")
        VACATION_NOTIFICATION = "vacation_notification", _("senders that a vacation message was sent to")
        FETCHMAIL = "fetchmail", _("fetchmail entries")
        QUOTA_USED = "quota_used", _("used quotas")
        DKIM_KEY = "dkim_key", _("DKIM keys")
        DKIM_SIGNING = "dkim_signing", _("DKIM signing entries")
        APP_PASSWORD = "app_password", _("app passwords")
        TOTP = "totp", _("TOTP seeds")
        TOTP_EXCEPTION = "totp_exception", _("networks without TOTP")
        DOMAIN_MORE = "domain_more", _("days until passwords of a domain expire")
        MAILBOX_MORE = "mailbox_more", _("phone numbers, other addresses and password expiry of mailboxes")
        ADMIN_MORE = "admin_more", _("phone numbers and other addresses of people")

    source = models.CharField(_("source"), max_length=500, db_collation="C")
    kind = models.CharField(_("kind"), max_length=30, choices=Kind.choices, db_collation="C")
    key = models.CharField(_("key"), max_length=LONGEST_KEY, db_collation="C")
    domain_name = models.CharField(_("domain"), max_length=255, blank=True, db_collation="C")
    payload = models.JSONField(default=dict)
    secret = models.TextField(blank=True)
    kept_at = models.DateTimeField(_("kept"), default=timezone.now)

    objects = KeptRowQuerySet.as_manager()

    class Meta:
        verbose_name = _("kept row")
        verbose_name_plural = _("kept rows")
        indexes = [
            models.Index(fields=["kind", "key"], name="kept_rows_by_key"),
            models.Index(fields=["kind", "id"], name="kept_rows_of_a_kind"),
            models.Index(fields=["domain_name", "kind", "id"], name="kept_rows_of_a_domain"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "kind", "key"], name="a_row_is_kept_once"),
            models.CheckConstraint(
                name="a_kept_secret_is_encrypted",
                # The version byte of a Fernet token and its timestamp, which is far from its upper end.
                condition=Q(secret="") | Q(secret__startswith="gAAAA"),  # noqa: S106
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class ForeignLogEntryQuerySet(models.QuerySet["ForeignLogEntry"]):
    def visible_to(self, user: User) -> Self:
        return _of_own_domains(self, user)


class ForeignLogEntry(models.Model):
    """A line of the log of another panel: its history, as text."""

    source = models.CharField(_("source"), max_length=500, db_collation="C")
    key = models.CharField(max_length=100, db_collation="C")  # of the line, in its own table
    at = models.DateTimeField(_("when"))
    who = models.CharField(_("who"), max_length=300, blank=True)
    ip = models.CharField(_("from where"), max_length=100, blank=True)
    domain_name = models.CharField(_("domain"), max_length=255, blank=True, db_collation="C")
    action = models.CharField(_("action"), max_length=255)
    what = models.TextField(_("what"), blank=True)

    objects = ForeignLogEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("line of another log")
        verbose_name_plural = _("lines of another log")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["-at", "-id"], name="foreign_log_by_time"),
            models.Index(fields=["domain_name", "-at", "-id"], name="foreign_log_by_domain"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="a_line_of_a_log_is_there_once"),
        ]

    def __str__(self) -> str:
        return f"{self.at} {self.action}"
