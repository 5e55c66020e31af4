"""The files that are being imported: what is staged until it is written or forgotten (imports.py)."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs.models import Job
from mailboxes.parsing import LONGEST_LOCAL_PART


class ImportQuerySet(models.QuerySet["Import"]):
    def visible_to(self, user: User) -> Self:
        """Everybody sees the own ones only: what they may do is judged by who they are."""
        return self.filter(user=user)


class Import(models.Model):
    """A file with many rows on its way: read, judged, looked at, written. It goes after a day, its rows when it is
    written."""

    class Kind(models.TextChoices):
        MAILBOXES = "mailboxes", _("mailboxes")
        ALIASES = "aliases", _("aliases")
        DOMAINS = "domains", _("domains")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    label = models.CharField(_("file"), max_length=200)
    skip_existing = models.BooleanField(default=False)
    despite_quarantine = models.BooleanField(default=False)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    host = models.CharField(max_length=100, blank=True)
    lines = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    there = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    change_set = models.UUIDField(null=True)
    created_at = models.DateTimeField(_("added"), default=timezone.now)

    objects = ImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return reverse("import", args=[self.pk])


class ImportRow(models.Model):
    """A line of a file, normalised as it will be stored. `values` holds the columns of the row that it becomes,
    `unreadable` what reading it found (import_sentences.py), `faults` what the rules of import_rules.py found."""

    of = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rows", db_index=False)
    line = models.PositiveIntegerField()
    domain_name = models.CharField(max_length=253, db_collation="C", blank=True)
    local_part = models.CharField(max_length=LONGEST_LOCAL_PART, db_collation="C", blank=True)
    values = models.JSONField(default=dict)
    sealed_password = models.TextField(blank=True)  # encrypted until it is hashed (import_passwords.py)
    hash = models.CharField(max_length=500, db_collation="C", blank=True)
    is_there = models.BooleanField(default=False)
    unreadable = models.JSONField(default=list)
    faults = models.JSONField(default=list)

    class Meta:
        ordering = ["line"]
        indexes = [
            models.Index(fields=["of", "line"], name="rows_of_an_import"),
            models.Index(
                fields=["of", "line"],
                name="refused_rows_of_an_import",
                condition=~(Q(unreadable=[]) & Q(faults=[])),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.of_id}:{self.line}"
