"""A U-label as Postfix asks for it. Of what IDNA2008 allows (RFC 5892), folding changes ß and ς only."""

from django.db import migrations, models

# In the history too: an undo brings back what holds now.
FOLDED = """
    UPDATE {table} SET u_label = replace(replace(u_label, 'ß', 'ss'), 'ς', 'σ') WHERE u_label ~ '[ßς]'
"""


class Migration(migrations.Migration):

    dependencies = [
        ('domains', '0018_a_host_reports_once_for_all_keys'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='domain',
            name='a_u_label_is_served_once',
        ),
        *(
            migrations.RunSQL(FOLDED.format(table=table), migrations.RunSQL.noop)
            for table in ('domains_domain', 'domains_domainevent')
        ),
        migrations.AlterField(
            model_name='domain',
            name='u_label',
            field=models.CharField(blank=True, db_collation='C', default='', editable=False, help_text='What Postfix asks for when a client sends the U-label (RFC 6531), folded; else empty.', max_length=253, verbose_name='name in its own script'),
        ),
        migrations.AlterField(
            model_name='domainevent',
            name='u_label',
            field=models.CharField(blank=True, db_collation='C', default='', editable=False, help_text='What Postfix asks for when a client sends the U-label (RFC 6531), folded; else empty.', max_length=253, verbose_name='name in its own script'),
        ),
        migrations.AddIndex(
            model_name='domain',
            index=models.Index(condition=models.Q(('u_label', ''), _negated=True), fields=['u_label'], name='domains_by_u_label'),
        ),
        migrations.AddConstraint(
            model_name='domain',
            constraint=models.CheckConstraint(condition=models.Q(('u_label__regex', '[ßς]'), _negated=True), name='a_u_label_is_folded'),
        ),
    ]
