"""Senders may hold an MTA-STS policy that they asked for before the panel noted who does."""

from datetime import timedelta
from typing import Any

from django.db import migrations
from django.utils import timezone


def fill(apps: Any, schema_editor: Any) -> None:
    settings = apps.get_model("dns_records", "DnsSettings").objects.filter(sts_mode__in=["testing", "enforce"]).first()
    if settings is None or not settings.hosts:
        return
    until, held = timezone.now() + timedelta(days=settings.sts_days), apps.get_model("dns_records", "HeldPolicy")
    names = apps.get_model("domains", "Domain").objects.filter(active=True, held_policy=None)
    rows = (held(domain_id=number, until=until) for number in names.values_list("pk", flat=True).iterator())
    held.objects.bulk_create(rows, batch_size=1000)


class Migration(migrations.Migration):
    dependencies = [("dns_records", "0009_records_sent")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
