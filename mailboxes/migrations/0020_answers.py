"""What virtual_alias_maps answers for an address, kept in a column `answer` beside it, so that it reads one row and not
four; and triggers that keep it true, whoever writes.

The column is no field: nothing in Python reads or writes it, the history and an undo need not know it. It holds what is
said in the address's own domain, if Postfix does not split the local part at a delimiter: so it depends on the address,
its mailbox, its alias and the destinations, and on nothing that is set elsewhere.

- empty: surely nothing. One line: surely this destination. That is all that most lookups read.
- a line break first, then the destinations, if any, one a line: more than one, or a name that Postfix may split (the
  function finds out), or that begins with a quote.
- NULL: ask the tables, for it depends on the time or on what is asked, or is long.

The address is locked before anything is read, so of two who write at once the later one sees both. A mailbox whose
address has no alias has no part in an answer, and locks nothing; therefore a new alias waits for who is just changing
the mailbox beside it. (Two who add both at once wait for each other in the counts, see 0009; count_insert comes before
keep_answers.) A plan that a session made for one row while the tables were small would take minutes for a bulk load, so
each is made anew.
"""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

from mailboxes.written import PLAIN

LONGEST = 1000  # characters; longer ones would only make rows wide that are read for other reasons

COLUMN = """ALTER TABLE mailboxes_address ADD COLUMN answer text COLLATE "C" DEFAULT ''"""

# Names that Postfix may split, and those that look quoted.
SPECIAL = '^"|[+-]'

FOUND = rf"""
CREATE FUNCTION mailboxes_found_answers(address_ids bigint[]) RETURNS TABLE (address_id bigint, answer text)
LANGUAGE sql STABLE
AS $$
    SELECT
        address.id,
        CASE
            WHEN alias.active IS NOT TRUE THEN CASE WHEN address.local_part ~ '{SPECIAL}' THEN E'\n' ELSE '' END
            WHEN address.local_part = '' OR alias.starts_at IS NOT NULL OR alias.ends_at IS NOT NULL THEN NULL
            WHEN mailbox.active AND mailbox.receives AND mailbox.expires_at IS NOT NULL THEN NULL
            WHEN goes_on.to_whole_domain OR length(goes_on.destinations) > {LONGEST} THEN NULL
            ELSE CASE
                WHEN address.local_part ~ '{SPECIAL}' THEN E'\n'
                WHEN strpos(said.lines, E'\n') > 0 THEN E'\n'
                ELSE ''
            END || said.lines
        END
    FROM unnest(address_ids) AS asked (id)
    JOIN public.mailboxes_address AS address ON address.id = asked.id
    JOIN public.domains_domain AS domain ON domain.id = address.domain_id
    LEFT JOIN public.mailboxes_alias AS alias ON alias.address_id = address.id
    LEFT JOIN public.mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
    CROSS JOIN LATERAL (
        SELECT
            string_agg(destination.written, E'\n' ORDER BY destination.position) AS destinations,
            bool_or(destination.written = '') AS to_whole_domain
        FROM public.mailboxes_aliasdestination AS destination
        WHERE destination.alias_id = alias.id
    ) AS goes_on
    CROSS JOIN LATERAL (
        SELECT concat_ws(
            E'\n',
            goes_on.destinations,
            CASE
                WHEN (mailbox.active AND mailbox.receives) IS NOT TRUE THEN NULL
                WHEN address.local_part ~ '{PLAIN}' THEN address.local_part || '@' || domain.name
                ELSE '"' || regexp_replace(address.local_part, '(["\\])', '\\\1', 'g') || '"@' || domain.name
            END
        )
    ) AS said (lines)
$$;
"""  # noqa: S608  our own words

KEEP = """
CREATE FUNCTION mailboxes_keep_answers(address_ids bigint[]) RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
    PERFORM FROM mailboxes_address WHERE id = ANY (address_ids) ORDER BY id FOR NO KEY UPDATE;
    UPDATE mailboxes_address AS address
    SET answer = found.answer
    FROM mailboxes_found_answers(address_ids) AS found
    WHERE address.id = found.address_id
      AND address.answer IS DISTINCT FROM found.answer;
END
$$;
"""

FOLLOWS = r"""
CREATE FUNCTION mailboxes_answers_follow_{what}() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    address_ids bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        address_ids := ARRAY({inserted});{added}
    ELSIF TG_OP = 'UPDATE' THEN
        address_ids := ARRAY({updated});
    ELSIF TG_OP = 'DELETE' THEN
        address_ids := ARRAY({deleted});
    ELSE
        address_ids := ARRAY(SELECT id FROM mailboxes_address WHERE answer IS NULL OR answer NOT IN ('', E'\n'));
    END IF;
    IF cardinality(address_ids) > 0 THEN
        PERFORM mailboxes_keep_answers(address_ids);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER keep_answers_insert AFTER INSERT ON {table}
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION mailboxes_answers_follow_{what}();
CREATE TRIGGER keep_answers_update AFTER UPDATE ON {table}
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION mailboxes_answers_follow_{what}();
CREATE TRIGGER keep_answers_delete AFTER DELETE ON {table}
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION mailboxes_answers_follow_{what}();
CREATE TRIGGER keep_answers_truncate AFTER TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION mailboxes_answers_follow_{what}();
"""

