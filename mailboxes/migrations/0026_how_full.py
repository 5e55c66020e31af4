"""How full each mailbox is, in percent of its quota: two triggers keep it, when Dovecot says what is stored and when the
quota changes. Below 80 percent its owner may be warned anew."""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

OF_A_MAILBOX = """
CREATE OR REPLACE FUNCTION mailboxes_usage_of_a_mailbox() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked_name text := substring(NEW.username FROM '[^@]*$');
    quota bigint;
BEGIN
    NEW.changed_at := now();
    IF TG_OP = 'INSERT' THEN
        SELECT mailbox.id, domain.id, mailbox.quota_bytes
        INTO NEW.mailbox_id, NEW.domain_id, quota
        FROM public.domains_domain AS domain
        JOIN public.mailboxes_address AS address ON address.domain_id = domain.id
        JOIN public.mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
        WHERE domain.name = asked_name
          AND address.local_part = mail_map.unquoted(left(NEW.username, -length(asked_name) - 1));
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    ELSE
        SELECT mailbox.quota_bytes INTO quota FROM public.mailboxes_mailbox AS mailbox WHERE mailbox.id = NEW.mailbox_id;
    END IF;
    NEW.percent := CASE WHEN quota IS NOT NULL THEN LEAST(trunc(100.0 * NEW.bytes / quota), 1000) END;  -- LEAST passes over NULL
    IF NEW.percent IS NULL OR NEW.percent < 80 THEN
        NEW.warned := 0;
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION mailboxes_usage_of_another_quota() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE public.mailboxes_usage SET bytes = bytes WHERE mailbox_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER usage_of_another_quota AFTER UPDATE OF quota_bytes ON mailboxes_mailbox
    FOR EACH ROW WHEN (OLD.quota_bytes IS DISTINCT FROM NEW.quota_bytes)
    EXECUTE FUNCTION mailboxes_usage_of_another_quota();

UPDATE mailboxes_usage SET bytes = bytes;
"""

BEFORE = import_module("mailboxes.migrations.0019_usage").OF_A_MAILBOX.partition("CREATE TRIGGER")[0]
NO_MORE = f"""
DROP TRIGGER usage_of_another_quota ON mailboxes_mailbox;
DROP FUNCTION mailboxes_usage_of_another_quota();
{BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")}
"""

GOES_WITH_ITS_DOMAIN = """
ALTER TABLE mailboxes_domainuse ADD CONSTRAINT use_goes_with_its_domain
    FOREIGN KEY (domain_id) REFERENCES domains_domain (id) ON DELETE CASCADE;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('domains', '0011_dkim_keys'),
        ('mailboxes', '0025_emergency_stop'),
    ]

    operations = [
        migrations.CreateModel(
            name='DomainUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('bytes', models.BigIntegerField(verbose_name='used')),
                ('messages', models.BigIntegerField(verbose_name='messages')),
                ('mailboxes', models.IntegerField(verbose_name='mailboxes')),
            ],
        ),
        migrations.AddField(
            model_name='usage',
            name='percent',
            field=models.IntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='usage',
            name='warned',
            field=models.SmallIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddIndex(
            model_name='usage',
            index=models.Index(condition=models.Q(('percent__gte', 80)), fields=['percent', 'mailbox'], name='nearly_full_mailboxes'),
        ),
        migrations.AddIndex(
            model_name='usage',
            index=models.Index(condition=models.Q(models.Q(('percent__gte', 80), ('warned', 0)), models.Q(('percent__gte', 95), ('warned__lt', 95)), _connector='OR'), fields=['mailbox'], name='mailboxes_to_warn'),
        ),
        migrations.AddField(
            model_name='domainuse',
            name='domain',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='use', to='domains.domain'),
        ),
        migrations.AddConstraint(
            model_name='domainuse',
            constraint=models.UniqueConstraint(fields=('domain', 'day'), name='a_day_is_there_once'),
        ),
        migrations.RunSQL(GOES_WITH_ITS_DOMAIN, "ALTER TABLE mailboxes_domainuse DROP CONSTRAINT use_goes_with_its_domain"),
        migrations.RunSQL(OF_A_MAILBOX, NO_MORE),
    ]
