-- passdb (doc.dovecot.org/2.3, Authentication): the hash of one mailbox, if its owner may sign in to a service now, and
-- what userdb would say. There is no row without a hash: nobody signs in without a password, nor with one that has not
-- been valid for longer than the days of grace, nor with a hash that takes too long to check: Dovecot checks one after
-- another, and everybody would wait. From elsewhere than allow_nets Dovecot lets nobody in.
-- While Dovecot is not connected it cannot escape: it writes '' for each word, and asks that when it is connected again. No row
-- would mean a wrong password; two rows are an error, so Dovecot says that it does not know now.
CREATE OR REPLACE FUNCTION dovecot.passdb(asked_user text, asked_service text, mail_base text)
RETURNS TABLE ("user" text, password text, userdb_mail text, userdb_home text, userdb_quota_rule text, allow_nets text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF '' IN (asked_user, asked_service) THEN
        RETURN NEXT;
        RETURN NEXT;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT owned.login, credential.hash::text, owned.mail, owned.home, owned.quota_rule, owned.networks
    FROM mail_map.signs_in_to(asked_user, asked_service, mail_base) AS owned
    JOIN public.mailboxes_mailboxcredential AS credential ON credential.mailbox_id = owned.mailbox_id
    LEFT JOIN public.mailboxes_passwordsettings AS settings ON settings.id = 1
    WHERE NOT credential.is_costly
      AND (
          settings.valid_days IS NULL
          OR credential.changed_at + make_interval(days => settings.valid_days + settings.grace_days) > now()
      );
END
$$;
