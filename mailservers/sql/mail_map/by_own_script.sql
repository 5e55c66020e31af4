-- The keys of a flat table, in place of what Postfix asks for when somebody names a domain by its U-label (RFC 6531). NULL
-- where there is none. Few keys are beyond ASCII, so a plan each time does no harm.
CREATE OR REPLACE FUNCTION mail_map.by_own_script(asked_keys text[], flat_table text)
RETURNS text[]
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    stored text[];
BEGIN
    EXECUTE format(
        'SELECT ARRAY(
            SELECT (
                SELECT entry.key
                FROM public.%I AS entry
                WHERE entry.own_script = asked.key
                  AND entry.own_script <> ''''
                ORDER BY entry.key
                LIMIT 1
            )
            FROM unnest($1) WITH ORDINALITY AS asked (key, place)
            ORDER BY asked.place
        )',
        flat_table
    )
    INTO stored
    USING asked_keys;
    RETURN stored;
END
$$;
