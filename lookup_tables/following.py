"""Rows that name an address of ours: they follow it to another name, and are said before it goes.

Whoever renames or deletes it need not be a superuser, who alone sees these tables."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models.functions import Reverse
from django.utils.translation import gettext as _

from accounts.actors import Actor
from domains.models import Domain
from lookup_tables.main_cf import remark_since, what_is_written
from lookup_tables.models import Bcc, Canonical, Entry, Relocated, SenderRelay, Transport
from lookup_tables.services import add_again, change_entry

KEYED: tuple[type[Entry], ...] = (Transport, SenderRelay, Bcc, Relocated, Canonical)
LEADING: tuple[type[Entry], ...] = (Bcc, Relocated, Canonical)  # their result may be an address
# Postfix asks these by the name that was used, before it follows aliases (cleanup(8), trivial-rewrite(8)).
ASKED_BEFORE_ALIASES: tuple[type[Entry], ...] = (SenderRelay, Bcc, Canonical)
MOST_NAMED = 10  # in the question before a deletion


def follow_address(former: str, new: str, *, keeps_old: bool, tell: Callable[[str], None], by: Actor) -> None:
    """Keys and results that are the former address become the new one. Where the former stays as an alias, what is
    asked before aliases is there for both. A row stays as it is where it leads from one to the other, or where the new
    address has one of its own. `tell` hears that the mail host needs new files. Raises ValidationError if what would be
    there cannot be."""
    before = what_is_written() if _rows(SenderRelay, key=former).exclude(username="").exists() else None
    try:
        for model in KEYED:
            for entry in _rows(model, key=former).exclude(result=new):
                _follow_key(entry, former, new, keeps_old and model in ASKED_BEFORE_ALIASES, by)
        for model in LEADING:
            rows = _rows(model, result=former)
            for entry in rows if model is Canonical else rows.exclude(key=new):
                change_entry(entry, result=new, by=by)
    except ValidationError as error:
        raise ValidationError(error.messages) from error  # about rows, not about what was typed
    if before is not None and (remark := remark_since(before)):
        tell(remark)


def left_with_address(address: str) -> list[str]:
    """Sentences about the rows that name an address, and stay when it goes."""
    keyed = [_rows(model, key=address) for model in KEYED]
    return _in_sentences([*keyed, *(_rows(model, result=address) for model in LEADING)])


def left_with_domain(domain: Domain) -> list[str]:
    """The same of a domain: rows of all of it, and of addresses in it."""
    ending = f"@{domain.name}"[::-1]
    rows = (model._default_manager.order_by().alias(backwards=Reverse("key")) for model in KEYED)
    return _in_sentences(
        [*(some.filter(backwards__startswith=ending) for some in rows), _rows(Transport, key=domain.name)]
    )


def _rows(model: type[Entry], **wanted: str) -> Any:
    # As the unique index begins.
    kinds = {"applies_to__in": list(model.parameters)} if "key" in wanted and len(model.parameters) > 1 else {}
    return model._default_manager.filter(**kinds, **wanted).order_by("pk")


def _follow_key(entry: Any, former: str, new: str, is_for_both: bool, by: Actor) -> None:
    kind = {"applies_to": entry.applies_to} if hasattr(entry, "applies_to") else {}
    if _rows(type(entry), key=new).filter(**kind).exists():
        return
    change_entry(entry, key=new, by=by)
    if is_for_both:
        add_again(entry, former, by=by)


def _in_sentences(found: list[Any]) -> list[str]:
    rows = {(type(row), row.pk): row for some in found for row in some[: MOST_NAMED + 1]}
    sentence = _("%(table)s: %(key)s → %(result)s stays. Delete it if nobody needs it any more.")
    sentences = [
        sentence % {"table": row._meta.verbose_name, "key": row.key, "result": row.result}
        for row in list(rows.values())[:MOST_NAMED]
    ]
    return [*sentences, _("More rows of the lookup tables stay.")] if len(rows) > MOST_NAMED else sentences
