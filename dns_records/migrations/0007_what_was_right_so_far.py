"""The first check after the upgrade knows what was right before it, and what was to be told still is."""

from typing import Any

from django.db import migrations
from django.db.models import F


def fill(apps: Any, schema_editor: Any) -> None:
    apps.get_model("dns_records", "Record").objects.filter(state="right").update(
        right_for=F("expected"), right_with=F("published")
    )
    apps.get_model("dns_records", "ZoneCheck").objects.exclude(dnssec="unknown").update(dnssec_known=F("dnssec"))
    untold = apps.get_model("dns_records", "RecordChange").objects.filter(told_at=None, before="right")
    untold.filter(after__in=["missing", "different", "several"]).update(is_loss=True)


class Migration(migrations.Migration):
    dependencies = [("dns_records", "0006_what_was_right_last")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
