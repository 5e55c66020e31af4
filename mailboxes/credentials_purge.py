"""Hashes of deleted mailboxes are kept for an undo, not for ever."""

from datetime import timedelta

from django.utils import timezone

from mailboxes.models import AppPasswordSecret, MailboxCredential

KEPT = timedelta(days=30)


def purge_credentials() -> int:
    """Deletes what was retired longer ago than KEPT, of app passwords too; returns how many hashes."""
    before = timezone.now() - KEPT
    AppPasswordSecret.objects.filter(retired_at__lt=before).delete()
    deleted, _by_model = MailboxCredential.objects.filter(retired_at__lt=before).delete()
    return deleted
