-- userdb (doc.dovecot.org/2.3, Authentication): where a mailbox is stored, its quota, and for lmtp the Sieve script that
-- answers while its owner is away. lmtp delivers to those that take
-- mail now, as postfix.virtual_mailbox_maps has it; quota-status and doveadm are told of any.
-- Dovecot knows no delimiter (an address may hold one), so the base of an extension is looked for here.
-- While Dovecot is not connected it cannot escape: it writes '' for each word, and asks that when it is connected again. No row
-- would mean that nobody is there, and the mail goes back; tempfail means that nobody knows now.
CREATE OR REPLACE FUNCTION dovecot.userdb(asked_user text, asked_service text, mail_base text)
RETURNS TABLE ("user" text, mail text, home text, quota_rule text, sieve text, tempfail text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked_name text := substring(asked_user FROM '[^@]*$');
    wanted text := mail_map.unquoted(left(asked_user, -length(asked_name) - 1));
    answering_id bigint;
    found_address_id bigint;
BEGIN
    IF '' IN (asked_user, asked_service) THEN
        tempfail := 'yes';
        RETURN NEXT;
        RETURN;
    END IF;

    -- The domain, or the target of an alias domain.
    SELECT COALESCE(asked.target_id, asked.id)
    INTO answering_id
    FROM public.domains_domain AS asked
    WHERE asked.name = mail_map.a_label(asked_name);

    SELECT address.id
    INTO found_address_id
    FROM public.mailboxes_address AS address
    WHERE address.domain_id = answering_id
      AND address.local_part = ANY (ARRAY[wanted, mail_map.base_of(wanted, mail_map.delimiters())])
    ORDER BY address.local_part <> wanted
    LIMIT 1;

    RETURN QUERY
    SELECT mail_map.external_form(address.local_part, domain.name),
        place.location,
        place.home,
        mail_map.quota_rule(mailbox.quota_bytes),
        -- NULL is no field at all: then nothing more is asked.
        'dict:proxy::sieve;name=' || reply.id,
        NULL
    FROM public.mailboxes_mailbox AS mailbox
    JOIN public.mailboxes_address AS address ON address.id = mailbox.address_id
    JOIN public.domains_domain AS domain ON domain.id = address.domain_id
    CROSS JOIN LATERAL mail_map.mail_location(mailbox.mail_path, mail_base) AS place
    LEFT JOIN public.mailboxes_outofoffice AS reply
        ON reply.mailbox_id = mailbox.id
        AND asked_service = 'lmtp'
        AND mail_map.delivers(reply.active, reply.starts_at, reply.ends_at)
    WHERE mailbox.address_id = found_address_id
      AND domain.address_class = 'virtual_mailbox'
      AND (
          asked_service <> 'lmtp'
          OR domain.active AND mail_map.receives(mailbox.active, mailbox.receives, mailbox.expires_at)
      );
END
$$;
