"""Every address this server takes, as a list for a secondary mail server (relay_recipient_maps there, postconf(5))."""

from collections.abc import Iterator

from django.db import connection, transaction

CHUNK = 10_000  # rows that are held in memory at a time

# mail_map.answers() is the rule that Postfix follows, but a million calls take a minute. So plain addresses are found
# by joins that say the same, and it is asked only about catch-alls and about `@a -> @b`.
EVERY_RECIPIENT = """
    WITH RECURSIVE served AS (
        SELECT domain.id, domain.name, domain.any_recipient, COALESCE(target.id, domain.id) AS answering_id
        FROM domains_domain AS domain
        LEFT JOIN domains_domain AS target ON target.id = domain.target_id
        WHERE domain.address_class <> 'local'
          AND domain.active
          AND COALESCE(target.active, true)
          AND (%(name)s = '' OR domain.name = %(name)s)
    ),
    whole AS (
        SELECT address.domain_id AS from_id, COALESCE(next.target_id, next.id) AS to_id
        FROM mailboxes_address AS address
        JOIN mailboxes_alias AS alias ON alias.address_id = address.id
            AND mail_map.delivers(alias.active, alias.starts_at, alias.ends_at)
        JOIN mailboxes_aliasdestination AS destination ON destination.alias_id = alias.id
        JOIN domains_domain AS next ON (next.id = destination.domain_id AND destination.text = '')
            OR '@' || next.name = destination.text
        WHERE address.local_part = ''
    ),
    leads AS (
        SELECT served.id, served.name, served.answering_id, whole.to_id
        FROM served
        JOIN whole ON whole.from_id = served.answering_id
        UNION
        SELECT leads.id, leads.name, leads.answering_id, whole.to_id
        FROM leads
        JOIN whole ON whole.from_id = leads.to_id
    )
    SELECT '@' || served.name
    FROM served
    WHERE served.any_recipient
       OR mail_map.answers(served.id, 'nobody.has.this.name')
    UNION ALL
    SELECT mail_map.external_form(address.local_part, served.name)
    FROM served
    JOIN mailboxes_address AS address ON address.domain_id = served.answering_id
        AND address.local_part <> ''
        AND address.local_part NOT LIKE '%%*'
    LEFT JOIN mailboxes_alias AS alias ON alias.address_id = address.id
    LEFT JOIN mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
    LEFT JOIN mailboxes_relayrecipient AS recipient ON recipient.address_id = address.id
    WHERE mail_map.delivers(alias.active, alias.starts_at, alias.ends_at)
       OR mail_map.receives(mailbox.active, mailbox.receives, mailbox.expires_at)
       OR recipient.id IS NOT NULL
    UNION ALL
    SELECT found.recipient
    FROM (
        SELECT DISTINCT
            leads.id,
            address.local_part,
            mail_map.external_form(address.local_part, leads.name) AS recipient
        FROM leads
        JOIN mailboxes_address AS address ON address.domain_id = leads.to_id
            AND address.local_part <> ''
            AND address.local_part NOT LIKE '%%*'
        WHERE NOT EXISTS (
            SELECT FROM mailboxes_address AS own
            WHERE own.domain_id = leads.answering_id
              AND own.local_part = address.local_part
        )
    ) AS found
    WHERE mail_map.answers(found.id, found.local_part)
"""

PATTERNS = """
    SELECT mail_map.external_form(address.local_part, domain.name)
    FROM mailboxes_address AS address
    JOIN domains_domain AS domain ON domain.id = address.domain_id AND domain.active
    JOIN mailboxes_alias AS alias ON alias.address_id = address.id
        AND mail_map.delivers(alias.active, alias.starts_at, alias.ends_at)
    WHERE address.local_part LIKE '%%*'
      AND (%(name)s = '' OR domain.name = %(name)s)
"""


def every_recipient(domain_name: str = "") -> Iterator[str]:
    """Addresses in external form and `@domain`, in no order, as they come from a cursor of the server."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(EVERY_RECIPIENT, {"name": domain_name})
        while rows := cursor.fetchmany(CHUNK):
            yield from (row[0] for row in rows)


def patterns(domain_name: str = "") -> list[str]:
    """Aliases such as `sales-*`, which no list of addresses can say."""
    with connection.cursor() as cursor:
        cursor.execute(PATTERNS, {"name": domain_name})
        return [row[0] for row in cursor.fetchall()]
