-- Whose owner may sign in to a service at this moment, and what userdb would say: one mailbox, or none. The services: imap,
-- pop3, and smtp, as which Postfix asks. Any other is not for mailboxes. It does not know who asks: passdb functions hold
-- a password against it.
CREATE OR REPLACE FUNCTION mail_map.signs_in_to(asked_user text, asked_service text, mail_base text)
RETURNS TABLE (mailbox_id bigint, login text, mail text, home text, quota_rule text, networks text)
LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT mailbox.id,
        mail_map.external_form(address.local_part, domain.name),
        place.location,
        place.home,
        mail_map.quota_rule(mailbox.quota_bytes),
        NULLIF(array_to_string(mailbox.allowed_networks, ','), '')
    FROM substring(asked_user FROM '[^@]*$') AS asked_name
    JOIN public.domains_domain AS domain ON domain.name = mail_map.a_label(asked_name)
    JOIN public.mailboxes_address AS address ON address.domain_id = domain.id
    JOIN public.mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
    CROSS JOIN LATERAL mail_map.mail_location(mailbox.mail_path, mail_base) AS place
    WHERE domain.address_class = 'virtual_mailbox'
      AND domain.active
      AND address.local_part = mail_map.unquoted(left(asked_user, -length(asked_name) - 1))
      AND mail_map.signs_in(mailbox.active, mailbox.expires_at, mailbox.stopped_at)
      AND CASE asked_service
          WHEN 'imap' THEN mailbox.imap
          WHEN 'pop3' THEN mailbox.pop
          WHEN 'smtp' THEN mailbox.sends
          ELSE false
      END
$$;
