"""A broadcast that is over, for the demo: nobody got it."""

from datetime import timedelta

from django.utils import timezone

from accounts.actors import Actor
from accounts.history import recorded
from mailboxes.models import Broadcast, BroadcastProgress

TEXT = """Dear {name},

on Sunday from 6:00 to 8:00 the server rests. Mail that others send to you meanwhile arrives afterwards.

The office"""


def load_broadcast(*, by: Actor) -> None:
    """Beside the change set of the demo: that can be undone, and mail that was sent cannot."""
    began = timezone.now() - timedelta(days=6)
    with recorded("start", "broadcast", "Maintenance on Sunday", domain="falcot.org", by=by):
        broadcast = Broadcast.objects.create(
            subject="Maintenance on Sunday",
            text=TEXT,
            sender="jean@falcot.org",
            domain_names=["falcot.org"],
            who=by.label,
            created_at=began,
        )
        figures = {"total": 3, "reached": 3, "finished_at": began + timedelta(seconds=4)}
        BroadcastProgress.objects.create(broadcast=broadcast, **figures)
