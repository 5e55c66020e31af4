"""Triggers that keep DomainCount true, whoever writes, and one that holds each quota to the limits of its domain.

The triggers run once a statement, over all its rows: a bulk load costs one change of each domain's counts. Counts are
locked in the order of the domains, so two statements never wait for each other. An address is looked up as a foreign
key is, by its number, row by row. A session keeps the plans of these functions, also those that it made while a table
had a few rows; a bulk load would then read the whole table for each of its rows, so enable_seqscan is off in them.
"""

from django.db import migrations

# The delta of each address first: most changes of a mailbox change no count, and then nothing else is read. An address
# that is not there is a NULL, which DomainCount refuses: what is counted must be there when it comes and when it goes.
COUNT = """
CREATE FUNCTION mailboxes_count_{counted}() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
BEGIN
    {branches}
    RETURN NULL;
END
$$;
"""

BRANCH = """
    IF TG_OP = '{operation}' THEN
        INSERT INTO domains_domaincount AS counts (domain_id, {columns})
        SELECT placed.domain_id, {totals}
        FROM (
            SELECT (SELECT domain_id FROM mailboxes_address WHERE id = delta.address_id) AS domain_id, {columns}
            FROM (
                SELECT address_id, {sums}
                FROM ({rows}) AS hung
                GROUP BY address_id
            ) AS delta
            WHERE ({columns}) IS DISTINCT FROM ({zeros})
        ) AS placed
        GROUP BY placed.domain_id
        ORDER BY placed.domain_id
        ON CONFLICT (domain_id) DO UPDATE SET {additions};
    END IF;"""

ROWS = {
    "INSERT": "SELECT 1 AS sign, new_rows.* FROM new_rows",
    "DELETE": "SELECT -1 AS sign, old_rows.* FROM old_rows",
    "UPDATE": "SELECT 1 AS sign, new_rows.* FROM new_rows UNION ALL SELECT -1, old_rows.* FROM old_rows",
}

TRIGGERS = """
CREATE TRIGGER count_insert AFTER INSERT ON {table}
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION mailboxes_count_{counted}();
CREATE TRIGGER count_update AFTER UPDATE ON {table}
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION mailboxes_count_{counted}();
CREATE TRIGGER count_delete AFTER DELETE ON {table}
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION mailboxes_count_{counted}();
CREATE TRIGGER count_truncate AFTER TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION mailboxes_count_{counted}();
"""

# counted -> (table, {column: what one row adds to it})
COUNTED = {
    "mailboxes": (
        "mailboxes_mailbox",
        {
            "mailboxes": "sign",
            "quota_bytes": "sign * coalesce(quota_bytes, 0)::numeric",
            "without_quota": "CASE WHEN quota_bytes IS NULL THEN sign ELSE 0 END",
        },
    ),
    "aliases": ("mailboxes_alias", {"aliases": "sign"}),
    "recipients": ("mailboxes_relayrecipient", {"recipients": "sign"}),
}

# Only the domain matters here: a new local part counts nothing. What hangs on the address goes along.
MOVES = """
CREATE FUNCTION mailboxes_count_moves() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
BEGIN
    INSERT INTO domains_domaincount AS counts (domain_id, mailboxes, quota_bytes, without_quota, aliases, recipients)
    SELECT
        moved.domain_id,
        sum(sign * (SELECT count(*) FROM mailboxes_mailbox WHERE address_id = moved.id)),
        sum(sign * (SELECT coalesce(sum(quota_bytes), 0) FROM mailboxes_mailbox WHERE address_id = moved.id)),
        sum(sign * (SELECT count(*) FROM mailboxes_mailbox WHERE address_id = moved.id AND quota_bytes IS NULL)),
        sum(sign * (SELECT count(*) FROM mailboxes_alias WHERE address_id = moved.id)),
        sum(sign * (SELECT count(*) FROM mailboxes_relayrecipient WHERE address_id = moved.id))
    FROM (
        SELECT id, domain_id, sum(sign) AS sign
        FROM (
            SELECT 1 AS sign, id, domain_id FROM new_rows UNION ALL SELECT -1, id, domain_id FROM old_rows
        ) AS placed
        GROUP BY id, domain_id
        HAVING sum(sign) <> 0
    ) AS moved
    GROUP BY moved.domain_id
    ORDER BY moved.domain_id
    ON CONFLICT (domain_id) DO UPDATE SET
        mailboxes = counts.mailboxes + excluded.mailboxes,
        quota_bytes = counts.quota_bytes + excluded.quota_bytes,
        without_quota = counts.without_quota + excluded.without_quota,
        aliases = counts.aliases + excluded.aliases,
        recipients = counts.recipients + excluded.recipients;
    RETURN NULL;
END
$$;

CREATE TRIGGER count_moves AFTER UPDATE ON mailboxes_address
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION mailboxes_count_moves();
"""

