"""How many addresses mail to one address becomes. Beyond virtual_alias_expansion_limit (postconf(5)) cleanup(8) says
451 "Alias expansion error" until the sender gives up: so no such alias is saved.

What counts are the ends, each as often as a way leads there: two aliases that share a destination make two."""

from collections.abc import Iterator, Sequence

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from domains.models import Domain, MailSettings
from mailboxes.destinations import MOST_DESTINATIONS
from mailboxes.models import Address, Alias
from mailboxes.ways import LONGEST_CHAIN, Request, Ways, in_words, starts_at, ways_with_extensions

MOST_ABOVE = 10_000  # aliases that lead to what is saved; the daily check looks at all
MOST_COUNTED = 1_000  # of these, the ones with the most destinations
WIDEST = 10  # aliases of a whole domain to which a catch-all delivers


def refuse_fan_out(starts: Sequence[Request], ways: Ways, field: str) -> None:
    """Raises ValidationError if mail to one of these, or to an address whose alias leads to one, would become mail to
    too many addresses. One end is none too many: then nothing more is asked."""
    wide = list(through_whole_domains(starts, ways))
    counted = ways_with_extensions([*starts, *wide]) if wide else (starts, ways)
    grown = _refuse_too_many(*counted, field)
    ways = counted[1]
    above = list(_starts_above({ways.taken_by[start] for start in grown if start in ways.taken_by}))
    if above:
        _refuse_too_many(*ways_with_extensions(above), field)


def _refuse_too_many(starts: Sequence[Request], ways: Ways, field: str) -> list[Request]:
    """Gives those with more than one end."""
    grown = []
    for start in starts:
        ends = number_of_ends(start, ways)
        if ends > MOST_DESTINATIONS:
            raise _too_many(start, field)
        if ways.keeps_a_copy(start) and 2 * ends - 1 > MOST_DESTINATIONS:
            # `ann@alias.domain` becomes Ann's destinations and `ann@domain`, which becomes them once more.
            for pk in Domain.objects.filter(target=start.domain_id).values_list("pk", flat=True)[:1]:
                raise _too_many(Request(pk, start.local_part), field)
        if ends > 1:
            grown.append(start)
    return grown


def _too_many(request: Request, field: str) -> ValidationError:
    sentence = _(
        "Mail to %(address)s would become mail to more than %(most)d addresses. Postfix does not deliver that "
        "(virtual_alias_expansion_limit). Leave some out, or use a mailing list."
    )
    return ValidationError({field: [sentence % {"address": in_words(request), "most": MOST_DESTINATIONS}]})


def number_of_ends(start: Request, ways: Ways, *, most: int = MOST_DESTINATIONS) -> int:
    """As cleanup_map1n_internal() of Postfix counts them for one recipient; not further than just above `most`.

    An address that expands into itself, because a mailbox keeps a copy, is expanded once; after that it is an end."""
    waiting, ends = {start: 1}, 0
    expanded: set[Request] = set()
    for _step in range(most * LONGEST_CHAIN):
        if not waiting or ends + sum(waiting.values()) > most:
            break
        request, times = waiting.popitem()
        theres = ways.leads_to.get(request)
        if not theres or request in expanded:
            ends += times
            continue
        if ways.keeps_a_copy(request):
            expanded.add(request)
            ends, times = ends + times, 1
        for there in theres:
            waiting[there] = waiting.get(there, 0) + times
    return ends + sum(waiting.values())


def through_whole_domains(starts: Sequence[Request], ways: Ways) -> Iterator[Request]:
    """A catch-all that delivers to a whole domain and elsewhere too, asked for the addresses over there that go on to
    the most."""
    for start in starts:
        theres = ways.leads_to[start]
        if start.local_part or len(theres) < 2:
            continue
        for there in theres:
            if there.domain_id and not there.local_part:
                in_it = Address.objects.filter(Q(domain=there.domain_id) | Q(domain__alias_domains=there.domain_id))
                widest = in_it.annotate(number=Count("alias__destinations")).filter(number__gt=1).order_by("-number")
                names = widest.exclude(local_part="").values_list("local_part", flat=True)[:WIDEST]
                yield from (Request(start.domain_id, name) for name in names)


def _starts_above(takers: set[Request]) -> Iterator[Request]:
    """What leads to these over any number of aliases, and to something else too: the aliases with the most destinations
    first. A catch-all that keeps the local part, with the names of what it leads to."""
    if not takers:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            ABOVE,
            {
                "domain_ids": [taker.domain_id for taker in takers],
                "local_parts": [taker.local_part for taker in takers],
                "delimiters": MailSettings.current().recipient_delimiter,
                "most_above": MOST_ABOVE,
                "most_counted": MOST_COUNTED,
            },
        )
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute("SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL jit TO DEFAULT")
    if not ids:
        return
    aliases = Alias.objects.filter(pk__in=ids).select_related("address__domain")
    names = {taker.local_part for taker in takers} | {alias.address.local_part for alias in aliases}
    for alias in aliases:
        yield from starts_at(alias)
        if alias.is_catch_all:
            yield from (Request(alias.address.domain_id, name) for name in names if name)


