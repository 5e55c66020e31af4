"""A hand-written configuration of Postfix comes in: addresses, flat tables, restrictions. Run on the mail host."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.commands import REFUSED, PanelCommand, as_json, in_words
from takeover.kept_restriction_words import SAID_ALREADY, sentence_of_kept
from takeover.models import KeptParameter
from takeover.postfix_imports import Outcome, import_configuration
from takeover.postfix_reading import read_configuration
from takeover.postfix_tools import Configuration, NotReadable, readable
from takeover.postfixadmin_words import nothing_came, words_of


class Command(PanelCommand):
    help = _(
        "Take over a hand-written configuration of Postfix: what main.cf of DIR and its tables say about addresses and "
        "restrictions comes in, what has no place here is kept. Run it on the mail host; nothing of that host is "
        "changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", metavar="DIR", nargs="?", default="/etc/postfix")
        parser.add_argument(
            "--installed-at",
            default="",
            metavar="DIR",
            help=_("Where its files stood, if DIR is a copy: names in main.cf that begin so are read from DIR."),
        )
        parser.add_argument(
            "--passwd-file", metavar="FILE", help=_("A passwd-file of Dovecot: the hashes of mailboxes, by address.")
        )
        parser.add_argument(
            "--leave-out-refused", action="store_true", help=_("Bring everything but what cannot come as it is.")
        )
        parser.add_argument("--dry-run", action="store_true", help=_("Only say what would happen."))
        parser.add_argument(
            "--show-kept", action="store_true", help=_("Print what was kept of an earlier import, word for word.")
        )
        parser.add_argument("--json", action="store_true", help=_("Print JSON, with stable keys."))

    def handle(self, *args: Any, **options: Any) -> None:
        if options["show_kept"]:
            self._show_kept(options)
            return
        conf = Configuration(Path(options["directory"]).absolute(), options["installed_at"])
        passwords = Path(options["passwd_file"]) if options["passwd_file"] else None
        try:
            with readable():
                plan = read_configuration(conf, passwords=passwords)
            outcome = import_configuration(
                plan,
                dry_run=options["dry_run"],
                leave_out_refused=options["leave_out_refused"],
                by=Actor.from_command(),
            )
        except NotReadable as error:
            raise CommandError(str(error)) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if options["json"]:
            became = [one._asdict() for one in outcome.became]
            self.stdout.write(as_json(vars(outcome) | {"became": became}))
        else:
            self._say(outcome, options)
        if outcome.refused and not options["leave_out_refused"]:
            raise SystemExit(REFUSED)

    def _say(self, outcome: Outcome, options: Any) -> None:
        for sentence in (*outcome.remarks, *outcome.refused):
            self.stderr.write(in_words(sentence), style_func=str)
        for one in outcome.became:
            if one.code not in SAID_ALREADY:
                code = "would_come" if one.code == "came" and not outcome.is_written else one.code
                self.stdout.write(in_words(sentence_of_kept(one._asdict() | {"code": code})))
        if outcome.is_written:
            counted = _("%(what)s: added %(added)d, %(there)d were there already.")
        else:
            counted = _("%(what)s: %(added)d would be added, %(there)d are there already.")
        for what, added in outcome.added.items():
            words = {"what": words_of(what), "added": added, "there": outcome.there[what]}
            self.stdout.write(counted % words)
        number = len(outcome.refused)
        if number and not options["leave_out_refused"]:
            self.stderr.write(nothing_came(number), style_func=str)
        elif number:
            sentence = _("%(number)d lines were left out; why stands above.")
            self.stdout.write(sentence % {"number": number})
        if outcome.kept and outcome.is_written:
            sentence = _("Kept word for word, see --show-kept: %(parameters)s.")
            self.stdout.write(sentence % {"parameters": ", ".join(sorted(outcome.kept))})
        if outcome.change_set:
            self.stdout.write(_("To take it back: history undo %(number)s") % {"number": outcome.change_set})

    def _show_kept(self, options: Any) -> None:
        rows = list(KeptParameter.objects.all())
        if options["json"]:
            keys = ("parameter", "value", "entries", "tables", "kept_at")
            self.stdout.write(as_json({"kept": [{key: getattr(row, key) for key in keys} for row in rows]}))
            return
        for row in rows:
            self.stdout.write(in_words(f"{row.parameter} = {row.value}".rstrip()))
            for table in row.tables:
                self.stdout.write(f"  {in_words(table['table'])}")
                for number, text in table["lines"]:
                    self.stdout.write(f"  {number:>6}  {in_words(text)}")
