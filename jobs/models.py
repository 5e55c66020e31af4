"""Long work as rows: the Job is the queue, the message broker only wakes the worker."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: User) -> models.QuerySet["Job"]:
        """Superusers see all, others what they started; a token for some domains none, since work is about all."""
        if user.limited_to is not None:
            return self.none()
        return self if user.is_superuser else self.filter(started_by=user)

    def due(self) -> models.QuerySet["Job"]:
        return self.filter(state=Job.State.WAITING, run_after__lte=timezone.now())


class Job(models.Model):
    """One piece of long work, with its progress and what came of it in words."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    kind = models.CharField(_("kind"), max_length=50)
    label = models.CharField(_("what"), max_length=300)
    arguments = models.JSONField(_("arguments"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    done = models.PositiveBigIntegerField(_("done"), default=0)
    total = models.PositiveBigIntegerField(_("total"), null=True)
    result = models.JSONField(_("result"), null=True)
    error = models.TextField(_("error"), blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    created_at = models.DateTimeField(_("added"), default=timezone.now)
    run_after = models.DateTimeField(_("not before"), default=timezone.now)
    sent_at = models.DateTimeField(_("worker told"), null=True)
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("started by"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="jobs",
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["run_after"], name="jobs_unfinished", condition=models.Q(state__in=["waiting", "running"])
            ),
            models.Index(fields=["kind", "-id"], name="jobs_by_kind"),
        ]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return reverse("job", args=[self.pk])

    @property
    def is_finished(self) -> bool:
        return self.state in (self.State.DONE, self.State.FAILED)

    @property
    def percent(self) -> int | None:
        """Whole percent done, or None while the total is not known."""
        return min(100, self.done * 100 // self.total) if self.total else None


class WorkerBeat(models.Model):
    """When the worker last swept: one row, so that /health/ can tell a dead worker from an idle one."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="one_worker_beat", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return str(self.at)
