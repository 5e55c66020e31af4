"""What every command of the shell is made of: verbs, sentences, exit codes, passwords, JSON.

0 done; 1 refused, with a sentence on standard error; 2 wrong usage. Nothing here prints a password or a hash."""

import argparse
import getpass
import json
import os
import select
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError, ProgrammingError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from psycopg2.errors import InvalidCursorName, UndefinedColumn, UndefinedTable

from accounts.actors import Actor
from accounts.text import printable

REFUSED, WRONG_USAGE = 1, 2
CHUNK = 1000  # rows that a list holds in memory at a time

MOST_MEASURED = 1_000  # rows of a table
Row = dict[str, Any]
Options = Mapping[str, Any]


class PanelCommand(BaseCommand):
    """A command of ours: whatever prevents it is one sentence and an exit code, never a traceback. Its help
    has the options of the panel only."""

    suppressed_base_arguments: set[str] = {  # nothing that a mail administrator needs in the help
        "--version",
        "--verbosity",
        "--settings",
        "--pythonpath",
        "--traceback",
        "--no-color",
        "--force-color",
    }

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.prog = _as_typed(parser)
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            output = super().execute(*args, **options)
            self.stdout.flush()
            return output
        except CommandError as error:
            if not self._called_from_command_line:  # type: ignore[attr-defined]
                raise
            self.stderr.write(str(error))
            raise SystemExit(error.returncode) from error
        except OperationalError as error:
            self.refuse(_("The database does not answer: %s") % str(error).strip())
        except (ProgrammingError, InvalidCursorName) as error:
            if not _lacks_a_table(error):
                raise
            self.refuse(
                _("The database has not got the tables of this version yet: start script/server, or run “migrate”.")
            )
        except BrokenPipeError:
            if not _nobody_reads_on():
                raise
            # Python must not complain when it closes the pipe.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None

    def refuse(self, *sentences: str) -> NoReturn:
        self.stderr.write("\n".join(sentences))
        raise SystemExit(REFUSED)


class NounCommand(PanelCommand):
    """`manage.py NOUN VERB …`: each verb is a method `do_VERB`, which raises ValidationError where it refuses."""

    requires_system_checks = ()
    verbs: Any

    def add_arguments(self, parser: CommandParser) -> None:
        parser.prog = _as_typed(parser)  # the verbs begin with it
        self.verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", title=_("verbs"))
        self.add_verbs()

    def add_verbs(self) -> None:
        raise NotImplementedError

    def verb(self, name: str, sentence: str) -> CommandParser:
        """A new verb with --json; `sentence` says in the help what it does."""
        parser: CommandParser = self.verbs.add_parser(
            name, help=sentence, description=sentence, formatter_class=argparse.HelpFormatter
        )
        parser.add_argument("--json", action="store_true", help=_("Print JSON, with stable keys."))
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_what_is_not_text(self, options)
        self.by = Actor.from_command()
        try:
            getattr(self, "do_" + options["verb"].replace("-", "_"))(options)
        except ValidationError as error:
            self.refuse(*sentences_of(error))
        except KeyboardInterrupt:
            self.refuse(_("Stopped; nothing was changed."))

    # What is said

    def wrong_usage(self, sentence: str) -> NoReturn:
        self.stderr.write(sentence)
        raise SystemExit(WRONG_USAGE)

    def remark(self, sentence: str) -> None:
        """Something to know that is not the answer."""
        self.stderr.write(sentence, style_func=str)

    def done(self, sentence: str, row: Row, options: Options) -> None:
        self.stdout.write(as_json(row) if options["json"] else sentence)

    def card(self, row: Row, options: Options) -> None:
        """One thing with all that is known of it."""
        if options["json"]:
            self.stdout.write(as_json(row))
            return
        width = max(map(len, row))
        for key, value in row.items():
            self.stdout.write(f"{key:<{width}}  {in_words(value)}".rstrip())

    def table(self, rows: Iterable[Row], columns: Mapping[str, int], options: Options) -> None:
        """Many things, printed as they come. `columns` names the keys of the text, each with its least width; the first
        rows say how wide it is. On a terminal the names stand above."""
        if options["json"]:
            for line in _json_lines(rows):
                self.stdout.write(line, ending="")
            return
        lines = ([in_words(row[key]) for key in columns] for row in rows)
        first = list(islice(lines, MOST_MEASURED))
        if first and self.stdout.isatty():
            first.insert(0, list(columns))
        widths = [
            max(least, *map(len, cells))
            for least, cells in zip(columns.values(), zip(*first, strict=True), strict=False)
        ]
        for cells in chain(first, lines):
            padded = [f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)]
            self.stdout.write("  ".join(padded).rstrip())

    # What is asked

    def typed_password(self, options: Options) -> str:
        """From standard input or asked twice, never from an argument: those stand in the list of processes."""
        if options["password_stdin"]:
            return _from_standard_input(self)
        if not sys.stdin.isatty():
            self.wrong_usage(_("There is no terminal to ask for a password. Use --password-stdin."))
        first = getpass.getpass(_("Password: "))
        if getpass.getpass(_("The same again: ")) != first:
            raise ValidationError(_("These were two different passwords. Nothing was changed."))
        return first

    def make_sure(self, question: str, losses: Iterable[str], options: Options, *, otherwise: str = "") -> None:
        """Names what is lost and asks; --yes answers beforehand. `otherwise` is said to any other answer than yes."""
        if options["yes"]:
            return
        if not sys.stdin.isatty():
            self.wrong_usage(_("There is no terminal to ask whether you are sure. Use --yes."))
        for sentence in losses:
            self.remark(sentence)
        self.stderr.write(_("%(question)s Type yes: ") % {"question": question}, style_func=str, ending="")
        self.stderr.flush()
        if sys.stdin.readline().strip().lower() != "yes":
            raise ValidationError(otherwise or _("Nothing was deleted."))


