-- passdb (doc.dovecot.org/2.3, Authentication): the hash of one mailbox, if its owner may sign in to a service now, and
-- what userdb would say. The services: imap, pop3, and smtp, as which Postfix asks. Any other is not for mailboxes.
-- From elsewhere than allow_nets Dovecot lets nobody in. There is no row without a hash: nobody signs in without a password.
CREATE OR REPLACE FUNCTION dovecot.passdb(asked_user text, asked_service text, mail_base text)
RETURNS TABLE ("user" text, password text, userdb_mail text, userdb_home text, userdb_quota_rule text, allow_nets text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked_name text := substring(asked_user FROM '[^@]*$');
    wanted text := mail_map.unquoted(left(asked_user, -length(asked_name) - 1));
BEGIN
    RETURN QUERY
    SELECT mail_map.external_form(address.local_part, domain.name),
        credential.hash::text,
        place.location,
        place.home,
        mail_map.quota_rule(mailbox.quota_bytes),
        NULLIF(array_to_string(mailbox.allowed_networks, ','), '')
    FROM public.domains_domain AS domain
    JOIN public.mailboxes_address AS address ON address.domain_id = domain.id
    JOIN public.mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
    JOIN public.mailboxes_mailboxcredential AS credential ON credential.mailbox_id = mailbox.id
    CROSS JOIN LATERAL mail_map.mail_location(mailbox.mail_path, mail_base) AS place
    WHERE domain.name = mail_map.a_label(asked_name)
      AND domain.address_class = 'virtual_mailbox'
      AND domain.active
      AND address.local_part = wanted
      AND mail_map.signs_in(mailbox.active, mailbox.expires_at, mailbox.stopped_at)
      AND CASE asked_service
          WHEN 'imap' THEN mailbox.imap
          WHEN 'pop3' THEN mailbox.pop
          WHEN 'smtp' THEN mailbox.sends
          ELSE false
      END;
END
$$;
