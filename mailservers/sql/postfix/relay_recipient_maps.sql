-- relay_recipient_maps, postconf(5): the addresses of relay domains whose mail is taken. Any result means yes.
-- Postfix asks again without the extension by itself.
CREATE OR REPLACE FUNCTION postfix.relay_recipient_maps(asked_local_part text, asked_domain text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := asked_local_part;
    asked_name text := asked_domain;
    asked_id bigint;
    takes_any_recipient boolean;
    found_address_id bigint;
BEGIN
    IF starts_with(wanted, '"') THEN
        wanted := mail_map.unquoted(wanted);
    END IF;
    IF octet_length(asked_name) <> length(asked_name) THEN
        asked_name := mail_map.a_label(asked_name);
    END IF;

    -- One table a statement, see virtual_alias_maps.
    SELECT domain.id, domain.any_recipient
    INTO asked_id, takes_any_recipient
    FROM public.domains_domain AS domain
    WHERE domain.name = asked_name
      AND domain.address_class = 'relay'
      AND domain.active;
    IF takes_any_recipient THEN
        RETURN NEXT 'OK';
        RETURN;
    END IF;

    SELECT address.id
    INTO found_address_id
    FROM public.mailboxes_address AS address
    WHERE address.domain_id = asked_id
      AND address.local_part = wanted;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    RETURN QUERY
    SELECT 'OK'::text
    FROM public.mailboxes_relayrecipient AS recipient
    WHERE recipient.address_id = found_address_id;
END
$$;
