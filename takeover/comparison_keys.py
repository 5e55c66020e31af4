"""What a comparison asks: every key that a map of either side lists, or the panel's database knows, in its variants.

Questions stand in a file, sorted by sort(1), each once: a million of them are never in memory."""

import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils.translation import gettext as _

from domains.models import Domain
from lookup_tables.main_cf import TABLES
from mailboxes.models import Address, PermittedSender
from mailboxes.parsing import external_form
from takeover.comparison_databases import database_of, rows_behind
from takeover.comparison_sides import LISTS, Side
from takeover.postfix_tools import Table, addresses_in

NOBODY = "no-such-person"  # asked for in each domain: what becomes of mail that nobody expects
EXTENSION = "old"

ADDRESS = "address"  # a recipient and a sender; anything else is the name of a parameter
BY_ADDRESS = (
    "virtual_alias_maps",
    "virtual_mailbox_maps",
    "relay_recipient_maps",
    "canonical_maps",
    "recipient_canonical_maps",
    "sender_canonical_maps",
    "sender_bcc_maps",
    "recipient_bcc_maps",
    "relocated_maps",
    "sender_dependent_relayhost_maps",
    "sender_dependent_default_transport_maps",
    "smtpd_sender_login_maps",
    "transport_maps",
)
BY_NAME = ("alias_maps", "local_recipient_maps")
BY_KEY = ("transport_maps", "smtp_tls_policy_maps")  # asked as they are, since a next hop is no address


