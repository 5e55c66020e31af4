"""Rows that name an address of ours: they follow it to another name, and are said before it goes.

Whoever renames or deletes it need not be a superuser, who alone sees these tables."""

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import CharField, Q, Value
from django.db.models.functions import Reverse
from django.utils.text import capfirst
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
    leading = Q(result=address)
    return _in_sentences({model: _is(model, address) | (leading if model in LEADING else Q()) for model in KEYED})


def left_with_domain(domain: Domain) -> list[str]:
    """The same of a domain: rows of all of it, and of addresses in it."""
    within = Q(backwards__startswith=f"@{domain.name}"[::-1])
    return _in_sentences({model: within | Q(key=domain.name) if model is Transport else within for model in KEYED})


def _is(model: type[Entry], key: str) -> Q:
    """As the unique index begins."""
    return Q(key=key, applies_to__in=list(model.parameters)) if len(model.parameters) > 1 else Q(key=key)


def _rows(model: type[Entry], *, key: str = "", result: str = "") -> Any:
    return model._default_manager.filter(_is(model, key) if key else Q(result=result)).order_by("pk")


def _follow_key(entry: Any, former: str, new: str, is_for_both: bool, by: Actor) -> None:
    kind = {"applies_to": entry.applies_to} if hasattr(entry, "applies_to") else {}
    if _rows(type(entry), key=new).filter(**kind).exists():
        return
    change_entry(entry, key=new, by=by)
    if is_for_both:
        add_again(entry, former, by=by)


def _in_sentences(wanted: Mapping[type[Entry], Q]) -> list[str]:
    """One question to all tables."""
    tables = {model.noun: capfirst(model._meta.verbose_name) for model in wanted}
    first, *others = (
        model._default_manager.alias(backwards=Reverse("key"))
        .filter(rows)
        .order_by()
        .annotate(of=Value(model.noun, output_field=CharField()))
        .values_list("of", "key", "result")[: MOST_NAMED + 1]
        for model, rows in wanted.items()
    )
    found = list(first.union(*others).order_by("of", "key", "result")[: MOST_NAMED + 1])
    sentence = _("%(table)s: %(key)s → %(result)s stays. Delete it if nobody needs it any more.")
    sentences = [
        sentence % {"table": tables[noun], "key": key, "result": result} for noun, key, result in found[:MOST_NAMED]
    ]
    return [*sentences, _("More rows of the lookup tables stay.")] if len(found) > MOST_NAMED else sentences
