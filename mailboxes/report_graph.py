"""The part of the report that follows aliases to aliases: how many ends mail has, over how many aliases, and where it
goes round. In tables that last as long as the check, a step for all aliases at a time."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q

from mailboxes.destinations import MOST_DESTINATIONS
from mailboxes.fan_out import number_of_ends, through_whole_domains
from mailboxes.loops import loop_in
from mailboxes.models import Alias
from mailboxes.ways import Request, Ways, in_words, typed_in, ways_from

Finding = dict[str, Any]
Stage = Callable[[int], Iterator[tuple[Finding, int]]]

MANY = 800  # destinations that are near MOST_DESTINATIONS
DEEP = 10  # aliases in a row
MOST_STEPS = 1000  # virtual_alias_recursion_limit, postconf(5)
MOST_RECOUNTED = 100  # aliases over mailboxes that keep copies, counted once more as Postfix does
MOST_REACHED = 2_000_000  # rows, in the search for the way back
MOST_CATCH_ALLS = 20_000  # that deliver to a whole domain
TABLES = (
    "alias_way",
    "alias_request",
    "alias_taker",
    "alias_linked",
    "alias_copy",
    "alias_node",
    "alias_ends",
    "alias_round",
)


def forget() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {', '.join(TABLES)}")


def lay_out() -> None:
    """Finds which alias leads to which; most lead to none. What is said of aliases afterwards is read from this."""
    forget()
    with connection.cursor() as cursor:
        cursor.execute(WAYS)
        cursor.execute(NODES)


def _count_ends(most: int) -> Iterator[tuple[Finding, int]]:
    """From the aliases that lead to no other upwards: an alias is counted once all that it leads to are. What is left
    then goes round, or leads to what does."""
    with connection.cursor() as cursor:
        cursor.execute(FIRST_ENDS)
        for step in range(2, MOST_STEPS + 1):
            cursor.execute(MORE_ENDS, {"step": step})
            if not cursor.rowcount:
                break
        cursor.execute("ANALYZE alias_ends")
        cursor.execute(WIDE, {"many": MANY, "most": most})
        wide = cursor.fetchall()
        cursor.execute(LONG, {"deep": DEEP, "most": most})
        long = cursor.fetchall()
    yield from _about_ends([(alias, ends) for alias, ends, is_exact in wide if is_exact])
    yield from _about_ends(_recounted([alias for alias, _ends, is_exact in wide if not is_exact]))
    names = _names_of([alias for alias, *_others in long])
    for alias, steps, number in long:
        if alias in names:
            yield {"kind": "deep", "alias": names[alias], "number": steps - 1}, number


def _go_round(most: int) -> Iterator[tuple[Finding, int]]:
    """Saving refuses loops; what SQL or a bulk load left is found here. What nothing leads to, or what leads nowhere,
    is taken off until loops remain."""
    with connection.cursor() as cursor:
        cursor.execute(ROUNDS)
        cursor.execute(TAKE_OFF)
        while cursor.rowcount:
            cursor.execute(TAKE_OFF)
        cursor.execute("SELECT count(*), count(DISTINCT from_id) FROM alias_round")
        ways, aliases = cursor.fetchone()
        cursor.execute(WAY_BACK, {"most": max(1, min(most, MOST_REACHED // max(1, ways)))})
        found = cursor.fetchall()
        cursor.execute(NOT_COUNTED, {"most": MOST_RECOUNTED})
        exchanging = [row[0] for row in cursor.fetchall()]
    names = _names_of([alias for row in found for alias in row])
    for alias, following in found:
        yield {"kind": "loop", "alias": names[alias], "target": names[following]}, aliases
    yield from _about_ends(_recounted(exchanging))


def _keep_the_local_part(most: int) -> Iterator[tuple[Finding, int]]:
    """Catch-alls that deliver to a whole domain: where they lead depends on what was asked for."""
    to_whole_domain = Q(destinations__domain__isnull=False, destinations__text="") | Q(
        destinations__domain=None, destinations__address=None, destinations__text__startswith="@"
    )
    found = Alias.objects.filter(to_whole_domain, active=True, address__local_part="").distinct()
    domain_ids = set(found.values_list("address__domain_id", flat=True)[:MOST_CATCH_ALLS])
    catch_alls = {Request(pk, "") for pk in domain_ids}
    starts = [*sorted(catch_alls), *typed_in(domain_ids)]
    ways = _ways(starts)
    if not ways:
        return
    wide = list(through_whole_domains(starts, ways))
    yield from _about_requests(wide, _ways(wide))
    for _number in range(most):
        loop = loop_in(ways)
        if not loop:
            break
        keeps = any(request.local_part and ways.taken_by.get(request) in catch_alls for request in loop)
        if keeps and not _has_inactive(ways, loop):  # others were found before
            yield {"kind": "loop", "alias": in_words(loop[0]), "target": in_words(loop[1])}, 1
        del ways.leads_to[loop[0]]


STAGES: Sequence[Stage] = (
    _count_ends,
    _go_round,
    _keep_the_local_part,
)


def _ways(starts: Sequence[Request]) -> Ways | None:
    try:
        return ways_from(starts)
    except ValidationError:
        return None  # a chain that is too long, which is found by counting steps


def _has_inactive(ways: Ways, loop: Sequence[Request]) -> bool:
    takers = {ways.taken_by[request] for request in loop if request in ways.taken_by}
    asleep = Q()
    for taker in takers:
        asleep |= Q(address__domain=taker.domain_id, address__local_part=taker.local_part)
    return Alias.objects.filter(asleep, active=False).exists()


def _recounted(alias_ids: Sequence[int]) -> list[tuple[int, int]]:
    """Over mailboxes that keep copies, the sum of ends is too high: Postfix expands them once."""
    rows = Alias.objects.filter(pk__in=alias_ids[:MOST_RECOUNTED]).select_related("address")
    requests = {row.pk: Request(row.address.domain_id, row.address.local_part) for row in rows}
    ways = _ways(list(requests.values()))
    return [(pk, number_of_ends(request, ways)) for pk, request in requests.items()] if ways else []


def _about_ends(found: Sequence[tuple[int, int]]) -> Iterator[tuple[Finding, int]]:
    names = _names_of([alias for alias, _ends in found])
    for alias, ends in found:
        if alias in names:
            yield from _about(names[alias], ends)


def _about_requests(requests: Sequence[Request], ways: Ways | None) -> Iterator[tuple[Finding, int]]:
    for request in requests:
        if ways:
            yield from _about(in_words(request), number_of_ends(request, ways))


def _about(name: str, ends: int) -> Iterator[tuple[Finding, int]]:
    if ends > MOST_DESTINATIONS:
        yield {"kind": "too_many", "alias": name, "number": MOST_DESTINATIONS}, 1
    elif ends > MANY:
        yield {"kind": "many", "alias": name, "number": ends}, 1


def _names_of(alias_ids: Sequence[int]) -> dict[int, str]:
    """Of those that are active."""
    aliases = Alias.objects.filter(pk__in=alias_ids, active=True).select_related("address__domain")
    return {alias.pk: str(alias) for alias in aliases}


# A destination with an extension or without an address is taken as Postfix asks: by itself, its base, a pattern, the
# catch-all. A whole domain stands for what its catch-all takes. An inactive alias begins ways, but none leads to it.
WAYS = """
    CREATE TEMPORARY TABLE alias_way AS
    SELECT link.alias_id AS from_id, further.id AS to_id
    FROM mailboxes_aliasdestination AS link
    JOIN mailboxes_alias AS further ON further.address_id = link.address_id AND further.active
    WHERE link.extension = '';

    CREATE TEMPORARY TABLE alias_request AS
    SELECT link.id, link.alias_id, target.domain_id, target.local_part || link.extension AS local_part
    FROM mailboxes_aliasdestination AS link
    JOIN mailboxes_address AS target ON target.id = link.address_id
    WHERE link.extension <> ''
    UNION ALL
    SELECT named.id, named.alias_id, COALESCE(asked.target_id, asked.id), named.text
    FROM mailboxes_aliasdestination AS named
    JOIN domains_domain AS asked ON asked.id = named.domain_id
    UNION ALL
    SELECT typed.id, typed.alias_id, COALESCE(asked.target_id, asked.id),
        lower(mail_map.unquoted(split_part(typed.text, '@', 1)))
    FROM mailboxes_aliasdestination AS typed
    JOIN domains_domain AS asked ON asked.name = lower(split_part(typed.text, '@', 2))
    WHERE typed.address_id IS NULL
      AND typed.domain_id IS NULL;

    CREATE TEMPORARY TABLE alias_taker AS
    SELECT request.id, request.alias_id, COALESCE(
        (SELECT address.id FROM mailboxes_address AS address
         WHERE address.domain_id = request.domain_id AND address.local_part = request.local_part),
        (SELECT address.id FROM mailboxes_address AS address
         WHERE address.domain_id = request.domain_id
           AND address.local_part = mail_map.base_of(request.local_part, mail_map.delimiters())),
        mail_map.pattern_or_catch_all(request.domain_id, request.local_part)
    ) AS address_id
    FROM alias_request AS request;
    ANALYZE alias_taker;

    INSERT INTO alias_way
    SELECT taker.alias_id, further.id
    FROM alias_taker AS taker
    JOIN mailboxes_alias AS further ON further.address_id = taker.address_id AND further.active;
    CREATE INDEX ON alias_way (to_id);
    CREATE INDEX ON alias_way (from_id);
    ANALYZE alias_way
