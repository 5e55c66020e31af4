"""What the rows of a PostfixAdmin mean here: each becomes the cells of an import (mailboxes.columns), or a sentence of
the report. Nothing is written here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.lines import in_one_line
from domains.fields import normalised_domain
from domains.models import AddressClass
from mailboxes.credentials import COSTLY, hash_with_scheme
from mailboxes.parsing import parse_address
from takeover.postfixadmin_reading import NO_EXPIRY, Row, Source, is_true, moment, text, whole

USUAL_MULTIPLIER = 1_024_000  # $CONF['quota_multiplier']: what PostfixAdmin calls a megabyte
EVERYTHING = "ALL"  # the domain of those who are superadmin in old versions
FIRST_OF_3_2 = 1837
UNSALTED = ("PLAIN-MD5", "LDAP-MD5", "SHA", "SHA1", "SHA256", "SHA512")
RELAYED = re.compile(r"^(smtp|relay)")  # the documented condition of relay_domains


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the database does not say: it stands in config.local.php, or somebody decides it."""

    quota_multiplier: int = USUAL_MULTIPLIER
    delimiter: str = "+"
    with_quota_limits: bool = True


@dataclass
class Report:
    """Everything that somebody should know, in order."""

    refusals: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, code: str, thing: str, **words: Any) -> None:
        self.refusals.append({"code": code, "thing": thing, **words})

    def remark(self, code: str, thing: str, **words: Any) -> None:
        self.remarks.append({"code": code, "thing": thing, **words})


Cells = dict[str, Any]
Named = tuple[str, Cells]  # the row as it is called there, and its cells


