"""The lists of domains as indexed files on the mail host, in place of SQL: Postfix asks them twice for each message.

What a file says is as old as the file. The addresses stay in SQL: a domain that is deactivated takes no mail at once, a
new one waits until the files are written again."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.db import connection
from django.utils.translation import gettext as _

from mailservers.files import Folder, FolderByRoot, FolderHere
from mailservers.postfix_config import BACK_DATED, FILE_MODE, postfix_owner
from mailservers.postfix_host import LISTS_OF_DOMAINS

ENDINGS = {"hash": "db"}  # of other types: their name
MARK = "not-indexed"  # the ending of a file; while it is there, the index may be older than the list


class NotIndexed(Exception):
    """Says what postmap(1) said."""


@dataclass(frozen=True)
class DomainFile:
    parameter: str  # of Postfix, and the name of the file
    domains: int  # keys: a domain in its own script has two
    is_new: bool


class Lists(Folder, Protocol):
    def index(self, name: str) -> str:
        """What postmap(1) says of it; nothing if all went well."""


class ListsHere(FolderHere):
    def __init__(self, directory: Path, kind: str) -> None:
        super().__init__(directory, mode=FILE_MODE, owner=postfix_owner(), age=BACK_DATED)
        self.kind = kind

    def index(self, name: str) -> str:
        command = ["postmap", f"{self.kind}:{self.directory / name}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        return done.stderr.strip() or (_("postmap failed.") if done.returncode else "")


class ListsByRoot(FolderByRoot):
    def index(self, name: str) -> str:
        return str(self.ask("index", name))


def write_domain_files(lists: Lists, kind: str) -> list[DomainFile]:
    """Writes and indexes each list that is not as it should be. `kind` is a table of Postfix: cdb, lmdb or hash.

    postmap(1) puts a new cdb in place of the old one when it is complete; trivial-rewrite(8) looks every ten seconds.
    Raises OSError, or NotIndexed with what postmap said."""
    return [_write(lists, kind, parameter) for parameter in LISTS_OF_DOMAINS]


def _write(lists: Lists, kind: str, parameter: str) -> DomainFile:
    names = list(names_in(parameter))
    text = f"# {parameter}, written by mailadmin: domain_files writes it again.\n"
    text += "".join(f"{name} here\n" for name in names)
    index, mark, there = f"{parameter}.{ENDINGS.get(kind, kind)}", f"{parameter}.{MARK}", lists.names()
    is_new = index not in there or mark in there or lists.read(parameter) != text
    if is_new:
        lists.write(mark, "")  # whatever ends us now, the next run indexes it
    lists.write(parameter, text)
    if is_new:
        if fault := lists.index(parameter):
            raise NotIndexed(fault)
        lists.remove(mark)
    return DomainFile(parameter, len(names), is_new)


def names_in(parameter: str) -> Iterator[str]:
    """Every domain for which the function of this name has an answer; one in its own script by both of its names."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT domain.name, CASE WHEN mail_map.a_label(domain.u_label) = domain.name THEN domain.u_label END
            FROM domains_domain AS domain
            CROSS JOIN LATERAL postfix.{parameter}(domain.name) AS found (answer)
            ORDER BY domain.name
            """  # noqa: S608  our own names
        )
        for name, u_label in cursor:
            yield name
            if u_label:
                yield u_label
