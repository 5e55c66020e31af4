"""The proof of a migration: the old and the new maps of Postfix are asked the same questions. Run on the mail host."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, connection
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.commands import PanelCommand, as_json, in_words
from takeover.comparison_records import Record
from takeover.comparisons import EXPLANATIONS, Difference, Outcome, compare
from takeover.postfix_tools import NotReadable

SHOWN_EVERY = 100_000  # questions
MOST_PRINTED = 1_000  # as text; --json prints all


class Command(PanelCommand):
    help = _(
        "Ask the maps of two configuration directories everything that either of them can know, and say where mail "
        "would go another way. Run it on the mail host; it changes nothing. NEW_DIR may be what postfix_config wrote."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("old", metavar="OLD_DIR", help=_("The directory of the old main.cf."))
        parser.add_argument(
            "new",
            metavar="NEW_DIR",
            nargs="?",
            default="",
            help=_("That of the new one, or the output of postfix_config; without it, what that would write now."),
        )
        parser.add_argument("--keys", metavar="FILE", help=_("More addresses to ask for, one a line."))
        parser.add_argument(
            "--old-installed-at",
            default="",
            metavar="DIR",
            help=_("Where the files of OLD_DIR stood, if it is a copy: names in its main.cf that begin so."),
        )
        parser.add_argument("--json", action="store_true", help=_("Print JSON, with stable keys."))

    def handle(self, *args: Any, **options: Any) -> None:
        self.options, self.printed, self.differences = options, 0, list[Difference]()
        record = self._record()
        old, new = Path(options["old"]), Path(options["new"]) if options["new"] else None
        try:
            outcome = compare(
                old,
                new,
                found=lambda difference: self._found(difference, record),
                show=lambda so_far: self._show(so_far, record),
                more=self._more(),
                old_installed_at=options["old_installed_at"],
                with_database=record is not None,
            )
        except NotReadable as error:
            if record:
                record.fail(str(error))
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            if record:
                record.fail(_("Stopped before it was done."))
            raise CommandError(_("Stopped before it was done.")) from error
        if record:
            record.finish(outcome)
        self._say(outcome, record)
        if outcome.differences:
            raise SystemExit(1)

    def _record(self) -> Record | None:
        """None where the panel's database cannot be reached: all is printed all the same."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            new = self.options["new"] or _("the panel as it is now")
            return Record(self.options["old"], new, by=Actor.from_command())
        except DatabaseError as error:
            sentence = _("The panel's database cannot be asked, so its keys are not known and no page shows this: %s")
            self.stderr.write(sentence % str(error).strip(), style_func=str)
            return None

    def _more(self) -> Iterator[str]:
        if not self.options["keys"]:
            return
        try:
            with Path(self.options["keys"]).open(errors="replace") as file:
                yield from file
        except OSError as error:
            words = {"file": self.options["keys"], "reason": error.strerror}
            raise NotReadable(_("%(file)s cannot be read: %(reason)s.") % words) from error

    def _found(self, difference: Difference, record: Record | None) -> None:
        if record:
            record.found(difference)
        if self.options["json"]:
            self.differences.append(difference)
            return
        self.printed += 1
        if self.printed <= MOST_PRINTED:
            self.stdout.write(f"{in_words(difference.key)}  ({difference.about})")
            self.stdout.write(f"  - {in_words(difference.old)}")
            self.stdout.write(f"  + {in_words(difference.new)}")

    def _show(self, outcome: Outcome, record: Record | None) -> None:
        if record:
            record.show(outcome)
        if outcome.done and outcome.done % SHOWN_EVERY < 5000 and outcome.done < outcome.total:
            self.stderr.write(
                _("%(done)d of %(total)d asked.") % {"done": outcome.done, "total": outcome.total}, style_func=str
            )

    def _say(self, outcome: Outcome, record: Record | None) -> None:
        if self.options["json"]:
            row = {
                "id": record.row.pk if record else None,
                "old": self.options["old"],
                "new": self.options["new"],
                "asked": outcome.total,
                "differences": [vars(difference) for difference in self.differences],
                "explained": outcome.explained,
                "remarks": outcome.remarks,
            }
            self.stdout.write(as_json(row))
            return
        if self.printed > MOST_PRINTED:
            self.stdout.write(_("These are the first %(number)d.") % {"number": MOST_PRINTED})
        for sentence in outcome.remarks:
            self.stderr.write(sentence, style_func=str)
        for name, number in sorted(outcome.explained.items()):
            self.stdout.write(f"{number:>8}  {name}: {EXPLANATIONS[name]}")
        words = {"asked": outcome.total, "differences": outcome.differences}
        self.stdout.write(_("Asked %(asked)d questions of both sides: %(differences)d differences.") % words)
