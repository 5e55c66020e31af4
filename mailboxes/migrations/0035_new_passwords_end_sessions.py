"""Who signed in by the password of a mailbox before it got another one signs in anew."""

from django.db import migrations

# Deferred, as for app passwords: the time is that of the end of the transaction, when nobody gets in by the old one any
# more. A hash that is made anew of the same password has the same time; before the first password there was none.
ENDS = """
CREATE FUNCTION mailboxes_new_password_ends_sessions() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO public.mailboxes_endofsessions (mailbox_id, signed_in_before, sends_before)
    SELECT mailbox.id, clock_timestamp(), clock_timestamp()
    FROM public.mailboxes_mailbox AS mailbox
    WHERE mailbox.id = NEW.mailbox_id
    ON CONFLICT (mailbox_id) DO UPDATE
    SET signed_in_before = excluded.signed_in_before, sends_before = excluded.sends_before;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER ends_sessions AFTER UPDATE OF changed_at ON mailboxes_mailboxcredential
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.changed_at <> NEW.changed_at)
    EXECUTE FUNCTION mailboxes_new_password_ends_sessions();
"""

NO_MORE = """
DROP TRIGGER ends_sessions ON mailboxes_mailboxcredential;
DROP FUNCTION mailboxes_new_password_ends_sessions();
"""


class Migration(migrations.Migration):
    dependencies = [("mailboxes", "0034_hosts_that_go_on")]

    operations = [migrations.RunSQL(ENDS, NO_MORE)]