# Arguments that several nouns share


def password_arguments(parser: CommandParser, *, may_be_none: bool = False) -> None:
    parser.add_argument("--password-stdin", action="store_true", help=_("Read the password from standard input."))
    if may_be_none:
        parser.add_argument("--no-password", action="store_true", help=_("Without a password: nobody can sign in yet."))


def delete_arguments(parser: CommandParser) -> None:
    parser.add_argument("--yes", action="store_true", help=_("Do not ask."))


def list_arguments(parser: CommandParser, *, after: str, search: str) -> None:
    parser.add_argument("--search", default="", metavar="PREFIX", help=search)
    parser.add_argument("--limit", type=at_least_one, metavar="N", help=_("This many at most."))
    parser.add_argument(
        "--after", default="", metavar=after, help=_("Begin behind this one: the last of the list before.")
    )


def active_arguments(parser: CommandParser) -> None:
    parser.add_argument("--active", dest="active", action="store_const", const=True, help=_("Make it active."))
    parser.add_argument("--inactive", dest="active", action="store_const", const=False, help=_("Make it inactive."))


def version_argument(parser: CommandParser) -> None:
    parser.add_argument(
        "--if-version", type=int, metavar="N", help=_("Only if it is still this version, as “show” printed it.")
    )


def at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(_("This must be 1 or more."))
    return number


def given(options: Options, *names: str) -> dict[str, Any]:
    """The options that were typed: a change leaves everything else alone."""
    return {name: options[name] for name in names if options[name] is not None}


# Text and JSON


def by_key(rows: QuerySet[Any], options: Options) -> QuerySet[Any]:
    """What a list by key shows: --search is how the key begins, --after the last key of the list before."""
    if options["search"]:
        rows = rows.filter(key__startswith=options["search"].lower())
    if options["after"]:
        rows = rows.filter(key__gt=options["after"])
    return rows


def stream(rows: QuerySet[Any], limit: int | None) -> Iterator[Any]:
    """The rows as they come from a cursor of the server, a thousand in memory at a time."""
    return islice((rows if limit is None else rows[:limit]).iterator(chunk_size=CHUNK), limit)


def sentences_of(error: ValidationError) -> list[str]:
    return list(dict.fromkeys(error.messages))


def as_json(row: Row) -> str:
    """Times as in RFC 3339, in UTC."""
    return json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)


def in_words(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return printable(str(value))


def _json_lines(rows: Iterable[Row]) -> Iterator[str]:
    """One JSON array, a row a line."""
    all_rows = iter(rows)
    first = list(islice(all_rows, 1))
    if not first:
        yield "[]\n"
        return
    yield f"[\n{as_json(first[0])}"
    yield from (f",\n{as_json(row)}" for row in all_rows)
    yield "\n]\n"


def _as_typed(parser: CommandParser) -> str:
    return f"script/manage {parser.prog.partition(' ')[2]}"


def _lacks_a_table(error: BaseException | None) -> bool:
    """A list is read through a cursor of the server, whose end fails too: the reason then stands behind that."""
    while error is not None and not isinstance(error, UndefinedTable | UndefinedColumn):
        error = error.__cause__ or error.__context__
    return error is not None


def _nobody_reads_on() -> bool:
    """Whether whoever read our output has seen enough."""
    output = select.poll()
    output.register(sys.stdout, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _file, event in output.poll(0))


def _from_standard_input(command: NounCommand) -> str:
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        command.wrong_usage(_("The password is not UTF-8 text."))


def _refuse_what_is_not_text(command: NounCommand, options: Options) -> None:
    """Bytes that are no UTF-8 come from the shell as lone surrogates, which nothing can store."""
    lists = (value if isinstance(value, list) else [value] for value in options.values())
    for word in chain.from_iterable(lists):
        if isinstance(word, str) and not word.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in word):
            command.wrong_usage(_("What you typed is not UTF-8 text."))
