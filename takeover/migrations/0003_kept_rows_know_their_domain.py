"""A kept row knows the domain that it belongs to; what was kept before learns it from its key or its columns."""

import django.utils.timezone
from django.db import migrations, models

FILL = """
    UPDATE takeover_keptrow
    SET domain_name = lower(left(substring(coalesce(
        CASE kind
            WHEN 'vacation' THEN key
            WHEN 'quota_used' THEN key
            WHEN 'mailbox_more' THEN key
            WHEN 'domain_more' THEN key
            WHEN 'vacation_notification' THEN payload ->> 'on_vacation'
            WHEN 'fetchmail' THEN payload ->> 'mailbox'
            WHEN 'dkim_key' THEN payload ->> 'domain_name'
            WHEN 'dkim_signing' THEN payload ->> 'author'
            WHEN 'app_password' THEN payload ->> 'username'
            WHEN 'totp_exception' THEN payload ->> 'username'
            WHEN 'totp' THEN CASE WHEN key LIKE 'mailbox %' THEN key END
        END, '') FROM '[^@]*$'), 255))
"""


class Migration(migrations.Migration):

    dependencies = [
        ('takeover', '0002_comparisons_and_what_is_kept'),
    ]

    operations = [
        migrations.AddField(
            model_name='keptrow',
            name='domain_name',
            field=models.CharField(blank=True, db_collation='C', max_length=255, verbose_name='domain'),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='keptrow',
            name='kept_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='kept'),
        ),
        migrations.AddIndex(
            model_name='keptrow',
            index=models.Index(fields=['kind', 'id'], name='kept_rows_of_a_kind'),
        ),
        migrations.AddIndex(
            model_name='keptrow',
            index=models.Index(fields=['domain_name', 'kind', 'id'], name='kept_rows_of_a_domain'),
        ),
    ]
