"""What was there before it was counted."""

from django.db import migrations

COUNT_ALL = """
UPDATE domains_domaincount AS counts
SET
    mailboxes = found.mailboxes,
    quota_bytes = found.quota_bytes,
    without_quota = found.without_quota,
    aliases = found.aliases,
    recipients = found.recipients
FROM (
    SELECT
        address.domain_id,
        count(mailbox.id) AS mailboxes,
        coalesce(sum(mailbox.quota_bytes), 0) AS quota_bytes,
        count(mailbox.id) - count(mailbox.quota_bytes) AS without_quota,
        count(alias.id) AS aliases,
        count(recipient.id) AS recipients
    FROM mailboxes_address AS address
    LEFT JOIN mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
    LEFT JOIN mailboxes_alias AS alias ON alias.address_id = address.id
    LEFT JOIN mailboxes_relayrecipient AS recipient ON recipient.address_id = address.id
    GROUP BY address.domain_id
) AS found
WHERE counts.domain_id = found.domain_id;
"""


class Migration(migrations.Migration):
    dependencies = [("mailboxes", "0009_counting")]

    operations = [migrations.RunSQL(COUNT_ALL, migrations.RunSQL.noop)]
