-- virtual_mailbox_maps, postconf(5) and virtual(8): the mail path of an active mailbox, below virtual_mailbox_base.
-- Postfix asks again without the extension by itself.
CREATE OR REPLACE FUNCTION postfix.virtual_mailbox_maps(asked_local_part text, asked_domain text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := mail_map.unquoted(asked_local_part);
    asked_name text := mail_map.a_label(asked_domain);
    asked_id bigint;
BEGIN
    -- Domain first, then the address within it: in one statement the planner may look for all addresses of this name.
    SELECT domain.id
    INTO asked_id
    FROM public.domains_domain AS domain
    WHERE domain.name = asked_name
      AND domain.address_class = 'virtual_mailbox'
      AND domain.active;

    RETURN QUERY
    SELECT mailbox.mail_path::text
    FROM public.mailboxes_address AS address
    JOIN public.mailboxes_mailbox AS mailbox ON mailbox.address_id = address.id
    WHERE address.domain_id = asked_id
      AND address.local_part = wanted
      AND mailbox.active;
END
$$;
