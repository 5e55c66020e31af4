-- Where an alias delivers, in external form and in order. `asked_local_part` is kept where the destination is a whole
-- domain (virtual(5): "@otherdomain").
CREATE OR REPLACE FUNCTION mail_map.destinations(of_alias_id bigint, asked_local_part text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT CASE
        WHEN address.id IS NOT NULL
            THEN mail_map.external_form(address.local_part || destination.extension, address_domain.name)
        WHEN whole_domain.id IS NOT NULL
            THEN mail_map.external_form(COALESCE(NULLIF(destination.text, ''), asked_local_part), whole_domain.name)
        WHEN destination.text LIKE '@%'
            THEN mail_map.external_form(asked_local_part, substr(destination.text, 2))
        ELSE destination.text::text
    END
    FROM public.mailboxes_aliasdestination AS destination
    LEFT JOIN public.mailboxes_address AS address ON address.id = destination.address_id
    LEFT JOIN public.domains_domain AS address_domain ON address_domain.id = address.domain_id
    LEFT JOIN public.domains_domain AS whole_domain ON whole_domain.id = destination.domain_id
    WHERE destination.alias_id = of_alias_id
      AND (
          destination.domain_id IS NULL
          OR destination.text <> ''
          OR mail_map.answers(destination.domain_id, asked_local_part)
      )
    ORDER BY destination.position;
END
$$;