"""

# `ends` are those that an alias has by itself: its destinations that are no aliases, and the copy of its mailbox.
NODES = """
    CREATE TEMPORARY TABLE alias_linked AS
    SELECT alias_id, sum(further)::bigint AS further
    FROM (
        SELECT from_id AS alias_id, 1 AS further FROM alias_way
        UNION ALL
        SELECT to_id, 0 FROM alias_way
    ) AS linked
    GROUP BY alias_id;
    ANALYZE alias_linked;

    CREATE TEMPORARY TABLE alias_copy AS
    SELECT alias.id AS alias_id
    FROM alias_linked AS linked
    JOIN mailboxes_alias AS alias ON alias.id = linked.alias_id
    JOIN mailboxes_mailbox AS mailbox ON mailbox.address_id = alias.address_id
    WHERE mail_map.receives(mailbox.active, mailbox.receives, mailbox.expires_at);
    ANALYZE alias_copy;

    CREATE TEMPORARY TABLE alias_node AS
    SELECT linked.alias_id, copy.alias_id IS NOT NULL AS keeps_copy,
        count(*) - linked.further + (copy.alias_id IS NOT NULL)::integer AS ends
    FROM alias_linked AS linked
    JOIN mailboxes_aliasdestination AS destination ON destination.alias_id = linked.alias_id
    LEFT JOIN alias_copy AS copy ON copy.alias_id = linked.alias_id
    GROUP BY linked.alias_id, linked.further, copy.alias_id;
    ALTER TABLE alias_node ADD PRIMARY KEY (alias_id);
    ANALYZE alias_node
