"""The part of the report that follows aliases to aliases: how many ends mail has, over how many aliases, and where it
goes round. In tables that last as long as the check, a step for all aliases at a time.

An extension that was typed goes on from alias to alias, until some alias has it in its name. So there are aliases
asked with one extension (alias_extended, with ids below 0) beside those asked with none, or with any other."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q

from mailboxes.destinations import MOST_DESTINATIONS
from mailboxes.fan_out import number_of_ends, through_whole_domains
from mailboxes.loops import loop_in
from mailboxes.models import Alias
from mailboxes.parsing import external_form
from mailboxes.ways import NO_NAME_HAS_IT, Request, Ways, in_words, typed_in, ways_from, ways_with_extensions

Finding = dict[str, Any]
Stage = Callable[[int], Iterator[tuple[Finding, int]]]

MANY = 800  # destinations that are near MOST_DESTINATIONS
DEEP = 10  # aliases in a row
MOST_STEPS = 1000  # virtual_alias_recursion_limit, postconf(5)
MOST_RECOUNTED = 100  # aliases over mailboxes that keep copies, counted once more as Postfix does
MOST_REACHED = 2_000_000  # rows, in the search for the way back
MOST_CATCH_ALLS = 20_000  # that deliver to a whole domain
MOST_EXTENDED = 100_000  # extensions that are tried for these
TABLES = (
    "alias_named",
    "alias_split",
    "alias_extended",
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
        cursor.execute(EXTENDED, {"most": MOST_REACHED})
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
        cursor.execute(ROUND_NUMBERS)
        ways, aliases = cursor.fetchone()
        cursor.execute(WAY_BACK, {"most": max(1, min(most, MOST_REACHED // max(1, ways)))})
        found = cursor.fetchall()
        cursor.execute(NOT_COUNTED, {"most": MOST_RECOUNTED})
        exchanging = [row[0] for row in cursor.fetchall()]
    names = _names_of([alias for row in found for alias in row])
    for alias in _without_repetition([alias for alias, _following in found]):
        yield {"kind": "loop", "alias": names[alias], "target": names[dict(found)[alias]]}, aliases
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
    try:
        starts, ways = ways_with_extensions(starts, most=MOST_EXTENDED)
        wide = list(through_whole_domains(starts, ways))
        counted, ways_of_wide = ways_with_extensions(wide, most=MOST_EXTENDED)
    except ValidationError:
        return  # a chain that is too long, which is found by counting steps
    yield from _about_requests(counted, ways_of_wide)
    said: set[Request] = set()
    for _number in range(most):
        loop = loop_in(ways)
        if not loop:
            break
        keeps = any(request.local_part and ways.taken_by.get(request) in catch_alls for request in loop)
        is_said = not said.isdisjoint(_without_unknown(loop))
        if keeps and not is_said and not _has_inactive(ways, loop):  # others were found before
            yield {"kind": "loop", "alias": in_words(loop[0]), "target": in_words(loop[1])}, 1
        said.update(loop)
        del ways.leads_to[loop[0]]


STAGES: Sequence[Stage] = (
    _count_ends,
    _go_round,
    _keep_the_local_part,
)


def _has_inactive(ways: Ways, loop: Sequence[Request]) -> bool:
    takers = {ways.taken_by[request] for request in loop if request in ways.taken_by}
    asleep = Q()
    for taker in takers:
        asleep |= Q(address__domain=taker.domain_id, address__local_part=taker.local_part)
    return Alias.objects.filter(asleep, active=False).exists()


def _recounted(ids: Sequence[int]) -> list[tuple[int, int]]:
    """Over mailboxes that keep copies, the sum of ends is too high: Postfix expands them once."""
    extensions = _extensions_of(ids[:MOST_RECOUNTED])
    rows = Alias.objects.filter(pk__in=[pk for pk, _extension in extensions.values()]).select_related("address")
    names = {row.pk: row.address for row in rows}
    requests = {
        one: Request(names[pk].domain_id, names[pk].local_part + extension)
        for one, (pk, extension) in extensions.items()
    }
    try:
        ways = ways_from(requests.values())
    except ValidationError:
        return []  # a chain that is too long, which is found by counting steps
    return [(one, number_of_ends(request, ways)) for one, request in requests.items()]


def _about_ends(found: Sequence[tuple[int, int]]) -> Iterator[tuple[Finding, int]]:
    names, ends = _names_of([alias for alias, _ends in found]), dict(found)
    for alias in _without_repetition(list(names)):
        yield from _about(names[alias], ends[alias])


def _without_repetition(ids: Sequence[int]) -> list[int]:
    """What is found of an alias whatever the extension is said once."""
    extensions, found = _extensions_of(ids), set(ids)
    return [one for one in ids if one > 0 or extensions[one][0] not in found]


def _about_requests(requests: Sequence[Request], ways: Ways) -> Iterator[tuple[Finding, int]]:
    said: set[Request] = set()
    for request in requests:
        if not said.isdisjoint(_without_unknown([request])):
            continue
        for finding in _about(in_words(request), number_of_ends(request, ways)):
            said.add(request)
            yield finding


def _without_unknown(requests: Sequence[Request]) -> Iterator[Request]:
    """Of those with an extension that no name has, what they are without it."""
    for one in requests:
        if one.local_part.endswith(NO_NAME_HAS_IT):
            yield one._replace(local_part=one.local_part.removesuffix(NO_NAME_HAS_IT)[:-1])


def _about(name: str, ends: int) -> Iterator[tuple[Finding, int]]:
    if ends > MOST_DESTINATIONS:
        yield {"kind": "too_many", "alias": name, "number": MOST_DESTINATIONS}, 1
    elif ends > MANY:
        yield {"kind": "many", "alias": name, "number": ends}, 1


def _names_of(ids: Sequence[int]) -> dict[int, str]:
    """Of those that are active, in the same order."""
    extensions = _extensions_of(ids)
    rows = Alias.objects.filter(pk__in={pk for pk, _extension in extensions.values()}, active=True)
    names = {row.pk: row.address for row in rows.select_related("address__domain")}
    return {
        one: external_form(names[pk].local_part + extension, names[pk].domain.name)
        for one, (pk, extension) in extensions.items()
        if pk in names
    }


def _extensions_of(ids: Sequence[int]) -> dict[int, tuple[int, str]]:
    """Of each the alias, and the extension with which it is asked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, alias_id, extension FROM alias_extended WHERE id = ANY (%s)", [list(ids)])
        extended = {one: (pk, extension) for one, pk, extension in cursor.fetchall()}
    return {one: extended.get(one, (one, "")) for one in ids}


