-- A table of check_sasl_access, access(5), that the submission services ask of each message before anything else about its
-- sender: a login whose mailbox may not send any more is refused, whatever the sender. reject_sender_login_mismatch says
-- nothing of the null sender, and a session lives on when its mailbox is stopped. A login is the address of a mailbox, as
-- dovecot.passdb gives it back; one of nobody does not send either.
CREATE OR REPLACE FUNCTION postfix.check_sasl_access(asked_local_part text, asked_domain text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT '553 5.7.1 This mailbox sends no mail now.'::text
    WHERE NOT EXISTS (
        SELECT
        FROM public.domains_domain AS domain
        JOIN public.mailboxes_address AS address ON address.domain_id = domain.id
        JOIN public.mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
        WHERE domain.name = mail_map.a_label(asked_domain)
          AND domain.active
          AND address.local_part = mail_map.unquoted(asked_local_part)
          AND mail_map.sends(mailbox.active, mailbox.sends, mailbox.expires_at, mailbox.stopped_at)
    );
END
$$;
