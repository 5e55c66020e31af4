"""Hashes that were stored before it was asked how long a check takes. They stay: somebody may still sign in with one."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from mailboxes.credentials import takes_too_long

AT_ONCE = 5_000


def find(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    credentials = apps.get_model("mailboxes", "MailboxCredential").objects
    stored = credentials.exclude(hash__startswith="{BLF-CRYPT}$2y$11$").values_list("pk", "hash")
    costly = [pk for pk, stored_hash in stored.iterator(AT_ONCE) if takes_too_long(stored_hash)]
    for start in range(0, len(costly), AT_ONCE):
        credentials.filter(pk__in=costly[start : start + AT_ONCE]).update(is_costly=True)


class Migration(migrations.Migration):
    dependencies = [("mailboxes", "0029_costly_hashes")]

    operations = [migrations.RunPython(find, migrations.RunPython.noop)]
