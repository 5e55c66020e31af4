"""The hosts that sign: when each last reported, and what is silent for good is forgotten."""

from collections.abc import Iterable
from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.history import recorded
from accounts.tracking import tracked
from domains.dkim_models import DkimKeyOnHost
from domains.dkim_waits import SILENT, DkimWait


@tracked(exclude=["reported_at"])
class SigningHost(models.Model):
    """A host on which opendkim_sync runs. That it reports again each minute is not in the history."""

    name = models.CharField(gettext_lazy("host"), max_length=253, unique=True, db_collation="C")
    reported_at = models.DateTimeField(gettext_lazy("last reported"))

    class Meta:
        verbose_name = gettext_lazy("host that signs")
        verbose_name_plural = gettext_lazy("hosts that sign")

    def __str__(self) -> str:
        return self.name

    @property
    def is_silent(self) -> bool:
        return timezone.now() - self.reported_at > SILENT


def report_host(name: str, *, by: Actor) -> None:
    """A run of opendkim_sync came to its end there."""
    if not SigningHost.objects.filter(name=name).update(reported_at=timezone.now()):
        with recorded("add", "signing_host", name, by=by):
            SigningHost.objects.get_or_create(name=name, defaults={"reported_at": timezone.now()})


def forget_host(host: SigningHost, *, by: Actor) -> None:
    """No key waits for it any more, and it signs nothing. If it is there after all, its next run brings it back; so
    there is no undo."""
    with recorded("forget", "signing_host", host.name, by=by):
        DkimKeyOnHost.objects.filter(host=host.name).delete()
        host.delete()
        waiting = DkimWait.objects.filter(needs_person=True, reason=DkimWait.Reason.HOST, words__host=host.name)
        waiting.update(ask_again_at=timezone.now())


def what_is_lost_with_host(host: SigningHost) -> list[str]:
    """Sentences for the question before it is forgotten."""
    number = DkimKeyOnHost.objects.filter(host=host.name).count()
    words = {"time": timesince(host.reported_at), "number": number}
    return [
        _("It last reported %(time)s ago, with the files of DKIM keys: %(number)d.") % words,
        _("An OpenDKIM that still runs there signs no mail, until opendkim_sync runs there again."),
        _("The files stay on that host."),
    ]


def reported_at(name: str) -> datetime | None:
    """None where no run came to its end yet."""
    return SigningHost.objects.filter(name=name).values_list("reported_at", flat=True).first()


def said_of_hosts(names: Iterable[str]) -> dict[str, str]:
    """Each host by its name, and for how long it is silent if it is."""
    said = {name: name for name in names}
    for host in SigningHost.objects.filter(name__in=said):
        if host.is_silent:
            words = {"host": host, "time": timesince(host.reported_at, depth=1)}
            said[host.name] = _("%(host)s (silent for %(time)s)") % words
    return said
