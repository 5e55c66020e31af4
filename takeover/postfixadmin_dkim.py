"""The DKIM keys of a PostfixAdmin: each is prepared here, and signs when the DNS shows its record. What a key here
cannot be, or does not do, stays kept with a sentence."""

import re
from collections.abc import Sequence
from itertools import islice
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.actors import Actor
from domains.dkim_keys import algorithm_of, public_text, read_pem
from domains.dkim_models import IS_LOCAL_PARTS, DkimKey
from domains.dkim_services import import_dkim_key
from domains.fields import normalised_domain
from domains.models import Domain
from takeover.kept import ToKeep, forget_rows
from takeover.kept_models import KeptRow
from takeover.postfixadmin_kept import plain
from takeover.postfixadmin_meaning import Report
from takeover.postfixadmin_reading import Row, Source, text

Kind, State = KeptRow.Kind, DkimKey.State
AT_ONCE = 500  # keys
EVERYBODY = "*"  # in a SigningTable: all addresses of all domains


class DkimKeys:
    """Brings the keys of domains that are here by now. `count` says how many, `kept` is what stays a kept row."""

    def __init__(self, source: Source, report: Report, *, by: Actor) -> None:
        self.source, self.report, self.by = source, report, by
        self.count = {"new": 0, "there": 0, "left_out": 0}
        self.kept: list[ToKeep] = []
        self.placed: list[ToKeep] = []

    def bring(self) -> None:
        entries: dict[Any, list[Row]] = {}
        for row in self.source.rows("dkim_signing", order_by="id"):
            entries.setdefault(row["dkim_id"], []).append(row)
        rows = self.source.rows("dkim", order_by="id")
        while some := list(islice(rows, AT_ONCE)):
            domains = Domain.objects.in_bulk({_domain_name(row) for row in some}, field_name="name")
            for row in some:
                self._bring(row, domains.get(_domain_name(row)), entries.pop(row["id"], []))
            forget_rows(self.source.label, self.placed)
            self.placed = []
        for row in (one for of_a_key in entries.values() for one in of_a_key):
            self.report.remark("entry_without_key", text(row["author"]))
            self.kept.append(_entry(row, ""))

    def _bring(self, row: Row, domain: Domain | None, entries: Sequence[Row]) -> None:
        """A key, and who signs with it."""
        name = f"{text(row['domain_name']).lower()} {text(row['selector'])}"
        key = self._key_of(row, name, domain, entries)
        secret = text(row["private_key"])
        kept = ToKeep(
            Kind.DKIM_KEY,
            f"{name} {row['id']}",
            plain(row, leave_out=("private_key",)),
            secret,
            about=text(row["domain_name"]),
        )
        (self.placed if key else self.kept).append(kept)
        for entry in entries:
            is_done = key is not None and _signs_for(key, entry)
            if key and not is_done:
                self.report.remark("entry_stays", text(entry["author"]), key=str(key))
            (self.placed if is_done else self.kept).append(_entry(entry, name))

    def _key_of(self, row: Row, name: str, domain: Domain | None, entries: Sequence[Row]) -> DkimKey | None:
        """The key that is here now: new, or the same as before. None, with a sentence, where there is none."""
        pem = text(row["private_key"]).strip()
        if why := _fault_of_pair(pem, text(row["public_key"])):
            self.report.remark("bad_key", name, why=why)
            return None
        if domain is None:
            self.report.remark("key_without_domain", name)
            return None
        there = domain.dkim_keys.filter(selector=text(row["selector"]).strip().lower()).first()
        if there and there.public_key == public_text(read_pem(pem)):
            self.count["there"] += 1
            return there
        if there:
            self.report.remark("key_differs", str(there))
            return None
        return self._add(row, pem, name, domain, entries)

    def _add(self, row: Row, pem: str, name: str, domain: Domain, entries: Sequence[Row]) -> DkimKey | None:
        senders = {sender for entry in entries if (sender := _sender(entry, domain.name)) is not None}
        local_parts = "" if "" in senders else " ".join(sorted(senders))
        wanted = DkimKey(domain=domain, algorithm=algorithm_of(read_pem(pem)), local_parts=local_parts)
        beside = _beside(wanted)
        options = {"local_parts": local_parts, "signs_by_itself": bool(senders) and beside is None}
        try:
            with transaction.atomic():
                key = import_dkim_key(domain, text(row["selector"]), pem, by=self.by, **options)
        except ValidationError as error:
            self.report.remark("key_stays", name, sentence=" ".join(error.messages))
            return None
        self.count["new"] += 1
        if not senders:
            self.report.remark("key_waits", str(key))
        elif beside:
            self.report.remark("key_beside", str(key), other=str(beside))
        else:
            self.report.remark("key_comes", str(key))
        return key


def _beside(key: DkimKey) -> DkimKey | None:
    """A key that signs, or will by itself, for an address for which this one would: one alone can."""
    coming = DkimKey.objects.filter(state__in=[State.PREPARED, State.PUBLISHED], signs_by_itself=True)
    for other in DkimKey.objects.filter(domain=key.domain, state=State.SIGNING) | coming.filter(domain=key.domain):
        if other.scope == key.scope or (other.family == key.family and set(other.senders) & set(key.senders)):
            return other
    return None


def _sender(entry: Row, domain_name: str) -> str | None:
    """The local part for which an entry signs, "" for the whole domain; None for what belongs to no key of it. OpenDKIM
    asks for an address, then for its domain, at last for `*` (SigningTable in opendkim.conf(5))."""
    author = text(entry["author"]).strip().lower()
    if author == EVERYBODY:
        return ""
    local_part, _at, name = author.rpartition("@")
    if _normalised(name) != domain_name:
        return None
    if local_part in ("", EVERYBODY):
        return ""
    return local_part if re.fullmatch(IS_LOCAL_PARTS, local_part) and " " not in local_part else None


def _signs_for(key: DkimKey, entry: Row) -> bool:
    """Whether the key does here what the entry says there."""
    sender = _sender(entry, key.domain.name)
    if sender is None or text(entry["author"]).strip() == EVERYBODY:
        return False
    return not key.senders or sender in key.senders


def _entry(row: Row, key: str) -> ToKeep:
    return ToKeep(Kind.DKIM_SIGNING, text(row["id"]), plain(row) | {"key": key}, about=text(row["author"]))


def _fault_of_pair(private: str, public: str) -> str:
    """What is wrong with a key, as one of the words of WHY; empty if nothing. The public half is there as PEM,
    or as it stands in the DNS."""
    try:
        load_pem_private_key(private.encode(), password=None)
    except TypeError:
        return "locked"
    except (ValueError, UnsupportedAlgorithm):
        return "unreadable"
    try:
        key = read_pem(private)
    except ValidationError:
        return "strange"
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    stored = _letters(public)
    derived = (_letters(pem), public_text(key))
    return "" if any(stored in one or one in stored for one in derived) else "no_pair"


def _letters(public: str) -> str:
    """Without what PEM and the strings of a TXT record put around and between them."""
    return re.sub(r"-----[^-]*-----|[\s\"()]", "", public)


def _domain_name(row: Row) -> str:
    return _normalised(text(row["domain_name"]))


def _normalised(name: str) -> str:
    try:
        return normalised_domain(name)
    except ValidationError:
        return name.lower()
