"""What mailboxes left before it was noted, as far as the history knows."""

from django.db import migrations

PATHS = """
INSERT INTO mailboxes_formermailpath (path)
SELECT DISTINCT rtrim(past.mail_path, '/')
FROM mailboxes_mailboxevent AS past
LEFT JOIN mailboxes_mailbox AS mailbox ON mailbox.id = past.pgh_obj_id
WHERE past.mail_path IS NOT NULL AND mailbox.mail_path IS DISTINCT FROM past.mail_path
ON CONFLICT (path) DO NOTHING
"""
# Aliases that were kept under the old address of a mailbox that is still here.
ADDRESSES = """
UPDATE mailboxes_address AS kept
SET former_mailbox_id = mailbox.id
FROM mailboxes_addressevent AS past
JOIN mailboxes_mailbox AS mailbox ON mailbox.address_id = past.pgh_obj_id
WHERE past.domain_id = kept.domain_id
  AND past.local_part = kept.local_part
  AND past.pgh_obj_id <> kept.id
  AND EXISTS (SELECT FROM mailboxes_alias AS alias WHERE alias.address_id = kept.id)
  AND NOT EXISTS (SELECT FROM mailboxes_mailbox AS here WHERE here.address_id = kept.id)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('mailboxes', '0037_nobody_reads_former_mail'),
    ]

    operations = [
        migrations.RunSQL(PATHS, migrations.RunSQL.noop),
        migrations.RunSQL(ADDRESSES, migrations.RunSQL.noop),
    ]
