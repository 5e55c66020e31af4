"""What a line of an import means: each column read by the same functions that services and commands use."""

import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from domains.fields import folded_u_label, normalised_domain
from domains.models import AddressClass, Domain, MailSettings, is_mail_path
from domains.networks import normalised_networks
from domains.services import LIMITS
from mailboxes.commands import NO_QUOTA, quota_bytes
from mailboxes.credentials import hash_with_scheme
from mailboxes.fields import apart
from mailboxes.import_sentences import Fault, in_each_language
from mailboxes.models import Alias, Import, Mailbox, PasswordSettings
from mailboxes.parsing import ParsedAddress, external_form, parse_address
from mailboxes.strength import refuse_weak
from mailboxes.tabular import MORE

Kind = Import.Kind
COLUMNS: dict[str, tuple[str, ...]] = {
    Kind.MAILBOXES: (
        *("address", "name", "quota", "mail_path", "mail_format", "active", "receives", "sends", "imap", "pop"),
        *("expires_at", "allowed_networks", "stopped", "password", "hash"),
    ),
    Kind.ALIASES: ("address", "destinations", "comment", "active", "starts_at", "ends_at"),
    Kind.DOMAINS: (
        *("name", "address_class", "target", "description", "any_recipient", "max_mailboxes", "max_aliases"),
        *("max_quota", "max_total_quota", "active", "suspended"),
    ),
}
NEEDED: dict[str, tuple[str, ...]] = {
    Kind.MAILBOXES: ("address",),
    Kind.ALIASES: ("address", "destinations"),
    Kind.DOMAINS: ("name",),
}
SECRET = ("password", "hash")
YES, NO = ("yes", "true", "1", "on", "y"), ("no", "false", "0", "off", "n")

Value = TypeVar("Value")


class UnfitCell(ValidationError):
    """What a column must be, for a cell that is not: a sentence with a place for the name of the column. What stands in
    the cell is not repeated, as it would be kept. It may be a password, where the columns of a file have slipped."""


@dataclass
class Line:
    """What was read of one line; `faults` are sentences, `unreadable` the same as they are kept."""

    domain_name: str = ""
    local_part: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    password: str = ""
    hash: str = ""
    faults: list[str] = field(default_factory=list)
    unreadable: list[Fault] = field(default_factory=list)


class Cells:
    """The cells of one line. Blank: as if the column were not there."""

    def __init__(self, cells: Mapping[str, Any]) -> None:
        self.cells = cells
        self.faults: list[str] = []
        if MORE in cells:
            self.faults.append(_("This line has more cells than the first line has columns."))

    def read(self, name: str, reader: Callable[[Any], Value], default: Value) -> Value:
        cell = self.cells.get(name)
        if cell is None or cell == [] or (isinstance(cell, str) and not cell.strip()):
            return default
        try:
            return reader(cell)
        except UnfitCell as error:
            self.faults.append(error.message % {"column": name})
        except ValidationError as error:
            self.faults += error.messages
        return default


def as_text(cell: Any) -> str:
    return cell if isinstance(cell, str) else str(cell)


def free_text(cell: Any) -> str:
    return as_text(cell).strip()


def yes_or_no(cell: Any) -> bool:
    word = as_text(cell).strip().lower()
    if word not in (*YES, *NO):
        raise UnfitCell(_("“%(column)s” must be yes or no."))
    return word in YES


def quota(cell: Any) -> int | None:
    try:
        found = quota_bytes(as_text(cell))
    except ArgumentTypeError as error:
        raise UnfitCell(_("“%(column)s” must be 10G, 500M, a number of bytes, or none.")) from error
    return None if found == NO_QUOTA else int(found)


def number(cell: Any) -> int:
    text = as_text(cell).strip()
    if not re.fullmatch(r"-?[0-9]{1,20}", text):
        raise UnfitCell(_("“%(column)s” must be a whole number."))
    return int(text)


def moment(cell: Any) -> datetime:
    """A time of RFC 3339; without a zone in that of the panel, without a time the begin of that day."""
    text = as_text(cell).strip()
    try:
        found = parse_datetime(text)
        day = None if found else parse_date(text)
        if day:
            found = datetime(day.year, day.month, day.day)
        if found and timezone.is_naive(found):
            found = timezone.make_aware(found)
        if found:
            found.astimezone(timezone.get_default_timezone())  # the year 1 has no yesterday
            return found
    except (ValueError, OverflowError):
        pass
    raise UnfitCell(_("“%(column)s” must be a time, as 2026-12-31 or 2026-12-31T18:00:00Z."))


