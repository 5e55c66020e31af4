"""How much a mailbox stores, as Dovecot counts it. Dovecot writes here, for every message; so there is no history."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from domains.models import Domain


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
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["domain", "bytes", "mailbox"], name="usage_of_a_domain"),
        ]
        constraints = [models.UniqueConstraint(fields=["username"], name="a_login_stores_once")]

    def __str__(self) -> str:
        return self.username
