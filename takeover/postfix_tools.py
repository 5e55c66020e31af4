"""A configuration of Postfix as Postfix reads it: values by postconf(1), tables by postmap(1), nothing guessed."""

import getpass
import re
import struct
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from pathlib import Path

from django.utils.translation import gettext as _

# Types that postmap(1) makes from a text of the same name.
INDEXED = ("hash", "btree", "lmdb", "cdb", "dbm", "sdbm")
SUFFIX = {"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb", "dbm": ".pag", "sdbm": ".pag"}
PATTERNS = ("regexp", "pcre")
CAN_BE_LISTED = ("hash", "btree", "lmdb", "cdb", "texthash", "inline")
SQL = ("pgsql", "mysql", "sqlite", "ldap", "mongodb")
# Tables that take only a whole address, not its parts (DICT_FLAG_PATTERN, maps_find.c).
ASKED_WHOLE = (*PATTERNS, "cidr", "socketmap", "tcp")

# In the first line of each map that postfix_config writes.
OF_THE_PANEL = "answered by a function of mailadmin's database"

# What postalias(1) adds for sendmail and NIS.
OF_POSTALIAS = ("@", "YP_LAST_MODIFIED", "YP_MASTER_NAME")

AT_ONCE = 20_000  # keys for one postmap
SECONDS = 600


class NotReadable(Exception):
    """A sentence: what postconf or postmap said."""


@dataclass(frozen=True)
class Table:
    """`type:name`, without the `proxy:` that only a running Postfix can follow."""

    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.type}:{self.name}"

    @property
    def can_be_listed(self) -> bool:
        return self.type in CAN_BE_LISTED

    @property
    def is_of_the_panel(self) -> bool:
        """Whether the panel itself answers it: what it says came from here."""
        path = Path(self.name)
        return self.type == "pgsql" and path.is_file() and OF_THE_PANEL in path.read_text(errors="replace")

    @property
    def source(self) -> Path | None:
        """The text with line numbers, where there is one."""
        has_text = self.type in (*INDEXED, *PATTERNS, "texthash", "cidr") and self.name.startswith("/")
        return Path(self.name) if has_text and Path(self.name).is_file() else None

    @property
    def index(self) -> Path | None:
        return Path(self.name + SUFFIX[self.type]) if self.type in INDEXED else None


@dataclass(frozen=True)
class Pattern:
    """One entry of a list that Postfix matches: a word or a table, `!` in front of it means “not”."""

    word: str = ""
    table: Table | None = None
    is_excluded: bool = False
    where: str = ""  # the file that named it; empty: main.cf


