from django.db import migrations

# Those of accounts/lines.py, which no text of one line may hold any more: whoever changed such a row would be refused.
STRANGE = r"[\u0001-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]"


def in_one_line(table: str, column: str) -> migrations.RunSQL:
    blanks = rf"btrim(regexp_replace({column}, '{STRANGE}', ' ', 'g'))"
    statement = f"UPDATE {table} SET {column} = {blanks} WHERE {column} ~ '{STRANGE}'"
    return migrations.RunSQL(statement, migrations.RunSQL.noop)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0009_versions'),
    ]

    operations = [
        in_one_line('accounts_user', 'name'),
    ]
