"""What is here already with something else: it stays as it is, and the report says so."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model

from domains.models import Domain
from mailboxes.models import Alias, Import, ImportRow, Mailbox
from mailboxes.parsing import external_form, parse_address
from takeover.postfixadmin_meaning import Meaning

AT_ONCE = 2_000  # lines
COMPARED: dict[str, tuple[str, ...]] = {
    Import.Kind.DOMAINS: ("address_class", "description", "active", "any_recipient"),
    Import.Kind.MAILBOXES: ("name", "quota_bytes", "mail_path", "active", "receives", "sends"),
    Import.Kind.ALIASES: ("comment", "active"),
}


def remark_on_differences(one: Import, meaning: Meaning) -> None:
    readers = {Import.Kind.DOMAINS: _domains, Import.Kind.MAILBOXES: _mailboxes, Import.Kind.ALIASES: _aliases}
    limits = dict(meaning.limits()) if one.kind == Import.Kind.DOMAINS else {}
    for rows in _in_pieces(one):
        for row, there in readers[Import.Kind(one.kind)](rows):
            fields = [
                _words(there, name) for name in COMPARED[one.kind] if getattr(there, name) != row.values.get(name)
            ]
            fields += _more(row, there, meaning, limits)
            if fields:
                thing = row.domain_name
                if not isinstance(there, Domain):
                    thing = external_form(row.local_part, row.domain_name)
                meaning.report.remark("differs", thing, fields=", ".join(fields))


def _more(row: ImportRow, there: Any, meaning: Meaning, limits: dict[str, Any]) -> list[str]:
    if isinstance(there, Domain):
        target = there.target.name if there.target else ""
        others = limits.get(there.name, {})
        differ = [_words(there, name) for name, value in others.items() if getattr(there, name) != value]
        return [*([_words(there, "target")] if target != row.values.get("target", "") else []), *differ]
    if isinstance(there, Mailbox):
        stored = there.credential.hash if hasattr(there, "credential") else ""
        return [_words(there, "credential")] if stored != row.hash else []
    wanted = {_as_written(text, meaning) for text in row.values.get("destinations", [])}
    own = str(there.address)
    written = {str(one).lower() for one in there.destinations.all()}
    return [_words(there, "destinations")] if wanted - {own} != written - {own} else []


def _as_written(text: str, meaning: Meaning) -> str:
    try:
        return meaning.canonical(str(parse_address(text, may_be_whole_domain=True)))
    except ValidationError:
        return text.lower()


def _in_pieces(one: Import) -> Iterator[list[ImportRow]]:
    last = 0
    rows = ImportRow.objects.filter(of=one, is_there=True).order_by("line")
    while some := list(rows.filter(line__gt=last)[:AT_ONCE]):
        last = some[-1].line
        yield some


def _domains(rows: list[ImportRow]) -> Iterator[tuple[ImportRow, Model]]:
    names = [row.domain_name for row in rows]
    found = {domain.name: domain for domain in Domain.objects.filter(name__in=names).select_related("target")}
    yield from ((row, found[row.domain_name]) for row in rows)


def _mailboxes(rows: list[ImportRow]) -> Iterator[tuple[ImportRow, Model]]:
    yield from _on_addresses(rows, Mailbox.objects.select_related("address__domain", "credential"))


def _aliases(rows: list[ImportRow]) -> Iterator[tuple[ImportRow, Model]]:
    yield from _on_addresses(rows, Alias.objects.with_destinations())


def _on_addresses(rows: list[ImportRow], things: Any) -> Iterator[tuple[ImportRow, Model]]:
    by_key = {(row.domain_name, row.local_part): row for row in rows}
    found = things.filter(
        address__domain__name__in={row.domain_name for row in rows},
        address__local_part__in={row.local_part for row in rows},
    )
    for thing in found:
        row = by_key.get((thing.address.domain.name, thing.address.local_part))
        if row:
            yield row, thing


def _words(row: Model, name: str) -> str:
    one = row._meta.get_field(name)
    related = getattr(one, "related_model", None)
    is_reverse = not hasattr(one, "verbose_name")
    return str(related._meta.verbose_name if is_reverse and related else one.verbose_name)  # type: ignore[union-attr]
