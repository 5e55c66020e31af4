-- relocated_maps, postconf(5) and relocated(5): where somebody has moved to, which smtpd tells the sender.
-- The base of an extension wins over the domain, but says nothing here: Postfix asks for it by itself.
CREATE OR REPLACE FUNCTION postfix.relocated_maps(asked_local_part text, asked_domain text)
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
        FROM public.lookup_tables_relocated AS entry
        WHERE entry.key = ANY (keys)
          AND entry.active
        ORDER BY array_position(keys, entry.key::text)
        LIMIT 1
    ) AS found
    WHERE found.key IS DISTINCT FROM keys[2];
END
$$;
