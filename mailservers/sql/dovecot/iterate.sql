-- iterate_query (doc.dovecot.org/2.3, SQL): the login of every mailbox, for `doveadm -A`.
CREATE OR REPLACE FUNCTION dovecot.iterate()
RETURNS TABLE ("user" text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT mail_map.external_form(address.local_part, domain.name)
    FROM public.mailboxes_mailbox AS mailbox
    JOIN public.mailboxes_address AS address ON address.id = mailbox.address_id
    JOIN public.domains_domain AS domain ON domain.id = address.domain_id
    WHERE domain.address_class = 'virtual_mailbox';
END
$$;
