"""The history tells which change sets were undone, and by which."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_history_indexes")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX change_sets_by_what_they_undid ON pghistory_context ((metadata ->> 'undid'))"
            " WHERE metadata ->> 'undid' IS NOT NULL",
            "DROP INDEX change_sets_by_what_they_undid",
        ),
    ]
