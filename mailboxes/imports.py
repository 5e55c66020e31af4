"""Import of many mailboxes, aliases or domains: the lines of a file are staged, judged and then written, all of them or
none, in one change set. Page and command (and who else comes) call the same functions: stage, judge, write, forget."""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, BinaryIO
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import recorded
from mailboxes import import_rules
from mailboxes.columns import COLUMNS, NEEDED, Line, Reader
from mailboxes.destinations import lock_alias_graph
from mailboxes.import_passwords import forget_key, forget_old_keys, hash_sealed, keep_key, kept_key, new_key, seal
from mailboxes.import_writes import lock_domains, write_aliases, write_domains, write_mailboxes
from mailboxes.models import Import, ImportRow
from mailboxes.parsing import external_form
from mailboxes.tabular import Row, rows_of

KEPT = timedelta(days=1)
AT_ONCE = 5_000  # lines in memory
MOST_FAULTS = 1_000  # shown at once

Kind = Import.Kind
Show = Callable[[int, int | None], None]
COLUMNS_OF_ROW = "of_id, line, domain_name, local_part, values, sealed_password, hash, is_there, unreadable, faults"


class _Rehearsed(Exception):
    """All went well; now nothing of it must stay."""


class _Refused(Exception):
    """These lines are refused: (id of the line, its faults)."""

    def __init__(self, faults: dict[int, list[dict[str, Any]]]) -> None:
        super().__init__()
        self.faults = faults


def stage_import(
    kind: str,
    file: BinaryIO,
    *,
    label: str,
    key: bytes,
    skip_existing: bool = False,
    despite_quarantine: bool = False,
    show: Show = lambda done, total: None,
    by: Actor,
) -> Import:
    """Reads a file and judges its lines; nothing else is changed. `key` seals plain passwords until they are hashed.
    Raises ValidationError if the file as such cannot be read; what is wrong with a line is kept with it."""
    rows = rows_of(file, known=COLUMNS[kind], needed=NEEDED[kind])
    choices: dict[str, Any] = {"skip_existing": skip_existing, "despite_quarantine": despite_quarantine}
    return stage_rows(kind, rows, label=label, key=key, show=show, by=by, **choices)


def stage_rows(
    kind: str,
    rows: Iterable[Row],
    *,
    label: str,
    key: bytes,
    skip_existing: bool = False,
    despite_quarantine: bool = False,
    show: Show = lambda done, total: None,
    by: Actor,
) -> Import:
    """As stage_import(), of rows that are no file: (number, cells by column)."""
    _refuse_who_may_not(kind, despite_quarantine, by)
    forget_old_imports()
    with transaction.atomic():
        one = Import.objects.create(
            kind=kind,
            label=label[:200],
            skip_existing=skip_existing,
            despite_quarantine=despite_quarantine,
            user=by.user,
            host=by.host[:100],
        )
        reader = Reader(one)
        lines = ((number, reader(cells)) for number, cells in rows)
        while some := list(islice(lines, AT_ONCE)):
            _copy(one, some, key)
            one.lines += len(some)
            show(one.lines, None)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE mailboxes_importrow")
        judge_import(one)
    return one


def stage_upload(kind: str, file: BinaryIO, *, label: str, by: Actor, **choices: Any) -> Import:
    """As stage_import(), for what a worker is to write later: the key of passwords is kept for it, if there is need."""
    key = new_key()
    one = stage_import(kind, file, label=label, key=key, by=by, **choices)
    sealed = ImportRow.objects.filter(of=one).exclude(sealed_password="")
    if one.refused:
        sealed.update(sealed_password="")
    elif sealed.exists():
        keep_key(one.pk, key)
    return one


def judge_import(one: Import) -> None:
    """Says of each line what would become of it now. What only shows once the rows are there (loops, destinations of
    the same file) is found by writing them, and taking that back."""
    with transaction.atomic():
        import_rules.judge(one)
        if one.kind != Kind.MAILBOXES and not faulty(one).exists():
            _rehearse(one)
        rows = ImportRow.objects.filter(of=one)
        one.refused = faulty(one).count()
        one.there = rows.filter(is_there=True).exclude(pk__in=faulty(one).values("pk")).count()
        one.new = rows.count() - one.refused - one.there
        one.save(update_fields=["lines", "new", "there", "refused"])


def write_import(
    one: Import, *, key: bytes | None = None, show: Show = lambda done, total: None, by: Actor
) -> UUID | None:
    """Judges again, with everything locked that the lines must agree with, and adds what is new: all of it, or nothing
    and a sentence. Gives the number of the change set, None if all is there already. May be called again."""
    if one.change_set:
        return one.change_set
    _refuse_who_may_not(one.kind, one.despite_quarantine, by)
    if one.refused:
        raise ValidationError(refusal_of(one))
    if not one.new:
        return None
    hash_sealed(one, lambda: key or kept_key(one.pk), show)
    change_set: UUID | None
    try:
        change_set = _judge_and_write(one, by)
    except (_Refused, IntegrityError):
        change_set = _write_after_another(one, by)
    forget_key(one.pk)
    return change_set


