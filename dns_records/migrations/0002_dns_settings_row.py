"""The one row of the DNS settings: nothing is expected before somebody names a mail host."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def add_row(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("dns_records", "DnsSettings").objects.get_or_create(id=1)


class Migration(migrations.Migration):
    dependencies = [("dns_records", "0001_records")]

    operations = [migrations.RunPython(add_row, migrations.RunPython.noop)]
