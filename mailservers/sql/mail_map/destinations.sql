-- Where an alias delivers, in external form and in order. `asked_local_part` is kept where the destination is a whole
-- domain (virtual(5): "@otherdomain"). One SQL statement without STRICT and SET, so that callers keep its plan.
CREATE OR REPLACE FUNCTION mail_map.destinations(of_alias_id bigint, asked_local_part text)
RETURNS SETOF text
LANGUAGE sql STABLE ROWS 3
AS $$
    SELECT CASE
        WHEN domain.id IS NULL AND destination.text LIKE '@%'
            THEN mail_map.external_form(asked_local_part, substr(destination.text, 2))
        WHEN domain.id IS NULL
            THEN destination.text
        WHEN address.id IS NOT NULL
            THEN mail_map.external_form(address.local_part || destination.extension, domain.name)
        ELSE mail_map.external_form(COALESCE(NULLIF(destination.text, ''), asked_local_part), domain.name)
    END
    FROM public.mailboxes_aliasdestination AS destination
    LEFT JOIN public.mailboxes_address AS address ON address.id = destination.address_id
    LEFT JOIN public.domains_domain AS domain ON domain.id = COALESCE(address.domain_id, destination.domain_id)
    WHERE destination.alias_id = of_alias_id
      AND CASE
          WHEN destination.domain_id IS NOT NULL AND destination.text = ''
              THEN mail_map.answers(destination.domain_id, asked_local_part)
          WHEN destination.text LIKE '@%'
              THEN mail_map.takes(substr(destination.text, 2), asked_local_part)
          ELSE true
      END
    ORDER BY destination.position
$$;
