"""What the mailboxes of a PostfixAdmin store, where Dovecot has not said it here yet."""

from collections.abc import Iterator
from itertools import islice

from mailboxes.models import Mailbox
from mailboxes.parsing import external_form
from mailboxes.usage import FIRST_LEVEL, LAST_LEVEL, Usage
from takeover.kept import ToKeep, forget_rows
from takeover.kept_models import KeptRow
from takeover.postfixadmin_reading import Source, text, whole

AT_ONCE = 500  # mailboxes
OLDER = {"quota/storage": "bytes", "quota/messages": "messages"}

Used = dict[str, int]  # bytes and messages


def import_usage(source: Source) -> tuple[dict[str, int], list[ToKeep]]:
    """Their counts, and what is of no mailbox here and stays kept. A number that is here is newer: Dovecot wrote it, or
    a takeover before."""
    count = {"new": 0, "there": 0, "left_out": 0}
    kept: list[ToKeep] = []
    all_used = _all_used(source)
    while some := dict(islice(all_used, AT_ONCE)):
        parts = [address.rpartition("@") for address in some]
        found = Mailbox.objects.filter(
            address__domain__name__in={domain for _local_part, _at, domain in parts},
            address__local_part__in={local_part for local_part, _at, _domain in parts},
        )
        placed, new = [], []
        fields = ("pk", "address__domain", "address__domain__name", "address__local_part", "quota_bytes", "usage")
        for mailbox, domain, name, local_part, quota, usage in found.values_list(*fields):
            used = some.pop(f"{local_part}@{name}", None)
            if used is None:
                continue
            placed.append(_to_keep(f"{local_part}@{name}", used))
            if usage is not None:
                count["there"] += 1
                continue
            login, warned = external_form(local_part, name), _level(used["bytes"], quota)
            new.append(Usage(mailbox_id=mailbox, domain_id=domain, username=login, warned=warned, **used))
        Usage.objects.bulk_create(new, ignore_conflicts=True)  # Dovecot may write meanwhile
        count["new"] += len(new)
        forget_rows(source.label, placed)
        kept += [_to_keep(address, used) for address, used in some.items()]
    return count, kept


def _level(used: int, quota: int | None) -> int:
    """Of what the owner was told already: a takeover sends no mail to anybody."""
    return next((level for level in (LAST_LEVEL, FIRST_LEVEL) if quota and used * 100 >= level * quota), 0)


def _to_keep(address: str, used: Used) -> ToKeep:
    return ToKeep(KeptRow.Kind.QUOTA_USED, address, dict(used), about=address)


def _all_used(source: Source) -> Iterator[tuple[str, Used]]:
    """quota2 belongs to Dovecot 1.2 and newer; its older sister only counts where that is silent."""
    seen = set()
    for row in source.rows("quota2"):
        address = text(row["username"]).lower()
        if address not in seen:
            seen.add(address)
            yield address, {name: max(whole(row[name]), 0) for name in ("bytes", "messages")}
    older: dict[str, Used] = {}
    for row in source.rows("quota"):
        address = text(row["username"]).lower()
        if address not in seen and text(row["path"]) in OLDER:
            used = older.setdefault(address, {"bytes": 0, "messages": 0})
            used[OLDER[text(row["path"])]] = max(whole(row["current"]), 0)
    yield from older.items()
