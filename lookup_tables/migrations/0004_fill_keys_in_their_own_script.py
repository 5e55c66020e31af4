"""Rows that were added before they knew the U-label of their key, and what the history kept of them."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from lookup_tables.keys import in_own_script

TABLES = ("Bcc", "Canonical", "Relocated", "SenderRelay", "TlsPolicy", "Transport")


def fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in TABLES:
        for rows in (
            apps.get_model("lookup_tables", name).objects,
            apps.get_model("lookup_tables", f"{name}Event").objects,
        ):
            keys = rows.filter(key__contains="xn--", own_script="").order_by().values_list("key", flat=True).distinct()
            for key in keys:
                if own := in_own_script(key):
                    rows.filter(key=key).update(own_script=own)


class Migration(migrations.Migration):
    dependencies = [("lookup_tables", "0003_keys_in_their_own_script")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
