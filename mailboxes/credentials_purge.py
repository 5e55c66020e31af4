"""Hashes of deleted mailboxes are kept for an undo, not for ever."""

from datetime import timedelta

from django.utils import timezone

from mailboxes.models import MailboxCredential

KEPT = timedelta(days=30)


def purge_credentials() -> int:
    """Deletes what was retired longer ago than KEPT; returns how many."""
    deleted, _by_model = MailboxCredential.objects.filter(retired_at__lt=timezone.now() - KEPT).delete()
    return deleted
