"""Answers are found address by address, from those that are asked for.

Without that, and with the figures that PostgreSQL has of tables while a bulk load fills them, it may go through all
addresses for each of the pieces of a load, and compare each with all that are asked for."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("mailboxes", "0035_new_passwords_end_sessions")]

    operations = [
        migrations.RunSQL(
            "ALTER FUNCTION mailboxes_keep_answers SET join_collapse_limit = 1",
            "ALTER FUNCTION mailboxes_keep_answers RESET join_collapse_limit",
        ),
    ]
