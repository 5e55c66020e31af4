-- virtual_mailbox_maps, postconf(5) and virtual(8): the mail path of an active mailbox, below virtual_mailbox_base.
-- Postfix asks again without the extension by itself.
CREATE OR REPLACE FUNCTION postfix.virtual_mailbox_maps(asked_local_part text, asked_domain text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT mailbox.mail_path::text
    FROM public.domains_domain AS domain
    JOIN public.mailboxes_address AS address
      ON address.domain_id = domain.id
     AND address.local_part = mail_map.unquoted(asked_local_part)
    JOIN public.mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
    WHERE domain.name = asked_domain
      AND domain.address_class = 'virtual_mailbox'
      AND domain.active
      AND mailbox.active;
END
$$;
