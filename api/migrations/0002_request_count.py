from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("api", "0001_tokens")]

    operations = [
        migrations.CreateModel(
            name="RequestCount",
            fields=[
                (
                    "key",
                    models.CharField(db_collation="C", max_length=100, primary_key=True, serialize=False),
                ),
                ("begun_at", models.DateTimeField(db_index=True)),
                ("number", models.PositiveIntegerField()),
            ],
        ),
        migrations.RunSQL(
            "ALTER TABLE api_requestcount SET UNLOGGED", reverse_sql="ALTER TABLE api_requestcount SET LOGGED"
        ),
    ]
