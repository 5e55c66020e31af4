"""The history page reads change sets by time, and by domain and time."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("pghistory", "0007_auto_20250421_0444")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX change_sets_by_time ON pghistory_context (created_at DESC, id)",
            "DROP INDEX change_sets_by_time",
        ),
        migrations.RunSQL(
            "CREATE INDEX change_sets_by_domain ON pghistory_context ((metadata ->> 'domain'), created_at DESC, id)",
            "DROP INDEX change_sets_by_domain",
        ),
    ]
