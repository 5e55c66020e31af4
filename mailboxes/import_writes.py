"""How the lines of an import become rows: one INSERT … SELECT a table, in the order of the unique key. (COPY would lose
the history context, whose variable goes in front of a statement.)"""

from typing import Any

from django.db import connection, models
from django.utils import timezone

from accounts.actors import Actor
from mailboxes.models import Import, Mailbox

Faults = dict[int, list[dict[str, Any]]]

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


def lock_domains(one: Import) -> None:
    _run(one, LOCK_DOMAINS)


def write_mailboxes(one: Import, *, by: Actor) -> Faults:
    if one.despite_quarantine:
        _run(one, END_QUARANTINES)
    _run(one, ADDRESSES)
    _run(one, _insert_into(Mailbox, ON_ADDRESSES, address_id="address.id"))
    _run(one, CREDENTIALS)
    return {}


def write_aliases(one: Import, *, by: Actor) -> Faults:
    raise NotImplementedError


def write_domains(one: Import, *, by: Actor) -> Faults:
    raise NotImplementedError


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
