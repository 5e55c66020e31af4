"""A name in the DNS holds one DKIM key, also where the key of a target signs for an alias domain with keys of its own."""

from django.db import migrations

# Both rows are locked, the domain before its target as services lock them, so that of two writers one sees the other.
ONE_KEY = """
CREATE FUNCTION domains_refuse_two_dkim_keys() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
DECLARE
    touched CONSTANT bigint := (to_jsonb(NEW) ->> TG_ARGV[0])::bigint;
    target bigint;
    name text;
BEGIN
    SELECT target_id INTO target
    FROM domains_domain
    WHERE id = touched
    FOR NO KEY UPDATE;
    PERFORM FROM domains_domain
    WHERE id = target
    FOR NO KEY UPDATE;
    SELECT own.selector || '._domainkey.' || alias_domain.name INTO name
    FROM domains_domain AS alias_domain
    JOIN domains_dkimkey AS own ON own.domain_id = alias_domain.id AND own.state <> 'gone'
    JOIN domains_dkimkey AS other ON other.domain_id = alias_domain.target_id AND other.selector = own.selector
    WHERE touched IN (alias_domain.id, alias_domain.target_id)
      AND other.for_alias_domains
      AND other.state <> 'gone'
    LIMIT 1;
    IF name IS NOT NULL THEN
        RAISE unique_violation USING
            CONSTRAINT = TG_NAME,
            MESSAGE = format('%s would hold two DKIM keys', name);
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER a_dkim_name_holds_one_key
    AFTER INSERT OR UPDATE OF domain_id, selector, for_alias_domains, state ON domains_dkimkey
    FOR EACH ROW WHEN (NEW.state <> 'gone')
    EXECUTE FUNCTION domains_refuse_two_dkim_keys('domain_id');

CREATE CONSTRAINT TRIGGER a_dkim_name_holds_one_key
    AFTER INSERT OR UPDATE OF target_id ON domains_domain
    FOR EACH ROW WHEN (NEW.target_id IS NOT NULL)
    EXECUTE FUNCTION domains_refuse_two_dkim_keys('id');
"""


class Migration(migrations.Migration):

    dependencies = [
        ('domains', '0012_dkim_rotation'),
    ]

    operations = [migrations.RunSQL(ONE_KEY, "DROP FUNCTION domains_refuse_two_dkim_keys CASCADE")]
