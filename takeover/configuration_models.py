"""What a hand-written configuration holds that has no place of its own here yet: kept word for word."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class KeptParameter(models.Model):
    """A parameter of main.cf in its order, and the lines of its tables with their numbers."""

    parameter = models.CharField(_("parameter"), max_length=200, unique=True, db_collation="C")
    value = models.TextField(_("value"))
    entries = models.JSONField(_("entries"), default=list)  # in order; text each
    tables = models.JSONField(_("lookup tables"), default=list)  # {"table": "type:name", "lines": [[number, text], …]}
    kept_at = models.DateTimeField(_("kept"), default=timezone.now)

    class Meta:
        verbose_name = _("kept parameter")
        verbose_name_plural = _("kept parameters")
        ordering = ["parameter"]

    def __str__(self) -> str:
        return self.parameter