"""

FIRST_ENDS = """
    CREATE TEMPORARY TABLE alias_ends AS
    SELECT alias_id, ends::bigint AS ends, 1 AS steps, NOT keeps_copy AS is_exact
    FROM alias_node
    WHERE NOT EXISTS (SELECT FROM alias_way WHERE alias_way.from_id = alias_node.alias_id);
    ALTER TABLE alias_ends ADD PRIMARY KEY (alias_id);
    CREATE INDEX ON alias_ends (steps);
    ANALYZE alias_ends
"""

# Two aliases that lead to two aliases each make so many ends that the sum is cut off.
MORE_ENDS = """
    INSERT INTO alias_ends
    SELECT node.alias_id, LEAST(node.ends + sum(below.ends), 1000000000), %(step)s,
        NOT node.keeps_copy AND bool_and(below.is_exact)
    FROM (
        SELECT DISTINCT way.from_id
        FROM alias_ends AS last
        JOIN alias_way AS way ON way.to_id = last.alias_id
        WHERE last.steps = %(step)s - 1
    ) AS above
    JOIN alias_node AS node ON node.alias_id = above.from_id
    JOIN alias_way AS way ON way.from_id = node.alias_id
    LEFT JOIN alias_ends AS below ON below.alias_id = way.to_id
    GROUP BY node.alias_id, node.ends, node.keeps_copy
    HAVING count(*) = count(below.alias_id)
