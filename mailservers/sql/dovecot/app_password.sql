-- passdb (doc.dovecot.org/2.3, Authentication): the app password with this SHA-256, if it is one of this mailbox, for this
-- service, and has not expired; and what userdb would say. Dovecot sends the digest of what was typed, never that itself,
-- and holds what it gets against it once more. Whoever is found has signed in: it notes that, once an hour.
-- A question with '' is one that Dovecot wrote while it was not connected, as in passdb.
CREATE OR REPLACE FUNCTION dovecot.app_password(asked_user text, asked_service text, asked_digest text, mail_base text)
RETURNS TABLE ("user" text, password text, userdb_mail text, userdb_home text, userdb_quota_rule text, allow_nets text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF '' IN (asked_user, asked_service, asked_digest) THEN
        RETURN NEXT;
        RETURN NEXT;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT owned.login, '{SHA256.HEX}' || secret.digest, owned.mail, owned.home, owned.quota_rule,
        owned.networks
    FROM public.mailboxes_apppasswordsecret AS secret
    JOIN public.mailboxes_apppassword AS app_password ON app_password.id = secret.app_password_id
    JOIN mail_map.signs_in_to(asked_user, asked_service, mail_base) AS owned
        ON owned.mailbox_id = app_password.mailbox_id
    WHERE secret.digest = asked_digest
      AND (app_password.expires_at IS NULL OR app_password.expires_at > now())
      AND CASE asked_service
          WHEN 'imap' THEN app_password.imap
          WHEN 'pop3' THEN app_password.pop
          WHEN 'smtp' THEN app_password.sends
          ELSE false
      END;
    -- A copy of the database that only reads lets people in as well.
    IF FOUND AND NOT pg_is_in_recovery() THEN
        UPDATE public.mailboxes_apppasswordsecret AS secret
        SET used_at = now()
        WHERE secret.digest = asked_digest
          AND (secret.used_at IS NULL OR secret.used_at < now() - interval '1 hour');
    END IF;
END
$$;
