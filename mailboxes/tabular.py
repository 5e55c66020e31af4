"""Files with a row a line: CSV as people and Excel write it, or JSON as `--json` prints it (RFC 4180, RFC 8259)."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, BinaryIO

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from domains.fields import shown

LONGEST_CELL = 300_000  # characters; 1,000 destinations of 254 and some air
SEPARATORS = ",;\t"
# Columns of which a spreadsheet may make a formula; the last two are of the list of what is wrong.
TEXTS = ("name", "comment", "description", "address", "destinations", "mail_path", "thing", "sentence")
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = tuple[int, dict[str, Any]]
MORE = ""  # the key of what stands behind the last column


def rows_of(file: BinaryIO, *, known: Sequence[str], needed: Sequence[str]) -> Iterator[Row]:
    """(line, cells by column), one after the other, so that a large file is never whole in memory (JSON is). Raises
    ValidationError with a sentence where the file as such cannot be read."""
    buffered = io.BufferedReader(file)  # type: ignore[type-var]  # all that it needs is readinto()
    start = buffered.peek(64)
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = io.TextIOWrapper(buffered, encoding=encoding, newline="")
    is_json = start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"[", b"{"))
    line = 0
    try:
        for line, cells in _json_rows(text) if is_json else _csv_rows(text, known, needed):
            if is_json:
                _refuse_columns(list(cells), known, needed, line)
            yield line, cells
    except UnicodeError as error:
        sentence = _("What follows line %(line)d is not UTF-8 text. In Excel, save it as “CSV UTF-8”.")
        raise ValidationError(sentence % {"line": line}) from error
    finally:
        text.detach().detach()  # the file stays open: it belongs to the caller
    if not line:
        raise ValidationError(_("There are no rows in this file."))


def guarded(text: str) -> str:
    """What a spreadsheet would take for a formula, with an apostrophe before it, as people type it there. Reading takes
    that away again."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def _without_guard(text: str) -> str:
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA) else text


def _csv_rows(text: io.TextIOWrapper, known: Sequence[str], needed: Sequence[str]) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    before = 0
    header = text.readline(LONGEST_CELL)
    separator = ""
    if header.lower().startswith("sep="):  # Excel's own hint
        separator, before = header[4:5], 1
        header = text.readline(LONGEST_CELL)
    if separator not in (*SEPARATORS,):
        separator = max(SEPARATORS, key=header.count)
    reader = csv.reader(chain([header], text), delimiter=separator, strict=True)
    line = before + 1
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        while names and not names[-1]:
            names.pop()
        _refuse_columns(names, known, needed, line)
        line = before + reader.line_num + 1
        for cells in reader:
            row: dict[str, Any] = dict(zip(names, cells, strict=False))
            row |= {name: _without_guard(row[name]) for name in TEXTS if name in row}
            if any(cell.strip() for cell in cells[len(names) :]):
                row[MORE] = True
            if any(cell.strip() for cell in cells):
                yield line, row
            line = before + reader.line_num + 1
    except csv.Error as error:
        sentence = _("Line %(line)d is no CSV: %(reason)s. Nothing was read.")
        raise ValidationError(sentence % {"line": line, "reason": error}) from error


def _json_rows(text: io.TextIOWrapper) -> Iterator[Row]:
    """An array of objects, or one object a line; the "line" is the number of the object."""
    content = text.read()
    decoder = json.JSONDecoder()
    at, number = _behind(content, 0, "["), 0
    try:
        while at < len(content) and content[at] != "]":
            row, at = decoder.raw_decode(content, at)
            at, number = _behind(content, at, ","), number + 1
            if not isinstance(row, dict):
                raise ValidationError(_("Number %(number)d is no object. Nothing was read.") % {"number": number})
            json.dumps(row, ensure_ascii=False).encode()  # half letters (lone surrogates) are no text
            yield number, row
    except (ValueError, RecursionError) as error:
        sentence = _("This is no JSON behind object number %(number)d. Nothing was read.")
        raise ValidationError(sentence % {"number": number}) from error


def _behind(content: str, at: int, sign: str) -> int:
    while at < len(content) and content[at] in " \t\r\n" + sign:
        at += 1
    return at


def _refuse_columns(names: Sequence[str], known: Sequence[str], needed: Sequence[str], line: int) -> None:
    words = {"line": line, "known": ", ".join(known)}
    unknown = [name for name in names if name not in known]
    if unknown:
        sentence = _("Line %(line)d names a column “%(name)s”, which is not known. These are: %(known)s.")
        raise ValidationError(sentence % {**words, "name": shown(unknown[0], 40)})
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValidationError(_("The column “%(name)s” is there twice.") % {"name": twice})
    missing = [name for name in needed if name not in names]
    if missing:
        sentence = _("Line %(line)d does not name the column “%(name)s”. The first line of a CSV names the columns.")
        raise ValidationError(sentence % {**words, "name": missing[0]})
