"""The password of a mailbox, what one must be, where a forgotten one is set anew, and the links that are sent there."""

from datetime import datetime, timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.digests import IS_SHA256
from accounts.tracking import tracked

LEAST, MOST = 8, 64  # characters, of what a shortest password may be
LONGEST = 3650  # days


@tracked()
class PasswordSettings(models.Model):
    """What holds for the passwords of all mailboxes: one row. Hashes that come from elsewhere are not asked."""

    STRENGTHS = [
        (0, _("any")),
        (1, _("not the commonest")),
        (2, _("fair")),
        (3, _("good")),
        (4, _("very good")),
    ]

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    least_length = models.PositiveSmallIntegerField(
        _("shortest password, in characters"),
        default=LEAST,
        validators=[MinValueValidator(LEAST), MaxValueValidator(MOST)],
    )
    least_strength = models.PositiveSmallIntegerField(
        _("how hard to guess"),
        default=3,
        choices=STRENGTHS,
        help_text=_("As zxcvbn estimates it, from 0 to 4; 3 takes 100 million guesses or more."),
    )
    valid_days = models.PositiveSmallIntegerField(
        _("valid for, in days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST)],
        help_text=_("Then the owner must choose another one at the next sign-in to the panel. Empty: for ever."),
    )
    grace_days = models.PositiveSmallIntegerField(
        _("grace for mail, in days"),
        default=30,
        validators=[MaxValueValidator(LONGEST)],
        help_text=_("For so long mail programs still sign in with a password that is no longer valid."),
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("password settings")
        constraints = [
            models.CheckConstraint(name="one_row_of_password_settings", condition=Q(id=1)),
            models.CheckConstraint(
                name="password_settings_are_within_reason",
                condition=Q(least_length__gte=LEAST, least_length__lte=MOST, least_strength__lte=4)
                & Q(grace_days__lte=LONGEST)
                & (Q(valid_days__isnull=True) | Q(valid_days__gte=1, valid_days__lte=LONGEST)),
            ),
        ]

    def __str__(self) -> str:
        return str(_("Password settings"))

    @classmethod
    def current(cls) -> "PasswordSettings":
        return cls.objects.get(pk=1)

    def valid_until(self, changed_at: datetime) -> datetime | None:
        """When a password that was set then must be changed; None for never."""
        return changed_at + timedelta(days=self.valid_days) if self.valid_days else None


class MailboxCredential(models.Model):
    """The password hash of a mailbox, with its scheme. Not in the history, never shown.

    It outlives the mailbox until it is purged, so that an undo brings the same password back."""

    mailbox = models.OneToOneField(
        "mailboxes.Mailbox", null=True, on_delete=models.DO_NOTHING, related_name="credential"
    )
    former_mailbox_id = models.BigIntegerField(null=True, db_index=True)
    retired_at = models.DateTimeField(null=True)
    hash = models.CharField(max_length=500, db_collation="C")
    changed_at = models.DateTimeField(default=timezone.now)
    # The owner chooses another password at the next sign-in to the panel, before anything else.
    must_change = models.BooleanField(default=False, db_default=False)
    # A check takes too long (mailboxes/password_schemes.py), so nobody makes it: only what was stored before such
    # hashes were refused.
    is_costly = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [models.Index(fields=["mailbox"], condition=Q(is_costly=True), name="costly_hashes")]
        constraints = [
            models.CheckConstraint(
                name="a_hash_names_its_scheme", condition=Q(hash__regex=r"^\{[A-Z0-9-]+(\.[A-Z0-9]+)?\}[!-~]+$")
            ),
            models.CheckConstraint(
                name="a_credential_has_or_had_a_mailbox",
                condition=Q(mailbox__isnull=False, former_mailbox_id__isnull=True, retired_at__isnull=True)
                | Q(mailbox__isnull=True, former_mailbox_id__isnull=False, retired_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return "•••"

    @property
    def is_due(self) -> bool:
        """Whether the owner must choose another one, before anything else in the panel."""
        valid_until = PasswordSettings.current().valid_until(self.changed_at)
        return self.must_change or (valid_until is not None and valid_until <= timezone.now())


@tracked(manual=["link_sent"])
class RecoveryAddress(models.Model):
    """Where the owner of a mailbox gets a link to set a new password. It counts from when somebody opened a link that
    was sent there."""

    mailbox = models.OneToOneField(
        "mailboxes.Mailbox", verbose_name=_("mailbox"), on_delete=models.DO_NOTHING, related_name="recovery_address"
    )
    address = models.CharField(_("recovery address"), max_length=254)
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("recovery address")
        verbose_name_plural = _("recovery addresses")

    def __str__(self) -> str:
        return self.address


class PasswordLink(models.Model):
    """A link that was sent by mail: whoever has it confirms a recovery address, or sets a new password, once. Not in
    the history; only its SHA-256 is stored. Used ones stay for a while, to be counted."""

    class Purpose(models.TextChoices):
        CONFIRM = "confirm"
        RESET = "reset"

    mailbox = models.ForeignKey(
        # The foreign key is in the migration, with ON DELETE CASCADE: who deletes a mailbox need not know this.
        "mailboxes.Mailbox",
        on_delete=models.DO_NOTHING,
        related_name="password_links",
        db_constraint=False,
        db_index=False,
    )
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    address = models.CharField(max_length=254)
    digest = models.CharField(max_length=64, null=True, db_collation="C")  # of what the worker made and sent  # noqa: DJ001
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["mailbox", "purpose", "created_at"], name="links_of_a_mailbox")]
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="a_link_is_there_once"),
            models.CheckConstraint(name="a_link_is_stored_as_its_sha256", condition=Q(digest__regex=IS_SHA256)),
        ]

    def __str__(self) -> str:
        return "•••"

    @classmethod
    def use_up(cls, mailbox: models.Model) -> None:
        """No link that was sent for this mailbox is good any more."""
        cls.objects.filter(mailbox=mailbox, used_at=None).update(used_at=timezone.now())