# What may lead to an address: links; names in its domain, or in an alias domain of it, that it takes; whole domains;
# and both as they were typed while the domain was elsewhere. To a name with an extension also what leads to its base:
# an extension that was typed goes on. Rather one too many: each is counted afterwards.
#
# Whatever the planner believes of a table that has just grown, each table is asked by an index, once for each row
# above: OFFSET 0 keeps it from joining tables in another way, which took minutes for some thousand aliases.
ABOVE = """
    SET LOCAL jit = off;
    SET LOCAL enable_seqscan = off;
    WITH RECURSIVE above AS (
        SELECT there.id, there.domain_id, there.local_part
        FROM unnest(%(domain_ids)s::bigint[], %(local_parts)s::text[]) AS taker (domain_id, local_part)
        CROSS JOIN LATERAL (
            SELECT address.id, address.domain_id, address.local_part
            FROM mailboxes_address AS address
            WHERE address.domain_id = taker.domain_id AND address.local_part = taker.local_part
            OFFSET 0
        ) AS there
        UNION
        SELECT address.id, address.domain_id, address.local_part
        FROM above
        CROSS JOIN LATERAL (
            SELECT COALESCE(mail_map.base_of(above.local_part, %(delimiters)s), rtrim(above.local_part, '*')) AS start
        ) AS name
        CROSS JOIN LATERAL (
            SELECT linked.alias_id
            FROM mailboxes_aliasdestination AS linked
            WHERE linked.address_id = above.id
            UNION ALL
            SELECT linked.alias_id
            FROM (
                SELECT address.id
                FROM mailboxes_address AS address
                WHERE address.domain_id = above.domain_id
                  AND address.local_part = name.start
                  AND name.start <> above.local_part
                OFFSET 0
            ) AS base
            CROSS JOIN LATERAL (
                SELECT linked.alias_id
                FROM mailboxes_aliasdestination AS linked
                WHERE linked.address_id = base.id
                OFFSET 0
            ) AS linked
            UNION ALL
            SELECT named.alias_id
            FROM (
                SELECT above.domain_id AS id
                UNION ALL
                SELECT domain.id FROM domains_domain AS domain WHERE domain.target_id = above.domain_id
            ) AS asked
            CROSS JOIN LATERAL (
                SELECT named.alias_id
                FROM mailboxes_aliasdestination AS named
                WHERE named.domain_id = asked.id
                  AND (named.text = '' OR starts_with(named.text, name.start))
                OFFSET 0
            ) AS named
            UNION ALL
            SELECT typed.alias_id
            FROM (
                SELECT domain.name FROM domains_domain AS domain WHERE domain.id = above.domain_id
                UNION ALL
                SELECT domain.name FROM domains_domain AS domain WHERE domain.target_id = above.domain_id
            ) AS asked
            CROSS JOIN LATERAL (
                SELECT typed.alias_id
                FROM mailboxes_aliasdestination AS typed
                WHERE lower(split_part(typed.text, '@', 2)) = asked.name
                  AND typed.address_id IS NULL
                  AND typed.domain_id IS NULL
                  AND (
                      starts_with(typed.text, '@')
                      OR starts_with(ltrim(lower(typed.text), '"'), name.start)
                  )
                OFFSET 0
            ) AS typed
        ) AS one_up
        CROSS JOIN LATERAL (
            SELECT alias.address_id FROM mailboxes_alias AS alias WHERE alias.id = one_up.alias_id OFFSET 0
        ) AS alias
        CROSS JOIN LATERAL (
            SELECT address.id, address.domain_id, address.local_part
            FROM mailboxes_address AS address
            WHERE address.id = alias.address_id
            OFFSET 0
        ) AS address
    )
    SELECT alias.id
    FROM (SELECT id, domain_id, local_part FROM above LIMIT %(most_above)s) AS found
    CROSS JOIN LATERAL (
        SELECT alias.id FROM mailboxes_alias AS alias WHERE alias.address_id = found.id OFFSET 0
    ) AS alias
    CROSS JOIN LATERAL (
        SELECT count(*) AS number
        FROM mailboxes_aliasdestination AS destination
        WHERE destination.alias_id = alias.id
    ) AS destinations
    CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM mailboxes_mailbox AS mailbox WHERE mailbox.address_id = found.id
    ) AS copies
    WHERE (found.domain_id, found.local_part) NOT IN (
        SELECT * FROM unnest(%(domain_ids)s::bigint[], %(local_parts)s::text[])
    )
      AND destinations.number + copies.number > 1
    ORDER BY destinations.number DESC, alias.id
    LIMIT %(most_counted)s
"""
