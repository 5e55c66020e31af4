"""A comparison as rows, written while its command runs, so that people can watch."""

import time

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from takeover.comparisons import Difference, Outcome
from takeover.models import Comparison, ComparisonDifference

MOST_KEPT = 10_000  # differences; more of them say nothing new, and the number is right
SHOWN_EVERY = 1.0  # seconds
MOST_COMPARISONS = 50  # older ones go


class Record:
    """What the page shows of one comparison. Each write is for good at once."""

    def __init__(self, old: str, new: str, *, by: Actor) -> None:
        self.row = Comparison.objects.create(old=old[:300], new=new[:300], host=by.host[:100], who=by.label[:200])
        self.waiting: list[Difference] = []
        self.kept, self.shown = 0, 0.0
        forget_old_comparisons()

    def found(self, difference: Difference) -> None:
        if self.kept < MOST_KEPT:
            self.kept += 1
            self.waiting.append(difference)

    def show(self, outcome: Outcome) -> None:
        if time.monotonic() - self.shown >= SHOWN_EVERY:
            self._write(outcome)
            self.shown = time.monotonic()

    def finish(self, outcome: Outcome) -> None:
        self.row.state, self.row.finished_at = Comparison.State.DONE, timezone.now()
        self._write(outcome)

    def fail(self, sentence: str) -> None:
        self.row.state, self.row.finished_at, self.row.error = Comparison.State.FAILED, timezone.now(), sentence
        self.row.save(update_fields=["state", "finished_at", "error"])

    def _write(self, outcome: Outcome) -> None:
        self.row.done, self.row.total = outcome.done, outcome.total
        self.row.differences, self.row.explained = outcome.differences, outcome.explained
        self.row.remarks, self.row.seen_at = outcome.remarks, timezone.now()
        with transaction.atomic():
            self.row.save()
            ComparisonDifference.objects.bulk_create(
                (
                    ComparisonDifference(
                        comparison=self.row,
                        about=one.about[:100],
                        key=_plain(one.key)[:500],
                        old=_plain(one.old),
                        new=_plain(one.new),
                    )
                    for one in self.waiting
                ),
                batch_size=1000,
            )
        self.waiting = []


def forget_old_comparisons() -> None:
    newest = list(Comparison.objects.order_by("-id").values_list("id", flat=True)[: MOST_COMPARISONS + 1])
    if len(newest) > MOST_COMPARISONS:
        ComparisonDifference.objects.filter(comparison__lte=newest[-1]).delete()
        Comparison.objects.filter(pk__lte=newest[-1]).delete()


def _plain(text: str) -> str:
    return text.replace("\0", "�")
