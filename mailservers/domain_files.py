"""The lists of domains as indexed files on the mail host, in place of SQL: Postfix asks them twice for each message.

What a file says is as old as the file. The addresses stay in SQL: a domain that is deactivated takes no mail at once, a
new one waits until the files are written again."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from django.utils.translation import gettext as _

from mailservers.postfix_config import write_file
from mailservers.postfix_host import LISTS_OF_DOMAINS


class NotIndexed(Exception):
    """Says what postmap(1) said."""


@dataclass(frozen=True)
class DomainFile:
    parameter: str  # of Postfix, and the name of the file
    domains: int  # keys: a domain in its own script has two
    is_new: bool


def write_domain_files(directory: Path, kind: str) -> list[DomainFile]:
    """Writes and indexes each list that is not as it should be. `kind` is a table of Postfix: cdb, lmdb or hash.

    postmap(1) puts a new cdb in place of the old one when it is complete; trivial-rewrite(8) looks every ten seconds.
    Raises OSError, or NotIndexed with what postmap said."""
    return [_write(directory, kind, parameter) for parameter in LISTS_OF_DOMAINS]


def _write(directory: Path, kind: str, parameter: str) -> DomainFile:
    names = list(names_in(parameter))
    text = f"# {parameter}, written by mailadmin: domain_files writes it again.\n"
    text += "".join(f"{name} here\n" for name in names)
    path = directory / parameter
    is_new = not (path.exists() and path.read_text() == text and path.with_suffix(f".{kind}").exists())
    if is_new:
        write_file(path, text)
        indexed = subprocess.run(["postmap", f"{kind}:{path}"], capture_output=True, text=True, check=False)
        if indexed.returncode or indexed.stderr:
            path.unlink()  # the next time begins anew
            raise NotIndexed(indexed.stderr.strip() or _("postmap failed."))
    return DomainFile(parameter, len(names), is_new)


def names_in(parameter: str) -> Iterator[str]:
    """Every domain for which the function of this name has an answer; one in its own script by both of its names."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT domain.name, domain.u_label
            FROM domains_domain AS domain
            CROSS JOIN LATERAL postfix.{parameter}(domain.name) AS found (answer)
            ORDER BY domain.name
            """  # noqa: S608  our own names
        )
        for name, u_label in cursor:
            yield name
            if u_label:
                yield u_label
