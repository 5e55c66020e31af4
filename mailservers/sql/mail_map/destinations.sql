-- Where an alias delivers, in external form and in order. `asked_local_part` is kept where the destination is a whole
-- domain (virtual(5): "@otherdomain"), which answers only for what it takes itself; any other destination is written.
CREATE OR REPLACE FUNCTION mail_map.destinations(of_alias_id bigint, asked_local_part text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE ROWS 3
AS $$
DECLARE
    destination record;
    domain_name text;
BEGIN
    FOR destination IN
        SELECT one.written, one.domain_id, one.text
        FROM public.mailboxes_aliasdestination AS one
        WHERE one.alias_id = of_alias_id
        ORDER BY one.position
    LOOP
        IF destination.written <> '' THEN
            RETURN NEXT destination.written;
            CONTINUE;
        END IF;
        IF destination.domain_id IS NULL THEN
            domain_name := substr(destination.text, 2);
            CONTINUE WHEN NOT mail_map.takes(domain_name, asked_local_part);
        ELSE
            SELECT domain.name
            INTO domain_name
            FROM public.domains_domain AS domain
            WHERE domain.id = destination.domain_id;
            CONTINUE WHEN NOT mail_map.answers(destination.domain_id, asked_local_part);
        END IF;
        RETURN NEXT mail_map.external_form(asked_local_part, domain_name);
    END LOOP;
END
$$;
