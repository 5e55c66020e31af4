-- What an address may be found by in a flat table, the first that has a row counts: the address itself, its base without
-- the extension (NULL where there is none), and all of its domain. Rows are stored in external form, with the A-label.
CREATE OR REPLACE FUNCTION mail_map.keys_of(asked_local_part text, asked_domain text, flat_table text)
RETURNS text[]
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    wanted text := asked_local_part;
    asked_name text := asked_domain;
    base text;
    keys text[];
BEGIN
    -- What few addresses need is asked for these alone: it takes as long as all the rest.
    IF starts_with(wanted, '"') THEN
        wanted := mail_map.unquoted(wanted);
    END IF;
    IF octet_length(asked_name) <> length(asked_name) THEN
        asked_name := mail_map.readable(asked_name);
    END IF;
    IF strpos(wanted, '+') > 0 OR strpos(wanted, '-') > 0 THEN
        base := mail_map.base_of(wanted, mail_map.delimiters());
    END IF;
    IF wanted = '' THEN
        RETURN ARRAY[]::text[];
    END IF;
    keys := ARRAY[
        mail_map.external_form(wanted, asked_name),
        CASE WHEN base <> '' THEN mail_map.external_form(base, asked_name) END,
        '@' || asked_name
    ];
    IF octet_length(asked_name) <> length(asked_name) THEN
        keys := mail_map.by_own_script(keys, flat_table);
    END IF;
    RETURN keys;
END
$$;
