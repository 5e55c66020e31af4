from django.db import migrations

# Postfix never read the lines of these, which are comments to it. So nothing changes for their mail.
ARE_COMMENTS = "key LIKE '#%' AND username <> ''"


class Migration(migrations.Migration):

    dependencies = [
        ('lookup_tables', '0004_fill_keys_in_their_own_script'),
    ]

    operations = [
        migrations.RunSQL(
            [
                f"""
                DELETE FROM lookup_tables_relaypassword
                WHERE relay_id IN (SELECT id FROM lookup_tables_senderrelay WHERE {ARE_COMMENTS})
                """,
                f"UPDATE lookup_tables_senderrelay SET username = '' WHERE {ARE_COMMENTS}",
            ],
            migrations.RunSQL.noop,
        ),
    ]
