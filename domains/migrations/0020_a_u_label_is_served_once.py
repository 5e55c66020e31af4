"""What Postfix takes for one name belongs to one domain, or to alias domains of it: nobody gets the mail of another."""

from django.db import migrations

# ASCII without ss is what no U-label is folded to. One writer waits for the other, so that one of them sees both.
# What was there before is left alone: mail_map.a_label finds neither of two such domains by the U-label.
SERVED_ONCE = """
CREATE FUNCTION domains_refuse_what_is_taken_for_another() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
    key CONSTANT text := COALESCE(NULLIF(NEW.u_label, ''), NEW.name);
    other_name text;
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.u_label, OLD.target_id) IS NOT DISTINCT FROM (NEW.u_label, NEW.target_id) THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext(TG_NAME));
    SELECT other.name INTO other_name
    FROM domains_domain AS other
    WHERE (other.name = key OR other.u_label = key AND other.u_label <> '')
      AND other.id <> NEW.id
      AND COALESCE(other.target_id, other.id) <> COALESCE(NEW.target_id, NEW.id)
    LIMIT 1;
    IF FOUND THEN
        RAISE unique_violation USING
            CONSTRAINT = TG_NAME,
            MESSAGE = format('Postfix does not tell %s from %s', NEW.name, other_name);
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER a_u_label_is_served_once
    AFTER INSERT OR UPDATE OF u_label, target_id ON domains_domain
    FOR EACH ROW WHEN (NEW.u_label <> '' OR NEW.name LIKE '%ss%')
    EXECUTE FUNCTION domains_refuse_what_is_taken_for_another();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('domains', '0019_u_labels_are_folded'),
    ]

    operations = [migrations.RunSQL(SERVED_ONCE, 'DROP FUNCTION domains_refuse_what_is_taken_for_another CASCADE')]
