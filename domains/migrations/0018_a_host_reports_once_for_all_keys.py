from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('domains', '0017_texts_of_one_line'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='dkimkeyonhost',
            name='confirmed_at',
        ),
    ]
