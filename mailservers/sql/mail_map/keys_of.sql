-- What an address may be found by in a flat table, the first that has a row counts: the address itself, its base without
-- the extension (NULL where there is none), and all of its domain. Rows are stored in external form.
CREATE OR REPLACE FUNCTION mail_map.keys_of(asked_local_part text, asked_domain text)
RETURNS text[]
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    wanted text := mail_map.unquoted(asked_local_part);
    asked_name text := mail_map.a_label(asked_domain);
    base text := mail_map.base_of(wanted, mail_map.delimiters());
BEGIN
    IF wanted = '' THEN
        RETURN ARRAY[]::text[];
    END IF;
    RETURN ARRAY[
        mail_map.external_form(wanted, asked_name),
        CASE WHEN base <> '' THEN mail_map.external_form(base, asked_name) END,
        '@' || asked_name
    ];
END
$$;