class Questions:
    """(kind, key) of all that is to be asked, in a folder of its own."""

    def __init__(self, old: Side, new: Side, remark: Callable[[str], None]) -> None:
        self.old, self.new, self.remark = old, new, remark
        self.folder = TemporaryDirectory(prefix="compare-maps-")
        self.path = Path(self.folder.name) / "questions"
        self.brands: dict[str, set[str]] = {}
        self.delimiters = {one.delimiter[:1] for one in (old, new)} - {""}

    def collect(self, *, more: Iterable[str] = (), with_database: bool = True) -> int:
        """Writes them down, sorted; returns how many there are."""
        unsorted = self.path.with_suffix(".unsorted")
        with unsorted.open("w", errors="replace") as file:
            if with_database:
                self._learn_brands()
            for side in (self.old, self.new):
                self._from_side(side, file)
            if with_database:
                self._from_database(file)
            for line in more:
                self._key(line.strip(), file)
        environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
        subprocess.run(
            ["sort", "-u", "-T", self.folder.name, "-o", str(self.path), str(unsorted)], check=True, env=environment
        )
        unsorted.unlink()
        with self.path.open() as lines:
            return sum(1 for _line in lines)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        with self.path.open() as lines:
            for line in lines:
                kind, _tab, key = line.rstrip("\n").partition("\t")
                yield kind, key

    def close(self) -> None:
        self.folder.cleanup()

    # Where keys come from

    def _from_side(self, side: Side, file: TextIO) -> None:
        conf = side.configuration
        domains: set[str] = set()
        unlisted: dict[Table, str] = {}
        for kind, parameter in LISTS.items():
            for pattern in side.lists[kind]:
                if pattern.word:
                    domains.add(pattern.word.removeprefix("."))
                elif pattern.table and pattern.table.can_be_listed:
                    domains |= {key for key, _value in conf.listing(pattern.table) if "@" not in key}
                elif pattern.table:
                    unlisted[pattern.table] = parameter
        for name in domains:
            self._key(f"@{name}", file)
        for parameter in dict.fromkeys((*BY_ADDRESS, *BY_NAME, *BY_KEY)):
            for table in conf.tables(parameter):
                if not table.can_be_listed:
                    unlisted[table] = parameter
                    continue
                for key, value in conf.listing(table):
                    self._listed(side, parameter, key, value, file)
        self._from_databases(unlisted, file)
        for table, parameter in unlisted.items():
            if table.type not in ("unix", "static") and not _is_ours(table):
                sentence = _("%(table)s (%(parameter)s) cannot list its keys; name them with --keys.")
                self.remark(sentence % {"table": table, "parameter": parameter})

    def _from_databases(self, unlisted: dict[Table, str], file: TextIO) -> None:
        """The maps of a PostfixAdmin: its database is asked for its keys, once, and they are no longer unlisted."""
        behind: dict[tuple[str, str], list[Table]] = {}
        for table in unlisted:
            if not _is_ours(table) and (found := database_of(table)):
                behind.setdefault(found, []).append(table)
        for (url, password), tables in behind.items():
            try:
                for table_there, key, target in rows_behind(url, password):
                    if table_there == "alias_domain":
                        self.brands.setdefault(target.lower(), set()).add(key.lower())
                    self._key(key if "@" in key else f"@{key}", file)
            except ValidationError as error:
                self.remark(" ".join(error.messages))
            else:
                for one in tables:
                    del unlisted[one]

    def _listed(self, side: Side, parameter: str, key: str, value: str, file: TextIO) -> None:
        if key.startswith("@") and len(key) > 1 and parameter == "virtual_alias_maps":
            for one in addresses_in(value):
                if one.startswith("@"):
                    self.brands.setdefault(one[1:].lower(), set()).add(key[1:].lower())
        if parameter in BY_NAME:
            for pattern in side.lists["local"]:
                if pattern.word and not pattern.is_excluded:
                    self._key(external_form(key, pattern.word), file)
            return
        if parameter in BY_KEY:
            file.write(f"{parameter}\t{key}\n")
        if "@" in key:
            self._key(key, file)
        elif parameter != "smtp_tls_policy_maps" and key not in ("*", ""):
            # a name without a domain is a local part here; one with dots may be a domain
            self._key(f"@{key.removeprefix('.')}" if "." in key else f"{key}@{side.origin}", file)

    def _learn_brands(self) -> None:
        rows = Domain.objects.filter(target__isnull=False).values_list("target__name", "name")
        for target, name in rows.order_by().iterator():
            self.brands.setdefault(target, set()).add(name)

    def _from_database(self, file: TextIO) -> None:
        for name in Domain.objects.order_by().values_list("name", flat=True).iterator(chunk_size=5000):
            self._key(f"@{name}", file)
        for rows in (
            Address.objects.order_by().values_list("local_part", "domain__name"),
            PermittedSender.objects.order_by().values_list("local_part", "domain_name"),
        ):
            for local_part, name in rows.iterator(chunk_size=5000):
                if local_part.endswith("*"):
                    local_part = f"{local_part[:-1]}{NOBODY}"
                self._key(external_form(local_part, name), file)
        for model in TABLES:
            kind = F("applies_to") if len(model.parameters) > 1 else F("key")
            for key, applies_to in model._default_manager.order_by().values_list("key", kind).iterator():
                parameter = model.parameters.get(applies_to, next(iter(model.parameters.values())))
                if parameter in BY_KEY:
                    file.write(f"{parameter}\t{key}\n")
                if "@" in key:
                    self._key(key, file)

    # Its variants

    def _key(self, key: str, file: TextIO) -> None:
        """An address as it is, in upper case, with an extension, and in each domain that stands for its own. A domain:
        somebody who is not there, and postmaster."""
        local_part, at, domain = key.rpartition("@")
        if not at or not domain or "\n" in key or "\t" in key:
            return
        for name in [domain.lower(), *sorted(self.brands.get(domain.lower(), ()))]:
            if not local_part:
                file.write(f"{ADDRESS}\t{NOBODY}@{name}\n{ADDRESS}\tpostmaster@{name}\n")
                continue
            address = f"{local_part}@{name}"
            file.write(f"{ADDRESS}\t{address}\n")
            if address.upper() != address:
                file.write(f"{ADDRESS}\t{address.upper()}\n")
            if not local_part.startswith('"'):
                file.writelines(
                    f"{ADDRESS}\t{local_part}{mark}{EXTENSION}@{name}\n" for mark in sorted(self.delimiters)
                )


def _is_ours(table: Table) -> bool:
    """A map that postfix_config wrote: the panel's database knows its keys."""
    try:
        return "FROM postfix." in Path(table.name).read_text(errors="replace")
    except OSError:
        return False
