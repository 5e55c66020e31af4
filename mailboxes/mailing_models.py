"""Mail that the panel sends to mailboxes: the welcome mail of a new one, and broadcasts to all of a domain."""

from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.tracking import tracked
from jobs.mail import LONGEST_REFUSAL
from jobs.models import Job
from mailboxes.mail_texts import refuse_unknown_placeholders, refuse_unknown_placeholders_of_a_subject
from mailboxes.out_of_office_models import SUBJECT, TEXT

LONGEST_SUBJECT, LONGEST_TEXT = 200, 10_000  # characters
FASTEST = 6000  # mails in a minute
_TEXT_ONLY = _("Type text only, without control characters, and not only blanks.")
_ANY_LETTER = r"[^\s]"
_RATE = _("Choose 1 to 6000 mails a minute.")


@tracked()
class MailingSettings(models.Model):
    """What holds for mail of the panel to mailboxes: one row. An empty text is the panel's own, in the language of the
    server."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    welcomes = models.BooleanField(
        _("welcome mail"),
        default=False,
        help_text=_("A new mailbox gets one, unless whoever adds it says otherwise. An import sends none."),
    )
    welcome_subject = models.CharField(
        _("subject of the welcome mail"),
        max_length=LONGEST_SUBJECT,
        blank=True,
        validators=[RegexValidator(SUBJECT, _TEXT_ONLY), refuse_unknown_placeholders_of_a_subject],
        help_text=_("Empty: the panel's own."),
    )
    welcome_text = models.CharField(
        _("text of the welcome mail"),
        max_length=LONGEST_TEXT,
        blank=True,
        validators=[
            RegexValidator(TEXT, _TEXT_ONLY),
            RegexValidator(_ANY_LETTER, _TEXT_ONLY),
            refuse_unknown_placeholders,
        ],
        help_text=_("Empty: the panel's own. {address}, {name} and {servers} are filled in."),
    )
    mails_per_minute = models.PositiveIntegerField(
        _("mails a minute"),
        default=600,
        validators=[MinValueValidator(1, _RATE), MaxValueValidator(FASTEST, _RATE)],
        help_text=_("So many of a broadcast at most."),
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("mailing settings")
        constraints = [
            models.CheckConstraint(name="one_row_of_mailing_settings", condition=Q(id=1)),
            models.CheckConstraint(
                name="a_welcome_mail_is_text",
                condition=Q(welcome_subject__regex=SUBJECT)
                & (Q(welcome_text="") | Q(welcome_text__regex=TEXT) & Q(welcome_text__regex=_ANY_LETTER)),
                violation_error_message=_TEXT_ONLY,
            ),
            models.CheckConstraint(
                name="a_broadcast_has_a_speed",
                condition=Q(mails_per_minute__gte=1, mails_per_minute__lte=FASTEST),
                violation_error_message=_RATE,
            ),
        ]

    def __str__(self) -> str:
        return str(_("Mailing settings"))

    @classmethod
    def current(cls) -> "MailingSettings":
        return cls.objects.get(pk=1)


class WelcomeMail(models.Model):
    """The welcome mail of one mailbox: it waits, was sent, or was refused for good. Not in the history."""

    mailbox = models.OneToOneField(
        # The foreign key is in the migration, with ON DELETE CASCADE: who deletes a mailbox need not know this.
        "mailboxes.Mailbox",
        primary_key=True,
        on_delete=models.DO_NOTHING,
        related_name="welcome",
        db_constraint=False,
    )
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(_("welcomed"), null=True)
    tries = models.PositiveIntegerField(default=0)
    # What the server said the last time, if it took it not for now; and for good, which also a day of the former is.
    put_off = models.CharField(max_length=LONGEST_REFUSAL, blank=True, default="")
    refusal = models.CharField(max_length=LONGEST_REFUSAL, blank=True, default="")

    WAITING = Q(sent_at__isnull=True, refusal="")

    class Meta:
        indexes = [
            models.Index(
                fields=["tries", "mailbox"],
                name="welcome_mails_that_wait",
                condition=Q(sent_at__isnull=True, refusal=""),
            )
        ]

    def __str__(self) -> str:
        return str(self.mailbox)


class BroadcastQuerySet(models.QuerySet["Broadcast"]):
    def visible_to(self, user: User) -> Self:
        """As work: superusers see all, others what they started, a token for some domains none."""
        if user.limited_to is not None:
            return self.none()
        return self if user.is_superuser else self.filter(started_by=user)

    def with_progress(self) -> Self:
        return self.select_related("progress__job", "started_by")


@tracked()
class Broadcast(models.Model):
    """One mail to each mailbox of some domains, or of all. What comes of it stands in its `progress`."""

    subject = models.CharField(
        _("subject"),
        max_length=LONGEST_SUBJECT,
        validators=[
            RegexValidator(SUBJECT, _TEXT_ONLY),
            RegexValidator(_ANY_LETTER, _TEXT_ONLY),
            refuse_unknown_placeholders_of_a_subject,
        ],
    )
    text = models.CharField(
        _("text"),
        max_length=LONGEST_TEXT,
        validators=[
            RegexValidator(TEXT, _TEXT_ONLY),
            RegexValidator(_ANY_LETTER, _TEXT_ONLY),
            refuse_unknown_placeholders,
        ],
        help_text=_("{address}, {name} and {servers} are filled in."),
    )
    sender = models.CharField(
        _("sender"), max_length=254, blank=True, db_collation="C", help_text=_("Empty: the panel itself.")
    )
    domain_names = ArrayField(
        models.CharField(max_length=253),
        verbose_name=_("domains"),
        default=list,
        blank=True,
        help_text=_("Empty: all domains."),
    )
    who = models.CharField(_("started by"), max_length=200)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("person"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(_("started"), default=timezone.now, editable=False)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True, editable=False)

    objects = BroadcastQuerySet.as_manager()

    class Meta:
        verbose_name = _("broadcast")
        verbose_name_plural = _("broadcasts")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="a_broadcast_is_text",
                condition=Q(subject__regex=SUBJECT, text__regex=TEXT)
                & Q(subject__regex=_ANY_LETTER)
                & Q(text__regex=_ANY_LETTER),
                violation_error_message=_TEXT_ONLY,
            )
        ]

    def __str__(self) -> str:
        return self.subject

    def get_absolute_url(self) -> str:
        return reverse("broadcast", args=[self.pk])

    @property
    def state(self) -> str:
        """What it is at this moment: sending, done, stopped or failed."""
        if self.stopped_at:
            return "stopped"
        if self.progress.finished_at:
            return "done"
        return "failed" if self.progress.job and self.progress.job.is_finished else "sending"


class BroadcastProgress(models.Model):
    """How far a broadcast is. It changes with each mail, so it stands outside the history."""

    broadcast = models.OneToOneField(Broadcast, primary_key=True, on_delete=models.CASCADE, related_name="progress")
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    of_a_person = models.BooleanField(default=False)  # who may be deleted meanwhile
    total = models.PositiveBigIntegerField(_("mailboxes"), null=True)  # from when they have been written down
    reached = models.PositiveBigIntegerField(_("reached"), default=0)
    refused = models.PositiveBigIntegerField(_("refused"), default=0)
    left_out = models.PositiveBigIntegerField(_("left out"), default=0)
    paced_at = models.DateTimeField(null=True)  # when the last mails began to be sent
    finished_at = models.DateTimeField(_("finished"), null=True)

    def __str__(self) -> str:
        return f"{self.done}/{self.total}"

    @property
    def done(self) -> int:
        return self.reached + self.refused + self.left_out


class BroadcastRecipient(models.Model):
    """A mailbox that is still to get a broadcast, or whose server refused it. The row of one that got it is gone."""

    broadcast = models.ForeignKey(Broadcast, on_delete=models.CASCADE, related_name="recipients", db_index=False)
    mailbox = models.ForeignKey(
        # As above: ON DELETE CASCADE.
        "mailboxes.Mailbox",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    tries = models.PositiveSmallIntegerField(default=0)
    refusal = models.CharField(_("answer of the server"), max_length=LONGEST_REFUSAL, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["broadcast", "tries", "id"], name="recipients_that_wait", condition=Q(refusal="")),
            models.Index(fields=["broadcast", "id"], name="recipients_that_refused", condition=~Q(refusal="")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["mailbox", "broadcast"], name="a_mailbox_gets_a_broadcast_once"),
        ]

    def __str__(self) -> str:
        return f"{self.broadcast_id}:{self.mailbox_id}"
