-- A table of check_sasl_access, access(5), that the submission services ask of each message before anything else about its
-- sender: a login whose mailbox may not send any more is refused, whatever the sender. reject_sender_login_mismatch says
-- nothing of the null sender, and a session lives on when its mailbox is stopped. A login is the address of a mailbox, as
-- dovecot.passdb gives it back; one of nobody does not send either.
-- Postfix says neither by which password nor from where somebody has signed in. So, after another password was set, an app
-- password that sends was revoked or has expired, or networks were taken away, every session of the mailbox that sends something is ended (421); for as long as one
-- that sends nothing may last (smtpd_timeout). Then none is left from before.
CREATE OR REPLACE FUNCTION postfix.check_sasl_access(asked_local_part text, asked_domain text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked_mailbox bigint;
    since timestamptz := now() - interval '5 minutes';
BEGIN
    SELECT mailbox.id
    INTO asked_mailbox
    FROM public.domains_domain AS domain
    JOIN public.mailboxes_address AS address ON address.domain_id = domain.id
    JOIN public.mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
    WHERE domain.name = mail_map.a_label(asked_domain)
      AND domain.active
      AND address.local_part = mail_map.unquoted(asked_local_part)
      AND mail_map.sends(mailbox.active, mailbox.sends, mailbox.expires_at, mailbox.stopped_at);
    IF NOT FOUND THEN
        RETURN NEXT '553 5.7.1 This mailbox sends no mail now.';
    ELSIF EXISTS (
        SELECT FROM public.mailboxes_endofsessions AS ended
        WHERE ended.mailbox_id = asked_mailbox AND ended.sends_before > since
    ) OR EXISTS (
        SELECT FROM public.mailboxes_apppassword AS app_password
        WHERE app_password.mailbox_id = asked_mailbox
          AND app_password.sends
          AND app_password.expires_at > since
          AND app_password.expires_at <= now()
    ) THEN
        RETURN NEXT '421 4.7.0 Who may sign in here has just changed. Send again in five minutes.';
    END IF;
END
$$;
