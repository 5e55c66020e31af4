"""A whole PostfixAdmin from its live database, read only: all of it, or nothing and the reasons."""

import argparse
import os
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.commands import REFUSED, NounCommand, Options, as_json, at_least_one
from domains.models import MailSettings
from takeover.postfixadmin_import import Outcome, import_postfixadmin
from takeover.postfixadmin_meaning import USUAL_MULTIPLIER, Choices
from takeover.postfixadmin_reading import opened
from takeover.postfixadmin_words import nothing_came, sentence_of, words_of

PASSWORD = "POSTFIXADMIN_PASSWORD"  # noqa: S105
SHOWN = 20  # sentences of one kind


class Command(NounCommand):
    help = _(
        "Bring domains, mailboxes, aliases, admins and the log over from the database of a PostfixAdmin (3.2 to 4.x). "
        "That database is only read. What is here already stays as it is, so it may run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "url",
            metavar="URL",
            help=_("postgresql://user@host/name, mysql://user@host/name or sqlite:///path of its database."),
        )
        parser.add_argument(
            "--password-file",
            metavar="FILE",
            help=_("Read the password of the database from this file. Or give it in the variable %s.") % PASSWORD,
        )
        parser.add_argument("--table-prefix", default="", metavar="PREFIX", help=_("$CONF['database_prefix'] there."))
        parser.add_argument(
            "--table",
            action="append",
            default=[],
            type=_table,
            metavar="TABLE=NAME",
            help=_("The name of one table, from $CONF['database_tables']; again for each."),
        )
        parser.add_argument(
            "--quota-multiplier",
            type=at_least_one,
            default=USUAL_MULTIPLIER,
            metavar="BYTES",
            help=_("$CONF['quota_multiplier'] there: what it calls a megabyte (%s).") % USUAL_MULTIPLIER,
        )
        parser.add_argument(
            "--without-quota-limits",
            action="store_true",
            help=_("Leave out the limits of quotas; PostfixAdmin only enforces them with $CONF['quota'] = 'YES'."),
        )
        parser.add_argument(
            "--leave-out-refused", action="store_true", help=_("Bring everything but what cannot come as it is.")
        )
        parser.add_argument("--dry-run", action="store_true", help=_("Only say what would happen."))
        parser.add_argument("--json", action="store_true", help=_("Print JSON, with stable keys."))

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options | {"verb": "import"})

    def do_import(self, options: Options) -> None:
        choices = Choices(
            quota_multiplier=options["quota_multiplier"],
            delimiter=MailSettings.current().recipient_delimiter,
            with_quota_limits=not options["without_quota_limits"],
        )
        with opened(
            options["url"],
            password=_password(options),
            prefix=options["table_prefix"],
            tables=dict(options["table"]),
        ) as source:
            outcome = import_postfixadmin(
                source,
                choices=choices,
                dry_run=options["dry_run"],
                leave_out_refused=options["leave_out_refused"],
                show=self._show,
                by=Actor.from_command(),
            )
        is_refused = bool(outcome.report.refusals) and not options["leave_out_refused"]
        if options["json"]:
            self.stdout.write(as_json(_row(outcome)))
        else:
            self._tell(outcome, is_refused)
        if is_refused:
            raise SystemExit(REFUSED)

    def _show(self, what: str, done: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(_("Read %(done)d: %(what)s.") % {"done": done, "what": what}, style_func=str)

    def _tell(self, outcome: Outcome, is_refused: bool) -> None:
        for said in (outcome.report.refusals, outcome.report.remarks):
            for sentence in _some(said):
                self.remark(sentence)
        out = self.stderr if is_refused else self.stdout
        for kind, count in outcome.counts.items():
            if any(count.values()):
                out.write(_count(kind, count), style_func=str) if is_refused else out.write(_count(kind, count))
        if is_refused:
            self.refuse(nothing_came(len(outcome.report.refusals)))
        elif not outcome.is_written:
            self.stdout.write(_("This was only tried. Nothing was changed."))
        elif not outcome.new:
            self.stdout.write(_("Everything is here already. Nothing was changed."))
        else:
            self.stdout.write(_("Done. Write the configuration on the mail host (postfix_config), then compare."))


def _some(said: list[dict[str, Any]]) -> Iterable[str]:
    """By kind, the first of each."""
    ordered = sorted(said, key=lambda one: str(one["code"]))
    for _code, group in groupby(ordered, key=lambda one: str(one["code"])):
        alike = list(group)
        yield from map(sentence_of, alike[:SHOWN])
        if len(alike) > SHOWN:
            yield _("And %(number)d more like this; --json names all.") % {"number": len(alike) - SHOWN}


def _count(kind: str, count: dict[str, int]) -> str:
    words = {"what": words_of(kind)} | count
    if count["left_out"]:
        return _("%(what)s: %(new)d new, %(there)d here already, %(left_out)d left out.") % words
    return _("%(what)s: %(new)d new, %(there)d here already.") % words


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "written": outcome.is_written,
        "counts": outcome.counts,
        "refused": [one | {"sentence": sentence_of(one)} for one in outcome.report.refusals],
        "remarks": [one | {"sentence": sentence_of(one)} for one in outcome.report.remarks],
        "change_sets": outcome.change_sets,
    }


def _password(options: Options) -> str:
    if not options["password_file"]:
        return os.environ.get(PASSWORD, "")
    try:
        return Path(options["password_file"]).read_text().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        words = {"file": options["password_file"], "reason": getattr(error, "strerror", "") or error}
        raise ValidationError(_("%(file)s cannot be read: %(reason)s.") % words) from error


def _table(text: str) -> tuple[str, str]:
    table, equals, name = text.partition("=")
    if not (table and equals and name):
        raise argparse.ArgumentTypeError(_("Write TABLE=NAME, for example mailbox=my_mailbox."))
    return table, name
