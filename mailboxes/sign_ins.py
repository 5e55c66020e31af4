"""Who signed in to which mailbox last, as Dovecot says; it writes here at each sign-in, so there is no history."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

MOST_KEPT = 20  # of one mailbox; the trigger of migration 0024 forgets older ones


class SignIn(models.Model):
    """The last sign-in to one service from one address. Dovecot names a mailbox by its login; a trigger finds the
    mailbox, and forgets what is said of nobody. A new address of the mailbox comes here with it."""

    mailbox = models.ForeignKey(
        # The foreign key is in the migration, with ON DELETE CASCADE: who deletes a mailbox need not know this.
        "mailboxes.Mailbox",
        verbose_name=_("mailbox"),
        on_delete=models.DO_NOTHING,
        related_name="sign_ins",
        db_constraint=False,
        db_index=False,
    )
    username = models.CharField(max_length=500, db_collation="C")
    service = models.CharField(_("service"), max_length=20, db_collation="C")
    remote_ip = models.CharField(_("from"), max_length=45, db_collation="C")
    seconds = models.BigIntegerField(default=0)  # as Dovecot says: since 1970
    signed_in_at = models.DateTimeField(_("signed in"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("sign-in")
        indexes = [models.Index(fields=["mailbox", "-signed_in_at"], name="sign_ins_of_a_mailbox")]
        constraints = [
            models.UniqueConstraint(
                fields=["username", "service", "remote_ip"], name="a_sign_in_is_kept_once_a_service_and_address"
            )
        ]

    def __str__(self) -> str:
        return f"{self.username} {self.service} {self.remote_ip}"
