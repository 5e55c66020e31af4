"""Domains that were added before they knew their U-label."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from domains.fields import unicode_domain


def fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for domain in apps.get_model("domains", "Domain").objects.filter(name__contains="xn--", u_label=""):
        own = unicode_domain(domain.name)
        if own != domain.name:
            domain.u_label = own
            domain.save(update_fields=["u_label"])


class Migration(migrations.Migration):
    dependencies = [("domains", "0003_a_domain_knows_its_u_label")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
