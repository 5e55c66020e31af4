"""What PostfixAdmin has and this panel has no place for yet: rows to keep, and its log."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from takeover.kept import ToKeep
from takeover.kept_models import ForeignLogEntry, KeptRow
from takeover.postfixadmin_meaning import Report
from takeover.postfixadmin_reading import NO_EXPIRY, Row, Source, is_true, moment, text, whole

Kind = KeptRow.Kind
AT_ONCE = 5_000  # lines of the log
WHO = re.compile(r"(?P<who>.*) \((?P<ip>[^()]*)\)", re.DOTALL)


def rows_to_keep(
    source: Source, mailboxes: Mapping[str, bool], without_place: Iterable[ToKeep], report: Report
) -> Iterator[ToKeep]:
    """Everything that is kept, table by table, as it comes from the database. `without_place`: of the tables that have
    a place here, what found none."""

    def orphan(address: str, what: str) -> None:
        if address and address.lower() not in mailboxes:
            report.remark("orphan", address, what=what)

    for row in source.rows("vacation_notification"):
        key = f"{text(row['on_vacation']).lower()} {text(row['notified'])}"
        yield ToKeep(Kind.VACATION_NOTIFICATION, key, plain(row), about=text(row["on_vacation"]))
    for row in source.rows("fetchmail"):
        orphan(text(row["mailbox"]), "fetchmail")
        payload = plain(row, leave_out=("src_password", "date", "returned_text"))
        password = _from_base64(row["src_password"])
        yield ToKeep(Kind.FETCHMAIL, text(row["id"]), payload, password, about=text(row["mailbox"]))
    for kept in without_place:
        if kept.kind == Kind.QUOTA_USED:
            orphan(kept.about, "quota")
        yield kept
    for row in source.rows("mailbox_app_password"):
        orphan(text(row["username"]), "app password")
        payload = plain(row, leave_out=("password_hash",))
        yield ToKeep(
            Kind.APP_PASSWORD, text(row["id"]), payload, text(row["password_hash"]), about=text(row["username"])
        )
    for row in source.rows("totp_exception_address"):
        yield ToKeep(Kind.TOTP_EXCEPTION, text(row["id"]), plain(row), about=text(row["username"]))
    yield from _more(source)


def _more(source: Source) -> Iterator[ToKeep]:
    """Single columns that have no place here, where they say something."""
    for row in source.rows("domain"):
        if days := whole(row.get("password_expiry")):
            name = text(row["domain"]).lower()
            yield ToKeep(Kind.DOMAIN_MORE, name, {"password_expiry_days": days}, about=name)
    for table, kind in (("mailbox", Kind.MAILBOX_MORE), ("admin", Kind.ADMIN_MORE)):
        for row in source.rows(table):
            key = text(row["username"]).lower()
            about = key if table == "mailbox" else ""
            more: dict[str, Any] = {name: text(row.get(name)) for name in ("phone", "email_other") if row.get(name)}
            expiry = moment(row.get("password_expiry"))
            if expiry and expiry.year > NO_EXPIRY:
                more["password_expiry"] = expiry.isoformat()
            if more:
                yield ToKeep(kind, key, more, about=about)
            if seed := text(row.get("totp_secret")):
                yield ToKeep(Kind.TOTP, f"{table} {key}", {}, seed, about=about)


def plain(row: Row, leave_out: Iterable[str] = ()) -> dict[str, Any]:
    """A row as JSON."""
    return {name: _value(name, value) for name, value in row.items() if name not in leave_out}


def _value(name: str, value: Any) -> Any:
    if name in ("active", "fetchall", "keep", "usessl", "sslcertck"):
        return is_true(value)
    if isinstance(value, datetime):
        found = moment(value)
        return found.isoformat() if found else ""
    return value if value is None or isinstance(value, int | float) else text(value)


def _from_base64(value: Any) -> str:
    """PostfixAdmin stores what others may not read over the shoulder, no more."""
    try:
        return base64.b64decode(text(value), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text(value)


def bring_log(source: Source, report: Report, show: Any) -> int:
    """The lines of the log that are not here yet; how many these were."""
    if source.columns["log"] and "id" not in source.columns["log"]:
        report.remark("log_without_numbers", source.label)
        return 0
    before = ForeignLogEntry.objects.filter(source=source.label)
    had, done = before.count(), 0
    lines = source.rows("log", order_by="id")
    while some := list(islice(lines, AT_ONCE)):
        entries = [_entry(source.label, row) for row in some]
        ForeignLogEntry.objects.bulk_create([one for one in entries if one], batch_size=AT_ONCE, ignore_conflicts=True)
        done += len(some)
        show(done)
    return before.count() - had


def _entry(source: str, row: Row) -> ForeignLogEntry | None:
    at = moment(row["timestamp"])
    if at is None:
        return None
    found = WHO.fullmatch(text(row["username"]))
    return ForeignLogEntry(
        source=source,
        key=text(row["id"]),
        at=at,
        who=(found["who"] if found else text(row["username"]))[:300],
        ip=(found["ip"] if found else "")[:100],
        domain_name=text(row["domain"]).lower()[:255],
        action=text(row["action"])[:255],
        what=text(row["data"]),
    )
