-- virtual_mailbox_maps, postconf(5) and virtual(8): the mail path of an active mailbox, below virtual_mailbox_base.
-- Postfix asks again without the extension by itself.
CREATE OR REPLACE FUNCTION postfix.virtual_mailbox_maps(asked_local_part text, asked_domain text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := asked_local_part;
    asked_name text := asked_domain;
    asked_id bigint;
    found_address_id bigint;
BEGIN
    IF starts_with(wanted, '"') THEN
        wanted := mail_map.unquoted(wanted);
    END IF;
    IF octet_length(asked_name) <> length(asked_name) THEN
        asked_name := mail_map.a_label(asked_name);
    END IF;

    -- One table a statement, see virtual_alias_maps.
    SELECT domain.id
    INTO asked_id
    FROM public.domains_domain AS domain
    WHERE domain.name = asked_name
      AND domain.address_class = 'virtual_mailbox'
      AND domain.active;

    SELECT address.id
    INTO found_address_id
    FROM public.mailboxes_address AS address
    WHERE address.domain_id = asked_id
      AND address.local_part = wanted;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    RETURN QUERY
    SELECT mailbox.mail_path::text
    FROM public.mailboxes_mailbox AS mailbox
    WHERE mailbox.address_id = found_address_id
      AND mail_map.receives(mailbox.active, mailbox.receives, mailbox.expires_at);
END
$$;