# Which addresses some rows concern.
CHANGED = (
    "(SELECT {columns} FROM new_rows EXCEPT SELECT {columns} FROM old_rows)"
    " UNION ALL (SELECT {columns} FROM old_rows EXCEPT SELECT {columns} FROM new_rows)"
)
OF_ALIASES = "SELECT DISTINCT address_id FROM ({rows}) AS hung"
OF_MAILBOXES = """
    SELECT DISTINCT address_id FROM ({rows}) AS hung
    WHERE EXISTS (SELECT FROM mailboxes_alias AS alias WHERE alias.address_id = hung.address_id)"""
OF_DESTINATIONS = """
    SELECT alias.address_id FROM (SELECT DISTINCT alias_id FROM ({rows}) AS hung) AS changed
    CROSS JOIN LATERAL (
        SELECT address_id FROM mailboxes_alias WHERE id = changed.alias_id LIMIT 1
    ) AS alias"""

WAIT_FOR_MAILBOXES = """
        PERFORM FROM mailboxes_mailbox WHERE address_id = ANY (address_ids) ORDER BY id FOR SHARE;"""

# A name that is special from the beginning; a new name, or an answer that somebody has typed.
FOLLOWS_ADDRESS = rf"""
CREATE FUNCTION mailboxes_answer_of_special_name() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.answer := E'\n';
    RETURN NEW;
END
$$;
CREATE TRIGGER answer_of_special_name BEFORE INSERT ON mailboxes_address
    FOR EACH ROW WHEN (NEW.local_part ~ '{SPECIAL}') EXECUTE FUNCTION mailboxes_answer_of_special_name();

CREATE FUNCTION mailboxes_answers_follow_address() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM mailboxes_keep_answers(ARRAY[NEW.id]);
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_answers AFTER UPDATE OF domain_id, local_part, answer ON mailboxes_address
    FOR EACH ROW WHEN (pg_trigger_depth() = 0 OR (OLD.domain_id, OLD.local_part) <> (NEW.domain_id, NEW.local_part))
    EXECUTE FUNCTION mailboxes_answers_follow_address();
"""

FILL = rf"""
UPDATE mailboxes_address AS address
SET answer = found.answer
FROM mailboxes_found_answers(ARRAY(
    SELECT id FROM mailboxes_address WHERE local_part ~ '{SPECIAL}' UNION SELECT address_id FROM mailboxes_alias
)) AS found
WHERE address.id = found.address_id
  AND address.answer IS DISTINCT FROM found.answer;
"""  # noqa: S608


def follows(what: str, table: str, ids: str, columns: str, added: str = "") -> migrations.RunSQL:
    text = FOLLOWS.format(
        what=what,
        table=table,
        inserted=ids.format(rows="SELECT * FROM new_rows"),
        updated=ids.format(rows=CHANGED.format(columns=columns)),
        deleted=ids.format(rows="SELECT * FROM old_rows"),
        added=added,
    )
    return migrations.RunSQL(text, f"DROP FUNCTION mailboxes_answers_follow_{what} CASCADE")


class Migration(migrations.Migration):
    dependencies = [("mailboxes", "0019_usage")]

    operations = [
        # The history knows the fields alone: it is put back at the end, when all answers are filled in.
        pgtrigger.migrations.RemoveTrigger(
            model_name='address',
            name='changed_update',
        ),
        migrations.RunSQL(COLUMN, "ALTER TABLE mailboxes_address DROP COLUMN answer"),
        migrations.RunSQL(FOUND, "DROP FUNCTION mailboxes_found_answers"),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(KEEP, "DROP FUNCTION mailboxes_keep_answers"),
        follows(
            "aliases", "mailboxes_alias", OF_ALIASES, "address_id, active, starts_at, ends_at", WAIT_FOR_MAILBOXES
        ),
        follows("mailboxes", "mailboxes_mailbox", OF_MAILBOXES, "address_id, active, receives, expires_at"),
        follows(
            "destinations", "mailboxes_aliasdestination", OF_DESTINATIONS, "alias_id, position, written"
        ),
        migrations.RunSQL(
            FOLLOWS_ADDRESS,
            "DROP FUNCTION mailboxes_answers_follow_address, mailboxes_answer_of_special_name CASCADE",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='address',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "mailboxes_addressevent" ("domain_id", "id", "local_part", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT new_values."domain_id", new_values."id", new_values."local_part", _pgh_attached_context.value, NOW(), \'changed\', new_values."id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."domain_id" IS DISTINCT FROM (new_values."domain_id") OR old_values."local_part" IS DISTINCT FROM (new_values."local_part")) ) AS new_values, _pgh_attached_context; RETURN NULL;', hash='4f95e56504e1cf98e5138b75fa3b9a27a9647903', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_changed_update_17a03', referencing='REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ', table='mailboxes_address', when='AFTER')),
        ),
        # Its plan for one row would compare each row of a bulk load with each other.
        migrations.RunSQL(
            "ALTER FUNCTION pgtrigger_changed_update_17a03() SET plan_cache_mode = force_custom_plan",
            migrations.RunSQL.noop,
        ),
    ]
