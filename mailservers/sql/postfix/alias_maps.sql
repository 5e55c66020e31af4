-- alias_maps, postconf(5) and aliases(5): local aliases, names without a domain. local(8) would run "|command", write to
-- "/file" and read ":include:": constraints keep these out of every destination, and this function refuses them again.
CREATE OR REPLACE FUNCTION postfix.alias_maps(asked_name text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT found.destination
    FROM public.mailboxes_address AS address
    JOIN public.domains_domain AS domain
      ON domain.id = address.domain_id
     AND domain.address_class = 'local'
     AND domain.active
    JOIN public.mailboxes_alias AS alias ON alias.address_id = address.id AND alias.active
    CROSS JOIN LATERAL mail_map.destinations(alias.id, address.local_part) AS found (destination)
    WHERE address.local_part = mail_map.unquoted(asked_name)
      AND address.local_part <> ''
      AND found.destination !~ '^"?[|/:]';
END
$$;
