from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('domains', '0016_signing_hosts'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='dkimkeyonhost',
            name='confirmed_at',
        ),
    ]
