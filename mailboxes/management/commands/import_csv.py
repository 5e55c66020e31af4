"""Many mailboxes, aliases or domains from a file, all of them or none."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.commands import REFUSED, NounCommand, Options, as_json
from mailboxes.columns import COLUMNS, NEEDED
from mailboxes.import_passwords import new_key
from mailboxes.imports import MOST_FAULTS, faults_of, forget_import, stage_import, write_import
from mailboxes.models import Import

SHOWN_EVERY = 5_000  # lines


class Command(NounCommand):
    help = _("Add many mailboxes, aliases or domains from a CSV or JSON file: all of them, or none.")

    def add_verbs(self) -> None:
        for kind, words in Import.Kind.choices:
            verb = self.verb(
                kind, _("Add %(things)s. The columns: %(columns)s; %(needed)s must be there.") % _words(kind, words)
            )
            verb.add_argument(
                "file", metavar="FILE", help=_("CSV with a line of column names, or JSON; - is standard input.")
            )
            verb.add_argument("--skip-existing", action="store_true", help=_("Leave what is there already as it is."))
            verb.add_argument("--dry-run", action="store_true", help=_("Only say what would happen."))
            if kind != Import.Kind.DOMAINS:
                verb.add_argument(
                    "--despite-quarantine",
                    action="store_true",
                    help=_("Take addresses even if they belonged to mailboxes that were deleted lately."),
                )

    def do_mailboxes(self, options: Options) -> None:
        self._import(options)

    def do_aliases(self, options: Options) -> None:
        self._import(options)

    def do_domains(self, options: Options) -> None:
        self._import(options)

    def _import(self, options: Options) -> None:
        key = new_key()
        with ExitStack() as stack:
            one = stage_import(
                options["verb"],
                _opened(options["file"], stack),
                label=_("standard input") if options["file"] == "-" else Path(options["file"]).name,
                key=key,
                skip_existing=options["skip_existing"],
                despite_quarantine=options.get("despite_quarantine", False),
                show=self._show_lines,
                by=self.by,
            )
            stack.callback(forget_import, one)
            if one.refused:
                self._refuse_faults(one, options)
            change_set = None
            if not options["dry_run"]:
                try:
                    change_set = write_import(one, key=key, show=self._show_passwords, by=self.by)
                except ValidationError:
                    if not one.refused:
                        raise
                    self._refuse_faults(one, options)
            words = {"new": one.new, "there": one.there}
            if options["dry_run"]:
                sentence = _("%(new)d would be added, %(there)d are there already.") % words
            else:
                sentence = _("Added %(new)d, %(there)d were there already.") % words
            if change_set:
                sentence += "\n" + _("To take it back: history undo %(number)s") % {"number": change_set}
            self.done(sentence, _row(one) | {"change_set": change_set}, options)

    def _refuse_faults(self, one: Import, options: Options) -> None:
        faults = list(faults_of(one))
        if options["json"]:
            self.stdout.write(as_json(_row(one) | {"change_set": None, "faults": faults}))
            raise SystemExit(REFUSED)
        for fault in faults:
            self.remark(_("Line %(line)d: %(sentence)s") % fault)
        if one.refused > MOST_FAULTS:
            self.remark(_("These are the first %(number)d lines with faults.") % {"number": MOST_FAULTS})
        sentence = _("Refused lines: %(refused)d of %(lines)d. Nothing was added.")
        self.refuse(sentence % {"refused": one.refused, "lines": one.lines})

    def _show_lines(self, done: int, total: int | None) -> None:
        if done >= SHOWN_EVERY:
            self.remark(_("Read %(done)d lines.") % {"done": done})

    def _show_passwords(self, done: int, total: int | None) -> None:
        if total:
            self.remark(_("Hashed %(done)d of %(total)d passwords.") % {"done": done, "total": total})


def _words(kind: str, things: Any) -> dict[str, str]:
    return {"things": str(things), "columns": ", ".join(COLUMNS[kind]), "needed": ", ".join(NEEDED[kind])}


def _opened(name: str, stack: ExitStack) -> BinaryIO:
    if name == "-":
        return sys.stdin.buffer
    try:
        return stack.enter_context(Path(name).open("rb"))
    except OSError as error:
        words = {"file": name, "reason": error.strerror}
        raise ValidationError(_("%(file)s cannot be read: %(reason)s.") % words) from error


def _row(one: Import) -> dict[str, Any]:
    return {"kind": one.kind, "lines": one.lines, "new": one.new, "there": one.there, "refused": one.refused}