# A quota that stays as it is may be larger than a limit that came later.
QUOTAS = """
CREATE FUNCTION mailboxes_refuse_quota() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
DECLARE
    quota bigint;
    domain domains_domain;
BEGIN
    IF TG_TABLE_NAME = 'mailboxes_address' THEN
        IF NEW.domain_id = OLD.domain_id THEN
            RETURN NULL;
        END IF;
        SELECT quota_bytes INTO quota FROM mailboxes_mailbox WHERE address_id = NEW.id;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        SELECT * INTO domain FROM domains_domain WHERE id = NEW.domain_id;
    ELSE
        IF TG_OP = 'UPDATE' THEN
            IF NEW.address_id = OLD.address_id AND NEW.quota_bytes IS NOT DISTINCT FROM OLD.quota_bytes THEN
                RETURN NULL;
            END IF;
        END IF;
        quota := NEW.quota_bytes;
        SELECT * INTO domain
        FROM domains_domain
        WHERE id = (SELECT domain_id FROM mailboxes_address WHERE id = NEW.address_id);
    END IF;
    IF quota > domain.max_quota_bytes
        OR (quota IS NULL AND (domain.max_quota_bytes IS NOT NULL OR domain.max_total_quota_bytes IS NOT NULL))
    THEN
        RAISE check_violation USING
            CONSTRAINT = TG_NAME,
            MESSAGE = format('%s does not allow a mailbox a quota of %s', domain.name, coalesce(quota::text, 'no limit')),
            DETAIL = json_build_object('domain', domain.name, 'quota', quota, 'limit', domain.max_quota_bytes);
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER a_quota_is_one_that_its_domain_allows AFTER INSERT OR UPDATE ON mailboxes_mailbox
    FOR EACH ROW EXECUTE FUNCTION mailboxes_refuse_quota();

CREATE CONSTRAINT TRIGGER a_quota_is_one_that_its_domain_allows AFTER UPDATE ON mailboxes_address
    FOR EACH ROW EXECUTE FUNCTION mailboxes_refuse_quota();
"""


def counting(counted: str) -> str:
    table, columns = COUNTED[counted]
    names = ", ".join(columns)
    branches = [
        BRANCH.format(
            operation=operation,
            rows=rows,
            columns=names,
            sums=", ".join(f"sum({adds}) AS {column}" for column, adds in columns.items()),
            zeros=", ".join("0" for _column in columns),
            totals=", ".join(f"sum(placed.{column})" for column in columns),
            additions=", ".join(f"{column} = counts.{column} + excluded.{column}" for column in columns),
        )
        for operation, rows in ROWS.items()
    ]
    none = f"""
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE domains_domaincount SET {", ".join(f"{column} = 0" for column in columns)};
    END IF;"""
    return COUNT.format(counted=counted, branches="".join([*branches, none]).strip()) + TRIGGERS.format(
        table=table, counted=counted
    )


class Migration(migrations.Migration):
    dependencies = [("domains", "0008_limits"), ("mailboxes", "0008_default_aliases")]

    operations = [
        *(
            migrations.RunSQL(counting(counted), f"DROP FUNCTION mailboxes_count_{counted} CASCADE")
            for counted in COUNTED
        ),
        migrations.RunSQL(MOVES, "DROP FUNCTION mailboxes_count_moves CASCADE"),
        migrations.RunSQL(QUOTAS, "DROP FUNCTION mailboxes_refuse_quota CASCADE"),
    ]
