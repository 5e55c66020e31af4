"""How the lines of an import become rows: one INSERT … SELECT a table, in the order of the unique key. (COPY would lose
the history context, whose variable goes in front of a statement.)"""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.utils import timezone

from accounts.actors import Actor, Door
from domains.guards import follow, guarded
from domains.models import Domain
from mailboxes.destinations import Known, resolve
from mailboxes.import_sentences import Fault, in_each_language, refusals_in_each_language
from mailboxes.loops import refuse_loops
from mailboxes.models import Alias, AliasDestination, Import, Mailbox
from mailboxes.parsing import parse_address
from mailboxes.relinking import link_texts_to_domains

Faults = dict[int, list[Fault]]
AT_ONCE = 2_000  # aliases
ROWS_AT_ONCE = 5_000  # in a statement

NEW = "staged.of_id = %(of)s AND NOT staged.is_there"

LOCK_DOMAINS = """
    SELECT domain.id
    FROM domains_domain AS domain
    WHERE domain.name IN (
        SELECT domain_name FROM mailboxes_importrow WHERE of_id = %(of)s
        UNION
        SELECT values->>'target' FROM mailboxes_importrow WHERE of_id = %(of)s AND values->>'target' <> ''
    )
    ORDER BY domain.id
    FOR NO KEY UPDATE
"""
ADDRESSES = f"""
    INSERT INTO mailboxes_address (domain_id, local_part)
    SELECT domain.id, staged.local_part
    FROM mailboxes_importrow AS staged
    JOIN domains_domain AS domain ON domain.name = staged.domain_name
    WHERE {NEW}
      AND NOT EXISTS (
          SELECT FROM mailboxes_address AS address
          WHERE address.domain_id = domain.id AND address.local_part = staged.local_part
      )
    ORDER BY domain.id, staged.local_part
"""  # noqa: S608
# Foreign keys are checked row by row, with plans that this session may have made while the table was nearly empty.
PLAN_ANEW = "ANALYZE mailboxes_address"
# Who comes with a whole panel may have added the domains in this very transaction, too.
PLAN_WAYS_ANEW = "ANALYZE domains_domain, mailboxes_mailbox, mailboxes_alias, mailboxes_aliasdestination"
# Each trigger of pgtrigger asks for this setting, for each row. Where it is missing, an exception is caught, and the
# end of each such subtransaction looks at all constraints that wait for the end: quadratic.
NOTHING_IS_IGNORED = "SET LOCAL pgtrigger.ignore = '{}'"
ON_ADDRESSES = f"""
    INSERT INTO {{table}} ({{columns}})
    SELECT {{values}}
    FROM mailboxes_importrow AS staged
    JOIN domains_domain AS domain ON domain.name = staged.domain_name
    JOIN mailboxes_address AS address ON address.domain_id = domain.id AND address.local_part = staged.local_part
    CROSS JOIN LATERAL jsonb_populate_record(NULL::{{table}}, staged.values) AS filled
    WHERE {NEW}
    ORDER BY address.id
"""  # noqa: S608
CREDENTIALS = f"""
    INSERT INTO mailboxes_mailboxcredential (mailbox_id, hash, changed_at)
    SELECT mailbox.id, staged.hash, %(now)s
    FROM mailboxes_importrow AS staged
    JOIN domains_domain AS domain ON domain.name = staged.domain_name
    JOIN mailboxes_address AS address ON address.domain_id = domain.id AND address.local_part = staged.local_part
    JOIN mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
    WHERE {NEW} AND staged.hash <> ''
    ORDER BY mailbox.id
"""  # noqa: S608
END_QUARANTINES = f"""
    DELETE FROM mailboxes_quarantinedaddress AS kept
    USING mailboxes_importrow AS staged
    WHERE {NEW} AND kept.domain_name = staged.domain_name AND kept.local_part = staged.local_part AND kept.until > now()
      AND NOT EXISTS (
          SELECT FROM mailboxes_address AS address JOIN domains_domain AS domain ON domain.id = address.domain_id
          WHERE domain.name = staged.domain_name AND address.local_part = staged.local_part
      )
"""  # noqa: S608
# The line of each alias that has just been added, some at a time. Each line has one: so first the lines, or every piece
# would be looked for among all aliases.
ALIASES_OF_LINES = f"""
    SELECT staged.id, alias.id, staged.values->'destinations'
    FROM (
        SELECT * FROM mailboxes_importrow AS staged
        WHERE {NEW} AND staged.id > %(last)s
        ORDER BY staged.id
        LIMIT %(most)s
    ) AS staged
    JOIN domains_domain AS domain ON domain.name = staged.domain_name
    JOIN mailboxes_address AS address ON address.domain_id = domain.id AND address.local_part = staged.local_part
    JOIN mailboxes_alias AS alias ON alias.address_id = address.id
    ORDER BY staged.id
"""  # noqa: S608
NAMES_OF_LINES = f"""
    SELECT staged.id, staged.domain_name
    FROM mailboxes_importrow AS staged
    WHERE {NEW}
    ORDER BY staged.domain_name
"""  # noqa: S608
DOMAINS = f"""
    INSERT INTO {{table}} ({{columns}})
    SELECT {{values}}
    FROM mailboxes_importrow AS staged
    LEFT JOIN domains_domain AS target ON target.name = staged.values->>'target'
    CROSS JOIN LATERAL jsonb_populate_record(NULL::{{table}}, staged.values) AS filled
    WHERE {NEW} AND staged.values->>'target' {{sign}} ''
    ORDER BY staged.domain_name
"""  # noqa: S608


