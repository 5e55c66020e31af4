"""How much a mailbox stores, as Dovecot counts it. Dovecot writes here, for every message; so there is no history."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from domains.models import Domain
from jobs.mail import LONGEST_REFUSAL

FIRST_LEVEL, LAST_LEVEL = 80, 95  # percent of a quota at which its owner is told


class Usage(models.Model):
    """What Dovecot said last of a mailbox. It names it by its login; a trigger finds the mailbox, and forgets what it
    says of others. A new address of the mailbox comes here with it. No row: nothing was stored yet."""

    mailbox = models.OneToOneField(
        # The foreign key is in the migration, with ON DELETE CASCADE: who deletes a mailbox need not know this.
        "mailboxes.Mailbox",
        verbose_name=_("mailbox"),
        primary_key=True,
        on_delete=models.DO_NOTHING,
        related_name="usage",
        db_constraint=False,
    )
    # The domain of its address, so that lists by use and the sum of a domain need one index.
    domain = models.ForeignKey(
        Domain, on_delete=models.DO_NOTHING, related_name="usages", db_index=False, db_constraint=False
    )
    username = models.CharField(max_length=500, db_collation="C")
    bytes = models.BigIntegerField(_("used"), default=0, db_default=0)
    messages = models.BigIntegerField(_("messages"), default=0, db_default=0)
    # Whole percent of the quota, by the triggers; empty without a quota. `warned` is the last level that the owner
    # was told of, 0 again when there is room.
    percent = models.IntegerField(null=True, editable=False)
    warned = models.SmallIntegerField(default=0, db_default=0, editable=False)
    # What a mail server said to the last warning, if it refused it for good; and how often it refused it for now.
    warning_refusal = models.CharField(
        max_length=LONGEST_REFUSAL, blank=True, default="", db_default="", editable=False
    )
    warning_tries = models.IntegerField(default=0, db_default=0, editable=False)
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["domain", "bytes", "mailbox"], name="usage_of_a_domain"),
            models.Index(
                fields=["percent", "mailbox"], name="nearly_full_mailboxes", condition=Q(percent__gte=FIRST_LEVEL)
            ),
            models.Index(
                fields=["warning_tries", "mailbox"],
                name="mailboxes_to_warn",
                condition=Q(percent__gte=FIRST_LEVEL, warned=0) | Q(percent__gte=LAST_LEVEL, warned__lt=LAST_LEVEL),
            ),
        ]
        constraints = [models.UniqueConstraint(fields=["username"], name="a_login_stores_once")]

    def __str__(self) -> str:
        return self.username

    @property
    def owner_was_told(self) -> bool:
        return self.warned > 0 and not self.warning_refusal


class DomainUse(models.Model):
    """What all mailboxes of a domain stored on a day, for the plot. The nightly check writes it."""

    domain = models.ForeignKey(
        # The foreign key is in the migration, with ON DELETE CASCADE, as that of Usage.
        Domain,
        on_delete=models.DO_NOTHING,
        related_name="use",
        db_index=False,
        db_constraint=False,
    )
    day = models.DateField(_("day"))
    bytes = models.BigIntegerField(_("used"))
    messages = models.BigIntegerField(_("messages"))
    mailboxes = models.IntegerField(_("mailboxes"))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["domain", "day"], name="a_day_is_there_once")]

    def __str__(self) -> str:
        return f"{self.domain} {self.day}"