def networks(cell: Any) -> list[str]:
    texts = [as_text(one) for one in cell] if isinstance(cell, list) else re.split(r"[\s,]+", as_text(cell).strip())
    try:
        return normalised_networks(texts)
    except ValidationError as error:
        raise UnfitCell(_("“%(column)s” must be address ranges, as 192.0.2.0/24 or 2001:db8::/32.")) from error


def destinations(cell: Any) -> list[str]:
    texts = [as_text(one) for one in cell] if isinstance(cell, list) else apart(as_text(cell))
    return [text for text in texts if text.strip()]


def address_class(cell: Any) -> str:
    word = as_text(cell).strip().lower().replace("-", "_").replace(" ", "_")
    if word not in AddressClass.values:
        raise UnfitCell(_one_of(AddressClass.values))
    return word


def _one_of(known: Iterable[str]) -> str:
    return _("“%(column)s” must be one of: %(known)s.") % {"column": "%(column)s", "known": ", ".join(known)}


def checked(model: type[models.Model], values: Mapping[str, Any], *names: str) -> list[str]:
    """What the fields of a model say about these values; their own default needs no question."""
    faults: list[str] = []
    for name in names:
        if values[name] in ("", None):
            continue
        try:
            model._meta.get_field(name).clean(values[name], None)  # type: ignore[union-attr]
        except ValidationError as error:
            faults += error.messages
    return faults


def sentence_of_constraint(model: type[models.Model], name: str) -> str:
    (constraint,) = (one for one in model._meta.constraints if one.name == name)
    return str(constraint.violation_error_message)


def values_of(row: models.Model) -> dict[str, Any]:
    """The columns of a row by their names."""
    return {str(one.column): getattr(row, one.attname) for one in row._meta.concrete_fields}


