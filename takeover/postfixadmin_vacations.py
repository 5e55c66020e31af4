"""The vacation messages of a PostfixAdmin: each becomes the out-of-office answer of its mailbox. What cannot be one
stays kept with a sentence."""

import re
from itertools import islice

from django.core.exceptions import ValidationError

from accounts.actors import Actor
from mailboxes.models import Mailbox, OutOfOffice
from mailboxes.out_of_office import CHANGEABLE, add_out_of_office_answers
from mailboxes.out_of_office_models import LONGEST_ANSWER, LONGEST_SUBJECT, MOST_DAYS, SUBJECT, TEXT
from mailboxes.parsing import ParsedAddress, parse_address
from takeover.kept import ToKeep, forget_rows
from takeover.kept_models import KeptRow
from takeover.postfixadmin_kept import plain
from takeover.postfixadmin_meaning import Meaning, Report
from takeover.postfixadmin_reading import Row, Source, is_true, moment, text, whole

AT_ONCE = 500  # messages
DAY = 24 * 60 * 60  # seconds
FROM_EVER, FOR_EVER = 2000, 2038  # the years of the defaults
THEIR_SUBJECT = "$SUBJECT"  # vacation.pl writes the subject of the message there


def import_out_of_office(
    source: Source, meaning: Meaning, report: Report, *, by: Actor
) -> tuple[dict[str, int], list[ToKeep]]:
    """Their counts, and what is of no mailbox here or no answer and stays kept. An answer that is here stays."""
    count = {"new": 0, "there": 0, "left_out": 0}
    kept: list[ToKeep] = []
    rows = source.rows("vacation", order_by="email")
    while some := list(islice(rows, AT_ONCE)):
        placed, new = [], []
        mailboxes = _mailboxes_of(some)
        for row in some:
            address = text(row["email"]).strip().lower()
            one = ToKeep(KeptRow.Kind.VACATION, address, plain(row, leave_out=("cache", "email")), about=address)
            mailbox = mailboxes.get(_parsed(address))
            answer = _answer(row, is_reached=meaning.is_away(address))
            why = _fault_of(answer) if mailbox else "no_mailbox"
            if mailbox is None and address not in meaning.mailboxes:
                report.remark("orphan", address, what="vacation")
            elif why:
                report.remark("vacation_stays", address, why=why)
            if mailbox is None or why:
                kept.append(one)
                continue
            placed.append(one)
            if _is_new(mailbox, answer, address, report):
                _remark_on_silence(mailbox, row, answer, address, report)
                answer.mailbox = mailbox
                new.append(answer)
            else:
                count["there"] += 1
        add_out_of_office_answers(new, by=by)
        count["new"] += len(new)
        forget_rows(source.label, placed)
    return count, kept


def _mailboxes_of(rows: list[Row]) -> dict[ParsedAddress | None, Mailbox]:
    parsed = {address for row in rows if (address := _parsed(text(row["email"])))}
    found = Mailbox.objects.select_related("address__domain", "out_of_office").filter(
        address__domain__name__in={address.domain for address in parsed},
        address__local_part__in={address.local_part for address in parsed},
    )
    return {ParsedAddress(one.address.local_part, one.address.domain.name): one for one in found}


def _parsed(address: str) -> ParsedAddress | None:
    try:
        return parse_address(address)
    except ValidationError:
        return None


def _answer(row: Row, *, is_reached: bool) -> OutOfOffice:
    """Seconds become days: a part of one is a whole one, and "once for all" the most that there is."""
    subject, seconds = text(row.get("subject")), whole(row.get("interval_time"))
    starts_at, ends_at = moment(row.get("activefrom")), moment(row.get("activeuntil"))
    answer = OutOfOffice(
        subject="" if THEIR_SUBJECT in subject else subject,  # ours then is “Auto:” and that of the message
        text=text(row.get("body")),
        starts_at=starts_at if starts_at and starts_at.year > FROM_EVER else None,
        ends_at=ends_at if ends_at and ends_at.year < FOR_EVER else None,
        days=min(-(-seconds // DAY), MOST_DAYS) if seconds > 0 else MOST_DAYS,
        active=is_true(row.get("active")) and is_reached,
    )
    answer.tidy()
    return answer


def _fault_of(answer: OutOfOffice) -> str:
    """Why this is no answer here, as one of the words of WHY; empty if it is one."""
    if not answer.text.strip():
        return "no_text"
    if len(answer.text) > LONGEST_ANSWER:
        return "long_text"
    if len(answer.subject) > LONGEST_SUBJECT:
        return "long_subject"
    if not re.search(SUBJECT, answer.subject) or not re.search(TEXT, answer.text):
        return "controls"
    if answer.starts_at and answer.ends_at and answer.ends_at <= answer.starts_at:
        return "ends_first"
    try:
        answer.clean()
    except ValidationError:
        return "strange_time"
    return ""


def _is_new(mailbox: Mailbox, answer: OutOfOffice, address: str, report: Report) -> bool:
    there = getattr(mailbox, "out_of_office", None)
    if there is None:
        return True
    fields = [
        str(OutOfOffice._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
        for name in CHANGEABLE
        if getattr(there, name) != getattr(answer, name)
    ]
    if fields:
        report.remark("differs", address, fields=", ".join(fields))
    return False


def _remark_on_silence(mailbox: Mailbox, row: Row, answer: OutOfOffice, address: str, report: Report) -> None:
    if is_true(row.get("active")) and not answer.active:
        report.remark("vacation_not_reached", address)
    elif answer.state in ("active", "not_begun") and not mailbox.receives:
        report.remark("answer_without_mail", address)
