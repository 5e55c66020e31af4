"""Names that DKIM keys have left, kept by the database whoever deletes it or an alias domain: a service, an undo, SQL."""

from django.db import migrations, models

# A key that was made here and never published was seen by nobody; one that was imported may have signed elsewhere.
LEAVES = """
CREATE FUNCTION domains_keep_left_dkim_names() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
DECLARE
    leaves CONSTANT boolean := TG_OP = 'DELETE' OR NEW.state = 'gone';
    leaves_alias_domains CONSTANT boolean := OLD.for_alias_domains AND (leaves OR NOT NEW.for_alias_domains);
BEGIN
    INSERT INTO domains_leftdkimname (name, public_key, left_at)
    SELECT OLD.selector || '._domainkey.' || domain.name, OLD.public_key, now()
    FROM domains_domain AS domain
    WHERE domain.id = OLD.domain_id AND leaves
    UNION ALL
    SELECT OLD.selector || '._domainkey.' || domain.name, OLD.public_key, now()
    FROM domains_domain AS domain
    WHERE domain.target_id = OLD.domain_id AND leaves_alias_domains;
    RETURN NULL;
END
$$;

CREATE TRIGGER keep_left_names
    AFTER UPDATE OF state, for_alias_domains OR DELETE ON domains_dkimkey
    FOR EACH ROW WHEN (OLD.state <> 'gone' AND (OLD.published_at IS NOT NULL OR OLD.made_by IS NULL))
    EXECUTE FUNCTION domains_keep_left_dkim_names();
"""
# An alias domain goes, or gets another target: the keys that signed for it leave its zone.
ALIAS_LEAVES = """
CREATE FUNCTION domains_keep_left_dkim_names_of_alias() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
BEGIN
    INSERT INTO domains_leftdkimname (name, public_key, left_at)
    SELECT key.selector || '._domainkey.' || OLD.name, key.public_key, now()
    FROM domains_dkimkey AS key
    WHERE key.domain_id = OLD.target_id AND key.for_alias_domains AND key.state <> 'gone'
      AND (key.published_at IS NOT NULL OR key.made_by IS NULL);
    RETURN NULL;
END
$$;

CREATE TRIGGER keep_left_names_of_alias
    AFTER DELETE ON domains_domain
    FOR EACH ROW WHEN (OLD.target_id IS NOT NULL)
    EXECUTE FUNCTION domains_keep_left_dkim_names_of_alias();

CREATE TRIGGER keep_left_names_of_another_target
    AFTER UPDATE OF target_id ON domains_domain
    FOR EACH ROW WHEN (OLD.target_id <> NEW.target_id OR OLD.target_id IS NOT NULL AND NEW.target_id IS NULL)
    EXECUTE FUNCTION domains_keep_left_dkim_names_of_alias();
"""
# Keys that are gone already.
GONE = """
INSERT INTO domains_leftdkimname (name, public_key, left_at)
SELECT key.selector || '._domainkey.' || domain.name, key.public_key, key.gone_at
FROM domains_dkimkey AS key
JOIN domains_domain AS domain ON domain.id = key.domain_id
  OR domain.target_id = key.domain_id AND key.for_alias_domains
WHERE key.state = 'gone' AND key.gone_at > now() - interval '30 days'
"""


class Migration(migrations.Migration):

    dependencies = [
        ('domains', '0014_a_look_may_fail'),
    ]

    operations = [
        migrations.CreateModel(
            name='LeftDkimName',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField(db_collation='C')),
                ('public_key', models.TextField(db_collation='C')),
                ('left_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['name'], name='left_dkim_names_by_name')],
            },
        ),
        migrations.RunSQL(LEAVES, "DROP FUNCTION domains_keep_left_dkim_names CASCADE"),
        migrations.RunSQL(ALIAS_LEAVES, "DROP FUNCTION domains_keep_left_dkim_names_of_alias CASCADE"),
        migrations.RunSQL(GONE, migrations.RunSQL.noop),
    ]