@dataclass
class Configuration:
    """The main.cf of a directory. Names of files that begin with `installed_at` are read from the directory itself: it
    may be a copy from another host."""

    directory: Path
    installed_at: str = ""
    base: Path | None = None  # where the copies of its files are, if not in the directory
    written: Path | None = None  # what postfix_config wrote is where its names say
    remarks: list[str] = field(default_factory=list)

    @cached_property
    def values(self) -> dict[str, str]:
        """All parameters, the defaults too, with `$name` expanded."""
        return self._postconf("-x")

    @cached_property
    def explicit(self) -> dict[str, str]:
        """What main.cf itself says, restriction classes among it."""
        return self._postconf("-x", "-n")

    def __getitem__(self, parameter: str) -> str:
        return self.values.get(parameter, "")

    def words(self, parameter: str) -> list[str]:
        return words_of(self[parameter])

    def tables(self, parameter: str) -> list[Table]:
        return [self.table(word) for word in self.words(parameter) if is_table(word)]

    def table(self, text: str) -> Table:
        kind, _colon, name = text.removeprefix("proxy:").partition(":")
        return Table(kind, self.here(name))

    def here(self, path: str) -> str:
        if self.written and path.startswith(f"{self.written}/"):
            return path
        if self.installed_at and path.startswith(f"{self.installed_at.rstrip('/')}/"):
            return str((self.base or self.directory) / path[len(self.installed_at.rstrip("/")) + 1 :])
        return path

    def patterns(self, parameter: str) -> list[Pattern]:
        """A list as match_list.c reads it: words, tables, `/files` with more of them, each with `!` or without."""
        return list(self._patterns(self.words(parameter), "", 0))

    def _patterns(self, words: Iterable[str], where: str, depth: int) -> Iterator[Pattern]:
        for word in words:
            is_excluded = (len(word) - len(word.lstrip("!"))) % 2 == 1
            word = word.lstrip("!")
            if word.startswith("/"):
                path = Path(self.here(word))
                if depth > 20 or not path.is_file():
                    self.remarks.append(_("%(file)s, named by main.cf, cannot be read.") % {"file": path})
                    continue
                lines = (words_of(text) for _number, text in logical_lines(path))
                inner = self._patterns(chain.from_iterable(lines), str(path), depth + 1)
                yield from (
                    Pattern(one.word, one.table, one.is_excluded != is_excluded, one.where or str(path))
                    for one in inner
                )
            elif is_table(word):
                yield Pattern(table=self.table(word), is_excluded=is_excluded, where=where)
            else:
                yield Pattern(word=word.lower(), is_excluded=is_excluded, where=where)

    def _postconf(self, *options: str) -> dict[str, str]:
        if not (self.directory / "main.cf").is_file():
            raise NotReadable(_("There is no main.cf in %(directory)s.") % {"directory": self.directory})
        command = ["postconf", "-c", str(self.directory), *options]
        ended = _run(command)
        if ended.returncode:
            raise NotReadable(_said("postconf", ended.stderr))
        found = {}
        for line in ended.stdout.splitlines():
            name, equals, value = line.partition(" =")
            if equals:
                found[name] = value.strip()
        return found

    # Tables

    def ask(self, table: Table, keys: Iterable[str]) -> dict[str, str]:
        """What a table answers, by key as it was asked; one process for many keys."""
        found: dict[str, str] = {}
        asked = iter(dict.fromkeys(key for key in keys if key and "\n" not in key))
        while some := list(islice(asked, AT_ONCE)):
            command = ["postmap", "-c", str(self.directory), "-q", "-", str(table)]
            ended = _run(command, "".join(f"{key}\n" for key in some))
            if "fatal:" in ended.stderr or ended.returncode > 1:
                raise NotReadable(_said(str(table), ended.stderr))
            self._remark(table, ended.stderr)
            for line in ended.stdout.splitlines():
                key, _tab, value = line.partition("\t")
                found.setdefault(key, value)
        return found

    def listing(self, table: Table) -> Iterator[tuple[str, str]]:
        """(key, result) of all that the index holds: that is what Postfix reads, not the text beside it."""
        if table.type == "cdb":
            yield from _cdb_records(Path(f"{table.name}.cdb"))
            return
        command = ["postmap", "-c", str(self.directory), "-s", str(table)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as process:
            for line in process.stdout or ():
                key, _tab, value = line.rstrip("\n").partition("\t")
                if key not in OF_POSTALIAS:
                    yield key, value
            said = process.stderr.read() if process.stderr else ""
        if process.returncode or "fatal:" in said:
            raise NotReadable(_said(str(table), said))
        self._remark(table, said)

    def _remark(self, table: Table, said: str) -> None:
        """Warnings, each once."""
        for line in said.splitlines():
            sentence = _("postmap says about %(table)s: %(text)s") % {"table": table, "text": _without_name(line)}
            if (
                "warning:" in line
                and "overriding earlier entry" not in line
                and sentence not in self.remarks
                and len(self.remarks) < 100
            ):
                self.remarks.append(sentence)


@contextmanager
def readable() -> Iterator[None]:
    """Says what this user cannot read in a sentence."""
    try:
        yield
    except PermissionError as error:
        sentence = _(
            "%(file)s is not for the user %(user)s to read. Give the command a copy of the directory that is, with "
            "--installed-at or --old-installed-at."
        )
        raise NotReadable(sentence % {"file": error.filename, "user": getpass.getuser()}) from error


def is_table(word: str) -> bool:
    """`type:name`, as split_at_colon of Postfix sees it: no path, no host with a port."""
    return bool(re.match(r"(proxy:)?[a-z][a-z0-9_]*:(?!\d+$)", word)) and not word.startswith("/")


def words_of(text: str) -> list[str]:
    """A value split at commas and blanks, but not within braces (mystrtokq)."""
    words, word, depth = [], "", 0
    for letter in text:
        if not depth and (letter == "," or letter.isspace()):
            if word:
                words.append(word)
            word = ""
            continue
        depth += (letter == "{") - (letter == "}")
        word += letter
    return [*words, word] if word else words


def logical_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number of the first line, text) as readlline(3) joins them: comments and empty lines are left out, a line that
    begins with a blank goes on."""
    number, text = 0, ""
    with path.open(errors="replace") as file:
        for here, line in enumerate(file, 1):
            line = line.rstrip("\r\n")
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if line[0].isspace() and text:
                text += line
                continue
            if text:
                yield number, text.strip()
            number, text = here, line
    if text:
        yield number, text.strip()


def key_and_value(text: str, *, is_aliases: bool = False) -> tuple[str, str]:
    """A line of a table's text, its key in lower case: `key value` (postmap(1)) or `name: value` (aliases(5))."""
    if is_aliases:
        found = re.match(r'("(?:[^"\\]|\\.)*"|[^:\s]+)\s*:\s*(.*)', text, re.DOTALL)
        return (found[1].strip('"').lower(), found[2].strip()) if found else (text.lower(), "")
    if text.startswith('"'):
        found = re.match(r'("(?:[^"\\]|\\.)*"\S*)\s*(.*)', text, re.DOTALL)
        if found:
            return found[1].lower(), found[2].strip()
    key, *rest = text.split(None, 1)
    return key.lower(), rest[0].strip() if rest else ""