def _judge_and_write(one: Import, by: Actor) -> UUID:
    with recorded("import", one.kind, f"{one.label} ({one.new})", domain=_domain_of(one), by=by) as change_set:
        _lock(one)
        import_rules.judge(one)
        if faulty(one).exists():
            raise _Refused({})
        _write(one)
        one.change_set = change_set
        one.save(update_fields=["change_set"])
        ImportRow.objects.filter(of=one).delete()
    return change_set


def _write_after_another(one: Import, by: Actor) -> UUID | None:
    """What somebody else has written meanwhile is seen now: a line is refused, is there, or has another mail path."""
    one.change_set = None  # that of the first time was taken back
    judge_import(one)
    if one.refused:
        raise ValidationError(refusal_of(one))
    if not one.new:
        return None
    try:
        return _judge_and_write(one, by)
    except (_Refused, IntegrityError) as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or "?"
        sentence = _("What is there now does not go together with these lines: %(constraint)s. Nothing was added.")
        raise ValidationError(sentence % {"constraint": name}) from error


def faulty(one: Import) -> Any:
    """The lines that cannot be, in their order."""
    return ImportRow.objects.filter(~(Q(unreadable=[]) & Q(faults=[])), of=one).order_by("line")


def faults_of(one: Import, most: int | None = MOST_FAULTS) -> Iterator[dict[str, Any]]:
    """Line, thing and sentence of each fault."""
    for row in faulty(one)[:most].iterator(chunk_size=1000):
        yield from faults_of_line(one, row)


def faults_of_line(one: Import, row: ImportRow) -> Iterator[dict[str, Any]]:
    thing = str(row.domain_name)
    if one.kind != Kind.DOMAINS and thing:
        thing = external_form(row.local_part, thing)
    for fault in [*row.unreadable, *row.faults]:
        yield {"line": row.line, "thing": thing, "sentence": import_rules.sentence_of(fault)}


def forget_import(one: Import) -> None:
    forget_key(one.pk)
    ImportRow.objects.filter(of=one).delete()
    one.delete()


def forget_old_imports() -> None:
    """Nobody comes back to them."""
    before = timezone.now() - KEPT
    for one in Import.objects.filter(created_at__lt=before).select_related("job"):
        if one.job is None or one.job.is_finished:
            forget_import(one)
    forget_old_keys(before - KEPT)  # a job may have waited until now


def _refuse_who_may_not(kind: str, despite_quarantine: bool, by: Actor) -> None:
    if by.user is None:
        return
    if not by.user.is_active or by.user.is_owner:
        raise ValidationError(_("Only superusers and domain admins import."))
    if kind == Kind.DOMAINS and not by.user.is_superuser:
        raise ValidationError(_("Only a superuser imports domains."))
    if despite_quarantine and not by.user.is_superuser:
        raise ValidationError(_("Only a superuser takes addresses in spite of their quarantine."))


def refusal_of(one: Import) -> str:
    sentence = _("Refused lines: %(refused)d of %(lines)d. Nothing was added.")
    return sentence % {"refused": one.refused, "lines": one.lines}


def _domain_of(one: Import) -> str:
    names = list(ImportRow.objects.filter(of=one).order_by().values_list("domain_name", flat=True).distinct()[:2])
    return names[0] if len(names) == 1 else ""


def _lock(one: Import) -> None:
    """In the order in which services lock: the graph of aliases, then domains."""
    if one.kind != Kind.MAILBOXES:
        lock_alias_graph()
    lock_domains(one)


def _write(one: Import) -> None:
    write = {Kind.MAILBOXES: write_mailboxes, Kind.ALIASES: write_aliases, Kind.DOMAINS: write_domains}[Kind(one.kind)]
    faults = write(one)
    if faults:
        raise _Refused(faults)


def _rehearse(one: Import) -> None:
    try:
        with transaction.atomic():
            _lock(one)
            _write(one)
            raise _Rehearsed
    except _Rehearsed:
        return
    except _Refused as refused:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE mailboxes_importrow AS staged SET faults = staged.faults || found.faults"
                " FROM unnest(%s::bigint[], %s::jsonb[]) AS found (id, faults) WHERE staged.id = found.id",
                [list(refused.faults), [json.dumps(faults) for faults in refused.faults.values()]],
            )


def _copy(one: Import, lines: Iterable[tuple[int, Line]], key: bytes) -> None:
    text = "".join(
        "\t".join(
            _written(value)
            for value in (
                one.pk,
                number,
                line.domain_name,
                line.local_part,
                json.dumps(line.values, default=datetime.isoformat),
                seal(line.password, key) if line.password else "",
                line.hash,
                "f",
                json.dumps(line.unreadable),
                "[]",
            )
        )
        + "\n"
        for number, line in lines
    )
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY mailboxes_importrow ({COLUMNS_OF_ROW}) FROM STDIN", io.StringIO(text))


def _written(value: object) -> str:
    """A value in the text format of COPY."""
    text = str(value).replace("\\", "\\\\").replace("\t", "\\t")
    return text.replace("\n", "\\n").replace("\r", "\\r")
