"""Every address this server takes, as a list for a secondary mail server (relay_recipient_maps there, postconf(5))."""

from collections.abc import Iterator

from django.db import connection, transaction
from django.utils.translation import gettext as _

from lookup_tables.models import Relocated, Transport
from mailboxes.parsing import ParsedAddress, external_form, parse_address, split_address
from mailservers.lookup import fault_of
from mailservers.stations import Maps

CHUNK = 10_000  # rows that are held in memory at a time
NOBODY = "nobody.has.this.name"

# mail_map.answers() is the rule that Postfix follows, but a million calls take a minute. So plain addresses are found
# by joins that say the same, and it is asked only about catch-alls and about `@a -> @b`.
SERVED = """
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
"""

EVERY_RECIPIENT = """
    SELECT '@' || served.name
    FROM served
    WHERE served.any_recipient
       OR mail_map.answers(served.id, %(nobody)s)
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
    SELECT mail_map.external_form(address.local_part, seen.name)
    FROM (
        SELECT served.name, served.answering_id AS domain_id
        FROM served
        UNION
        SELECT leads.name, leads.to_id
        FROM leads
    ) AS seen
    JOIN mailboxes_address AS address ON address.domain_id = seen.domain_id
        AND address.local_part LIKE '%%*'
    JOIN mailboxes_alias AS alias ON alias.address_id = address.id
        AND mail_map.delivers(alias.active, alias.starts_at, alias.ends_at)
    GROUP BY 1
    ORDER BY 1
"""


class _Refusals:
    """What smtpd refuses although it is there: who has moved (relocated(5)), and what a transport gives to error(8)."""

    def __init__(self) -> None:
        refused = Transport.objects.filter(active=True, result__startswith="error:")
        moved = Relocated.objects.filter(active=True)
        self.keys = {*refused.values_list("key", flat=True), *moved.values_list("key", flat=True)}
        self.maps = Maps()

    def has(self, recipient: str) -> bool:
        """Asks the maps only about what one of the keys could be about."""
        if not self.keys:
            return False
        address = parse_address(recipient, may_be_whole_domain=True)
        if not address.local_part:
            address = parse_address(f"{NOBODY}@{address.domain}")
        if self.keys.isdisjoint(self._keys_of(address)):
            return False
        if len(self.maps.answers) > CHUNK:
            self.maps.answers.clear()
        return fault_of(address, self.maps).startswith("5")

    def _keys_of(self, address: ParsedAddress) -> list[str]:
        """Under which a transport or a place may be found (transport(5), relocated(5))."""
        base, _extension = split_address(address.local_part, self.maps.settings.recipient_delimiter)
        labels = address.domain.split(".")
        parents = [f".{'.'.join(labels[number:])}" for number in range(1, len(labels))]
        bases = [external_form(base, address.domain)] if base else []
        return [str(address), *bases, f"@{address.domain}", address.domain, *parents, "*"]


def every_recipient(domain_name: str = "") -> Iterator[str]:
    """Addresses in external form and `@domain`, in no order, as they come from a cursor of the server."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        is_refused = _Refusals().has
        cursor.execute(SERVED + EVERY_RECIPIENT, {"name": domain_name, "nobody": NOBODY})
        while rows := cursor.fetchmany(CHUNK):
            yield from (row[0] for row in rows if not is_refused(row[0]))


def patterns(domain_name: str = "") -> list[str]:
    """Aliases such as `sales-*`, which no list of addresses can say."""
    with connection.cursor() as cursor:
        cursor.execute(SERVED + PATTERNS, {"name": domain_name})
        return [row[0] for row in cursor.fetchall()]


def lines_for_secondary(domain_name: str = "") -> Iterator[tuple[str, str]]:
    """Lines of texthash, or else a remark on what cannot stand in one."""
    for pattern in patterns(domain_name):
        sentence = _("%(pattern)s cannot stand in a list of addresses; the secondary server refuses its mail.")
        yield "", sentence % {"pattern": pattern}
    for recipient in every_recipient(domain_name):
        if recipient.startswith("#"):  # a comment, postmap(1)
            sentence = _("%(address)s begins with #, which begins a comment there. It is left out.")
            yield "", sentence % {"address": recipient}
        else:
            yield f"{recipient} OK", ""
