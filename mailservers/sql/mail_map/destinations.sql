-- Where an alias delivers, in external form and in order. `asked_local_part` is kept where the destination is a whole
-- domain (virtual(5): "@otherdomain"), which answers only for what it takes itself. One table a statement, see
-- postfix.virtual_alias_maps.
CREATE OR REPLACE FUNCTION mail_map.destinations(of_alias_id bigint, asked_local_part text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE ROWS 3
AS $$
DECLARE
    destination record;
    wanted text;
    in_domain_id bigint;
    domain_name text;
BEGIN
    FOR destination IN
        SELECT one.address_id, one.extension, one.domain_id, one.text
        FROM public.mailboxes_aliasdestination AS one
        WHERE one.alias_id = of_alias_id
        ORDER BY one.position
    LOOP
        IF destination.address_id IS NOT NULL THEN
            SELECT address.local_part || destination.extension, address.domain_id
            INTO wanted, in_domain_id
            FROM public.mailboxes_address AS address
            WHERE address.id = destination.address_id;
        ELSIF destination.domain_id IS NOT NULL THEN
            wanted := COALESCE(NULLIF(destination.text, ''), asked_local_part);
            in_domain_id := destination.domain_id;
            CONTINUE WHEN destination.text = '' AND NOT mail_map.answers(in_domain_id, wanted);
        ELSIF starts_with(destination.text, '@') THEN
            IF mail_map.takes(substr(destination.text, 2), asked_local_part) THEN
                RETURN NEXT mail_map.external_form(asked_local_part, substr(destination.text, 2));
            END IF;
            CONTINUE;
        ELSE
            RETURN NEXT destination.text;
            CONTINUE;
        END IF;
        SELECT domain.name
        INTO domain_name
        FROM public.domains_domain AS domain
        WHERE domain.id = in_domain_id;
        RETURN NEXT mail_map.external_form(wanted, domain_name);
    END LOOP;
END
$$;
