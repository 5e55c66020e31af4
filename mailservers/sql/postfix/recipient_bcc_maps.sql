-- recipient_bcc_maps, postconf(5): the address that gets a copy of a recipient's mail.
-- The base of an extension wins over the domain, but says nothing here: Postfix asks for it by itself.
CREATE OR REPLACE FUNCTION postfix.recipient_bcc_maps(asked_local_part text, asked_domain text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys text[] := mail_map.keys_of(asked_local_part, asked_domain, 'lookup_tables_bcc');
BEGIN
    -- A key a statement: such a plan is kept, while one for a list of keys is made anew each time.
    RETURN QUERY
    SELECT entry.result::text
    FROM public.lookup_tables_bcc AS entry
    WHERE entry.key = keys[1]
      AND entry.active
      AND entry.applies_to = 'recipient';
    IF FOUND THEN
        RETURN;
    END IF;
    IF keys[2] IS NOT NULL THEN
        PERFORM FROM public.lookup_tables_bcc AS entry
        WHERE entry.key = keys[2]
          AND entry.active
          AND entry.applies_to = 'recipient';
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY
    SELECT entry.result::text
    FROM public.lookup_tables_bcc AS entry
    WHERE entry.key = keys[3]
      AND entry.active
      AND entry.applies_to = 'recipient';
END
$$;