class Meaning:
    """Knows all names of a source, and says row by row what becomes of each."""

    def __init__(self, source: Source, choices: Choices, report: Report) -> None:
        self.source, self.choices, self.report = source, choices, report
        self.domains: dict[str, Row] = {}
        self.targets: dict[str, str] = {}  # alias domain -> domain
        self.mailboxes: dict[str, bool] = {}  # address -> active
        self.gotos: dict[str, tuple[str, bool]] = {}  # address -> (goto, active)
        self.forwards_only: set[str] = set()
        self.recipients: dict[str, dict[str, None]] = {}  # relay domain -> addresses, in order
        self._read_names()

    # Names

    def _read_names(self) -> None:
        version = next((text(row["value"]) for row in self.source.rows("config") if row["name"] == "version"), "")
        if version.isdigit() and int(version) < FIRST_OF_3_2:
            self.report.remark("old_version", self.source.label, version=version)
        for row in self.source.rows("domain"):
            if text(row["domain"]) != EVERYTHING:
                self.domains.setdefault(_name(row["domain"]), row)
        for row in self.source.rows("alias_domain"):
            self.targets.setdefault(_name(row["alias_domain"]), _name(row["target_domain"]))
        for row in self.source.rows("mailbox"):
            self.mailboxes[text(row["username"]).lower()] = is_true(row["active"])
        for row in self.source.rows("alias", order_by=_own_case_first("address")):
            known = text(row["goto"]), is_true(row["active"])
            self.gotos.setdefault(text(row["address"]).lower(), known)
        for address in self.mailboxes:
            goto, active = self.gotos.get(address, ("", False))
            destinations = self.destinations_of(address, goto)
            if active and destinations and address not in map(self.canonical, destinations):
                self.forwards_only.add(address)

    def is_relay(self, name: str) -> bool:
        row = self.domains.get(name)
        return row is not None and (is_true(row.get("backupmx")) or bool(RELAYED.match(text(row.get("transport")))))

    def has_catch_all(self, name: str) -> bool:
        return self.gotos.get(f"@{name}", ("", False))[1]

    def canonical(self, typed: str) -> str:
        """The address for which one of an alias domain stands; in lower case, for comparing."""
        local_part, _at, domain = typed.strip().lower().rpartition("@")
        try:
            domain = normalised_domain(domain)
        except ValidationError:
            return typed.strip().lower()
        return f"{local_part}@{self.targets.get(domain, domain)}"

    def destinations_of(self, address: str, goto: str) -> list[str]:
        """What an alias delivers to, without the detour over the vacation script."""
        found = [one.strip() for one in goto.replace("\n", ",").split(",")]
        return [one for one in dict.fromkeys(found) if one and not one.lower().startswith(_vacation_of(address))]

    def is_away(self, address: str) -> bool:
        """Whether its mail takes the detour over the vacation script, without which nobody is answered there."""
        goto, active = self.gotos.get(address, ("", False))
        return active and any(one.strip().lower().startswith(_vacation_of(address)) for one in goto.split(","))

    # Domains

    def domain_rows(self) -> Iterator[Named]:
        for name, row in self.domains.items():
            if name in self.targets:
                continue
            if self.is_relay(name):
                self.report.remark("relay", name)
            yield (
                name,
                self._cells_of_domain(name, row)
                | {
                    "address_class": str(AddressClass.RELAY if self.is_relay(name) else AddressClass.VIRTUAL_MAILBOX),
                    "any_recipient": self.is_relay(name),
                },
            )
        for row in self.source.rows("alias_domain"):
            name = _name(row["alias_domain"])
            own = self.domains.get(name)
            if own is None:
                self.report.remark("not_in_domains", name)
            active = is_true(row["active"]) and (own is None or is_true(own["active"]))
            described = in_one_line(text(row.get("description")) or text((own or {}).get("description")))
            yield (
                name,
                {"name": name, "target": _name(row["target_domain"]), "description": described, "active": active},
            )

    def _cells_of_domain(self, name: str, row: Row) -> Cells:
        return {
            "name": name,
            "description": in_one_line(text(row.get("description"))),
            "active": is_true(row["active"]),
        }

    def limits(self) -> Iterator[tuple[str, dict[str, int | None]]]:
        """Of each domain, in our words: None is unlimited, 0 is none."""
        for name, row in self.domains.items():
            if name in self.targets or self.is_relay(name):
                continue
            found = {"max_aliases": _most(row.get("aliases")), "max_mailboxes": _most(row.get("mailboxes"))}
            if self.choices.with_quota_limits:
                found["max_quota_bytes"] = self._megabytes(row.get("maxquota"))
                found["max_total_quota_bytes"] = self._megabytes(row.get("quota"))
            yield name, found

    def _megabytes(self, value: Any) -> int | None:
        """-1 says that quotas are not used, 0 that they have no limit: both are none here."""
        return whole(value) * self.choices.quota_multiplier if whole(value) > 0 else None

    def transports(self) -> Iterator[tuple[str, str, bool]]:
        """(domain, transport, active) of those that are another than that of the virtual mailboxes."""
        for name, row in self.domains.items():
            found = text(row.get("transport")).strip()
            if found not in ("", "virtual", "virtual:"):
                yield name, found if ":" in found else f"{found}:", is_true(row["active"])

    # Mailboxes

    def mailbox_rows(self) -> Iterator[Named]:
        seen: set[str] = set()
        for row in self.source.rows("mailbox", order_by=_own_case_first("username")):
            username = text(row["username"])
            address = username.lower()
            domain = _name(address.rpartition("@")[2])
            if address in seen:
                self.report.refuse("twice", address, other=username)
                continue
            seen.add(address)
            if domain in self.targets:
                self.report.refuse("mailbox_of_alias_domain", username)
                continue
            if self.is_relay(domain):
                self.report.remark("mailbox_of_relay", address)
                self.recipients.setdefault(domain, {})[address] = None
                continue
            self._remark_on_state(address, username)
            expiry = moment(row.get("password_expiry"))
            if expiry and expiry.year > NO_EXPIRY and expiry < timezone.now():
                self.report.remark("password_ran_out", address, other=expiry.date().isoformat())
            if not text(row["maildir"]):
                self.report.remark("no_path", address)
            yield (
                username,
                {
                    "address": username,
                    "name": in_one_line(text(row.get("name"))),
                    "quota": str(whole(row.get("quota"))) if whole(row.get("quota")) > 0 else "",
                    "mail_path": text(row["maildir"]),
                    "active": is_true(row["active"]),
                    "receives": address not in self.forwards_only,
                    "sends": is_true(row.get("smtp_active", True)),
                    "hash": self.known_hash(row["password"], address),
                },
            )

    def _remark_on_state(self, address: str, username: str) -> None:
        goto, alias_active = self.gotos.get(address, ("", False))
        active = self.mailboxes[address]
        if username != address:
            self.report.remark("other_case", username)
        if not active and alias_active:
            others = {self.canonical(one) for one in self.destinations_of(address, goto)} - {address}
            self.report.remark("inactive_forward" if others else "inactive_mailbox", address)
        if active and not alias_active and self.has_catch_all(address.rpartition("@")[2]):
            self.report.remark("catch_all_took", address)
        if alias_active and not self.destinations_of(address, goto):
            self.report.remark("only_vacation", address)

    def known_hash(self, value: Any, thing: str) -> str:
        """With its scheme in front; empty, with a refusal, for what is no hash that we know."""
        found = text(value).strip()
        if re.fullmatch(r"[0-9a-f]{32}", found):
            found = f"{{PLAIN-MD5}}{found}"
        elif re.fullmatch(r"[./0-9A-Za-z]{13}", found):
            self.report.refuse("des_or_plain", thing)
            return ""
        try:
            stored = hash_with_scheme(found) if found else ""
        except ValidationError as error:
            stored = ""
            self.report.refuse("costly_hash" if error.code == COSTLY else "strange_hash", thing)
        if re.match(rf"\{{({'|'.join(UNSALTED)})(\.[A-Z0-9]+)?\}}", stored):
            self.report.remark("unsalted", thing)
        return stored

    # Aliases

    def alias_rows(self) -> Iterator[Named]:
        seen: set[str] = set()
        for row in self.source.rows("alias", order_by=_own_case_first("address")):
            typed, goto, active = text(row["address"]), text(row["goto"]), is_true(row["active"])
            address = typed.lower()
            domain = _name(address.rpartition("@")[2])
            if address in seen:
                self.report.refuse("twice", address, other=typed)
                continue
            seen.add(address)
            if domain in self.targets:
                self._refuse_unlike_target(address, goto, active)
                continue
            destinations = self.destinations_of(address, goto)
            kept = self._kept_destinations(address, destinations)
            if kept is None or (not kept and destinations):
                continue
            if address not in self.mailboxes and typed != address:
                self.report.remark("other_case", typed)
            if not active and address not in self.mailboxes and self.has_catch_all(domain):
                self.report.remark("catch_all_took_alias", address)
            comment = in_one_line(text(row.get("description")))
            yield typed, {"address": typed, "destinations": kept, "active": active, "comment": comment}

    def _kept_destinations(self, address: str, destinations: list[str]) -> list[str] | None:
        """Those that go elsewhere. None where no alias is needed: a mailbox that gets its own mail."""
        domain = _name(address.rpartition("@")[2])
        others = [one for one in destinations if self.canonical(one) != address]
        if address in self.mailboxes:
            if not others:
                return None
            if self.is_relay(domain):
                self.recipients.get(domain, {}).pop(address, None)
                if len(others) < len(destinations):
                    self.report.refuse("copy_at_relay", address)
        elif destinations and not others:
            self.report.refuse("only_itself", address)
        elif len(others) < len(destinations):  # mail came back from there
            self.report.refuse("dead_destination", address, other=address)
        return [one for one in others if not self._is_dead(one, address)]

    def _is_dead(self, destination: str, address: str) -> bool:
        """What is no address, or one of our own domains that nobody has."""
        try:
            parsed = parse_address(destination, may_be_whole_domain=True)
        except ValidationError as error:
            self.report.refuse("fault", address, sentence=" ".join(error.messages))
            return True
        domain = self.targets.get(parsed.domain, parsed.domain)
        if not parsed.local_part or domain not in self.domains or self.is_relay(domain):
            return False
        base = (
            re.split(f"[{re.escape(self.choices.delimiter)}]", parsed.local_part)[0] if self.choices.delimiter else ""
        )
        names = [f"{parsed.local_part}@{domain}", f"@{domain}", *([f"{base}@{domain}"] if base else [])]
        if any(name in self.mailboxes or name in self.gotos for name in names):
            return False
        self.report.refuse("dead_destination", address, other=destination)
        return True

    def _refuse_unlike_target(self, address: str, goto: str, active: bool) -> None:
        """PostfixAdmin gives default aliases to alias domains too; mostly the target has the same."""
        twin = self.canonical(address)
        other, other_active = self.gotos.get(twin, ("", False))
        here, there = (
            {self.canonical(one) for one in self.destinations_of(*pair)} - {twin}
            for pair in ((address, goto), (twin, other))
        )
        if active and (here != there or not other_active):
            self.report.refuse("unlike_target", address, other=twin)


def _name(value: Any) -> str:
    return text(value).strip().lower().rstrip(".")


def _vacation_of(address: str) -> str:
    """How the address of the vacation script begins, for this one."""
    return f"{address.replace('@', '#')}@"


def _most(value: Any) -> int | None:
    """PostfixAdmin: 0 is unlimited, -1 is none."""
    number = whole(value)
    return None if number == 0 else max(number, 0)


def _own_case_first(column: str) -> str:
    """What Postfix found comes before what it did not: it asks in lower case."""
    return f"{column} <> lower({column}), {column}"
