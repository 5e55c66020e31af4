"""Comparisons of the maps of two configurations: how far one is, and what it found."""

from datetime import timedelta
from typing import Self

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User

IS_SILENT = timedelta(minutes=3)


class ComparisonQuerySet(models.QuerySet["Comparison"]):
    def visible_to(self, user: User) -> Self:
        """It is about all domains."""
        return self if user.is_superuser and user.limited_to is None else self.none()


class Comparison(models.Model):
    """One run of compare_maps on a mail host. It changes nothing, so it is not in the history."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    old = models.CharField(_("old configuration"), max_length=300)
    new = models.CharField(_("new configuration"), max_length=300)
    host = models.CharField(_("mail host"), max_length=100, blank=True)
    who = models.CharField(_("started by"), max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.RUNNING)
    done = models.PositiveBigIntegerField(_("done"), default=0)
    total = models.PositiveBigIntegerField(_("total"), null=True)
    differences = models.PositiveBigIntegerField(_("differences"), default=0)
    explained = models.JSONField(_("explained"), default=dict)  # name of the rule -> how often
    remarks = models.JSONField(_("remarks"), default=list)
    error = models.TextField(_("error"), blank=True)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    seen_at = models.DateTimeField(_("last sign of life"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects = ComparisonQuerySet.as_manager()

    class Meta:
        verbose_name = _("comparison")
        verbose_name_plural = _("comparisons")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.old} → {self.new}"

    def get_absolute_url(self) -> str:
        return reverse("comparison", args=[self.pk])

    @property
    def is_finished(self) -> bool:
        return self.state != self.State.RUNNING

    @property
    def is_silent(self) -> bool:
        """It says that it runs, but its command is gone or stuck."""
        return not self.is_finished and self.seen_at < timezone.now() - IS_SILENT

    @property
    def percent(self) -> int | None:
        """Whole percent done, or None while the total is not known."""
        return min(100, self.done * 100 // self.total) if self.total else None


class ComparisonDifference(models.Model):
    """A question to which the two sides give answers that mean something else."""

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="found", db_index=False)
    about = models.CharField(_("about"), max_length=100)  # `recipient`, or the parameter that was asked
    key = models.CharField(_("key"), max_length=500)
    old = models.TextField(_("old answer"), blank=True)
    new = models.TextField(_("new answer"), blank=True)

    class Meta:
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        ordering = ["id"]
        indexes = [models.Index(fields=["comparison", "id"], name="differences_of_a_comparison")]

    def __str__(self) -> str:
        return self.key