def lock_domains(one: Import) -> None:
    _run(one, LOCK_DOMAINS)


def write_mailboxes(one: Import) -> Faults:
    if one.despite_quarantine:
        _run(one, END_QUARANTINES)
    _run(one, ADDRESSES)
    _run(one, PLAN_ANEW)
    _run(one, _insert_into(Mailbox, ON_ADDRESSES, address_id="address.id"))
    _run(one, CREDENTIALS)
    link_texts_to_domains(_domains_of(one))
    return {}


def write_aliases(one: Import) -> Faults:
    """All addresses first, so that a destination may stand further down in the same file."""
    _run(one, NOTHING_IS_IGNORED)
    if one.despite_quarantine:
        _run(one, END_QUARANTINES)
    _run(one, ADDRESSES)
    _run(one, PLAN_ANEW)
    _run(one, _insert_into(Alias, ON_ADDRESSES, address_id="address.id"))
    _run(one, PLAN_WAYS_ANEW)
    link_texts_to_domains(_domains_of(one))
    faults: Faults = {}
    for lines in _in_pieces(one):
        faults |= _write_destinations(lines)
    if not faults:
        _run(one, PLAN_WAYS_ANEW)
        for lines in _in_pieces(one):
            faults |= _loops_of(lines)
    return faults


def _in_pieces(one: Import) -> Iterator[dict[int, tuple[Alias, list[str]]]]:
    """Alias and destinations by the id of the line, some at a time."""
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(ALIASES_OF_LINES, {"of": one.pk, "last": last, "most": AT_ONCE})
            found = {line: (alias, json.loads(texts)) for line, alias, texts in cursor.fetchall()}
        if not found:
            return
        last = max(found)
        ids = [alias for alias, _texts in found.values()]
        aliases = Alias.objects.select_related("address__domain", "address__mailbox").in_bulk(ids)
        yield {line: (aliases[alias], texts) for line, (alias, texts) in found.items()}


