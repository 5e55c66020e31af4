"""What a mailbox answers while its owner is away. Dovecot reads it as a Sieve script (mailservers/sql/dovecot)."""

from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.tracking import tracked
from domains.models import seen_by
from mailboxes.mail_texts import tidy
from mailboxes.times import refuse_end_before_start, refuse_strange_times, state_at_this_moment

LONGEST_SUBJECT, LONGEST_ANSWER = 200, 5000  # characters
MOST_DAYS = 30
# A line feed would end the subject; a text may have lines and tabs (RFC 5322, section 2.2).
SUBJECT, TEXT = r"^[^\u0001-\u001f\u007f]*$", r"^[^\u0001-\u0008\u000b-\u001f\u007f]+$"
_TEXT_ONLY = _("Type text only, without control characters, and not only blanks.")
_DAYS = _("Choose 1 to 30 days.")
_ENDS_LATER = _("An answer ends after it starts. Choose a later end or an earlier start.")


class OutOfOfficeQuerySet(models.QuerySet["OutOfOffice"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(seen_by(user, "mailbox__address__domain__"))

    def with_address(self) -> Self:
        return self.select_related("mailbox__address__domain")


@tracked()
class OutOfOffice(models.Model):
    """An answer to each sender once in so many days (RFC 5230), from `starts_at` until `ends_at` where these are given.
    It is text and nothing else: the script around it is made when Dovecot asks."""

    mailbox = models.OneToOneField(
        "mailboxes.Mailbox", verbose_name=_("mailbox"), on_delete=models.DO_NOTHING, related_name="out_of_office"
    )
    subject = models.CharField(
        _("subject"),
        max_length=LONGEST_SUBJECT,
        blank=True,
        validators=[RegexValidator(SUBJECT, _TEXT_ONLY)],
        help_text=_("Empty: “Auto:” and the subject of the message that is answered."),
    )
    text = models.CharField(
        _("answer"),
        max_length=LONGEST_ANSWER,
        validators=[RegexValidator(TEXT, _TEXT_ONLY), RegexValidator(r"[^ \t\r\n]", _TEXT_ONLY)],
    )
    starts_at = models.DateTimeField(_("answers from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("answers until"), null=True, blank=True)
    days = models.PositiveSmallIntegerField(
        _("days"),
        default=7,
        validators=[MinValueValidator(1, _DAYS), MaxValueValidator(MOST_DAYS, _DAYS)],
        help_text=_("So many days a sender gets no second answer: 1 to 30."),
    )
    active = models.BooleanField(_("active"), default=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = OutOfOfficeQuerySet.as_manager()

    class Meta:
        verbose_name = _("out-of-office answer")
        verbose_name_plural = _("out-of-office answers")
        constraints = [
            models.CheckConstraint(
                name="an_answer_ends_after_it_starts",
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                violation_error_message=_ENDS_LATER,
            ),
            models.CheckConstraint(
                name="an_answer_is_given_once_in_1_to_30_days",
                condition=Q(days__gte=1, days__lte=MOST_DAYS),
                violation_error_message=_DAYS,
            ),
            models.CheckConstraint(
                name="an_answer_is_text",
                condition=Q(subject__regex=SUBJECT, text__regex=r"[^\s]") & Q(text__regex=TEXT),
                violation_error_message=_TEXT_ONLY,
            ),
        ]

    def __str__(self) -> str:
        return str(self.mailbox)

    def clean(self) -> None:
        refuse_strange_times(starts_at=self.starts_at, ends_at=self.ends_at)
        refuse_end_before_start(self.starts_at, self.ends_at, _ENDS_LATER)

    def tidy(self) -> None:
        self.text = tidy(self.text)
        self.subject = self.subject.strip()

    @property
    def state(self) -> str:
        """What it is at this moment: active, inactive, not_begun or ended; only the first answers."""
        return state_at_this_moment(self.active, self.starts_at, self.ends_at)