# Aliases and patterns that Postfix could split, and upwards from each: the aliases that lead there if they are asked
# with the rest of its name, where that makes no address of its own. And those that lead to a name that Postfix could
# split, asked with an extension that no name has: its base or a catch-all takes what its own alias or mailbox would.
# An inactive one is asleep: its base takes the mail, unless there is more than the alias.
EXTENDED = """
    CREATE TEMPORARY TABLE alias_named AS
    SELECT address.id, address.domain_id, address.local_part,
        mail_map.base_of(address.local_part, mail_map.delimiters()) AS base
    FROM mailboxes_address AS address
    WHERE strpos(address.local_part, left(mail_map.delimiters(), 1)) > 1
       OR strpos(address.local_part, right(mail_map.delimiters(), 1)) > 1;
    ANALYZE alias_named;

    CREATE TEMPORARY TABLE alias_split AS
    SELECT named.id AS address_id, named.domain_id, named.base,
        substr(named.local_part, length(named.base) + 1) AS extension,
        NOT alias.active
            AND NOT EXISTS (SELECT FROM mailboxes_mailbox AS mailbox WHERE mailbox.address_id = named.id)
            AND NOT EXISTS (SELECT FROM mailboxes_relayrecipient AS recipient WHERE recipient.address_id = named.id)
            AS is_asleep
    FROM alias_named AS named
    JOIN mailboxes_alias AS alias ON alias.address_id = named.id
    WHERE named.base IS NOT NULL;
    CREATE INDEX ON alias_split (address_id);
    ANALYZE alias_split;

    CREATE TEMPORARY TABLE alias_extended AS
    WITH RECURSIVE carried AS (
        SELECT NULL::bigint AS alias_id, begun.domain_id, begun.local_part, begun.extension
        FROM (
            SELECT domain_id, base AS local_part, extension
            FROM alias_split
            UNION ALL
            SELECT named.domain_id, named.local_part, left(mail_map.delimiters(), 1) || 'X'
            FROM alias_named AS named
            LEFT JOIN mailboxes_address AS base ON base.domain_id = named.domain_id AND base.local_part = named.base
            WHERE named.base IS NOT NULL
              AND named.local_part NOT LIKE '%%*'
              AND CASE
                  WHEN base.id IS NULL THEN mail_map.pattern_or_catch_all(named.domain_id, named.local_part) IS NOT NULL
                  ELSE EXISTS (SELECT FROM mailboxes_alias AS alias WHERE alias.address_id = base.id)
              END
        ) AS begun
        UNION
        SELECT alias.id, address.domain_id, address.local_part, one_up.extension
        FROM carried
        CROSS JOIN LATERAL (
            SELECT led.alias_id,
                substr(carried.local_part || carried.extension, length(led.name) + 1) AS extension
            FROM (
                SELECT linked.alias_id, carried.local_part || linked.extension AS name
                FROM (
                    SELECT base.id
                    FROM mailboxes_address AS base
                    WHERE base.domain_id = carried.domain_id AND base.local_part = carried.local_part
                    OFFSET 0
                ) AS base
                CROSS JOIN LATERAL (
                    SELECT linked.alias_id, linked.extension
                    FROM mailboxes_aliasdestination AS linked
                    WHERE linked.address_id = base.id
                    OFFSET 0
                ) AS linked
                UNION ALL
                SELECT named.alias_id, named.text
                FROM domains_domain AS asked
                CROSS JOIN LATERAL (
                    SELECT named.alias_id, named.text
                    FROM mailboxes_aliasdestination AS named
                    WHERE named.domain_id = asked.id
                    OFFSET 0
                ) AS named
                WHERE asked.id = carried.domain_id
                   OR asked.target_id = carried.domain_id
                UNION ALL
                SELECT typed.alias_id, lower(mail_map.unquoted(split_part(typed.text, '@', 1)))
                FROM domains_domain AS asked
                CROSS JOIN LATERAL (
                    SELECT typed.alias_id, typed.text
                    FROM mailboxes_aliasdestination AS typed
                    WHERE lower(split_part(typed.text, '@', 2)) = asked.name
                      AND typed.address_id IS NULL
                      AND typed.domain_id IS NULL
                    OFFSET 0
                ) AS typed
                WHERE asked.id = carried.domain_id
                   OR asked.target_id = carried.domain_id
            ) AS led
            WHERE led.name <> ''
              AND starts_with(carried.local_part || carried.extension, led.name)
        ) AS one_up
        CROSS JOIN LATERAL (
            SELECT alias.id, alias.address_id FROM mailboxes_alias AS alias WHERE alias.id = one_up.alias_id OFFSET 0
        ) AS alias
        CROSS JOIN LATERAL (
            SELECT address.domain_id, address.local_part
            FROM mailboxes_address AS address
            WHERE address.id = alias.address_id
            OFFSET 0
        ) AS address
        JOIN domains_domain AS domain ON domain.id = address.domain_id AND domain.address_class <> 'local'
        WHERE one_up.extension <> ''
          AND strpos(mail_map.delimiters(), left(one_up.extension, 1)) > 0
          AND address.local_part <> ''
          AND address.local_part NOT LIKE '%%*'
          AND mail_map.base_of(address.local_part, mail_map.delimiters()) IS NULL
          AND NOT EXISTS (
              SELECT FROM mailboxes_address AS exact
              WHERE exact.domain_id = address.domain_id
                AND exact.local_part = address.local_part || one_up.extension
          )
    )
    SELECT -row_number() OVER () AS id, alias_id, extension
    FROM carried
    WHERE alias_id IS NOT NULL
    LIMIT %(most)s;
    CREATE INDEX ON alias_extended (alias_id);
    CREATE INDEX ON alias_extended (id);
    ANALYZE alias_extended
"""

