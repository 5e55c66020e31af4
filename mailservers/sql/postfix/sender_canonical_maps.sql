-- sender_canonical_maps, postconf(5) and canonical(5): what a sender is rewritten to.
-- The base of an extension wins over the domain, but says nothing here: Postfix asks for it by itself.
CREATE OR REPLACE FUNCTION postfix.sender_canonical_maps(asked_local_part text, asked_domain text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys text[] := mail_map.keys_of(asked_local_part, asked_domain);
BEGIN
    RETURN QUERY
    SELECT found.result
    FROM (
        SELECT entry.key::text, entry.result::text
        FROM public.lookup_tables_canonical AS entry
        WHERE entry.key = ANY (keys)
          AND entry.active
          AND entry.applies_to = 'sender'
        ORDER BY array_position(keys, entry.key::text)
        LIMIT 1
    ) AS found
    WHERE found.key IS DISTINCT FROM keys[2];
END
$$;
