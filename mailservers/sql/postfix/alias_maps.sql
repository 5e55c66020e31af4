-- alias_maps, postconf(5) and aliases(5): local aliases, names without a domain. local(8) would run "|command", write to
-- "/file" and read ":include:": constraints keep these out of every destination, and this function refuses them again.
CREATE OR REPLACE FUNCTION postfix.alias_maps(asked_name text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := mail_map.unquoted(asked_name);
    local_ids bigint[];
    found_alias_id bigint;
BEGIN
    -- The few local domains first: a name such as "postmaster" stands in every other domain too.
    local_ids := ARRAY(
        SELECT domain.id
        FROM public.domains_domain AS domain
        WHERE domain.address_class = 'local'
          AND domain.active
    );

    SELECT alias.id
    INTO found_alias_id
    FROM public.mailboxes_address AS address
    JOIN public.mailboxes_alias AS alias ON alias.address_id = address.id
        AND mail_map.delivers(alias.active, alias.starts_at, alias.ends_at)
    WHERE address.domain_id = ANY (local_ids)
      AND address.local_part = wanted
      AND wanted <> ''
    ORDER BY alias.id
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    RETURN QUERY
    SELECT found.destination
    FROM mail_map.destinations(found_alias_id, wanted) AS found (destination)
    WHERE found.destination !~ '^"?[|/:]';
END
$$;