# A destination with an extension or without an address is taken as Postfix asks: by itself, its base, a pattern, the
# catch-all. A whole domain stands for what its catch-all takes. An inactive alias begins ways, but none leads to it.
# Local aliases have no domain, so any local domain will do, and local(8) drops the extension.
WAYS = """
    CREATE TEMPORARY TABLE alias_way AS
    SELECT link.alias_id AS from_id, further.id AS to_id
    FROM mailboxes_aliasdestination AS link
    JOIN mailboxes_alias AS further ON further.address_id = link.address_id AND further.active
    WHERE link.extension = '';

    CREATE TEMPORARY TABLE alias_request AS
    WITH answering AS MATERIALIZED (
        SELECT id, name, address_class = 'local' AS is_local,
            CASE
                WHEN address_class = 'local' THEN ARRAY(SELECT id FROM domains_domain WHERE address_class = 'local')
                ELSE ARRAY[COALESCE(target_id, id)]
            END AS domain_ids
        FROM domains_domain
    ),
    asked AS (
        SELECT link.id, link.alias_id AS from_id, target.domain_id, target.local_part || link.extension AS local_part
        FROM mailboxes_aliasdestination AS link
        JOIN mailboxes_address AS target ON target.id = link.address_id
        WHERE link.extension <> ''
        UNION ALL
        SELECT link.id, link.alias_id, split.domain_id, split.base || split.extension
        FROM alias_split AS split
        JOIN mailboxes_aliasdestination AS link ON link.address_id = split.address_id AND link.extension = ''
        WHERE split.is_asleep
        UNION ALL
        SELECT id, alias_id, domain_id, text
        FROM mailboxes_aliasdestination
        WHERE domain_id IS NOT NULL
        UNION ALL
        SELECT NULL, extended.id, COALESCE(target.domain_id, destination.domain_id),
            COALESCE(target.local_part || destination.extension, destination.text) || extended.extension
        FROM alias_extended AS extended
        JOIN mailboxes_aliasdestination AS destination ON destination.alias_id = extended.alias_id
        LEFT JOIN mailboxes_address AS target ON target.id = destination.address_id
        WHERE target.id IS NOT NULL
           OR destination.domain_id IS NOT NULL
    )
    SELECT asked.id, asked.from_id, answering.domain_ids, answering.is_local, asked.local_part
    FROM asked
    JOIN answering ON answering.id = asked.domain_id
    UNION ALL
    SELECT typed.id, typed.alias_id, answering.domain_ids, answering.is_local,
        lower(mail_map.unquoted(split_part(typed.text, '@', 1)))
    FROM mailboxes_aliasdestination AS typed
    JOIN answering ON answering.name = lower(split_part(typed.text, '@', 2))
    WHERE typed.address_id IS NULL
      AND typed.domain_id IS NULL
    UNION ALL
    SELECT NULL, extended.id, answering.domain_ids, answering.is_local,
        lower(mail_map.unquoted(split_part(typed.text, '@', 1))) || extended.extension
    FROM alias_extended AS extended
    JOIN mailboxes_aliasdestination AS typed ON typed.alias_id = extended.alias_id
    JOIN answering ON answering.name = lower(split_part(typed.text, '@', 2))
    WHERE typed.address_id IS NULL
      AND typed.domain_id IS NULL;

    CREATE TEMPORARY TABLE alias_taker AS
    SELECT request.id, request.from_id,
        COALESCE(
            exact.id, base.id, mail_map.pattern_or_catch_all(request.domain_ids[1], request.local_part)
        ) AS address_id,
        CASE
            WHEN exact.id IS NULL AND base.id IS NOT NULL AND NOT request.is_local
                THEN substr(request.local_part, length(base.local_part) + 1)
            ELSE ''
        END AS extension
    FROM alias_request AS request
    LEFT JOIN LATERAL (
        SELECT address.id
        FROM mailboxes_address AS address
        WHERE address.domain_id = ANY (request.domain_ids)
          AND address.local_part = request.local_part
          AND NOT EXISTS (SELECT FROM alias_split AS split WHERE split.address_id = address.id AND split.is_asleep)
        LIMIT 1
    ) AS exact ON true
    LEFT JOIN LATERAL (
        SELECT address.id, address.local_part
        FROM mailboxes_address AS address
        WHERE exact.id IS NULL
          AND address.domain_id = ANY (request.domain_ids)
          AND address.local_part = mail_map.base_of(request.local_part, mail_map.delimiters())
        LIMIT 1
    ) AS base ON true;
    ANALYZE alias_taker;

    INSERT INTO alias_way
    SELECT taker.from_id, COALESCE(extended.id, by_any.id, further.id)
    FROM alias_taker AS taker
    JOIN mailboxes_alias AS further ON further.address_id = taker.address_id AND further.active
    LEFT JOIN alias_extended AS extended ON extended.alias_id = further.id AND extended.extension = taker.extension
    LEFT JOIN alias_extended AS by_any ON by_any.alias_id = further.id
        AND by_any.extension = left(mail_map.delimiters(), 1) || 'X'
        AND taker.extension <> '';
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
    SELECT linked.alias_id
    FROM alias_linked AS linked
    LEFT JOIN alias_extended AS extended ON extended.id = linked.alias_id
    JOIN mailboxes_alias AS alias ON alias.id = COALESCE(extended.alias_id, linked.alias_id)
    JOIN mailboxes_mailbox AS mailbox ON mailbox.address_id = alias.address_id
    WHERE mail_map.receives(mailbox.active, mailbox.receives, mailbox.expires_at);
    ANALYZE alias_copy;

    CREATE TEMPORARY TABLE alias_node AS
    SELECT linked.alias_id, copy.alias_id IS NOT NULL AS keeps_copy,
        count(*) - linked.further + (copy.alias_id IS NOT NULL)::integer AS ends
    FROM alias_linked AS linked
    LEFT JOIN alias_extended AS extended ON extended.id = linked.alias_id
    JOIN mailboxes_aliasdestination AS destination
        ON destination.alias_id = COALESCE(extended.alias_id, linked.alias_id)
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
      AND alias_id > 0
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

ROUND_NUMBERS = """
    SELECT count(*), count(DISTINCT COALESCE(extended.alias_id, way.from_id))
    FROM alias_round AS way
    LEFT JOIN alias_extended AS extended ON extended.id = way.from_id
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