def addresses_in(text: str) -> list[str]:
    """The right-hand side of an alias, at its commas; a comma within quotes is none."""
    found = re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+', text)
    return [word for one in found if (word := one.strip())]


def _cdb_records(path: Path) -> Iterator[tuple[str, str]]:
    """cdb(5): records stand between the 2048 octets of the head and the first hash table. postmap cannot list them."""
    try:
        with path.open("rb") as file:
            tables = struct.unpack("<512I", file.read(2048))
            end = min(tables[::2])
            while file.tell() < end:
                key, value = struct.unpack("<II", file.read(8))
                yield tuple(file.read(length).rstrip(b"\0").decode(errors="replace") for length in (key, value))  # type: ignore[misc]
    except (OSError, struct.error) as error:
        raise NotReadable(_("%(file)s cannot be read: %(reason)s.") % {"file": path, "reason": error}) from error


def _run(command: list[str], text: str | None = None) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command, input=text, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
        )
    except FileNotFoundError as error:
        sentence = _("There is no %(program)s here. Run this where Postfix is installed, as root.")
        raise NotReadable(sentence % {"program": command[0]}) from error
    except subprocess.TimeoutExpired as error:
        raise NotReadable(_("%(program)s gave no answer.") % {"program": command[0]}) from error


def _said(what: str, text: str) -> str:
    lines = [line for line in text.splitlines() if "fatal:" in line or "error:" in line] or text.splitlines()[-1:]
    reason = _without_name(lines[0]) if lines else "?"
    return _("%(what)s cannot be read: %(reason)s.") % {"what": what, "reason": reason.rstrip(".")}


def _without_name(line: str) -> str:
    """`postmap: fatal: open …` -> `open …`."""
    return re.sub(r"^\w+: (fatal|error|warning): ", "", line)
