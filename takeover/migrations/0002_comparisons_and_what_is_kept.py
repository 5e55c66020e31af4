

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('takeover', '0001_what_came_over'),
    ]

    operations = [
        migrations.CreateModel(
            name='Comparison',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('old', models.CharField(max_length=300, verbose_name='old configuration')),
                ('new', models.CharField(max_length=300, verbose_name='new configuration')),
                ('host', models.CharField(blank=True, max_length=100, verbose_name='mail host')),
                ('who', models.CharField(blank=True, max_length=200, verbose_name='started by')),
                ('state', models.CharField(choices=[('running', 'running'), ('done', 'done'), ('failed', 'failed')], default='running', max_length=10, verbose_name='state')),
                ('done', models.PositiveBigIntegerField(default=0, verbose_name='done')),
                ('total', models.PositiveBigIntegerField(null=True, verbose_name='total')),
                ('differences', models.PositiveBigIntegerField(default=0, verbose_name='differences')),
                ('explained', models.JSONField(default=dict, verbose_name='explained')),
                ('remarks', models.JSONField(default=list, verbose_name='remarks')),
                ('error', models.TextField(blank=True, verbose_name='error')),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='started')),
                ('seen_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='last sign of life')),
                ('finished_at', models.DateTimeField(null=True, verbose_name='finished')),
            ],
            options={
                'verbose_name': 'comparison',
                'verbose_name_plural': 'comparisons',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='KeptParameter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('parameter', models.CharField(db_collation='C', max_length=200, unique=True, verbose_name='parameter')),
                ('value', models.TextField(verbose_name='value')),
                ('entries', models.JSONField(default=list, verbose_name='entries')),
                ('tables', models.JSONField(default=list, verbose_name='lookup tables')),
                ('kept_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='kept')),
            ],
            options={
                'verbose_name': 'kept parameter',
                'verbose_name_plural': 'kept parameters',
                'ordering': ['parameter'],
            },
        ),
        migrations.CreateModel(
            name='ComparisonDifference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('about', models.CharField(max_length=100, verbose_name='about')),
                ('key', models.CharField(max_length=500, verbose_name='key')),
                ('old', models.TextField(blank=True, verbose_name='old answer')),
                ('new', models.TextField(blank=True, verbose_name='new answer')),
                ('comparison', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='found', to='takeover.comparison')),
            ],
            options={
                'verbose_name': 'difference',
                'verbose_name_plural': 'differences',
                'ordering': ['id'],
                'indexes': [models.Index(fields=['comparison', 'id'], name='differences_of_a_comparison')],
            },
        ),
    ]
