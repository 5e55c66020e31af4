"""What Dovecot says of the mailboxes: a table that it writes through a view (mailservers/functions.py), and triggers
that find the mailbox by its login.

They have the rights of the panel, because Dovecot sees neither addresses nor mailboxes; hence the fixed search_path.
What is said of nobody is forgotten: Dovecot may still be writing while a mailbox is deleted or renamed."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

OF_A_MAILBOX = """
CREATE FUNCTION mailboxes_usage_of_a_mailbox() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked_name text := substring(NEW.username FROM '[^@]*$');
BEGIN
    NEW.changed_at := now();
    IF TG_OP = 'INSERT' THEN
        SELECT mailbox.id, domain.id
        INTO NEW.mailbox_id, NEW.domain_id
        FROM public.domains_domain AS domain
        JOIN public.mailboxes_address AS address ON address.domain_id = domain.id
        JOIN public.mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
        WHERE domain.name = asked_name
          AND address.local_part = mail_map.unquoted(left(NEW.username, -length(asked_name) - 1));
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER of_a_mailbox BEFORE INSERT OR UPDATE ON mailboxes_usage
    FOR EACH ROW EXECUTE FUNCTION mailboxes_usage_of_a_mailbox();

CREATE FUNCTION mailboxes_usage_moves() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE public.mailboxes_usage AS usage
    SET domain_id = NEW.domain_id, username = mail_map.external_form(NEW.local_part, domain.name)
    FROM public.mailboxes_mailbox AS mailbox, public.domains_domain AS domain
    WHERE mailbox.address_id = NEW.id
      AND usage.mailbox_id = mailbox.id
      AND domain.id = NEW.domain_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER usage_moves AFTER UPDATE OF domain_id, local_part ON mailboxes_address
    FOR EACH ROW WHEN ((OLD.domain_id, OLD.local_part) IS DISTINCT FROM (NEW.domain_id, NEW.local_part))
    EXECUTE FUNCTION mailboxes_usage_moves();

ALTER TABLE mailboxes_usage ADD CONSTRAINT usage_goes_with_its_mailbox
    FOREIGN KEY (mailbox_id) REFERENCES mailboxes_mailbox (id) ON DELETE CASCADE;
"""

NO_MORE = """
ALTER TABLE mailboxes_usage DROP CONSTRAINT usage_goes_with_its_mailbox;
DROP TRIGGER usage_moves ON mailboxes_address;
DROP FUNCTION mailboxes_usage_moves();
DROP TRIGGER of_a_mailbox ON mailboxes_usage;
DROP FUNCTION mailboxes_usage_of_a_mailbox();
DROP VIEW IF EXISTS dovecot.quota;
"""


class Migration(migrations.Migration):
    dependencies = [("domains", "0010_history_of_suspended"), ("mailboxes", "0016_imports")]

    operations = [
        migrations.CreateModel(
            name="Usage",
            fields=[
                (
                    "mailbox",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="usage",
                        serialize=False,
                        to="mailboxes.mailbox",
                        verbose_name="mailbox",
                    ),
                ),
                ("username", models.CharField(db_collation="C", max_length=500)),
                ("bytes", models.BigIntegerField(db_default=0, default=0, verbose_name="used")),
                ("messages", models.BigIntegerField(db_default=0, default=0, verbose_name="messages")),
                (
                    "changed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "domain",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="usages",
                        to="domains.domain",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["domain", "bytes", "mailbox"], name="usage_of_a_domain")],
                "constraints": [models.UniqueConstraint(fields=("username",), name="a_login_stores_once")],
            },
        ),
        migrations.RunSQL(OF_A_MAILBOX, NO_MORE),
    ]