def _write_destinations(lines: Mapping[int, tuple[Alias, list[str]]]) -> Faults:
    """As the service does for one alias; what is known of all destinations is fetched once."""
    typed = {text: parse_address(text, may_be_whole_domain=True) for _alias, texts in lines.values() for text in texts}
    known = Known(list(typed.values()))
    rows: list[AliasDestination] = []
    faults: Faults = {}
    for line, (alias, texts) in lines.items():
        resolved = partial(resolve, texts, for_address=alias.address, has_mailbox=alias.has_mailbox, known=known)
        try:
            found = resolved()
        except ValidationError:
            faults[line] = refusals_in_each_language(resolved)
            continue
        for position, row in enumerate(found):
            row.alias, row.position = alias, position
        rows += found
    if not faults:
        AliasDestination.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE)
    return faults


def _loops_of(lines: Mapping[int, tuple[Alias, list[str]]]) -> Faults:
    """A loop that is new leads over a new alias. Halves tell which lines they are, where there are any."""
    looked_at = partial(refuse_loops, [alias for alias, _texts in lines.values()])
    try:
        looked_at()
    except ValidationError:
        if len(lines) == 1:
            return dict.fromkeys(lines, refusals_in_each_language(looked_at))
        half, pairs = len(lines) // 2, list(lines.items())
        return _loops_of(dict(pairs[:half])) | _loops_of(dict(pairs[half:]))
    return {}


def _domains_of(one: Import) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(LOCK_DOMAINS, {"of": one.pk})
        return [row[0] for row in cursor.fetchall()]


def write_domains(one: Import) -> Faults:
    """Alias domains behind the others, which may be their targets; with the guards that add_domain has."""
    with connection.cursor() as cursor:
        cursor.execute(NAMES_OF_LINES, {"of": one.pk})
        lines = dict(cursor.fetchall())
    try:
        with guarded(*lines.values()):
            for sign in ("=", "<>"):
                _run(one, _insert_into(Domain, DOMAINS.replace("{sign}", sign), target_id="target.id"))
            return _what_follows(one, lines)
    except ValidationError as error:
        refused = error.messages
        return _refused_by_guards(lines) or dict.fromkeys(lines, in_each_language(lambda: refused))


def _what_follows(one: Import, lines: Mapping[int, str]) -> Faults:
    """What else comes with a new domain: its default aliases."""
    by = Actor(user=one.user, door=Door.TASK)
    domains = {domain.name: domain for domain in Domain.objects.filter(name__in=lines.values())}
    faults: Faults = {}
    for line, name in lines.items():
        followed = partial(follow, domains[name], by=by)
        try:
            followed()
        except ValidationError:
            faults[line] = refusals_in_each_language(followed)
    return faults


def _refused_by_guards(lines: Mapping[int, str]) -> Faults:
    """Halves tell which lines they are."""
    asked = partial(_ask_guards, lines.values())
    try:
        asked()
        return {}
    except ValidationError:
        if len(lines) == 1:
            return dict.fromkeys(lines, refusals_in_each_language(asked))
    half, pairs = len(lines) // 2, list(lines.items())
    return _refused_by_guards(dict(pairs[:half])) | _refused_by_guards(dict(pairs[half:]))


def _ask_guards(names: Iterable[str]) -> None:
    with guarded(*names):
        pass


def _insert_into(model: type[models.Model], statement: str, **known: str) -> str:
    """With all columns of a model: `known` as said, times of now, everything else as it was staged."""
    values: dict[str, str] = {}
    for one in model._meta.concrete_fields:
        is_now = getattr(one, "auto_now", False) or getattr(one, "auto_now_add", False)
        is_now = is_now or one.default is timezone.now
        column = str(one.column)
        values[column] = known.get(column) or ("%(now)s" if is_now else f"filled.{column}")
    del values[str(model._meta.pk.column)]
    quoted = ", ".join(connection.ops.quote_name(column) for column in values)
    return statement.format(table=model._meta.db_table, columns=quoted, values=", ".join(values.values()))


def _run(one: Import, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"of": one.pk, "now": timezone.now()})
