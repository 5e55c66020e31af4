"""App passwords: what a mail program signs in with instead of the password of the mailbox."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.digests import IS_SHA256
from accounts.lines import LineField
from accounts.tracking import tracked


@tracked()
class AppPassword(models.Model):
    """For one mail program, with the protocols that it may use. What it is itself is in AppPasswordSecret."""

    mailbox = models.ForeignKey(
        "mailboxes.Mailbox",
        verbose_name=_("mailbox"),
        on_delete=models.DO_NOTHING,
        related_name="app_passwords",
        db_index=False,
    )
    name = LineField(_("name"), max_length=100)
    imap = models.BooleanField(_("IMAP"), default=True)
    pop = models.BooleanField(_("POP"), default=True)
    sends = models.BooleanField(_("sends mail"), default=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("app password")
        verbose_name_plural = _("app passwords")
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox", "name"],
                name="a_mailbox_names_an_app_password_once",
                violation_error_message=_("There is an app password of this name already. Choose another name."),
            ),
            models.CheckConstraint(
                name="an_app_password_is_for_something",
                condition=Q(imap=True) | Q(pop=True) | Q(sends=True),
                violation_error_message=_("Choose at least one thing that the app password is for."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def used_at(self) -> datetime | None:
        """When it was last used, to the hour; None if never."""
        secret: AppPasswordSecret | None = getattr(self, "secret", None)
        return secret.used_at if secret else None


class AppPasswordSecret(models.Model):
    """The SHA-256 of an app password, which is enough for 140 random bits, and when Dovecot last let somebody in with
    it. Not in the history, never shown.

    It outlives the mailbox until it is purged, as its credential does, so that an undo brings back what works."""

    app_password = models.OneToOneField(
        AppPassword, primary_key=True, on_delete=models.DO_NOTHING, related_name="secret", db_constraint=False
    )
    digest = models.CharField(max_length=64, db_collation="C")
    used_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="an_app_password_is_there_once"),
            models.CheckConstraint(
                name="an_app_password_is_stored_as_its_sha256", condition=Q(digest__regex=IS_SHA256)
            ),
        ]

    def __str__(self) -> str:
        return "•••"