"""

# Positions count from 0: an alias with more destinations than MANY has one behind that.
WIDE = """
    SELECT alias_id, ends, is_exact
    FROM (
        SELECT alias_id, ends, is_exact
        FROM alias_ends
        WHERE ends > %(many)s
        UNION ALL
        SELECT alias.id, count(*) + (mailbox.id IS NOT NULL)::integer, true
        FROM (
            SELECT DISTINCT alias_id
            FROM mailboxes_aliasdestination
            WHERE position >= %(many)s - 1
        ) AS long
        JOIN mailboxes_alias AS alias ON alias.id = long.alias_id AND alias.active
        JOIN mailboxes_aliasdestination AS destination ON destination.alias_id = alias.id
        LEFT JOIN mailboxes_mailbox AS mailbox ON mailbox.address_id = alias.address_id
            AND mail_map.receives(mailbox.active, mailbox.receives, mailbox.expires_at)
        WHERE NOT EXISTS (SELECT FROM alias_node AS node WHERE node.alias_id = alias.id)
        GROUP BY alias.id, mailbox.id
        HAVING count(*) + (mailbox.id IS NOT NULL)::integer > %(many)s
    ) AS wide
    ORDER BY ends DESC, alias_id
    LIMIT %(most)s
"""

# Only where a chain begins.
LONG = """
    SELECT alias_id, steps, count(*) OVER ()
    FROM alias_ends
    WHERE steps > %(deep)s
      AND NOT EXISTS (SELECT FROM alias_way WHERE alias_way.to_id = alias_ends.alias_id)
    ORDER BY steps DESC, alias_id
    LIMIT %(most)s
"""

# An alias that keeps a copy ends the round (mailboxes/ways.py).
ROUNDS = """
    CREATE TEMPORARY TABLE alias_round AS
    WITH open AS (
        SELECT alias_id
        FROM alias_node
        WHERE NOT keeps_copy
          AND NOT EXISTS (SELECT FROM alias_ends WHERE alias_ends.alias_id = alias_node.alias_id)
    )
    SELECT DISTINCT way.from_id, way.to_id
    FROM open
    JOIN alias_way AS way ON way.from_id = open.alias_id
    JOIN open AS next ON next.alias_id = way.to_id;
    CREATE INDEX ON alias_round (to_id);
    CREATE INDEX ON alias_round (from_id);
    ANALYZE alias_round
"""

TAKE_OFF = """
    DELETE FROM alias_round AS way
    WHERE NOT EXISTS (SELECT FROM alias_round AS further WHERE further.from_id = way.to_id)
       OR NOT EXISTS (SELECT FROM alias_round AS before WHERE before.to_id = way.from_id)
"""

WAY_BACK = """
    WITH RECURSIVE reached AS (
        SELECT way.from_id AS start_id, way.to_id AS first_id, way.to_id AS at_id
        FROM (SELECT DISTINCT from_id FROM alias_round ORDER BY from_id LIMIT %(most)s) AS start
        JOIN alias_round AS way ON way.from_id = start.from_id
        UNION
        SELECT reached.start_id, reached.first_id, way.to_id
        FROM reached
        JOIN alias_round AS way ON way.from_id = reached.at_id
        WHERE reached.at_id <> reached.start_id
    )
    SELECT start_id, min(first_id)
    FROM reached
    WHERE at_id = start_id
    GROUP BY start_id
    ORDER BY start_id
"""

# Mailboxes that send each other copies, and what leads there: the widest.
NOT_COUNTED = """
    SELECT node.alias_id
    FROM alias_node AS node
    WHERE NOT EXISTS (SELECT FROM alias_ends WHERE alias_ends.alias_id = node.alias_id)
      AND NOT EXISTS (SELECT FROM alias_round WHERE alias_round.from_id = node.alias_id)
    ORDER BY node.ends DESC, node.alias_id
    LIMIT %(most)s
"""