class Reader:
    """Makes a Line of the cells of a line, for one import."""

    def __init__(self, one: Import) -> None:
        self.may_choose_paths = one.user is None or one.user.is_superuser
        self.settings = MailSettings.current()
        self.password_settings = PasswordSettings.current()
        readers = {Kind.MAILBOXES: self._mailbox, Kind.ALIASES: self._alias, Kind.DOMAINS: self._domain}
        self.read = readers[Kind(one.kind)]
        models = {Kind.MAILBOXES: Mailbox, Kind.ALIASES: Alias, Kind.DOMAINS: Domain}
        self.usual = values_of(models[Kind(one.kind)]())  # what a new row has where nothing is said

    def __call__(self, row: Mapping[str, Any]) -> Line:
        line = self._line(row)
        if line.faults:
            line.values, line.password, line.hash = {}, "", ""
            line.unreadable = in_each_language(lambda: self._line(row).faults)
        return line

    def _line(self, row: Mapping[str, Any]) -> Line:
        cells, line = Cells(row), Line()
        self.read(cells, line)
        line.faults = [*cells.faults, *line.faults]
        return line

    def _mailbox(self, cells: Cells, line: Line) -> None:
        self._address(cells, line, may_be_whole_domain=False)
        if line.local_part.endswith("*"):
            line.faults.append(_("A mailbox has one address. Add an alias for all that begin like this."))
        values = self.usual | {
            "name": cells.read("name", free_text, ""),
            "quota_bytes": cells.read("quota", quota, None),
            "mail_path": self._mail_path(cells, line),
            **{name: cells.read(name, yes_or_no, True) for name in ("active", "receives", "sends", "imap", "pop")},
            "expires_at": cells.read("expires_at", moment, None),
            "allowed_networks": cells.read("allowed_networks", networks, list[str]()),
            "stopped_at": timezone.now() if cells.read("stopped", yes_or_no, False) else None,
        }
        line.faults += checked(Mailbox, values, "name", "quota_bytes", "mail_path")
        if values["quota_bytes"] == 0:
            line.faults.append(sentence_of_constraint(Mailbox, "quota_is_empty_or_more_than_nothing"))
        line.password = cells.read("password", lambda cell: self._password(cell, line), "")
        line.hash = cells.read("hash", lambda cell: hash_with_scheme(as_text(cell).strip()), "")
        if line.password and line.hash:
            line.faults.append(_("This line has both a password and a hash. Leave one of them out."))
        line.values |= values

    def _password(self, cell: Any, line: Line) -> str:
        password = as_text(cell)
        refuse_weak(password, external_form(line.local_part, line.domain_name), self.password_settings)
        return password

    def _address(self, cells: Cells, line: Line, *, may_be_whole_domain: bool) -> None:
        nothing = ParsedAddress("", "")
        before = len(cells.faults)
        address = cells.read(
            "address", lambda cell: parse_address(as_text(cell), may_be_whole_domain=may_be_whole_domain), nothing
        )
        if address == nothing and len(cells.faults) == before:
            line.faults.append(_("This line has no address."))
        line.domain_name, line.local_part = address.domain, address.local_part

    def _mail_path(self, cells: Cells, line: Line) -> str:
        path = cells.read("mail_path", lambda cell: as_text(cell).strip(), "")
        mail_format = cells.read("mail_format", _mail_format, "maildir")
        if path and not self.may_choose_paths:
            line.faults.append(
                _("Only a superuser chooses where mail is stored. Leave it to the template of the settings.")
            )
        if not path:
            path = self.settings.path_for(line.domain_name or "x", line.local_part or "x")
            path += "/" if mail_format == "maildir" else ""
            line.values["path_of_template"] = True
        if "\0" in path:
            line.faults.append(_("A mail path cannot hold a NUL character."))
        elif not is_mail_path(path):
            line.faults.append(sentence_of_constraint(Mailbox, "mail_path_stays_below_the_base"))
        return path

    def _alias(self, cells: Cells, line: Line) -> None:
        self._address(cells, line, may_be_whole_domain=True)
        starts_at, ends_at = cells.read("starts_at", moment, None), cells.read("ends_at", moment, None)
        values = self.usual | {
            "comment": cells.read("comment", free_text, ""),
            "active": cells.read("active", yes_or_no, True),
            "starts_at": starts_at,
            "ends_at": ends_at,
        }
        line.faults += checked(Alias, values, "comment")
        if starts_at and ends_at and ends_at <= starts_at:
            line.faults.append(sentence_of_constraint(Alias, "an_alias_ends_after_it_starts"))
        texts: list[str] = cells.read("destinations", destinations, [])
        line.faults += _faults_of(texts)
        line.values = values | {"destinations": texts}

    def _domain(self, cells: Cells, line: Line) -> None:
        line.domain_name = cells.read("name", lambda cell: normalised_domain(as_text(cell)), "")
        target = cells.read("target", lambda cell: normalised_domain(as_text(cell)), "")
        domain = Domain(
            name=line.domain_name,
            address_class=cells.read(
                "address_class",
                address_class,
                str(AddressClass.ALIAS_DOMAIN if target else AddressClass.VIRTUAL_MAILBOX),
            ),
            description=cells.read("description", free_text, ""),
            any_recipient=cells.read("any_recipient", yes_or_no, False),
            max_mailboxes=cells.read("max_mailboxes", number, None),
            max_aliases=cells.read("max_aliases", number, None),
            max_quota_bytes=cells.read("max_quota", quota, None),
            max_total_quota_bytes=cells.read("max_total_quota", quota, None),
            active=cells.read("active", yes_or_no, True),
            suspended=cells.read("suspended", yes_or_no, False),
        )
        if not line.domain_name and not cells.faults:
            line.faults.append(_("Type a domain name, for example example.org."))
        line.faults += checked(Domain, values_of(domain), "description", *LIMITS)
        if line.domain_name:
            domain.u_label = folded_u_label(domain.name)
            line.faults += _faults_of_domain(domain, target)
        line.values = values_of(domain) | {"target": target}


def _mail_format(cell: Any) -> str:
    word = as_text(cell).strip().lower()
    if word not in ("maildir", "mbox"):
        raise UnfitCell(_one_of(["maildir", "mbox"]))
    return word


def _faults_of(texts: Iterable[str]) -> list[str]:
    faults: list[str] = []
    for text in texts:
        try:
            parse_address(text, may_be_whole_domain=True)
        except ValidationError as error:
            faults += error.messages
    return faults


def _faults_of_domain(domain: Domain, target: str) -> list[str]:
    is_alias_domain = domain.address_class == AddressClass.ALIAS_DOMAIN
    broken = {
        "only_a_local_domain_has_one_label": domain.address_class != AddressClass.LOCAL and "." not in domain.name,
        "an_alias_domain_has_a_target": is_alias_domain != bool(target),
        "a_domain_is_not_its_own_target": target == domain.name,
        "only_a_relay_domain_takes_any_recipient": domain.any_recipient and domain.address_class != AddressClass.RELAY,
    }
    return [sentence_of_constraint(Domain, name) for name, is_broken in broken.items() if is_broken]
